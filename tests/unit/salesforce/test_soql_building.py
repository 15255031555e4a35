"""SOQL of look-ups: names checked, values quoted, long lists cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from sfsync.core.ports import IdPage, Lookup
from sfsync.errors import ConfigError
from sfsync.salesforce.soql import Statement, counting, quote, statements_of


def test_a_lookup_without_a_field_asks_for_all_records() -> None:
    """No filter field means the whole sObject, with the plain filters."""
    lookup = Lookup(
        "RecordType", ("Id", "Parent.Name"), also={"SobjectType": "Opportunity", "IsActive": True}
    )
    assert statements_of(lookup) == [
        Statement(
            "SELECT Id, Parent.Name FROM RecordType WHERE SobjectType = 'Opportunity' AND IsActive = true"
        )
    ]


def test_a_lookup_by_age_comes_in_pages_by_id_and_can_be_counted() -> None:
    """A moment is a literal of its own, in UTC; a page begins behind an id; counting has no fields."""
    at = datetime(2026, 9, 30, 14, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    old = Lookup("Task", ("Id",), also={"Status": "O'K"}, before={"CreatedDate": at})
    where = r"WHERE Status = 'O\'K' AND CreatedDate < 2026-09-30T12:00:00Z"
    first = replace(old, page=IdPage("", 200))
    then = replace(old, page=IdPage("00T000000000001AAA", 200))
    assert statements_of(first) == [Statement(f"SELECT Id FROM Task {where} ORDER BY Id LIMIT 200")]
    assert statements_of(then) == [
        Statement(f"SELECT Id FROM Task {where} AND Id > '00T000000000001AAA' ORDER BY Id LIMIT 200")
    ]
    assert counting(old) == Statement(f"SELECT COUNT() FROM Task {where}")
    [found] = statements_of(replace(old, where_field="Id", values=("a",)))
    assert found.text == f"SELECT Id FROM Task WHERE Id IN ('a') AND {where.removeprefix('WHERE ')}"


def test_a_lookup_of_no_values_asks_nothing() -> None:
    """An empty list of values finds nothing; it never turns into all records."""
    assert statements_of(Lookup("Account", ("Id",), "Name", ())) == []


def test_values_are_quoted_once_each() -> None:
    """A repeated value stands once, and quotes and backslashes stay inside their literal."""
    [statement] = statements_of(
        Lookup("Account", ("Id",), "Name", ("a", "O'Hara\\", "a"), include_deleted=True)
    )
    assert statement == Statement(
        r"SELECT Id FROM Account WHERE Name IN ('a','O\'Hara\\')", include_deleted=True
    )


def test_long_lists_are_cut_by_count_and_by_length() -> None:
    """No statement has more than 2,000 values or 90,000 characters, and no value is lost."""
    many = statements_of(Lookup("Account", ("Id",), "Id", [f"{place:018}" for place in range(4001)]))
    assert [each.text.count("'") // 2 for each in many] == [2000, 2000, 1]
    wide = statements_of(Lookup("Account", ("Id",), "Name", [f"{place:0255}" for place in range(1000)]))
    assert all(len(each.text) <= 90_000 for each in wide)
    assert sum(each.text.count("'") // 2 for each in wide) == 1000


def test_a_value_longer_than_a_literal_may_be_is_not_asked_for() -> None:
    """No field that can be filtered by holds it; asked for, it would fail the query of all other rows."""
    fits, escaped = "b" * 4_000, "'" * 2_001  # an apostrophe takes two characters
    [statement] = statements_of(Lookup("Account", ("Id",), "Name", ("a" * 4_001, escaped, fits)))
    assert statement.text == f"SELECT Id FROM Account WHERE Name IN ('{fits}')"
    assert statements_of(Lookup("Account", ("Id",), "Name", (escaped,))) == []


@pytest.mark.parametrize("name", ["Id FROM User", "a b", "", "1a", "Name--", "Näme", "A..B", "Name'"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Only the form of an API name stands unquoted in a statement."""
    for lookup in (
        Lookup(name, ("Id",)),
        Lookup("Account", (name,)),
        Lookup("Account", ("Id",), name, ("x",)),
        Lookup("Account", ("Id",), also={name: "x"}),
    ):
        with pytest.raises(ConfigError):
            statements_of(lookup)


def test_control_characters_are_escaped() -> None:
    """Controls travel as escapes, by letter or by code point."""
    assert quote("\n\t\x00\x1b\u2028") == r"'\n\t\u0000\u001b\u2028'"


def test_words_are_looked_for_as_letters_and_an_empty_field_as_null() -> None:
    """A wildcard or a quote in a word is itself, and a page limits each statement of a list of values."""
    lookup = Lookup(
        "Opportunity",
        ("Id",),
        also={"Key__c": None},
        like=("Name", ("a'b", "50%", "x_y")),
        page=IdPage("", 9),
    )
    [statement] = statements_of(lookup)
    assert statement.text == (
        r"SELECT Id FROM Opportunity WHERE Key__c = null AND (Name LIKE '%a\'b%' OR Name LIKE '%50\%%' OR"
        r" Name LIKE '%x\_y%') ORDER BY Id LIMIT 9"
    )
    [listed] = statements_of(Lookup("Opportunity", ("Id",), "AccountId", ("001A",), page=IdPage("", 9)))
    assert listed.text.endswith("WHERE AccountId IN ('001A') ORDER BY Id LIMIT 9")


def test_an_empty_value_is_never_asked_for() -> None:
    """It would mean every record without a value there; a list of nothing else asks nothing."""
    [statement] = statements_of(Lookup("Account", ("Id",), "Key__c", ("", "A", " \t")))
    assert statement.text == "SELECT Id FROM Account WHERE Key__c IN ('A')"
    assert statements_of(Lookup("Account", ("Id",), "Key__c", ("",))) == []
