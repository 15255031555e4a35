"""Whatever a key is, it stays a value: in SOQL, in the URL, and in JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.ports import Lookup
from sfsync.core.values import Value
from sfsync.core.writes import Node
from sfsync.salesforce.bodies import body_of, dump
from sfsync.salesforce.origins import is_safe_target
from sfsync.salesforce.soql import quote as soql_quote
from sfsync.salesforce.soql import statements_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}


def read_literals(text: str) -> tuple[list[str], str]:
    """An independent lexer: the values of all string literals, and the text outside of them."""
    values: list[str] = []
    outside = ""
    place = 0
    while place < len(text):
        if text[place] != "'":
            outside += text[place]
            place += 1
            continue
        place += 1
        value = ""
        while text[place] != "'":
            if text[place] != "\\":
                value += text[place]
                place += 1
            elif text[place + 1] == "u":
                value += chr(int(text[place + 2 : place + 6], 16))
                place += 6
            else:
                value += ESCAPES[text[place + 1]]
                place += 2
        values.append(value)
        place += 1
    return values, outside


@given(TEXT)
def test_i13_a_literal_means_exactly_its_value(value: str) -> None:
    """Any text, quoted and read back as the platform reads it, is itself."""
    assert read_literals(soql_quote(value)) == ([value], "")


@given(st.lists(TEXT, min_size=1, max_size=6, unique=True))
def test_i13_no_value_becomes_syntax(values: list[str]) -> None:
    """Outside of the literals a statement is the same for all values; blank ones mean nobody and are left out."""
    filled = [each for each in values if each.strip()]
    statements = statements_of(Lookup("Account", ("Id",), "Name", values))
    assert len(statements) == bool(filled)
    for statement in statements:
        found, outside = read_literals(statement.text)
        assert found == filled
        assert outside == "SELECT Id FROM Account WHERE Name IN (" + "," * (len(filled) - 1) + ")"


@given(TEXT.filter(str.strip))
def test_i13_t5_a_key_in_a_url_changes_neither_host_nor_path(value: str) -> None:
    """The target of a query by any key is safe, and its only parameter is the whole statement."""
    [statement] = statements_of(Lookup("Account", ("Id",), "Name", [value]))
    target = f"/services/data/v66.0/query?q={quote(statement.text, safe='')}"
    parts = urlsplit(f"https://org.example{target}")
    assert is_safe_target(target)
    assert (parts.hostname, parts.path, parts.fragment) == ("org.example", "/services/data/v66.0/query", "")
    assert parse_qs(parts.query, strict_parsing=True) == {"q": [statement.text]}


@given(st.text(max_size=40).map(lambda tail: "/services/" + tail))
def test_t6_a_safe_target_never_names_a_host(target: str) -> None:
    """Whatever an answer names as next page, a target found safe stays on the open host."""
    if is_safe_target(target):
        parts = urlsplit("https://org.example" + target)
        assert parts.netloc == "org.example"
        assert parts.path.startswith("/services/")
        assert ".." not in parts.path.split("/")


VALUES = (
    st.none()
    | st.booleans()
    | TEXT
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18)
)


@given(st.dictionaries(st.sampled_from(["A", "B__c", "C"]), VALUES))
def test_t13_values_travel_exactly(values: dict[str, Value]) -> None:
    """What a row holds is what its JSON says, decimals digit by digit."""
    node = Node("n", "x", "Account", None, values)
    assert json.loads(dump(body_of(node)), parse_float=Decimal, parse_int=Decimal) == values
