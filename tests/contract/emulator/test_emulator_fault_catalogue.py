"""Every fault of the catalogue, scripted over HTTP: what reaches the client, and what was committed."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact

from sfsync.emulator.fault_catalogue import CATALOGUE
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import running

START = datetime(2026, 5, 1, tzinfo=UTC)
SCRIPTS = {fault.id: fault.scripts for fault in CATALOGUE}
TIMEOUT_S = 0.3

CALLS = {
    "N4": [("deal", "nothing", 0), ("deal", "nothing", 0)],
    "N5": [("deal", "nothing", 1), ("deal", "nothing", 1), ("deal", "timeout", 1)],
    "N6": [("deal", "nothing", 0)] * 3,
    "N7": [
        ("deal", "201 no JSON", 1),
        ("deal", "201 no JSON", 1),
        ("deal", "nothing", 1),
        ("deal", "201 no JSON", 1),
    ],
    "N8": [("deal", "201", 1)],
    "N9": [("deal", "200 no JSON", 0), ("deal", "200 no JSON", 1)],
    "N10": [
        ("composite", "undecodable", 4),
        ("composite", "200 as text/html", 4),
        ("composite", "200 no JSON", 4),
        ("composite", "nothing", 4),
        ("composite", "200 [one: r0 r1]", 4),
        ("composite", "200 [one: r0 r1] [two: r2 r3] [two: r2 r3]", 4),
        ("composite", "200 [two: r2 r3] [one: r0 r1]", 4),
        ("composite", "200 [two: r2 r3] [one: r0 r1]", 4),
        ("composite", "200", 4),
        ("composite", "200 [one: r0] [two: r2]", 4),
        ("composite", "200 [one: r0 r1 r1] [two: r2 r3 r3]", 4),
        ("composite", "200 [one: r1 r0] [two: r3 r2]", 4),
    ],
    "N11": [("deal", "502 no JSON", 1), ("deal", "504 no JSON", 1)],
    "N12": [("deal", "407 no JSON", 0)],
    "N13": [("deal", f"{status} no JSON", 0) for status in (301, 302, 303, 307, 308)],
    "N14": [("deal", "201", 1), ("deal", "201", 2), ("deal", "201", 2), ("deal", "201", 1)],
    "S1": [("deal", "401 INVALID_SESSION_ID", 0)] * 2,
    "S2": [("deal", "401 INVALID_SESSION_ID", 0), ("login", "400 invalid_grant", 0)],
    "S4": [
        ("deal", "403 INSUFFICIENT_ACCESS_OR_READONLY", 0),
        ("deal", "404 NOT_FOUND", 0),
        ("deal", "403 API_CURRENTLY_DISABLED", 0),
    ],
    "S5": [
        *[("deal", "503 SERVER_UNAVAILABLE", 0)] * 11,
        *[("deal", "503 no JSON", 0)] * 12,
        ("deal", "429 REQUEST_LIMIT_EXCEEDED", 0),
    ],
    "S6": [("deal", "500 UNKNOWN_EXCEPTION", saved) for saved in (0, 0, 1)],
    "S8": [("rows", "200 ----", 0), ("rows", "200 +-++", 3), ("rows", "200 ++-+", 3)],
    "S9": [
        ("rows", f"200 {marks}", marks.count("+"))
        for pattern in range(1, 16)
        for marks in ["".join("-" if pattern >> row & 1 else "+" for row in range(4))]
    ],
    "S10": [("together", "200 ----", 0)] * 4,
    "S11": [("deal", "400 FIELD_CUSTOM_VALIDATION_EXCEPTION", 0), ("rows", "200 ----", 0)],
    "S12": [("deal", "400 DUPLICATES_DETECTED", 0)],
    "S18": [("deal", "400 ENTITY_IS_LOCKED", 0)],
}
"""For each script of a fault: the call it strikes, what its client gets, and how many records are saved."""


@pytest.fixture
def fresh() -> Iterator[Client]:
    """Run an org of its own, whose clock stands still."""
    with running(ORG_FILE, clock=VirtualClock(START)) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


def control(org: Client, method: str, path: str, body: Any = None) -> Any:
    """Call the emulator's own resource, on a connection that no fault has met, and return its answer."""
    headers = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    url = f"{org.emulator.instance_url}/_emulator/{path}"
    answer = requests.request(method, url, json=body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def named(*names: str) -> list[dict[str, Any]]:
    """Return deals with these names as rows of a collection."""
    return [{"attributes": {"type": "Opportunity"}, **DEAL, "Name": name} for name in names]


def part(reference: str, *names: str) -> dict[str, Any]:
    """Return a subrequest that creates deals."""
    url = "/services/data/v66.0/composite/sobjects"
    return {"method": "POST", "url": url, "referenceId": reference, "body": {"records": named(*names)}}


def send(org: Client, kind: str) -> requests.Response:
    """Make the call that a fault is to strike."""
    url, body = {
        "deal": ("sobjects/Opportunity", DEAL),
        "rows": ("composite/sobjects", {"records": named("r0", "r1", "r2", "r3")}),
        "together": ("composite/sobjects", {"allOrNone": True, "records": named("r0", "r1", "r2", "r3")}),
        "composite": ("composite", {"compositeRequest": [part("one", "r0", "r1"), part("two", "r2", "r3")]}),
        "login": ("", None),
    }[kind]
    base = org.emulator.instance_url
    if kind == "login":
        return requests.post(base + "/services/oauth2/token", timeout=TIMEOUT_S)
    return org.http.post(
        f"{base}/services/data/v66.0/{url}", json=body, timeout=TIMEOUT_S, allow_redirects=False
    )


def reached(org: Client, kind: str) -> str:
    """Say in a few words what the client of a call gets."""
    try:
        answer = send(org, kind)
    except requests.exceptions.ContentDecodingError:
        return "undecodable"
    except requests.exceptions.Timeout:
        return "timeout"
    except requests.RequestException:
        return "nothing"
    status = answer.status_code
    try:
        body = answer.json()
    except ValueError:
        return f"{status} no JSON"
    if not answer.headers["Content-Type"].startswith("application/json"):
        return f"{status} as {answer.headers['Content-Type'].partition(';')[0]}"
    if status >= 400:
        return f"{status} {body['error'] if kind == 'login' else body[0]['errorCode']}"
    return f"{status} {shape(org, body)}".rstrip()


def shape(org: Client, body: Any) -> str:
    """Say which rows an answer speaks of."""
    if isinstance(body, list):
        return "".join("+" if row["success"] else "-" for row in body)
    parts = [
        f"[{entry['referenceId']}: {' '.join(org.get('Opportunity', row['id'])['Name'] for row in entry['body'])}]"
        for entry in body.get("compositeResponse", ())
    ]
    return " ".join(parts)


def saved(org: Client) -> int:
    """Return how many records calls of the API created."""
    commits = control(org, "GET", "audit")["commits"]
    return sum(commit["op"] == "insert" and commit["request"] > 0 for commit in commits)


@fact("4.1-500", "4.1-502", "4.1-503", "7.3-unknown")
@pytest.mark.parametrize(
    ("fault", "number"), [(fault, number) for fault, calls in CALLS.items() for number in range(len(calls))]
)
def test_each_call_fault_reaches_the_client_as_scripted(org: Client, fault: str, number: int):
    """The client sees what the script says, and exactly what it says is committed."""
    kind, expected, commits = CALLS[fault][number]
    assert len(SCRIPTS[fault]) == len(CALLS[fault])
    token = org.emulator.org.sessions.open(org.emulator.org.api_user_id)
    org.http.headers["Authorization"] = f"Bearer {token}"
    script = {"method": "POST", **SCRIPTS[fault][number]}
    before = saved(org)
    control(org, "POST", "faults", script)
    seen = reached(org, kind)
    assert control(org, "GET", "faults")["faults"][0]["struck"] == 1
    assert (seen, saved(org) - before) == (expected, commits)


def test_every_fault_is_exercised_or_says_why_not():
    """No fault of the catalogue is without a script that a test plays, or a reason."""
    shown = set(CALLS) | set(CHANGES) | {"S3"}
    assert [fault.id for fault in CATALOGUE if not fault.scripts and not fault.elsewhere] == []
    assert [fault.id for fault in CATALOGUE if fault.scripts and fault.id not in shown] == []
    assert [fault_id for fault_id, shows in CHANGES.items() if len(shows) != len(SCRIPTS[fault_id])] == []


Show = Callable[[Client, "Callable[..., None]"], None]


def code(answer: requests.Response) -> str:
    """Return the code of an error."""
    return str(answer.json()[0]["errorCode"])


def patch(org: Client, deal: str, **values: Any) -> requests.Response:
    """Change a deal."""
    return org.call("PATCH", f"/sobjects/Opportunity/{deal}", values)


def read_only(org: Client, strike: Callable[..., None]) -> None:
    """From this call on nothing is written, and reading goes on."""
    strike()
    answer = org.call("POST", "/sobjects/Opportunity", DEAL)
    assert code(answer) == "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
    assert org.query("SELECT Id FROM Account")


def read_only_from_a_row(org: Client, strike: Callable[..., None]) -> None:
    """The first rows of a call are saved, the later ones are not."""
    strike()
    assert reached(org, "rows") == "200 ++--"


def key_taken(org: Client, strike: Callable[..., None]) -> None:
    """The key is taken between the sending and the saving of a create."""
    strike(values={**DEAL, "Sfsync_Key__c": "taken"})
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Sfsync_Key__c": "taken"})
    assert code(answer) == "DUPLICATE_VALUE"


def key_twice(org: Client, strike: Callable[..., None]) -> None:
    """The key of an upsert comes to match two records."""
    org.deal(Legacy_Id__c="L")
    strike(values={**DEAL, "Legacy_Id__c": "L"})
    answer = org.call("PATCH", "/sobjects/Opportunity/Legacy_Id__c/L", {"NextStep": "x"})
    assert (answer.status_code, len(answer.json())) == (300, 2)


def field_hidden(org: Client, strike: Callable[..., None]) -> None:
    """A field behaves as if it did not exist."""
    deal = org.deal()
    strike()
    assert code(patch(org, deal, NextStep="x")) == "INVALID_FIELD"
    describe = org.call("GET", "/sobjects/Opportunity/describe").json()
    assert "NextStep" not in [field["name"] for field in describe["fields"]]
    assert "NextStep" not in org.get("Opportunity", deal)


def field_locked(org: Client, strike: Callable[..., None]) -> None:
    """A field can be read and no longer written."""
    deal = org.deal()
    strike()
    assert code(patch(org, deal, NextStep="x")) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert "NextStep" in org.get("Opportunity", deal)


def value_dropped(org: Client, strike: Callable[..., None]) -> None:
    """A picklist value is refused."""
    strike()
    answer = org.call("POST", "/sobjects/Opportunity", DEAL)
    assert code(answer) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def record_type_dropped(org: Client, strike: Callable[..., None]) -> None:
    """A record type is no longer valid for the user."""
    (kind,) = org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Custom_Order'")
    strike()
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "RecordTypeId": kind["Id"]})
    assert code(answer) == "INVALID_CROSS_REFERENCE_KEY"


def owner_deactivated(org: Client, strike: Callable[..., None]) -> None:
    """A user can own nothing more."""
    (maria,) = org.query("SELECT Id FROM User WHERE Username LIKE 'maria%'")
    strike()
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "OwnerId": maria["Id"]})
    assert code(answer) == "INACTIVE_OWNER_OR_USER"


def deal_deleted(org: Client, strike: Callable[..., None]) -> None:
    """The record of an update is gone before it is read."""
    deal = org.deal()
    strike(id=deal)
    assert code(patch(org, deal, NextStep="x")) == "ENTITY_IS_DELETED"


def role_deleted(org: Client, strike: Callable[..., None]) -> None:
    """A role is gone without a trace."""
    contact = org.query("SELECT Id FROM Contact")[0]["Id"]
    role = org.create("OpportunityContactRole", OpportunityId=org.deal(), ContactId=contact)
    strike(id=role)
    answer = org.call("PATCH", f"/sobjects/OpportunityContactRole/{role}", {"Role": "Evaluator"})
    assert code(answer) == "NOT_FOUND"


def deal_undeleted(org: Client, strike: Callable[..., None]) -> None:
    """A deleted record is there again, with its roles."""
    contact = org.query("SELECT Id FROM Contact")[0]["Id"]
    deal = org.deal(ContactId=contact)
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    strike(id=deal)
    assert patch(org, deal, NextStep="x").status_code == 204
    assert len(org.roles(deal)) == 1


def accounts_merged(org: Client, strike: Callable[..., None]) -> None:
    """The loser's deals belong to the kept account, and the loser names it."""
    kept, loser = org.create("Account", Name="Kept"), org.create("Account", Name="Loser")
    deal = org.deal(AccountId=loser)
    strike(id=kept, loser=loser)
    answer = org.call("PATCH", f"/sobjects/Account/{loser}", {"Name": "x"})
    assert code(answer) == "ENTITY_IS_DELETED"
    assert org.get("Opportunity", deal)["AccountId"] == kept
    assert org.emulator.org.storage.value("Account", loser, "MasterRecordId") == kept


def contacts_merged(org: Client, strike: Callable[..., None]) -> None:
    """Two roles that now coincide stay two."""
    kept, loser = org.create("Contact", LastName="Kept"), org.create("Contact", LastName="Loser")
    deal = org.deal()
    for contact in (kept, loser):
        org.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact)
    strike(id=kept, loser=loser)
    assert org.call("GET", f"/sobjects/Contact/{loser}").status_code == 404
    assert [role["ContactId"] for role in org.roles(deal)] == [kept, kept]


def value_rewritten(org: Client, strike: Callable[..., None]) -> None:
    """What was saved reads otherwise at once."""
    strike()
    assert org.get("Opportunity", org.deal(NextStep="ours"))["NextStep"] == "rewritten"


def role_added(org: Client, strike: Callable[..., None]) -> None:
    """A new deal has a role that its creator did not send."""
    contact = org.query("SELECT Id FROM Contact")[0]["Id"]
    strike(values={"OpportunityId": "@Opportunity", "ContactId": contact, "IsPrimary": True})
    assert [role["ContactId"] for role in org.roles(org.deal())] == [contact]


def second_primary(*flags: bool) -> Show:
    """Return what shows one way of treating a second primary."""

    def show(org: Client, strike: Callable[..., None]) -> None:
        one, two = (org.create("Contact", LastName=name) for name in ("One", "Two"))
        deal = org.deal(ContactId=one)
        strike()
        org.call(
            "POST",
            "/sobjects/OpportunityContactRole",
            {"OpportunityId": deal, "ContactId": two, "IsPrimary": True},
        )
        assert tuple(role["IsPrimary"] for role in org.roles(deal)) == flags

    return show


def cursor_expired(org: Client, strike: Callable[..., None]) -> None:
    """The next page of a query is refused."""
    page = paged(org)
    strike()
    assert code(org.call("GET", page["nextRecordsUrl"])) == "INVALID_QUERY_LOCATOR"


def paged(org: Client) -> dict[str, Any]:
    """Return the first page of a query over 201 deals and more."""
    for _ in range(2):
        org.call("POST", "/composite/sobjects", {"records": named(*["page"] * 101)})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    soql = {"q": "SELECT Id FROM Opportunity ORDER BY Id"}
    return dict(org.call("GET", "/query", params=soql, headers=headers).json())


def deleted_between_pages(org: Client, strike: Callable[..., None]) -> None:
    """A record goes while a query is read; the pages after it still come."""
    page = paged(org)
    strike(id=page["records"][0]["Id"])
    assert org.call("GET", page["nextRecordsUrl"]).json()["done"] is True
    assert org.call("GET", f"/sobjects/Opportunity/{page['records'][0]['Id']}").status_code == 404


def org_swapped(*, sandbox: bool) -> Show:
    """Return what shows that another org answers."""

    def show(org: Client, strike: Callable[..., None]) -> None:
        strike()
        (row,) = org.query("SELECT Id, IsSandbox FROM Organization")
        assert row["Id"] != org.emulator.org_id
        assert row["IsSandbox"] is sandbox
        user = org.call("GET", "/services/oauth2/userinfo").json()
        assert user["organization_id"] == row["Id"]

    return show


def edited_meanwhile(org: Client, strike: Callable[..., None]) -> None:
    """A person's edit lies between our read and our guarded write."""
    deal = org.deal(NextStep="ours")
    stamp = org.call("GET", f"/sobjects/Opportunity/{deal}").headers["Last-Modified"]
    control(org, "POST", "clock", {"advance_s": 5})
    strike(id=deal)
    guard = {"If-Unmodified-Since": stamp}
    answer = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 1}, headers=guard)
    assert (answer.status_code, org.get("Opportunity", deal)["NextStep"]) == (412, "theirs")


CHANGES: dict[str, list[Show]] = {
    "S7": [read_only, read_only_from_a_row],
    "S13": [key_taken],
    "S14": [key_twice],
    "S15": [field_hidden, field_locked, value_dropped, record_type_dropped, owner_deactivated],
    "S16": [deal_deleted, role_deleted, deal_undeleted],
    "S17": [accounts_merged, contacts_merged],
    "S19": [value_rewritten],
    "S20": [role_added],
    "S21": [second_primary(False, True), second_primary(True, True), second_primary(True)],
    "S22": [cursor_expired, deleted_between_pages],
    "S23": [org_swapped(sandbox=True), org_swapped(sandbox=False)],
    "C3": [edited_meanwhile],
}
"""For each script that changes the org: what shows that it did, at the next call and not before."""


@pytest.mark.parametrize(
    ("fault", "number"), [(fault, number) for fault, shows in CHANGES.items() for number in range(len(shows))]
)
def test_each_change_of_the_org_happens_at_the_call_it_names(fresh: Client, fault: str, number: int):
    """The change is made at the next call, by nobody's request, and the client meets its effect."""
    script = SCRIPTS[fault][number]

    def strike(**table: Any) -> None:
        filled = {**script, "table": {**script["table"], **table}} if "table" in script else script
        control(fresh, "POST", "faults", filled)

    CHANGES[fault][number](fresh, strike)
    assert control(fresh, "GET", "faults")["faults"][0]["struck"] == 1
    foreign = [entry for entry in control(fresh, "GET", "audit")["commits"] if entry["request"] == 0]
    records = {"create", "edit", "delete", "undelete", "merge"}
    assert bool(foreign) is (script.get("table", {}).get("what") in records)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "TotalRequests"), (1, "ConcurrentRequests"), (2, None), (3, "ConcurrentRequests")],
)
def test_limits_are_met_as_scripted_s3(fresh: Client, number: int, text: str | None):
    """Both limits refuse with their own text, for one call or as the state of the org; usage is as set."""
    control(fresh, "POST", "faults", SCRIPTS["S3"][number])
    answers = [fresh.call("GET", "/limits") for _ in range(2)]
    if text is None:
        assert answers[0].json()["DailyApiRequests"]["Remaining"] == 99
    else:
        assert (answers[0].status_code, code(answers[0])) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert answers[0].json()[0]["message"] == f"{text} Limit exceeded."
    assert answers[1].status_code == (403 if number == 3 else 200)
    assert len(SCRIPTS["S3"]) == 4


def test_a_change_can_be_made_at_once(fresh: Client):
    """The control resource changes the org between two calls, and refuses what the rules refuse."""
    deal = fresh.deal()
    table = {"what": "edit", "object": "Opportunity", "id": deal, "values": {"NextStep": "theirs"}}
    assert control(fresh, "POST", "changes", table) == {"id": deal}
    assert fresh.get("Opportunity", deal)["NextStep"] == "theirs"
    headers = {"X-Sfsync-Emulator-Control": fresh.emulator.access_token}
    for wrong in (
        {"what": "nope"},
        {**table, "id": "006000000000001AAA"},
        {**table, "object": "Nope"},
        {**table, "values": {"Name": None}},
        {"what": "merge", "object": "Opportunity", "id": deal, "loser": deal},
    ):
        answer = fresh.call("POST", "/_emulator/changes", wrong, headers=headers)
        assert (answer.status_code, code(answer)) == (400, "INVALID_CONTROL_CALL")


def test_a_script_can_be_meant_for_one_session(fresh: Client):
    """A fault with a token strikes the calls of that session alone."""
    other = fresh.emulator.org.sessions.open(fresh.emulator.org.api_user_id)
    control(fresh, "POST", "faults", {"action": "expire_session", "token": other})
    assert fresh.call("GET", "/limits").status_code == 200
    headers = {"Authorization": f"Bearer {other}"}
    assert fresh.call("GET", "/limits", headers=headers).status_code == 401
    assert fresh.call("GET", "/limits").status_code == 200


@pytest.mark.parametrize("how", ["command", "clock"])
def test_a_request_may_arrive_again_much_later_n14(fresh: Client, how: str):
    """The client has its answer; the repeated request is executed on command or when its time has come."""
    script = {"action": "redeliver", "later": True, "method": "POST"}
    control(fresh, "POST", "faults", {**script, "after_s": 600} if how == "clock" else script)
    for key in ("late-1", "late-2"):
        answer = fresh.call("POST", "/sobjects/Opportunity", {**DEAL, "Sfsync_Key__c": key})
        assert (answer.status_code, saved(fresh)) == (201, int(key[-1]))
    fresh.call("DELETE", f"/sobjects/Opportunity/{fresh.emulator.audit.commits[0].id}")
    if how == "clock":
        control(fresh, "POST", "clock", {"advance_s": 600})
    else:
        control(fresh, "POST", "faults/release", {})
    assert saved(fresh) == 3
    assert len(fresh.query("SELECT Id FROM Opportunity WHERE Sfsync_Key__c = 'late-1'")) == 1


@pytest.mark.parametrize(
    "script",
    [
        {"action": "nope"},
        {"action": "drop", "how": "gently"},
        {"action": "reshape", "how": "shuffled"},
        {"action": "drop", "phase": "never"},
        {"action": "drop", "path": "("},
        {"action": "drop", "surprise": 1},
        {"action": "change_org", "table": {}, "phase": "before_commit"},
        {"action": "delay", "seconds": 1, "commit": 1},
        {"action": "refuse", "status": "503"},
        {"action": "hold", "after_s": "soon"},
    ],
)
def test_a_script_that_cannot_be_played_is_refused(org: Client, script: dict[str, Any]):
    """A mistake in a script is told when it is sent, not when it should strike."""
    headers = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    answer = org.call("POST", "/_emulator/faults", script, headers=headers)
    assert (answer.status_code, code(answer)) == (400, "INVALID_CONTROL_CALL")
    assert control(org, "GET", "faults")["faults"] == []


@pytest.mark.parametrize(
    ("resource", "table", "words"),
    [("clock", {}, "'advance_s' is missing"), ("changes", {"what": "edit"}, "'object' is missing")],
)
def test_a_control_call_that_lacks_a_key_is_told_which(
    org: Client, resource: str, table: dict[str, Any], words: str
):
    """The refusal says what is missing, not only a name."""
    headers = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    answer = org.call("POST", f"/_emulator/{resource}", table, headers=headers)
    assert (answer.status_code, answer.json()[0]["message"]) == (400, words)


BASE = "/services/data/v66.0"
NODE = {"method": "POST", "url": f"{BASE}/sobjects/Opportunity", "referenceId": "d", "body": DEAL}
LEAF = {"attributes": {"type": "Opportunity", "referenceId": "d"}, **DEAL}
ZOMBIES = {
    "create": ("POST", "/sobjects/Opportunity", DEAL),
    "create by Id path": ("POST", "/sobjects/Opportunity/Id", DEAL),
    "update": ("PATCH", "/sobjects/Opportunity/<deal>", {"NextStep": "late"}),
    "delete": ("DELETE", "/sobjects/Opportunity/<deal>", None),
    "upsert": ("PATCH", "/sobjects/Opportunity/Sfsync_Key__c/zombie", DEAL),
    "collection create": ("POST", "/composite/sobjects", {"records": named("zombie")}),
    "collection update": (
        "PATCH",
        "/composite/sobjects",
        {"records": [{"attributes": {"type": "Opportunity"}, "id": "<deal>", "NextStep": "late"}]},
    ),
    "collection upsert": (
        "PATCH",
        "/composite/sobjects/Opportunity/Sfsync_Key__c",
        {"records": [{**row, "Sfsync_Key__c": "zombie"} for row in named("zombie")]},
    ),
    "collection delete": ("DELETE", "/composite/sobjects?ids=<deal>", None),
    "composite": ("POST", "/composite", {"compositeRequest": [NODE]}),
    "batch": (
        "POST",
        "/composite/batch",
        {"batchRequests": [{"method": "POST", "url": "v66.0/sobjects/Opportunity", "richInput": DEAL}]},
    ),
    "graph": ("POST", "/composite/graph", {"graphs": [{"graphId": "g", "compositeRequest": [NODE]}]}),
    "tree": ("POST", "/composite/tree/Opportunity", {"records": [LEAF]}),
}


def effects_on_deals(org: Client) -> int:
    """Return how many effects on deals were committed."""
    return sum(commit.sobject == "Opportunity" for commit in org.emulator.audit.commits)


@pytest.mark.parametrize("how", ["command", "clock"])
@pytest.mark.parametrize("kind", ZOMBIES)
def test_every_write_can_be_a_zombie_n6(fresh: Client, kind: str, how: str):
    """A held write of any kind commits later, once, on command or when the clock has come so far."""
    deal = fresh.deal()
    method, path, body = ZOMBIES[kind]
    path = path.replace("<deal>", deal)
    if kind == "collection update":
        body = {"records": [{**body["records"][0], "id": deal}]}  # type: ignore[index, call-overload]
    script = {"action": "hold", "method": method, **({"after_s": 600} if how == "clock" else {})}
    control(fresh, "POST", "faults", script)
    before = effects_on_deals(fresh)
    with pytest.raises(requests.ConnectionError):
        fresh.call(method, path, body)
    assert fresh.emulator.faults.wait_for_held()
    assert effects_on_deals(fresh) == before
    if how == "clock":
        control(fresh, "POST", "clock", {"advance_s": 600})
    else:
        control(fresh, "POST", "faults/release", {"label": "hold"})
    assert effects_on_deals(fresh) == before + 1


PAGE = Path(__file__).parents[3] / "docs" / "emulator-faults.md"
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_scripts_of_the_page_are_taken(org: Client, example: str):
    """Each script that the page shows is put in force as it stands."""
    (script,) = control(org, "POST", "faults", json.loads(example))
    assert script["struck"] == 0


def test_the_page_names_every_kind_of_change(org: Client):
    """The page and the emulator know the same kinds of changes."""
    headers = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    answer = org.call("POST", "/_emulator/changes", {"what": "?"}, headers=headers)
    kinds = answer.json()[0]["message"].removeprefix("what is one of ").split(", ")
    page = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in kinds if f"`{kind}`" not in page] == []
