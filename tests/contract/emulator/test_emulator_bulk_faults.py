"""Bulk jobs in time and in trouble: slow, held, aborted, failed midway, retried, killed; scripted as JSON."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from bulk_client import Bulk, bulk_org, deals
from facts import fact, side

from sfsync.emulator.fault_actions import Delay, Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running


@pytest.fixture
def org() -> Iterator[Bulk]:
    """Run one org for a test; clock and faults are the test's own."""
    with bulk_org() as client:
        yield client


def control(org: Bulk, method: str, path: str, body: Any = None) -> Any:
    """Call one of the emulator's own resources."""
    headers = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    answer = org.call(method, f"/_emulator/{path}", body, headers=headers)
    assert answer.ok, answer.text
    return answer.json()


def script(org: Bulk, action: str, **keys: Any) -> None:
    """Script a fault for the work of the next job, as a test in another process would."""
    control(org, "POST", "faults", {"action": action, "method": "JOB", **keys})


def progress(org: Bulk, job: str) -> tuple[str, int]:
    """Return how far a job is."""
    info = org.info(job)
    return info["state"], info["numberRecordsProcessed"]


@fact("5.3-chunks")
def test_a_slow_org_works_by_its_clock():
    """With times set in the org file a job waits in the queue, then saves a chunk of 200 at a time."""
    with bulk_org({"bulk_queue_s": 10, "bulk_chunk_s": 2}) as org:
        job = org.load(deals(0, 500, "slow"))
        seen = [progress(org, job)]
        for seconds in (9, 1, 1, 1, 2, 2):
            org.advance(seconds)
            seen.append(progress(org, job))
        assert seen == [
            ("UploadComplete", 0),
            ("UploadComplete", 0),
            ("InProgress", 200),
            ("InProgress", 200),
            ("InProgress", 400),
            ("InProgress", 500),
            ("JobComplete", 500),
        ]
        assert org.info(job)["totalProcessingTime"] == 6000


def test_a_job_that_takes_its_time(org: Bulk):
    """A delay of one job moves it alone, and one jump of the clock carries it through all its waits."""
    script(org, "delay", seconds=3600)
    script(org, "delay", seconds=60, phase="after_commit", commit=1)
    slow, fast = org.load(deals(0, 300, "time")), org.load(deals(300, 400, "time"))
    assert (progress(org, slow), progress(org, fast)) == (("UploadComplete", 0), ("JobComplete", 100))
    org.advance(7200)
    assert progress(org, slow) == ("JobComplete", 300)


def test_a_job_that_counts_polls(org: Bulk):
    """A job may be told to go on after so many polls, whatever the clock says."""
    script(org, "await_polls", polls=3)
    job = org.load(deals(0, 1, "poll"))
    assert [org.info(job)["state"] for _ in range(4)] == [*["UploadComplete"] * 3, "JobComplete"]


@fact("5.1-failed-keeps", "5.1-states")
@pytest.mark.parametrize(("phase", "kept"), [("before_commit", 200), ("after_commit", 400)])
def test_a_job_that_fails_midway(org: Bulk, phase: str, kept: int):
    """A job that fails at its second chunk keeps what it committed; the other rows are unprocessed."""
    script(org, "fail_job", message="InternalServerError : x", phase=phase, commit=2)
    job = org.load(deals(0, 500, "midway"))
    info = org.info(job)
    assert (info["state"], info["errorMessage"]) == ("Failed", "InternalServerError : x")
    assert (info["numberRecordsProcessed"], org.count("midway")) == (kept, kept)
    assert (len(org.saved(job)), len(org.left(job))) == (kept, 500 - kept)


def test_a_job_that_fails_in_the_queue_or_at_its_end(org: Bulk):
    """A job may fail before its first row or after its last one."""
    script(org, "fail_job", phase="before_read")
    early = org.load(deals(0, 2, "early"))
    script(org, "fail_job", phase="after_commit")
    late = org.load(deals(2, 4, "early"))
    assert [progress(org, job) for job in (early, late)] == [("Failed", 0), ("Failed", 2)]


@fact("5.1-error-lock")
def test_a_row_that_is_locked_in_two_jobs(org: Bulk):
    """A row fails by its key or its place for as many jobs as the script says, then goes through."""
    script(org, "fail_rows", keys=["lock-1"], sobject="Opportunity", count=2)
    account = org.load("Name\nx\n", sobject="Account")
    jobs = [org.load(deals(n, n + 2, "lock")) for n in (0, 1)]
    assert [len(org.refused(job)) for job in (account, *jobs)] == [0, 1, 1]
    error = org.refused(jobs[0])[0]["sf__Error"]
    assert error.startswith(
        "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records"
    )
    assert error.endswith(":--")
    assert len(org.saved(org.load(deals(1, 2, "lock")))) == 1
    script(
        org, "fail_rows", rows=[250], code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no", fields=["Name"]
    )
    (row,) = org.refused(org.load(deals(10, 310, "lock")))
    assert (row["Sfsync_Key__c"], row["sf__Error"]) == (
        "lock-260",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION:no:Name --",
    )


@fact("5.1-abort")
@pytest.mark.parametrize(
    ("value", "after"),
    [
        pytest.param("some", 400, marks=side("rows_after_abort", "some")),
        pytest.param("none", 200, marks=side("rows_after_abort", "none")),
    ],
)
def test_an_abort_in_the_middle(org: Bulk, value: str, after: int):
    """After an abort the chunk under way is still saved, or not; the rest is unprocessed either way."""
    control(org, "PATCH", "switches", {"rows_after_abort": value})
    script(org, "delay", seconds=10, phase="after_commit", commit=1)
    job = org.load(deals(0, 600, "abort"))
    answer = org.set_state(job, "Aborted")
    assert (answer.status_code, answer.json()["state"], org.count("abort")) == (200, "Aborted", 200)
    org.advance(60)
    assert progress(org, job) == ("Aborted", after)
    assert org.count("abort") == len(org.saved(job)) == 600 - len(org.left(job)) == after


@fact("5.1-abort")
def test_an_abort_in_the_queue(org: Bulk):
    """A job aborted before its work began saves nothing."""
    script(org, "delay", seconds=10)
    job = org.load(deals(0, 2, "queue"))
    assert org.set_state(job, "Aborted").status_code == 200
    org.advance(20)
    assert (progress(org, job), org.count("queue"), len(org.left(job))) == (("Aborted", 0), 0, 2)


@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
@pytest.mark.parametrize(
    ("repeats", "doubles"),
    [
        pytest.param(False, 0, marks=side("batch_retry_repeats_chunk", "false")),
        pytest.param(True, 200, marks=side("batch_retry_repeats_chunk", "true")),
    ],
)
def test_a_batch_that_is_retried(org: Bulk, repeats: bool, doubles: int, phase: str):
    """A batch that lost its worker goes on behind its last committed chunk, or repeats that chunk."""
    control(org, "PATCH", "switches", {"batch_retry_repeats_chunk": repeats})
    script(org, "retry_batch", phase=phase, commit=2)
    before = int(org.query("SELECT count(Id) n FROM Opportunity")[0]["n"])
    rows = "".join(f"Deal {n},Prospecting,2026-12-31\n" for n in range(450))
    job = org.load("Name,StageName,CloseDate\n" + rows)
    info = org.info(job)
    assert (info["state"], info["numberRecordsProcessed"], info["retries"]) == ("JobComplete", 450, 1)
    assert len(org.saved(job)) == 450
    assert int(org.query("SELECT count(Id) n FROM Opportunity")[0]["n"]) - before == 450 + doubles


@side("batch_retry_repeats_chunk", "true")
def test_a_repeated_chunk_meets_its_own_keys(org: Bulk):
    """Rows with a unique key fail when their chunk is repeated, although they are in the org."""
    control(org, "PATCH", "switches", {"batch_retry_repeats_chunk": True})
    script(org, "retry_batch", phase="after_commit", commit=1)
    job = org.load(deals(0, 300, "again"))
    assert (org.count("again"), len(org.saved(job)), org.info(job)["numberRecordsFailed"]) == (300, 100, 200)


@fact("5.3-batch-time")
def test_batches_that_take_too_long():
    """A batch beyond five minutes is retried; after twenty retries the job fails and keeps its rows."""
    with bulk_org({"bulk_chunk_s": 301}) as org:
        job = org.load(deals(0, 4400, "long"))
        org.advance(301 * 5)
        assert (org.info(job)["retries"], org.info(job)["state"]) == (5, "InProgress")
        org.advance(301 * 30)
        info = org.info(job)
        assert (info["state"], info["errorMessage"].split()[0], info["retries"]) == ("Failed", "Timeout", 20)
        assert org.count("long") == info["numberRecordsProcessed"] == 4200


@fact("5.3-many-locks", "5.3-batches")
def test_a_batch_with_many_locks_is_put_back(org: Bulk):
    """A batch with more than a hundred locked rows lets the others go first; refused rows stay refused."""
    script(org, "fail_rows", rows=list(range(10_000, 10_101)))
    script(org, "delay", seconds=10, phase="after_commit", commit=2)
    job = org.load("Name\n" + "".join(f"Row {n}\n" for n in range(10_400)), sobject="Account")
    assert progress(org, job) == ("InProgress", 400)
    soql = "SELECT Name FROM Account WHERE Name IN ('Row 0', 'Row 10000', 'Row 10101', 'Row 10200') ORDER BY Name"
    assert [row["Name"] for row in org.query(soql)] == ["Row 0", "Row 10101"]
    org.advance(10)
    info = org.info(job)
    assert (info["state"], info["retries"], info["numberRecordsFailed"]) == ("JobComplete", 1, 101)
    assert info["numberRecordsProcessed"] == 10_400
    batches = org.call("GET", "/limits").json()["DailyBulkApiBatches"]
    assert batches["Max"] - batches["Remaining"] == 2


@fact("5.3-batches", "5.3-batch-order", "5.1-failed-keeps")
def test_batches_go_in_no_order(org: Bulk):
    """Of two batches the second is worked on first, so that a job may fail with only later rows written."""
    script(org, "fail_job", phase="after_commit", commit=1)
    job = org.load("Name\n" + "".join(f"Row {n}\n" for n in range(10_100)), sobject="Account")
    assert progress(org, job) == ("Failed", 100)
    assert {row["Name"] for row in org.saved(job)} == {f"Row {n}" for n in range(10_000, 10_100)}
    assert len(org.left(job)) == 10_000


def test_a_held_job_goes_on_when_released(org: Bulk):
    """A held job waits for its release, or for the clock."""
    script(org, "hold", label="first", phase="before_commit", commit=2)
    job = org.load(deals(0, 300, "hold"))
    assert (progress(org, job), org.emulator.faults.held()) == (("InProgress", 200), ["first"])
    assert control(org, "POST", "faults/release", {"label": "first"}) == {"released": 1}
    assert (progress(org, job), org.emulator.faults.held()) == (("JobComplete", 300), [])
    script(org, "hold", after_s=60)
    job = org.load(deals(300, 301, "hold"))
    org.advance(59)
    assert progress(org, job)[0] == "UploadComplete"
    org.advance(1)
    assert progress(org, job)[0] == "JobComplete"


def test_the_client_is_killed_after_a_chunk(org: Bulk):
    """A process can be killed at a chunk of a job, which goes on without it."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as victim:
        kill = {"pid": victim.pid, "method": "JOB", "phase": "after_commit", "commit": 2}
        control(org, "POST", "kill", kill)
        job = org.load(deals(0, 600, "kill"))
        assert victim.wait(5) == -signal.SIGKILL
    assert progress(org, job) == ("JobComplete", 600)


@pytest.mark.parametrize(("phase", "worked"), [("before_read", 0), ("before_commit", 0), ("after_commit", 2)])
@pytest.mark.parametrize("commit", [None, 1])
def test_a_close_whose_answer_is_lost(org: Bulk, phase: str, worked: int, commit: int | None):
    """A dropped close did its work or did not, by its phase alone; the state of the job tells which."""
    job = org.new()
    org.put(job, deals(0, 2, "close"))
    drop = {"action": "drop", "method": "PATCH", "path": "jobs/ingest", "phase": phase, "commit": commit}
    control(org, "POST", "faults", drop)
    with pytest.raises(requests.ConnectionError):
        org.set_state(job)
    assert progress(org, job) == (("JobComplete", 2) if worked else ("Open", 0))
    assert org.count("close") == worked


@pytest.mark.parametrize(("phase", "rows"), [("before_commit", None), ("after_commit", 2)])
def test_an_upload_whose_answer_is_lost(org: Bulk, phase: str, rows: int | None):
    """The state of the job does not tell whether a dropped upload arrived: it is open either way."""
    job = org.new()
    control(org, "POST", "faults", {"action": "drop", "method": "PUT", "phase": phase})
    with pytest.raises(requests.ConnectionError):
        org.put(job, deals(0, 2, "put"))
    assert org.info(job)["state"] == "Open"
    closed = org.set_state(job)
    assert (closed.status_code, org.count("put")) == ((200, rows) if rows else (400, 0))


def test_an_upload_cut_off_on_its_way_is_not_taken(org: Bulk):
    """A body that ends before its length was never received."""
    import socket
    from urllib.parse import urlsplit

    job = org.new()
    address = urlsplit(org.emulator.instance_url)
    head = (
        f"PUT /services/data/v66.0/jobs/ingest/{job}/batches HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {org.emulator.access_token}\r\nContent-Type: text/csv\r\n"
        "Content-Length: 900\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as raw:
        raw.sendall(head.encode() + deals(0, 2, "cut").encode())
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(100) == b""
    assert org.set_state(job).status_code == 400


def test_only_fitting_faults_are_taken(org: Bulk):
    """Faults of connections are not for jobs, faults of jobs not for calls, and unnamed ones strike no job."""
    with pytest.raises(ValueError):
        FaultScript(Refuse(), method="JOB")
    headers = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    for wrong in ({"action": "fail_job"}, {"action": "await_polls", "method": "GET"}):
        assert org.call("POST", "/_emulator/faults", wrong, headers=headers).status_code == 400
    unnamed = org.emulator.faults.add(FaultScript(Delay(0.0), path="jobs/ingest", count=None))
    org.load(deals(0, 1, "named"))
    assert unnamed.seen == 3


def test_jobs_run_by_themselves_on_the_machines_clock():
    """Without a virtual clock a closed job is done soon, in the background, and other calls go on."""
    from bulk_client import ORG_FILE

    with running(ORG_FILE) as emulator:
        org = Bulk(emulator)
        with org.http:
            script(org, "hold", phase="after_commit")
            job = org.load(deals(0, 2000, "real"))
            assert org.emulator.faults.wait_for_held()
            assert (progress(org, job), org.count("real")) == (("InProgress", 2000), 2000)
            org.emulator.faults.release()
            assert progress(org, job)[0] == "JobComplete"
