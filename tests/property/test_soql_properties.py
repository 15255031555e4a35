"""What must hold for every text: literals find exactly their row, and no statement crashes the engine."""

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.emulator.soql import ChildRelationship, QueryResult, SObjectShape, SoqlError, run_query
from sfsync.emulator.sosl.errors import SoslError
from sfsync.emulator.sosl.statement import read_search
from sfsync.emulator.sosl.terms import words_of

ID = "001000000000001AAA"
OTHER_ID = "001000000000002AAA"


@dataclass(frozen=True, slots=True)
class PlainField:
    name: str
    type: str = "string"
    case_sensitive: bool = False
    relationship_name: str | None = None
    reference_to: tuple[str, ...] = ()
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    custom: bool = False


@dataclass(frozen=True, slots=True)
class OneTable:
    api_version: float = 66.0
    name: str = "Account"
    fields: Mapping[str, PlainField] = field(
        default_factory=lambda: {
            "id": PlainField("Id", "id"),
            "name": PlainField("Name"),
            "key__c": PlainField("Key__c", case_sensitive=True),
        }
    )
    child_relationships: Mapping[str, ChildRelationship] = field(default_factory=dict)

    def sobject(self, name: str, /) -> SObjectShape | None:
        """Know Account only."""
        return self if name.lower() == "account" else None

    def record_url(self, sobject: str, record_id: str, /) -> str:
        """Return some path."""
        return f"/{sobject}/{record_id}"


@pytest.fixture(scope="module")
def records():
    """Open an empty table of accounts."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.execute('CREATE TABLE "Account" ("Id" TEXT PRIMARY KEY, "Name" TEXT, "Key__c" TEXT)')
    yield opened
    opened.close()


def ask(records: sqlite3.Connection, text: str) -> QueryResult:
    """Run one statement."""
    now = datetime(2026, 9, 30, tzinfo=UTC)
    return run_query(text, catalogue=OneTable(), connection=records, now=now, user_id=ID)


def found(records: sqlite3.Connection, condition: str) -> list[str]:
    """Return the ids that a condition finds."""
    return [record["Id"] for record in ask(records, f"SELECT Id FROM Account WHERE {condition}").records]


def escaped(value: str) -> str:
    """Escape a text as the guide says."""
    for character, escape in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(character, escape)
    return value


def spelt_out(value: str) -> str:
    r"""Write a text as \uXXXX escapes only."""
    units = value.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))


printable = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\r\t'\\%_\""), min_size=1
)


@settings(max_examples=150, deadline=None)
@given(value=printable, other=printable)
def test_every_printable_string_finds_exactly_its_row(records, value, other):
    """I13: an escaped literal finds the row that holds it and no other, by =, IN, LIKE and as code units."""
    records.execute("DELETE FROM Account")
    rows = [(ID, value, value)] + ([(OTHER_ID, other, other)] if other != value else [])
    records.executemany("INSERT INTO Account VALUES (?, ?, ?)", rows)
    literal = escaped(value)
    pattern = literal.replace("%", "\\%").replace("_", "\\_")
    assert found(records, f"Key__c = '{literal}'") == [ID]
    assert found(records, f"Key__c = '{spelt_out(value)}'") == [ID]
    assert found(records, f"Key__c IN ('{literal}', '{literal}')") == [ID]
    assert found(records, f"Key__c LIKE '{pattern}'") == [ID]
    assert ID not in found(records, f"Key__c != '{literal}'")
    for condition in (f"Name = '{literal}'", f"Name IN ('{literal}', '{literal}')", f"Name LIKE '{pattern}'"):
        assert ID in found(records, condition)
        if other.casefold() != value.casefold() and other.upper() != value.upper():
            assert OTHER_ID not in found(records, condition)


KEYWORDS = "SELECT FROM WHERE AND OR NOT IN LIKE ORDER BY LIMIT OFFSET GROUP HAVING COUNT FIELDS ALL"
OTHERS = "Account Id Name ( ) , . = != < 'a' 'it\\'s' '001000000000001' 1 -2.5 null TRUE TODAY LAST_N_DAYS:3"
ODDITIES = "2026-01-01 () (1,2) ('a') \\ ' : ; --"
words = st.sampled_from(f"{KEYWORDS} {OTHERS} {ODDITIES}".split())


@settings(max_examples=200, deadline=None)
@given(tail=st.lists(words, max_size=12) | st.text(max_size=30), is_bare=st.booleans())
def test_any_text_is_answered_or_refused_and_nothing_else(records, tail, is_bare):
    """Whatever the text, the engine answers or raises SoqlError."""
    ending = tail if isinstance(tail, str) else " ".join(tail)
    with suppress(SoqlError):
        result = ask(records, ending if is_bare else f"SELECT Id, Name FROM Account WHERE Name = {ending}")
        assert len(list(result.records)) in {0, result.total_size}


TERMS = [
    "acme",
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    '"',
    "*",
    "?",
    "\\",
    "-",
    "{",
    "}",
    "a*",
    "*a",
    "ac?e",
    "\\-",
    "Ünion",
]
CLAUSES = [
    "FIND",
    "{acme}",
    "{a",
    "b}",
    "IN",
    "NAME",
    "ALL",
    "FIELDS",
    "RETURNING",
    "Account",
    "(",
    "Id",
    ",",
    ")",
    "WHERE",
    "'",
    "LIMIT",
    "3",
    "Account(Id",
]


@settings(max_examples=200, deadline=None)
@given(
    inside=st.lists(st.sampled_from(TERMS), max_size=8).map(" ".join) | st.text(max_size=20),
    tail=st.lists(st.sampled_from(CLAUSES), max_size=8).map(" ".join) | st.text(max_size=20),
)
def test_any_search_is_read_or_refused_and_nothing_else(inside, tail):
    """Whatever stands between the braces of FIND and after them, it is a search or a SoslError."""
    with suppress(SoslError):
        search = read_search(f"FIND {{{inside}}} {tail}")
        assert search.term([words_of("Acme Corp"), words_of(inside)]) in {True, False}
        assert 0 <= search.limit <= 2_000
