"""Queries over HTTP: the shape of answers, pages, cursors and their age, and what refuses a whole call."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from emulator_client import ORG_FILE, Client
from facts import fact, side

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import RunningEmulator, running
from sfsync.emulator.switches import LocatorStatus, LocatorUse, Switches

START = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
ALL = "SELECT Id, Name FROM Campaign ORDER BY Id"
SMALL_PAGES = {"Sforce-Query-Options": "batchSize=200"}


def ask(org: Client, soql: str, *, resource: str = "/query", **headers: str) -> Any:
    """Return the answer to a query, whatever it is."""
    return org.call("GET", resource, params={"q": soql}, headers=headers).json()


def refusal(org: Client, soql: str) -> str:
    """Return the code that a query is refused with."""
    answer = org.call("GET", "/query", params={"q": soql})
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


def add_campaigns(org: Client, count: int, **values: object) -> list[str]:
    """Create campaigns named C0, C1 ... and return their ids."""
    ids = []
    for start in range(0, count, 200):
        rows = [
            {"attributes": {"type": "Campaign"}, "Name": f"C{n}", **values}
            for n in range(start, min(start + 200, count))
        ]
        answer = org.call("POST", "/composite/sobjects", {"records": rows, "allOrNone": True}).json()
        ids += [row["id"] for row in answer]
    return ids


@contextmanager
def campaigns(count: int, **switches: Any) -> Iterator[tuple[Client, VirtualClock]]:
    """Run an org of its own that holds campaigns, with a clock moved by hand."""
    clock = VirtualClock(START)
    with running({}, clock=clock, switches=Switches(**switches)) as emulator:
        client = Client(emulator)
        with client.http:
            add_campaigns(client, count)
            yield client, clock


@pytest.fixture(scope="module")
def crowd() -> Iterator[RunningEmulator]:
    """Run an org with 2,001 campaigns, 450 of them under the first one."""
    with running(ORG_FILE) as emulator:
        client = Client(emulator)
        with client.http:
            (parent,) = add_campaigns(client, 1)
            add_campaigns(client, 450, ParentId=parent)
            add_campaigns(client, 1_549)
        yield emulator


@pytest.fixture
def many(crowd: RunningEmulator) -> Iterator[Client]:
    """Return a client of the org with many campaigns."""
    client = Client(crowd)
    with client.http:
        yield client


@fact("4.8-query", "4.8-null-parent", "4.8-empty-children")
def test_the_answer_to_a_query(org: Client, contacts: dict[str, str]):
    """A whole answer is done; parents are nested or null, children a nested result or null."""
    deal = org.deal(Name="Lonely")
    with_role = org.deal(Name="Owned", ContactId=contacts["Leung"])
    answer = ask(
        org,
        "SELECT Id, NextStep, Account.Name, (SELECT Id, Role FROM OpportunityContactRoles) "
        f"FROM Opportunity WHERE Id IN ('{deal}', '{with_role}') ORDER BY Id",
    )
    assert list(answer) == ["totalSize", "done", "records"]
    assert (answer["totalSize"], answer["done"]) == (2, True)
    lonely, owned = answer["records"]
    assert lonely == {
        "attributes": {"type": "Opportunity", "url": f"/services/data/v66.0/sobjects/Opportunity/{deal}"},
        "Id": deal,
        "NextStep": None,
        "Account": None,
        "OpportunityContactRoles": None,
    }
    roles = owned["OpportunityContactRoles"]
    assert (roles["totalSize"], roles["done"], len(roles["records"])) == (1, True, 1)
    assert roles["records"][0]["attributes"]["type"] == "OpportunityContactRole"


@fact("4.8-query-all")
def test_query_all_sees_the_recycle_bin(org: Client):
    """A queryAll finds deleted records, a query does not, and ALL ROWS is for Apex only."""
    deal = org.deal()
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    soql = f"SELECT Id, IsDeleted FROM Opportunity WHERE Id = '{deal}'"
    assert ask(org, soql)["totalSize"] == 0
    assert ask(org, soql, resource="/queryAll/")["records"][0]["IsDeleted"] is True
    assert refusal(org, f"{soql} ALL ROWS") == "MALFORMED_QUERY"


@fact("4.8-count", "4.8-aggregates")
def test_counts_and_aggregates(org: Client):
    """COUNT() answers a size without records; aggregates are AggregateResults with expr0 or an alias."""
    assert ask(org, "SELECT COUNT() FROM Contact") == {"totalSize": 2, "done": True, "records": []}
    answer = ask(org, "SELECT COUNT(Id), COUNT_DISTINCT(LastName) names FROM Contact")
    assert answer["records"] == [{"attributes": {"type": "AggregateResult"}, "expr0": 2, "names": 2}]


@fact("4.8-pages", "4.8-batch-size", "4.8-locator-opaque")
def test_pages_hold_2000_rows_or_200_at_least(many: Client):
    """Without a header a page holds 2,000 rows; batchSize asks for 200 to 2,000."""
    first = ask(many, ALL)
    assert (first["totalSize"], first["done"], len(first["records"])) == (2_001, False, 2_000)
    last = many.call("GET", first["nextRecordsUrl"]).json()
    assert (last["totalSize"], last["done"], len(last["records"])) == (2_001, True, 1)
    assert "nextRecordsUrl" not in last
    ids = [row["Id"] for page in (first, last) for row in page["records"]]
    assert ids == sorted(set(ids))
    for size, rows in (("1", 200), ("500", 500), ("9999", 2_000)):
        page = ask(many, ALL, **{"Sforce-Query-Options": f"batchSize={size}"})
        assert len(page["records"]) == rows
    assert first["nextRecordsUrl"].startswith("/services/data/v66.0/query/0r8")


@fact("4.8-child-pages")
def test_children_of_a_big_subquery_page_too(many: Client):
    """A record with many children shows the first of them and where the rest is."""
    soql = (
        "SELECT Id, (SELECT Id FROM ChildCampaigns ORDER BY Id) FROM Campaign WHERE Name = 'C0' ORDER BY Id"
    )
    children = ask(many, f"{soql} LIMIT 1", **SMALL_PAGES)["records"][0]["ChildCampaigns"]
    found = [row["Id"] for row in children["records"]]
    sizes = [(len(children["records"]), children["done"])]
    while not children["done"]:
        children = many.call("GET", children["nextRecordsUrl"]).json()
        found += [row["Id"] for row in children["records"]]
        sizes.append((len(children["records"]), children["done"]))
    assert sizes == [(200, False), (200, False), (50, True)]
    assert (children["totalSize"], len(set(found))) == (450, 450)


def test_more_groups_than_a_batch_are_refused(many: Client):
    """Groups cannot be read page by page; LIMIT brings them into one batch."""
    soql = "SELECT Id, COUNT(Name) FROM Campaign GROUP BY Id"
    assert refusal(many, soql) == "EXCEEDED_ID_LIMIT"
    assert ask(many, f"{soql} LIMIT 2000")["totalSize"] == 2_000


@fact("4.8-follow-once", "4.8-locator-opaque")
@side("locator_use", "once")
@side("locator_status", "400")
def test_a_locator_leads_on_once_and_in_order():
    """A locator serves once; one that was never handed out, or is of another user, leads nowhere."""
    with campaigns(700) as (org, _):
        second = ask(org, ALL, **SMALL_PAGES)["nextRecordsUrl"]
        name, _, _ = second.rpartition("-")
        for made_up in (f"{name}-400", f"{name}-1", f"{name}-x", "/query/0r8000-200"):
            answer = org.call("GET", made_up)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")
        third = org.call("GET", second).json()["nextRecordsUrl"]
        assert org.call("GET", second).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
        assert len(org.call("GET", third).json()["records"]) == 200


@side("locator_use", "again")
@side("locator_status", "404")
def test_a_locator_may_serve_again_by_switch():
    """On the other side of the switch a page can be read again; a bad locator may be 404."""
    with campaigns(450, locator_use=LocatorUse.AGAIN, locator_status=LocatorStatus.NOT_FOUND) as (org, _):
        second = ask(org, ALL, **SMALL_PAGES)["nextRecordsUrl"]
        last = org.call("GET", second).json()["nextRecordsUrl"]
        assert org.call("GET", last).json() == org.call("GET", last).json()
        assert org.call("GET", second).json()["nextRecordsUrl"] == last
        name, _, _ = last.rpartition("-")
        assert org.call("GET", f"{name}-600").status_code == 404


@fact("4.8-cursor-life")
def test_a_cursor_lives_two_days():
    """After two days of the org's clock a locator leads nowhere."""
    with campaigns(450) as (org, clock):
        kept, lost = (ask(org, ALL, **SMALL_PAGES)["nextRecordsUrl"] for _ in range(2))
        clock.advance(2 * 86_400)
        org.log_in()
        assert org.call("GET", kept).status_code == 200
        clock.advance(1)
        assert org.call("GET", lost).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@fact("4.8-cursor-cap")
def test_open_cursors_are_capped_before_56():
    """Before version 56 an eleventh open cursor closes the user's oldest; since then none is closed."""
    with campaigns(201) as (org, _):
        for version, status in (("55.0", 400), ("56.0", 200)):
            org.version = version
            opened = [ask(org, ALL, **SMALL_PAGES)["nextRecordsUrl"] for _ in range(11)]
            assert org.call("GET", opened[0]).status_code == status
            assert org.call("GET", opened[1]).status_code == 200


def test_later_writes_do_not_move_an_open_cursor():
    """Rows deleted or added between two pages neither vanish from the later page nor show up in it."""
    with campaigns(250) as (org, _):
        first = ask(org, ALL, **SMALL_PAGES)
        gone = org.query("SELECT Id FROM Campaign ORDER BY Id DESC LIMIT 1")[0]["Id"]
        org.call("DELETE", f"/sobjects/Campaign/{gone}")
        org.create("Campaign", Name="New")
        last = org.call("GET", first["nextRecordsUrl"]).json()
        assert [row["Name"] for row in last["records"]] == [f"C{n}" for n in range(200, 250)]


@fact("4.8-short-pages")
@side("short_pages", "true")
def test_pages_may_be_shorter_than_asked_for():
    """The server may put fewer rows on a page than were asked for; only `done` says that all were read."""
    with campaigns(250, short_pages=True) as (org, _):
        page = ask(org, ALL, **SMALL_PAGES)
        sizes = [len(page["records"])]
        while not page["done"]:
            page = org.call("GET", page["nextRecordsUrl"]).json()
            sizes.append(len(page["records"]))
        assert sizes == [100, 100, 50]


@side("short_pages", "false")
def test_pages_are_full_by_default(many: Client):
    """Unless the org says otherwise a page holds what was asked for."""
    assert len(ask(many, ALL, **SMALL_PAGES)["records"]) == 200


@fact("6-statement-length", "6-url-length")
def test_statements_beyond_the_address_go_by_batch(org: Client):
    """By GET the address ends at 16,384 bytes; inside a batch a statement has up to 100,000 characters."""
    start = "SELECT Id FROM Account WHERE Name IN ('"
    wide = start + "','".join(f"{n:018d}" for n in range(4_000)) + "')"
    assert org.call("GET", "/query", params={"q": wide}).status_code == 414
    for text, status in (
        (wide, 200),
        (f"SELECT Id FROM Account{' ' * 99_978}", 200),
        (f"SELECT Id FROM Account{' ' * 99_979}", 400),
    ):
        url = f"v66.0/query?q={text.replace(' ', '+')}"
        body = {"batchRequests": [{"method": "GET", "url": url}]}
        (result,) = org.call("POST", "/composite/batch", body).json()["results"]
        assert result["statusCode"] == status
    assert result["result"][0]["errorCode"] == "MALFORMED_QUERY"


def test_columns_for_command_line_tools(org: Client):
    """?columns=true answers a list of columns, with those of parents and children nested."""
    soql = "SELECT Id, Account.Name, (SELECT Id FROM OpportunityContactRoles) FROM Opportunity"
    answer = org.call("GET", "/query", params={"q": soql, "columns": "true"}).json()
    names = [column["columnName"] for column in answer["columnMetadata"]]
    assert names == ["Id", "Account", "OpportunityContactRoles"]
    assert [len(column["joinColumns"]) for column in answer["columnMetadata"]] == [0, 1, 1]
    assert (answer["entityName"], answer["keyPrefix"], answer["idSelected"]) == ("Opportunity", "006", True)


def test_query_parameters_that_are_not_played(org: Client):
    """A query plan is an unknown resource, a call without a statement a malformed query."""
    plan = org.call("GET", "/query", params={"explain": "SELECT Id FROM Account"})
    assert (plan.status_code, plan.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert org.call("GET", "/query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_the_tooling_api_knows_no_objects(org: Client):
    """Command-line tools look for sandboxes and tracked sources; an org without them says so."""
    for name in ("SandboxProcess", "SourceMember"):
        answer = org.call("GET", "/tooling/query", params={"q": f"SELECT Id FROM {name}"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
    described = org.call("GET", "/tooling/sobjects/SourceMember/describe")
    assert (described.status_code, described.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert json.loads(described.text)[0]["message"] == "The requested resource does not exist"
