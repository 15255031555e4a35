"""Searches: SOSL statements, parameterised searches, and the index that lags behind writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from emulator_client import Client
from facts import fact

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import RunningEmulator, running

START = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
ACCOUNTS = ("Acme Corp", "Acme Shoes", "Acorn", "Shoes of Acme", "R&D (Berlin)", "Blue Ünion")
RECORDS = [
    *({"object": "Account", "values": {"Name": name}} for name in ACCOUNTS),
    {
        "object": "Contact",
        "values": {"LastName": "Chan", "Email": "chan@acme.example", "Phone": "030 123456", "Title": "Shoes"},
    },
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """Run an org with a few names to search for."""
    with running({"records": RECORDS}) as offered:
        yield offered


def find(org: Client, sosl: str) -> Any:
    """Return the answer to a SOSL statement."""
    return org.call("GET", "/search/", params={"q": sosl}).json()


def names(answer: Any) -> list[str]:
    """Return the names of what a search found."""
    return sorted(row["Name"] for row in answer["searchRecords"])


@fact("4.9-sosl")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme", ["Acme Corp", "Acme Shoes", "Shoes of Acme"]),
        ("acme shoes", ["Acme Shoes", "Shoes of Acme"]),
        ('"acme shoes"', ["Acme Shoes"]),
        ("acme AND NOT shoes", ["Acme Corp"]),
        ("corp OR acorn", ["Acme Corp", "Acorn"]),
        ("(corp OR acorn) AND acme", ["Acme Corp"]),
        ("ac*", ["Acme Corp", "Acme Shoes", "Acorn", "Shoes of Acme"]),
        ("aco?n", ["Acorn"]),
        ("shoe", []),
        (r"R\&D", ["R&D (Berlin)"]),
        (r"\(berlin\)", ["R&D (Berlin)"]),
        ("ÜNION", ["Blue Ünion"]),
    ],
)
def test_search_texts(org: Client, text: str, found: list[str]):
    """Whole words without case, phrases, operators, wildcards and escaped reserved characters."""
    answer = find(org, f"FIND {{{text}}} IN NAME FIELDS RETURNING Account(Id, Name)")
    assert names(answer) == found
    assert all(row["attributes"]["type"] == "Account" for row in answer["searchRecords"])


@fact("4.9-sosl")
def test_search_groups(org: Client):
    """IN says which fields are searched: names, addresses, phones, or all."""
    for group, text, size in (
        ("ALL", "shoes", 1),
        ("NAME", "chan", 1),
        ("NAME", "shoes", 0),
        ("SIDEBAR", "shoes", 0),
        ("EMAIL", r"chan@acme.example", 1),
        ("EMAIL", "shoes", 0),
        ("PHONE", "123456", 1),
        ("PHONE", "chan", 0),
    ):
        answer = find(org, f"FIND {{{text}}} IN {group} FIELDS RETURNING Contact")
        assert len(answer["searchRecords"]) == size, group


@fact("4.9-sosl")
def test_what_returning_says(org: Client):
    """Each part of RETURNING has fields, WHERE, ORDER BY and LIMIT; without one every object answers ids."""
    sosl = (
        "FIND {acme} RETURNING Account(Name WHERE Name LIKE '%)%' OR Name LIKE 'acme%' ORDER BY Name DESC LIMIT 1),"
        " Contact(Id, Email)"
    )
    account, contact = find(org, sosl)["searchRecords"]
    assert (account["Name"], contact["Email"]) == ("Acme Shoes", "chan@acme.example")
    everything = find(org, "FIND {acme} IN ALL FIELDS")["searchRecords"]
    assert [row["attributes"]["type"] for row in everything] == ["Account"] * 3 + ["Contact"]
    assert set(everything[0]) == {"attributes", "Id"}
    assert len(find(org, "FIND {acme} RETURNING Account, Contact LIMIT 2")["searchRecords"]) == 2


@fact("4.9-bare-array")
def test_the_answer_is_wrapped_since_37(org: Client):
    """Before version 37 the records came as a bare array."""
    org.version = "36.0"
    bare = find(org, "FIND {acorn} RETURNING Account(Name)")
    assert [row["Name"] for row in bare] == ["Acorn"]
    org.version = "37.0"
    assert names(find(org, "FIND {acorn} RETURNING Account(Name)")) == ["Acorn"]


@pytest.mark.parametrize(
    ("sosl", "code"),
    [
        ("", "MALFORMED_SEARCH"),
        ("SELECT Id FROM Account", "MALFORMED_SEARCH"),
        ("FIND acme", "MALFORMED_SEARCH"),
        ("FIND {a}", "MALFORMED_SEARCH"),
        ("FIND {R&D}", "MALFORMED_SEARCH"),
        ("FIND {acme-shoes}", "MALFORMED_SEARCH"),
        ('FIND {"acme}', "MALFORMED_SEARCH"),
        ("FIND {(acme}", "MALFORMED_SEARCH"),
        ("FIND {acme OR}", "MALFORMED_SEARCH"),
        ("FIND {acme) x}", "MALFORMED_SEARCH"),
        (r"FIND {acme\}", "MALFORMED_SEARCH"),
        ("FIND {acme " + "(" * 3_000 + "}", "MALFORMED_SEARCH"),
        ("FIND {acme} IN SOME FIELDS", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING Account(", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING Account()", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING Account(COUNT())", "MALFORMED_SEARCH"),
        ("FIND {acme} WITH DIVISION = 'x'", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING Account(Foo)", "INVALID_FIELD"),
        ("FIND {acme} RETURNING Nothing(Id)", "INVALID_TYPE"),
    ],
)
def test_refused_searches(org: Client, sosl: str, code: str):
    """What is no SOSL is MALFORMED_SEARCH; unknown names are refused as in a query."""
    answer = org.call("GET", "/search", params={"q": sosl})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@fact("4.9-parameterised-get")
def test_parameterised_search_by_address(org: Client):
    """The parameters name objects, their fields, filters, order and limits; known since version 36."""
    path = "/parameterizedSearch/?q=acme&sobject=Account&Account.fields=id,name&Account.limit=10"
    assert names(org.call("GET", path).json()) == ["Acme Corp", "Acme Shoes", "Shoes of Acme"]
    more = "&sobject=Contact&Contact.fields=Name&in=ALL&defaultLimit=1&overallLimit=2&spellCorrection=false"
    assert len(org.call("GET", path + more).json()["searchRecords"]) == 2
    sorted_ = "&Account.where=Name+LIKE+'%25s%25'&Account.orderBy=Name+DESC&offset=1"
    assert names(org.call("GET", path + sorted_).json()) == ["Acme Shoes"]
    org.version = "35.0"
    assert org.call("GET", path).status_code == 404


@fact("4.9-parameterised-post")
def test_parameterised_search_by_body(org: Client):
    """A body says the same; its fields and defaultLimit are for the objects that say nothing else."""
    body = {
        "q": "acme",
        "fields": ["id"],
        "sobjects": [{"name": "Account", "fields": ["id", "name"], "limit": 10}],
        "in": "NAME",
        "overallLimit": 100,
        "defaultLimit": 10,
    }
    answer = org.call("POST", "/parameterizedSearch", body).json()
    assert names(answer) == ["Acme Corp", "Acme Shoes", "Shoes of Acme"]
    limited = {**body, "sobjects": [{"name": "Account"}], "defaultLimit": 1, "fields": ["Name"]}
    assert len(names(org.call("POST", "/parameterizedSearch", limited).json())) == 1
    everywhere = org.call("POST", "/parameterizedSearch", {"q": "acme"}).json()["searchRecords"]
    assert len(everywhere) == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"q": ""}, "MALFORMED_SEARCH"),
        ({"in": "SOME"}, "MALFORMED_SEARCH"),
        ({"colour": "red"}, "MALFORMED_SEARCH"),
        ({"overallLimit": "many"}, "MALFORMED_SEARCH"),
        ({"sobjects": [], "offset": 1}, "MALFORMED_SEARCH"),
        ({"sobjects": [{"name": "Account", "color": 1}]}, "MALFORMED_SEARCH"),
        ({"sobjects": "Account"}, "JSON_PARSER_ERROR"),
        ({"sobjects": [{"name": "Account", "fields": ["Foo"]}]}, "INVALID_FIELD"),
    ],
)
def test_refused_parameterised_searches(org: Client, change: dict[str, Any], code: str):
    """Unknown parameters and impossible values are refused, never ignored."""
    answer = org.call(
        "POST", "/parameterizedSearch", {"q": "acme", "sobjects": [{"name": "Account"}], **change}
    )
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@fact("4.9-roles")
def test_roles_cannot_be_searched(org: Client):
    """Contact roles are not in the index, whichever way one asks."""
    asked = [
        find(org, "FIND {acme} RETURNING OpportunityContactRole(Id)"),
        org.call("GET", "/parameterizedSearch?q=acme&sobject=OpportunityContactRole").json(),
    ]
    assert [answer[0]["errorCode"] for answer in asked] == ["INVALID_TYPE"] * 2


@contextmanager
def org_by_clock(**limits: float) -> Iterator[tuple[Client, VirtualClock]]:
    """Run an org whose clock is moved by hand."""
    clock = VirtualClock(START)
    with running({"records": RECORDS, "limits": limits}, clock=clock) as emulator:
        client = Client(emulator)
        with client.http:
            yield client, clock


@fact("4.9-lag")
def test_the_index_lags_behind_writes():
    """What was just saved or changed is found by a query at once, by a search only after the lag."""
    asked = "FIND {zebra} RETURNING Account(Name)"
    with org_by_clock(search_lag_s=30) as (org, clock):
        clock.advance(5)
        account = org.create("Account", Name="Zebra")
        assert len(org.query("SELECT Id FROM Account WHERE Name = 'Zebra'")) == 1
        assert names(find(org, asked)) == []
        clock.advance(31)
        assert names(find(org, asked)) == ["Zebra"]
        org.call("PATCH", f"/sobjects/Account/{account}", {"Name": "Zebra two"})
        assert names(find(org, asked)) == []
        clock.advance(31)
        assert names(find(org, asked)) == ["Zebra two"]
        org.call("DELETE", f"/sobjects/Account/{account}")
        assert names(find(org, asked)) == []


@fact("4.9-lag")
def test_the_lag_is_there_unless_it_is_turned_off():
    """An org file that says nothing has a lag, so that nobody relies on a search; 0 is nearly none."""
    for limits, found in (({}, []), ({"search_lag_s": 0}, ["Zebra"])):
        with org_by_clock(**limits) as (org, clock):
            org.create("Account", Name="Zebra")
            clock.advance(2)
            assert names(find(org, "FIND {zebra} RETURNING Account(Name)")) == found
