"""Calls are counted, told and refused at their limits."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact, side

from sfsync.emulator.fault_actions import Hold
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import running

BASE = "/services/data/v66.0"
NODE = {"method": "GET", "url": f"{BASE}/limits", "referenceId": "a"}
DEAL_NODE = {"method": "POST", "url": f"{BASE}/sobjects/Opportunity", "referenceId": "a", "body": DEAL}
LEAF = {"attributes": {"type": "Opportunity", "referenceId": "r"}, **DEAL}


def usage(answer: requests.Response) -> int:
    """Return the calls that an answer tells."""
    name, _, numbers = answer.headers["Sforce-Limit-Info"].partition("=")
    assert name == "api-usage"
    return int(numbers.partition("/")[0])


@pytest.mark.parametrize(
    ("method", "path", "body", "calls"),
    [
        pytest.param("GET", "/limits", None, 1, marks=fact("4.10-limits-count")),
        pytest.param("GET", "/sobjects/Nope", None, 1, marks=fact("8-one-call")),
        pytest.param(
            "POST",
            "/composite",
            {"compositeRequest": [NODE, {**NODE, "referenceId": "b"}]},
            1,
            marks=fact("4.11-one-call"),
        ),
        pytest.param(
            "POST",
            "/composite/graph",
            {"graphs": [{"graphId": "g", "compositeRequest": [DEAL_NODE]}]},
            1,
            marks=fact("4.14-one-call"),
        ),
        pytest.param(
            "POST", "/composite/tree/Opportunity", {"records": [LEAF]}, 1, marks=fact("4.13-one-call")
        ),
        pytest.param(
            "POST",
            "/composite/sobjects",
            {"records": [{"attributes": {"type": "Opportunity"}, **DEAL}] * 2},
            1,
            marks=fact("8-one-call"),
        ),
        pytest.param(
            "POST",
            "/composite/batch",
            {"batchRequests": [{"method": "GET", "url": "v66.0/limits"}] * 3},
            3,
            marks=fact("4.12-counts", "8-per-part"),
        ),
    ],
)
def test_what_a_request_costs(org: Client, method: str, path: str, body: Any, calls: int):
    """Everything is one call, whatever it carries; only a batch costs a call for each of its parts."""
    before = org.emulator.org.usage.used
    org.call(method, path, body)
    assert org.emulator.org.usage.used - before == calls


@fact("4.10-usage", "8-daily")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sobjects"),
        ("POST", "/sobjects/Opportunity"),
        ("GET", "/nope"),
        ("DELETE", "/sobjects"),
        ("HEAD", "/limits"),
    ],
)
def test_every_answer_tells_the_usage(org: Client, method: str, path: str):
    """Answers of any kind, good or bad, carry the usage and the day's limit."""
    assert org.call(method, path).headers["Sforce-Limit-Info"].endswith("/15000")


@fact("4.1-401", "7.3-invalid-session")
def test_a_dead_session_executes_nothing(org: Client):
    """Without a live session a write is a 401 in the platform's words, and nothing is saved."""
    commits = len(org.emulator.audit.commits)
    answer = org.call("POST", "/sobjects/Opportunity", DEAL, headers={"Authorization": "Bearer 00D!dead"})
    error = {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    assert (answer.status_code, answer.json()) == (401, [error])
    assert len(org.emulator.audit.commits) == commits


@fact("4.10-usage", "4.2-oauth")
def test_the_token_endpoint_tells_no_usage(org: Client):
    """A login is no REST answer: it neither tells nor counts."""
    used = org.emulator.org.usage.used
    answer = requests.post(org.emulator.instance_url + "/services/oauth2/token", timeout=10)
    assert (answer.status_code, "Sforce-Limit-Info" in answer.headers) == (400, False)
    assert set(answer.json()) == {"error", "error_description"}
    assert org.emulator.org.usage.used == used


@fact("4.10-usage-falls")
@pytest.mark.parametrize(
    ("switch", "falls"),
    [
        pytest.param("sometimes_lower", True, marks=side("usage_header", "sometimes_lower")),
        pytest.param("rising", False, marks=side("usage_header", "rising")),
    ],
)
def test_the_usage_told_may_fall(switch: str, falls: bool):
    """Consecutive answers may tell a lower usage than the one before, unless the switch forbids it."""
    with running({"switches": {"usage_header": switch}}) as emulator:
        org = Client(emulator)
        told = [usage(org.call("GET", "/limits")) for _ in range(20)]
        org.http.close()
    assert (told != sorted(told)) is falls


@pytest.mark.parametrize(
    ("switch", "statuses"),
    [
        pytest.param(
            "hard",
            [200, 200, 403, 403],
            marks=[side("api_limit", "hard"), fact("8-daily-hard", "7.3-daily-limit", "4.1-403")],
        ),
        pytest.param("soft", [200] * 4, marks=[side("api_limit", "soft"), fact("8-daily-soft")]),
    ],
)
def test_the_daily_limit(switch: str, statuses: list[int]):
    """A hard org refuses beyond its limit, a soft one goes on."""
    with running({"switches": {"api_limit": switch}, "limits": {"daily_api_requests": 2}}) as emulator:
        org = Client(emulator)
        answers = [org.call("GET", "/sobjects") for _ in range(4)]
        free = org.call("GET", "/services/data")
        org.http.close()
    assert [answer.status_code for answer in answers] == statuses
    assert free.status_code == 200
    if switch == "hard":
        error = {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
        assert answers[-1].json() == [error]


@fact("4.12-counts")
@side("api_limit", "hard")
def test_a_batch_that_meets_the_limit_answers_part_by_part():
    """The parts that still fit are run, the later ones are refused with 403."""
    with running({"switches": {"api_limit": "hard"}, "limits": {"daily_api_requests": 2}}) as emulator:
        org = Client(emulator)
        parts = [{"method": "POST", "url": "v66.0/sobjects/Opportunity", "richInput": DEAL}] * 3
        answer = org.call("POST", "/composite/batch", {"batchRequests": parts}).json()
        org.http.close()
        assert [result["statusCode"] for result in answer["results"]] == [201, 201, 403]
        assert len(emulator.audit.commits) == 2


@fact("8-concurrent")
@pytest.mark.parametrize("limit", [5, 25])
def test_too_many_long_calls_at_once_are_refused(limit: int):
    """When as many calls as allowed have run for 20 seconds, the next is refused until one of them ends."""
    clock = VirtualClock(datetime(2026, 5, 1, tzinfo=UTC))
    with running({"limits": {"concurrent_long_requests": limit}}, clock=clock) as emulator:
        org = Client(emulator)
        emulator.faults.add(FaultScript(Hold(), method="POST", count=None))
        for _ in range(limit):
            with pytest.raises(requests.ConnectionError):
                org.call("POST", "/sobjects/Opportunity", DEAL)
        assert emulator.faults.wait_for_held(limit)
        clock.advance(19.0)
        assert org.call("GET", "/sobjects").status_code == 200
        clock.advance(1.0)
        refused = org.call("GET", "/sobjects")
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert refused.json()[0]["message"].startswith("Concurrent")
        emulator.faults.clear()
        assert org.call("GET", "/sobjects").status_code == 200
        org.http.close()


@fact("4.10-record-count")
def test_record_counts(org: Client):
    """Counts come by object; unknown and empty objects are left out."""
    deal = org.deal()
    answer = org.call("GET", "/limits/recordCount?sObjects=contact,Nope,OpportunityLineItem").json()
    assert answer == {"sObjects": [{"count": len(org.query("SELECT Id FROM Contact")), "name": "Contact"}]}
    everything = {
        row["name"]: row["count"] for row in org.call("GET", "/limits/recordCount").json()["sObjects"]
    }
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    after = {row["name"]: row["count"] for row in org.call("GET", "/limits/recordCount").json()["sObjects"]}
    assert after.get("Opportunity", 0) == everything["Opportunity"] - 1


def lacking(permission: str) -> dict[str, Any]:
    """Return an org whose only user lacks a permission."""
    user = {"username": "poor@example.com", "last_name": "Poor", "lacks": [permission]}
    key = {"object": "Opportunity", "name": "Loose__c", "type": "Text", "length": 20, "external_id": True}
    return {"users": [user], "fields": [key]}


@fact("4.10-limits-right", "4.1-403")
def test_the_limits_need_a_permission():
    """Without View Setup and Configuration the limits are refused."""
    with running(lacking("ViewSetup")) as emulator:
        org = Client(emulator)
        answer = org.call("GET", "/limits")
        org.http.close()
    assert answer.status_code == 403


@fact("7.3-api-disabled")
def test_a_user_without_the_api_is_refused():
    """Without the API every resource is API_CURRENTLY_DISABLED."""
    user = {"username": "poor@example.com", "last_name": "Poor", "api_enabled": False}
    with running({"users": [user]}) as emulator:
        org = Client(emulator)
        answer = org.call("GET", "/sobjects")
        org.http.close()
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_CURRENTLY_DISABLED")


@fact("4.7-view-all-data")
def test_a_loose_key_needs_view_all_data():
    """A key that is not unique takes upserts only from users who see all data."""
    path = "/sobjects/Opportunity/Loose__c/x"
    many = {"records": [{"attributes": {"type": "Opportunity"}, **DEAL, "Loose__c": "x"}]}
    with running(lacking("ViewAllData")) as emulator:
        org = Client(emulator)
        statuses = [
            org.call("PATCH", path, DEAL).status_code,
            org.call("PATCH", "/composite/sobjects/Opportunity/Loose__c", many).status_code,
        ]
        assert statuses == [403, 403]
        assert not emulator.audit.commits
        org.http.close()


def test_the_shipped_org_allows_25_long_calls():
    """The default is that of production and sandboxes."""
    with running(ORG_FILE) as emulator:
        assert emulator.org.usage.long_limit == 25
