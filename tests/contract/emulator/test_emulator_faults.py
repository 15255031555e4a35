"""Scripted faults: each strikes the call it names, at the moment it names, and nowhere else."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import requests
from emulator_client import DEAL, ORG_FILE, Client

from sfsync.emulator.fault_actions import (
    Action,
    Delay,
    Drip,
    Drop,
    ExpireSession,
    FailRows,
    Garbage,
    HangUp,
    Hold,
    Page,
    Redeliver,
    Redirect,
    Refuse,
    Reshape,
    Truncate,
)
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import running

POST = "/sobjects/Opportunity"


def add(org: Client, action: Action, **script: object) -> FaultScript:
    """Script a fault for the next POST."""
    return org.emulator.faults.add(FaultScript(action, method="POST", **script))


def deals(org: Client) -> int:
    """Return how many deals the org has."""
    return int(org.query("SELECT count(Id) n FROM Opportunity")[0]["n"])


@pytest.mark.parametrize(
    ("phase", "saved"),
    [(BEFORE_READ, 0), (BEFORE_COMMIT, 0), (AFTER_COMMIT, 1)],
    ids=["N4", "N4-commit", "N5"],
)
@pytest.mark.parametrize("how", ["reset", "close"])
def test_drop_by_phase_n4_n5(org: Client, phase: str, saved: int, how: str):
    """A dropped connection loses the answer; whether the row stays depends on the phase alone."""
    before = deals(org)
    script = add(org, Drop(how), phase=phase)
    with pytest.raises(requests.ConnectionError):
        org.call("POST", POST, DEAL)
    assert deals(org) == before + saved
    assert script.struck == 1
    assert org.call("POST", POST, DEAL).status_code == 201


@pytest.mark.parametrize(("phase", "saved"), [(BEFORE_COMMIT, 0), (AFTER_COMMIT, 1)])
def test_refuse_before_and_after_commit_s6_n11(org: Client, phase: str, saved: int):
    """A scripted 503 may hide a commit; headers and body are as scripted."""
    before = deals(org)
    add(org, Refuse(502, "<html>bad gateway</html>", "text/html", {"Retry-After": "7"}), phase=phase)
    answer = org.call("POST", POST, DEAL)
    assert (answer.status_code, answer.headers["Retry-After"], answer.text[:6]) == (502, "7", "<html>")
    assert deals(org) == before + saved


def test_nth_and_count(org: Client):
    """A script strikes from the n-th matching call for as many calls as it says."""
    script = add(org, Refuse(), path="sobjects/Opportunity", nth=2, count=2)
    statuses = [org.call("POST", POST, DEAL).status_code for _ in range(4)]
    other = org.call("POST", "/sobjects/Account", {"Name": "x"}).status_code
    assert (statuses, other, script.seen) == ([201, 503, 503, 201], 201, 4)


def test_match_by_object(org: Client):
    """A script for an object strikes the calls whose body names it."""
    add(org, Refuse(), sobject="Contact", count=None)
    records = [{"attributes": {"type": "Contact"}, "LastName": "x"}]
    assert org.call("POST", "/composite/sobjects", {"records": records}).status_code == 503
    assert org.call("POST", POST, DEAL).status_code == 201


def test_crash_between_two_graphs(org: Client):
    """A drop after the first commit of a call leaves the later graphs undone."""
    nodes = {"method": "POST", "url": "/services/data/v66.0/sobjects/Account", "referenceId": "a"}
    graphs = [
        {"graphId": f"g{n}", "compositeRequest": [{**nodes, "body": {"Name": f"Crash {n}"}}]} for n in (1, 2)
    ]
    add(org, Drop(), phase=AFTER_COMMIT, commit=1)
    with pytest.raises(requests.ConnectionError):
        org.call("POST", "/composite/graph", {"graphs": graphs})
    assert [row["Name"] for row in org.query("SELECT Name FROM Account WHERE Name LIKE 'Crash%'")] == [
        "Crash 1"
    ]


@pytest.mark.parametrize("at", [0, 5, -8, -40])
def test_cut_replies_n7(org: Client, at: int):
    """A reply may end before its status or inside its body; the row is saved all the same."""
    before = deals(org)
    add(org, Truncate(at))
    with pytest.raises(requests.RequestException):
        org.call("POST", POST, DEAL)
    assert deals(org) == before + 1


def test_cut_headers_look_like_an_empty_success_n7(org: Client):
    """A reply cut inside its headers reaches a careless client as a success without a body."""
    before = deals(org)
    add(org, Truncate(100))
    answer = org.call("POST", POST, DEAL)
    assert (answer.status_code, answer.content, deals(org)) == (201, b"", before + 1)


def test_pages_redirects_and_garbage_n9_n10_n13(org: Client):
    """HTML with 200, redirects and bytes that are not HTTP come as scripted."""
    add(org, Page())
    add(org, Redirect("http://127.0.0.1:9/elsewhere"))
    page = org.call("POST", POST, DEAL)
    assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
    org.emulator.faults.clear()
    add(org, Redirect("http://127.0.0.1:9/elsewhere"))
    moved = org.call("POST", POST, DEAL, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://127.0.0.1:9/elsewhere")
    add(org, Garbage())
    with pytest.raises(requests.ConnectionError):
        org.call("POST", POST, DEAL)


def test_drip_n8(org: Client):
    """A dripped reply arrives whole."""
    add(org, Drip(bytes_each=100, pause_s=0.001))
    assert org.call("POST", POST, DEAL).json()["success"] is True


def test_reshaped_results_n10(org: Client):
    """Results may be fewer than the rows, or in another order."""
    records = [{"attributes": {"type": "Opportunity"}, **DEAL, "Name": name} for name in ("a", "b")]
    add(org, Reshape("fewer"))
    assert len(org.call("POST", "/composite/sobjects", {"records": records}).json()) == 1


def test_redelivery_n14(org: Client):
    """A request delivered twice creates twice, unless a unique key forbids it."""
    before = deals(org)
    add(org, Redeliver(), count=2)
    org.call("POST", POST, DEAL)
    assert deals(org) == before + 2
    answer = org.call("POST", POST, {**DEAL, "Sfsync_Key__c": "redelivered"})
    assert (answer.status_code, deals(org)) == (400, before + 3)


def test_locked_rows_s8(org: Client):
    """Scripted rows are refused with UNABLE_TO_LOCK_ROW, by index or by a value they carry."""
    records = [{"attributes": {"type": "Opportunity"}, **DEAL, "Name": name} for name in ("a", "b", "c")]
    add(org, FailRows(rows=(1,)))
    answer = org.call("POST", "/composite/sobjects", {"records": records}).json()
    assert [row["success"] for row in answer] == [True, False, True]
    assert answer[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    add(org, FailRows(keys=("c",)), count=None)
    for _ in range(2):
        answer = org.call("POST", "/composite/sobjects", {"records": records[1:]}).json()
        assert [row["success"] for row in answer] == [True, False]


def test_expired_sessions_s1(org: Client):
    """An expired token stays expired until the client logs in again."""
    token = org.emulator.org.sessions.open(org.emulator.org.api_user_id)
    headers = {"Authorization": "Bearer " + token}
    add(org, ExpireSession())
    codes = [org.call("POST", POST, DEAL, headers=headers).status_code for _ in range(2)]
    assert (codes, org.call("POST", POST, DEAL).status_code) == ([401, 401], 201)


def test_held_request_commits_on_release_n6(org: Client):
    """A zombie commits after its client has given up, when it is released."""
    before = deals(org)
    add(org, Hold(label="zombie"), phase=BEFORE_COMMIT)
    with pytest.raises(requests.ConnectionError):
        org.call("POST", POST, DEAL)
    assert org.emulator.faults.wait_for_held()
    assert (deals(org), org.emulator.faults.held()) == (before, ["zombie"])
    assert org.emulator.faults.release("zombie") == 1
    assert deals(org) == before + 1


def test_held_request_commits_when_the_clock_passes_n6():
    """A zombie commits when the virtual clock reaches its time."""
    clock = VirtualClock(datetime(2026, 5, 1, tzinfo=UTC))
    with running(ORG_FILE, clock=clock) as emulator:
        org = Client(emulator)
        before = deals(org)
        add(org, Hold(after_s=600.0))
        with pytest.raises(requests.ConnectionError):
            org.call("POST", POST, DEAL)
        assert emulator.faults.wait_for_held()
        clock.advance(599.0)
        assert deals(org) == before
        clock.advance(1.0)
        assert deals(org) == before + 1
        (stamp,) = {
            row["CreatedDate"] for row in org.query("SELECT CreatedDate FROM Opportunity WHERE Name = 'Deal'")
        }
        assert stamp == "2026-05-01T00:10:00.000+0000"
        org.http.close()


def test_concurrent_writers_of_one_account_s8(org: Client):
    """While a slow call holds an account, a second writer of that account is refused, others go on."""
    (account,) = org.query("SELECT Id FROM Account WHERE Sfsync_Key__c = 'ACC-1'")
    add(org, Delay(30.0), phase=AFTER_COMMIT)
    slow = threading.Thread(
        target=org.call, args=("POST", POST, {**DEAL, "AccountId": account["Id"], "Name": "slow"})
    )
    slow.start()
    second = Client(org.emulator)
    while not second.query("SELECT Id FROM Opportunity WHERE Name = 'slow'"):
        pass
    refused = second.call("POST", POST, {**DEAL, "AccountId": account["Id"]})
    free = second.call("POST", POST, DEAL)
    org.emulator.faults.clear()
    slow.join()
    again = second.call("POST", POST, {**DEAL, "AccountId": account["Id"]})
    second.http.close()
    assert (refused.json()[0]["errorCode"], free.status_code, again.status_code) == (
        "UNABLE_TO_LOCK_ROW",
        201,
        201,
    )


def test_audit_tells_requests_and_commits(org: Client):
    """The audit names every request and every committed effect, and the request behind it."""
    deal = org.deal()
    commit = org.emulator.audit.commits[-1]
    request = org.emulator.audit.requests[commit.request - 1]
    assert (commit.sobject, commit.id, commit.op) == ("Opportunity", deal, "insert")
    assert (request.method, request.status, request.sobjects) == ("POST", 201, {"Opportunity": 1})
    assert "authorization" in request.headers
    assert org.emulator.access_token not in str(org.emulator.audit.as_json())


@contextmanager
def serving(*options: str) -> Iterator[dict[str, str]]:
    """Run the emulator as a process of its own, and end it."""
    command = [sys.executable, "-m", "sfsync.emulator", "serve", "--json", "--org", str(ORG_FILE), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
        child.terminate()
        assert child.wait(5) == 0


@pytest.fixture
def process() -> Iterator[dict[str, str]]:
    """Run the emulator as a process of its own."""
    with serving() as served:
        yield served


def test_control_over_http(process: dict[str, str]):
    """A served process is controlled with its token: faults, audit, switches, kill."""
    base, token = process["instance_url"], process["access_token"]
    control = {"X-Sfsync-Emulator-Control": token}
    session = {"Authorization": "Bearer " + token}
    assert requests.get(base + "/_emulator/audit", timeout=10).status_code == 403
    script = {"action": "refuse", "status": 503, "method": "POST", "sobject": "Opportunity"}
    requests.post(base + "/_emulator/faults", json=script, headers=control, timeout=10).raise_for_status()
    url = base + "/services/data/v66.0/sobjects/Opportunity"
    assert [requests.post(url, json=DEAL, headers=session, timeout=10).status_code for _ in range(2)] == [
        503,
        201,
    ]
    audit = requests.get(base + "/_emulator/audit", headers=control, timeout=10).json()
    assert [entry["status"] for entry in audit["requests"]] == [503, 201]
    assert [entry["op"] for entry in audit["commits"]] == ["insert"]
    wrong = requests.post(base + "/_emulator/faults", json={"action": "nope"}, headers=control, timeout=10)
    assert wrong.status_code == 400
    switches = {"unknown_stage": "refuse"}
    assert requests.patch(base + "/_emulator/switches", json=switches, headers=control, timeout=10).ok
    assert requests.post(url, json={**DEAL, "StageName": "?"}, headers=session, timeout=10).status_code == 400
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as victim:
        kill = {"pid": victim.pid, "method": "POST", "phase": "after_commit"}
        assert requests.post(base + "/_emulator/kill", json=kill, headers=control, timeout=10).ok
        with pytest.raises(requests.ConnectionError):
            requests.post(url, json=DEAL, headers=session, timeout=10)
        assert victim.wait(5) == -9


def test_a_closed_idle_connection_n14(org: Client):
    """A connection that promised to stay may be gone at the next call; the first answer is whole."""
    add(org, HangUp())
    first = org.call("POST", POST, DEAL)
    assert first.status_code == 201
    assert "Connection" not in first.headers


def test_a_served_clock_stands_still_until_it_is_moved_n6():
    """A process served with a clock lets a zombie commit exactly when the clock has come so far."""
    start = ["--clock", "2026-05-01T00:00:00+00:00"]
    with serving(*start) as served:
        control = {"X-Sfsync-Emulator-Control": served["access_token"]}
        session = {"Authorization": "Bearer " + served["access_token"]}
        base, url = (
            served["instance_url"],
            served["instance_url"] + "/services/data/v66.0/sobjects/Opportunity",
        )
        script = {"action": "hold", "after_s": 600, "method": "POST"}
        requests.post(base + "/_emulator/faults", json=script, headers=control, timeout=10).raise_for_status()
        with pytest.raises(requests.ConnectionError):
            requests.post(url, json=DEAL, headers=session, timeout=10)
        while not requests.get(base + "/_emulator/faults", headers=control, timeout=10).json()["held"]:
            pass
        commits = []
        for seconds in (599, 1):
            requests.post(base + "/_emulator/clock", json={"advance_s": seconds}, headers=control, timeout=10)
            audit = requests.get(base + "/_emulator/audit", headers=control, timeout=10).json()
            commits.append(len(audit["commits"]))
    assert commits == [0, 1]
