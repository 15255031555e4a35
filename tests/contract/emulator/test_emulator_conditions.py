"""Conditional requests: 304 when nothing changed, 412 when something did."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact, side

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import running

PAST = "Tue, 01 Jan 2019 00:00:00 GMT"
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"
ACCOUNT = "SELECT Id FROM Account WHERE Sfsync_Key__c = 'ACC-1'"


@pytest.fixture
def still() -> Iterator[tuple[Client, VirtualClock]]:
    """Run an org whose clock stands still until it is moved."""
    clock = VirtualClock(datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC))
    with running(ORG_FILE, clock=clock) as emulator:
        client = Client(emulator)
        with client.http:
            yield client, clock


@fact("4.16-modified-since", "4.1-304")
@pytest.mark.parametrize(
    "path", ["/sobjects", "/sobjects/Opportunity/describe", "/sobjects/Opportunity/<deal>"]
)
@pytest.mark.parametrize(("since", "status"), [(PAST, 200), (FUTURE, 304), ("no date", 200)])
def test_a_read_since(org: Client, path: str, since: str, status: int):
    """What has not changed since the time of a read is a 304 without a body."""
    answer = org.call("GET", path.replace("<deal>", org.deal()), headers={"If-Modified-Since": since})
    assert (answer.status_code, bool(answer.content)) == (status, status == 200)
    assert "Last-Modified" in answer.headers


@fact("4.16-unmodified-since", "4.1-412")
@pytest.mark.parametrize(
    "path", ["/sobjects", "/sobjects/Opportunity/describe", "/sobjects/Opportunity/<deal>"]
)
@pytest.mark.parametrize(("since", "status"), [(PAST, 412), (FUTURE, 200)])
def test_a_read_of_the_unmodified(org: Client, path: str, since: str, status: int):
    """What has changed since the time is a 412."""
    answer = org.call("GET", path.replace("<deal>", org.deal()), headers={"If-Unmodified-Since": since})
    assert answer.status_code == status


@fact("4.16-optimistic-lock", "4.16-unmodified-since")
def test_an_update_guarded_by_the_time_of_the_read(still: tuple[Client, VirtualClock]):
    """A guard holds while nothing changed, misses an edit in the same second, and catches a later one."""
    org, clock = still
    deal = org.deal()
    guard = {"If-Unmodified-Since": org.call("GET", f"/sobjects/Opportunity/{deal}").headers["Last-Modified"]}
    path = f"/sobjects/Opportunity/{deal}"
    org.call("PATCH", path, {"NextStep": "same second"})
    assert org.call("PATCH", path, {"NextStep": "unseen"}, headers=guard).status_code == 204
    clock.advance(1.0)
    org.call("PATCH", path, {"NextStep": "theirs"})
    assert org.call("PATCH", path, {"NextStep": "ours"}, headers=guard).status_code == 412
    assert org.get("Opportunity", deal)["NextStep"] == "theirs"


@fact("4.16-unmodified-since")
def test_an_upsert_is_guarded_too(still: tuple[Client, VirtualClock]):
    """The guard of an upsert is compared with the record that its key finds; a create meets no guard."""
    org, clock = still
    path = "/sobjects/Opportunity/Sfsync_Key__c/guarded"
    assert org.call("PATCH", path, DEAL, headers={"If-Unmodified-Since": PAST}).status_code == 201
    clock.advance(1.0)
    assert (
        org.call("PATCH", path, {"NextStep": "x"}, headers={"If-Unmodified-Since": PAST}).status_code == 412
    )


@fact("4.16-not-delete")
def test_a_delete_knows_no_conditions(org: Client):
    """A deletion goes through whatever its conditions say."""
    headers = {"If-Unmodified-Since": PAST, "If-Match": '"other"'}
    assert org.call("DELETE", f"/sobjects/Opportunity/{org.deal()}", headers=headers).status_code == 204
    account = org.create("Account", Name="Tagged")
    assert org.call("DELETE", f"/sobjects/Account/{account}", headers=headers).status_code == 204


@fact("4.16-etags")
def test_tags_serve_accounts(org: Client):
    """An account has a tag that changes with it; reads and updates may depend on it."""
    path = f"/sobjects/Account/{org.create('Account', Name='Tagged')}"
    tag = org.call("GET", path).headers["ETag"]
    assert org.call("GET", path, headers={"If-None-Match": tag}).status_code == 304
    assert org.call("GET", path, headers={"If-Match": '"other"'}).status_code == 412
    assert org.call("PATCH", path, {"Site": "x"}, headers={"If-Match": '"other"'}).status_code == 412
    assert org.call("PATCH", path, {"Site": "x"}, headers={"If-Match": tag}).status_code == 204
    assert org.call("GET", path, headers={"If-None-Match": tag}).status_code == 200
    assert org.call("GET", path).headers["ETag"] != tag


@fact("4.16-etags")
def test_tags_serve_nothing_else(org: Client):
    """A deal has no tag, and tags in its requests are ignored."""
    path = f"/sobjects/Opportunity/{org.deal()}"
    assert "ETag" not in org.call("GET", path).headers
    assert org.call("GET", path, headers={"If-None-Match": "*"}).status_code == 200
    assert org.call("PATCH", path, {"NextStep": "x"}, headers={"If-Match": '"other"'}).status_code == 204


@pytest.mark.parametrize(
    ("honours", "status"),
    [
        pytest.param(True, 412, marks=side("composite_honours_conditions", "true")),
        pytest.param(False, 204, marks=side("composite_honours_conditions", "false")),
    ],
)
def test_a_guard_inside_a_composite(honours: bool, status: int):
    """The guard of a part is honoured or ignored, as the switch says."""
    with running({"switches": {"composite_honours_conditions": honours}}) as emulator:
        org = Client(emulator)
        part = {
            "method": "PATCH",
            "url": f"/services/data/v66.0/sobjects/Opportunity/{org.deal()}",
            "referenceId": "r",
            "body": {"NextStep": "x"},
            "httpHeaders": {"If-Unmodified-Since": PAST},
        }
        (entry,) = org.call("POST", "/composite", {"compositeRequest": [part]}).json()["compositeResponse"]
        assert entry["httpStatusCode"] == status
        org.http.close()
