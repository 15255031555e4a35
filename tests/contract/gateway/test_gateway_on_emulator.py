"""The org gateway against a whole org: what it writes is there, what it reads is what is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from gateway_making import QUICK, Bench
from pydantic import SecretStr

from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.ports import Lookup, OrgGateway
from sfsync.core.writes import (
    CollectionCall,
    Graph,
    GraphCall,
    Halted,
    Node,
    NodeRef,
    Refused,
    Route,
    Unanswered,
    Written,
)
from sfsync.emulator.fault_actions import Drop, ExpireSession, FailRows, Page, Refuse, Truncate
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.errors import AccessError, ConfigError

ORG_FILE = Path(__file__).parents[3] / "config" / "emulator" / "org.toml"
KEY = "Sfsync_Key__c"


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """The shipped emulator org, fresh for each test."""
    with running(ORG_FILE) as started:
        yield started


@pytest.fixture
def bench(emulator: RunningEmulator) -> Iterator[Bench]:
    """A gateway that logs in to the emulator by client credentials."""
    profile = OrgProfile(
        "emulator",
        Login.CLIENT_CREDENTIALS,
        login_url=emulator.instance_url,
        client_id=SecretStr(emulator.client_id),
        client_secret=SecretStr(emulator.client_secret),
        loopback=True,
    )
    made = Bench(profile, QUICK)
    yield made
    made.gateway.close()


def deal(gateway: OrgGateway, key: str, **changes: object) -> Graph:
    """A new deal with one role, for the first contact of the org."""
    contact = gateway.fetch([Lookup("Contact", ("Id", "AccountId"))])[0][0]
    values = {
        "Name": f"Deal {key}",
        "StageName": "Prospecting",
        "CloseDate": date(2026, 9, 30),
        "Amount": Decimal("1234.50"),
        "AccountId": contact["AccountId"],
        KEY: key,
    }
    role = {
        "OpportunityId": NodeRef("deal"),
        "ContactId": contact["Id"],
        "Role": "Evaluator",
        "IsPrimary": True,
    }
    return Graph(
        f"g{key}",
        (
            Node("deal", f"O:{key}", "Opportunity", None, values | changes),  # type: ignore[arg-type]
            Node("role", f"R:{key}", "OpportunityContactRole", None, role),
        ),
    )


def deals_held(gateway: OrgGateway, *keys: str) -> list[str]:
    """The keys of the deals that the org holds."""
    return sorted(each[KEY] for each in gateway.fetch([Lookup("Opportunity", ("Id", KEY), KEY, keys)])[0])


def test_the_org_tells_who_it_is(bench: Bench, emulator: RunningEmulator) -> None:
    """Identity, describe and stages are read once and then remembered."""
    gateway = bench.gateway
    assert gateway.identity().org_id == emulator.org_id
    assert gateway.identity().is_sandbox
    assert gateway.fiscal_year_start() == 1
    assert [each.name for each in gateway.describe("opportunity").key_fields()] == [KEY]
    assert gateway.stage_catalogue().active()[0] == "Prospecting"
    before = gateway.usage
    gateway.identity()
    gateway.describe("Opportunity")
    gateway.stage_catalogue()
    assert gateway.usage == before
    assert (before.reads, before.writes, before.logins, before.retries) == (3, 0, 1, 0)


def test_an_unknown_sobject_and_field_are_config_errors(bench: Bench) -> None:
    """What the user cannot see is named."""
    with pytest.raises(ConfigError) as caught:
        bench.gateway.describe("Nothing__c")
    assert caught.value.code == "UNKNOWN_SOBJECT"
    with pytest.raises(ConfigError) as caught:
        bench.gateway.fetch([Lookup("Account", ("Nothing__c",))])
    assert "Nothing__c" in caught.value.message


def test_graphs_are_written_and_read_back(bench: Bench) -> None:
    """Deals with their roles are there afterwards, to the digit, and a replay makes no second one."""
    gateway = bench.gateway
    call = GraphCall((deal(gateway, "K1"), deal(gateway, "K2")), Route.KEY_FENCE)
    answers = gateway.write(call)
    assert all(isinstance(each, Written) for each in answers.values())
    fields = ("Id", KEY, "Amount", "CloseDate", "Account.Name")
    [records] = gateway.fetch([Lookup("Opportunity", fields, KEY, ("K1",))])
    assert records[0]["Amount"] == Decimal("1234.5")
    assert (records[0]["CloseDate"], records[0]["Account"]) == (
        "2026-09-30",
        {"Name": "Get Cloudy Consulting"},
    )
    replay = gateway.write(call)
    assert isinstance(replay["O:K1"], Refused)
    assert replay["O:K1"].code == "DUPLICATE_VALUE"
    assert replay["O:K1"].matches == (records[0]["Id"],)
    assert replay["R:K1"] == Halted()
    assert deals_held(gateway, "K1", "K2") == ["K1", "K2"]


def test_collections_answer_row_by_row(bench: Bench) -> None:
    """In one call one sObject's updates and another's inserts are saved or refused, each for itself."""
    gateway = bench.gateway
    deal_id = gateway.fetch([Lookup("Opportunity", ("Id",))])[0][0]["Id"]
    updates = (
        Node("u0", "O:1", "Opportunity", deal_id, {"Amount": Decimal("7.25")}),
        Node("u1", "O:2", "Opportunity", "006000000000009AAA", {"Amount": Decimal(1)}),
    )
    inserts = (
        Node("i0", "A:1", "Account", None, {"Name": "New"}),
        Node("i1", "A:2", "Account", None, {"Name": None}),
    )
    answers = gateway.write(CollectionCall((updates, inserts), Route.AT_MOST_ONCE))
    assert answers["O:1"] == Written(deal_id)
    assert isinstance(answers["O:2"], Refused)
    assert isinstance(answers["A:1"], Written)
    assert isinstance(answers["A:2"], Refused)
    assert answers["A:2"].code == "REQUIRED_FIELD_MISSING"
    assert gateway.fetch([Lookup("Opportunity", ("Amount",), "Id", (deal_id,))]) == [
        [{"Amount": Decimal("7.25")}]
    ]
    assert gateway.usage.writes == 1


@pytest.mark.parametrize(
    "key", ['O\'Hara \\ "x"', "100% {sure} ü€😀", "a\tb\nc", "?&=#/+%27", "' OR Name != '"]
)
def test_i13_every_key_finds_its_own_record(bench: Bench, key: str) -> None:
    """A key with any character is stored and found again, and nothing else is."""
    gateway = bench.gateway
    gateway.write(GraphCall((Graph("g1", deal(gateway, "x", **{KEY: key}).nodes),), Route.KEY_FENCE))
    [records] = gateway.fetch([Lookup("Opportunity", (KEY,), KEY, (key,))])
    assert records == [{KEY: key}]


def test_many_records_come_page_by_page_and_complete(bench: Bench, emulator: RunningEmulator) -> None:
    """More records than a page holds all come back, also when a page is lost whose locator serves only once."""
    gateway = bench.gateway
    names = [f"Account {place:05}" for place in range(2500)]
    rows = [Node(f"n{name[-5:]}", name, "Account", None, {"Name": name}) for name in names]
    for start in range(0, len(rows), 1000):
        chunk = rows[start : start + 1000]
        parts = tuple(tuple(chunk[place : place + 200]) for place in range(0, len(chunk), 200))
        answers = gateway.write(CollectionCall(parts, Route.AT_MOST_ONCE))
        assert all(isinstance(each, Written) for each in answers.values())
    [records] = gateway.fetch([Lookup("Account", ("Id", "Name"), "Name", names)])
    assert sorted(each["Name"] for each in records) == names
    [everything] = gateway.fetch([Lookup("Account", ("Id",))])
    assert len({each["Id"] for each in everything}) == 2500 + 2
    lost = emulator.faults.add(FaultScript(Drop(), AFTER_COMMIT, path="/query/0r8"))
    assert bench.gateway.fetch([Lookup("Account", ("Id",))]) == [everything]
    assert lost.struck == 1


@pytest.mark.parametrize("action", [Drop(), Drop("close"), Truncate(), Page(), Refuse(502, "", "text/html")])
def test_n5_n11_a_create_whose_answer_was_lost_is_unanswered_and_there_once(
    bench: Bench, emulator: RunningEmulator, action: object
) -> None:
    """After a commit whose answer was lost, the gateway says so, and has sent the create once."""
    call = GraphCall((deal(bench.gateway, "K1"),), Route.KEY_FENCE)
    emulator.faults.add(FaultScript(action, AFTER_COMMIT, path="composite/graph"))  # type: ignore[arg-type]
    answers = bench.gateway.write(call)
    assert all(isinstance(each, Unanswered) for each in answers.values())
    assert deals_held(bench.gateway, "K1") == ["K1"]
    assert len([each for each in emulator.audit.requests if "graph" in each.path]) == 1


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
@pytest.mark.parametrize(
    "action", [Refuse(), Refuse(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": ""}])]
)
def test_s5_s6_a_fenced_create_is_repeated_and_there_once(
    bench: Bench, emulator: RunningEmulator, action: Refuse, phase: str
) -> None:
    """The platform's own server error lets a fenced create go again, and the key keeps it single."""
    call = GraphCall((deal(bench.gateway, "K1"),), Route.KEY_FENCE)
    emulator.faults.add(FaultScript(action, phase, path="composite/graph"))
    answers = bench.gateway.write(call)
    expected = Written if phase == BEFORE_READ else Refused
    assert isinstance(answers["O:K1"], expected)
    assert deals_held(bench.gateway, "K1") == ["K1"]


def test_s1_an_expired_session_does_not_show(bench: Bench, emulator: RunningEmulator) -> None:
    """A session that ends between two calls costs one login."""
    call = GraphCall((deal(bench.gateway, "K1"),), Route.AT_MOST_ONCE)
    emulator.faults.add(FaultScript(ExpireSession(), path="composite/graph"))
    assert all(isinstance(each, Written) for each in bench.gateway.write(call).values())
    assert bench.gateway.usage.logins == 2


def test_s8_a_locked_row_is_refused_alone(bench: Bench, emulator: RunningEmulator) -> None:
    """A lock on one row leaves the other rows saved."""
    rows = tuple(Node(f"n{each}", each, "Account", None, {"Name": each}) for each in "abc")
    emulator.faults.add(FaultScript(FailRows((1,)), path="composite/sobjects"))
    answers = bench.gateway.write(CollectionCall((rows,), Route.AT_MOST_ONCE))
    assert isinstance(answers["a"], Written)
    assert isinstance(answers["b"], Refused)
    assert answers["b"].code == "UNABLE_TO_LOCK_ROW"
    assert isinstance(answers["c"], Written)


def test_the_usage_is_what_the_org_has_seen(bench: Bench, emulator: RunningEmulator) -> None:
    """Every request is counted once, retries and logins included."""
    gateway = bench.gateway
    emulator.faults.add(FaultScript(Refuse(), path="query"))
    gateway.identity()
    gateway.write(GraphCall((deal(gateway, "K1"),), Route.KEY_FENCE))
    usage = gateway.usage
    arrived = [each.path for each in emulator.audit.requests]
    assert usage.logins == len([each for each in arrived if "oauth2" in each]) == 1
    assert usage.reads + usage.writes == len(arrived) - 1
    assert (usage.writes, usage.retries) == (1, 1)


def test_a_wrong_secret_is_an_access_error(emulator: RunningEmulator) -> None:
    """Credentials that the org does not know are refused by name."""
    profile = OrgProfile(
        "emulator",
        Login.CLIENT_CREDENTIALS,
        login_url=emulator.instance_url,
        client_id=SecretStr(emulator.client_id),
        client_secret=SecretStr("wrong"),
        loopback=True,
    )
    with pytest.raises(AccessError):
        Bench(profile).gateway.identity()
