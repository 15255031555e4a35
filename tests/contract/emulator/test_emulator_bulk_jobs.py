"""Ingest jobs of Bulk API 2.0: their life over HTTP, what is refused, what is forgotten when."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from bulk_client import HEADER, Bulk, bulk_org, deals
from facts import fact, side

INFO_KEYS = {
    "id",
    "operation",
    "object",
    "createdById",
    "createdDate",
    "systemModstamp",
    "state",
    "concurrencyMode",
    "contentType",
    "apiVersion",
    "contentUrl",
    "lineEnding",
    "columnDelimiter",
}
POLLED_KEYS = {
    "jobType",
    "numberRecordsProcessed",
    "numberRecordsFailed",
    "retries",
    "totalProcessingTime",
    "apiActiveProcessingTime",
    "apexProcessingTime",
}


@pytest.fixture(scope="module")
def org() -> Iterator[Bulk]:
    """Run one org for the module."""
    with bulk_org() as client:
        yield client


def error(answer: Any) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()[0]["errorCode"]


@fact("5.1-create", "5.1-job-info")
def test_a_new_job_tells_all_about_itself(org: Bulk):
    """Create answers 200 with the whole job info and the object in its own spelling."""
    body = {
        "object": "opportunity",
        "operation": "upsert",
        "externalIdFieldName": "Sfsync_Key__c",
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    answer = org.call("POST", "/jobs/ingest", body)
    info = answer.json()
    assert answer.status_code == 200
    assert set(info) == INFO_KEYS | {"externalIdFieldName"}
    assert (info["state"], info["object"], info["concurrencyMode"]) == ("Open", "Opportunity", "Parallel")
    assert (info["id"][:3], len(info["id"]), info["apiVersion"]) == ("750", 18, 66.0)
    assert '"apiVersion":66.0' in answer.text
    assert info["contentUrl"] == f"services/data/v66.0/jobs/ingest/{info['id']}/batches"


@fact("5.1-states", "5.1-upload", "5.1-close", "5.1-poll")
def test_the_life_of_a_job(org: Bulk):
    """Create, one upload, close, polls: Open, UploadComplete, InProgress, JobComplete."""
    org.emulator.faults.clear()
    script = {"method": "JOB", "action": "await_polls"}
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    scripts = [{**script, "phase": "before_read"}, {**script, "phase": "after_commit", "commit": 1}]
    assert org.call("POST", "/_emulator/faults", scripts, headers=control).ok
    job = org.new()
    uploaded = org.put(job, deals(0, 3, "life"))
    assert (uploaded.status_code, uploaded.content) == (201, b"")
    assert "Content-Type" not in uploaded.headers
    states = [org.info(job)["state"]]
    closed = org.set_state(job)
    assert (closed.status_code, closed.json()["state"]) == (200, "UploadComplete")
    states += [org.info(job)["state"] for _ in range(3)]
    assert states == ["Open", "UploadComplete", "InProgress", "JobComplete"]
    info = org.info(job)
    assert set(info) == INFO_KEYS | POLLED_KEYS
    assert (info["jobType"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (
        "V2Ingest",
        3,
        0,
    )
    org.emulator.faults.clear()


@fact("5.1-operations")
@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"operation": "merge"}, "INVALIDJOB"),
        ({"operation": None}, "INVALIDJOB"),
        ({"object": "Nope"}, "INVALIDENTITY"),
        ({"object": None}, "INVALIDENTITY"),
        ({"operation": "upsert"}, "INVALIDJOB"),
        ({"operation": "upsert", "externalIdFieldName": "Nope__c"}, "INVALIDJOB"),
        ({"operation": "upsert", "externalIdFieldName": "NextStep"}, "INVALIDJOB"),
        ({"columnDelimiter": "SPACE"}, "INVALIDJOB"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"contentType": "XML"}, "INVALIDJOB"),
        ({"colour": "blue"}, "JSON_PARSER_ERROR"),
        ({"object": 7}, "JSON_PARSER_ERROR"),
        ({"operation": "hardDelete"}, "FEATURENOTENABLED"),
    ],
)
def test_a_job_that_cannot_be_is_refused(org: Bulk, keys: dict[str, Any], code: str):
    """Every key of a new job is checked, and the whole request refused with 400."""
    body = {"object": "Opportunity", "operation": "insert", **keys}
    assert error(org.call("POST", "/jobs/ingest", body)) == (400, code)


@fact("5.1-assignment-rule")
@fact("11-49")
def test_assignment_rules_since_49(org: Bulk):
    """AssignmentRuleId is a key of a job from API version 49 on."""
    body = {"object": "Opportunity", "operation": "insert", "assignmentRuleId": "01Q000000000001AAA"}
    new = org.call("POST", "/services/data/v49.0/jobs/ingest", body)
    assert (new.status_code, new.json()["assignmentRuleId"]) == (200, "01Q000000000001AAA")
    assert org.call("POST", "/services/data/v48.0/jobs/ingest", body).status_code == 400
    assert org.call("POST", "/services/data/v40.0/jobs/ingest", body).status_code == 404


@fact("5.1-multipart")
def test_a_form_creates_and_closes(org: Bulk):
    """A form with both parts is a whole job; a content that is too long is refused and makes no job."""

    def send(content: str) -> Any:
        parts = {
            "job": (None, '{"object":"Opportunity","operation":"insert"}', "application/json"),
            "content": ("content", content, "text/csv"),
        }
        return org.call("POST", "/jobs/ingest", files=parts)

    answer = send(deals(0, 2, "form"))
    assert (answer.status_code, answer.json()["state"]) == (200, "UploadComplete")
    assert org.info(answer.json()["id"])["numberRecordsProcessed"] == org.count("form") == 2
    jobs = len(org.call("GET", "/jobs/ingest").json()["records"])
    assert error(send("Name\n" + "x" * 100_000)) == (400, "INVALIDJOB")
    assert len(org.call("GET", "/jobs/ingest").json()["records"]) == jobs
    only_job = {"job": (None, '{"object":"Opportunity","operation":"insert"}', "application/json")}
    assert error(org.call("POST", "/jobs/ingest", files=only_job)) == (400, "INVALIDJOB")


@pytest.mark.parametrize("how", ["length", "chunked", "gzip"])
def test_every_way_to_send_a_body(org: Bulk, how: str):
    """Uploads come with a length, in chunks, or gzipped."""
    content = deals(0, 3, how).encode()
    job = org.new()
    headers = {"Content-Type": "text/csv"}
    data: Any = iter([content[:40], content[40:]]) if how == "chunked" else content
    if how == "gzip":
        headers["Content-Encoding"], data = "gzip", gzip.compress(content)
    answer = org.call("PUT", f"/jobs/ingest/{job}/batches/", data=data, headers=headers)
    assert answer.status_code == 201
    org.set_state(job)
    assert org.count(how) == 3


@fact("5.3-upload-size")
def test_the_size_of_an_upload(org: Bulk):
    """100 MB as sent are taken; more than 150 MB after base64 are not; other bodies keep their own limit."""
    job = org.new()
    assert org.put(job, b"x" * 104_857_600).status_code == 201
    assert org.call("DELETE", f"/jobs/ingest/{job}").status_code == 400
    org.set_state(job, "Aborted")
    assert org.call("DELETE", f"/jobs/ingest/{job}").status_code == 204
    job = org.new()
    assert (
        org.put(job, gzip.compress(b"x" * 112_500_001, 1), **{"Content-Encoding": "gzip"}).status_code == 413
    )
    elsewhere = org.call("POST", "/jobs/ingest", headers={"Content-Length": "52428801"})
    assert elsewhere.status_code == 413


def test_an_upload_needs_csv_and_an_open_job(org: Bulk):
    """Another content type is 415, another state INVALIDJOBSTATE."""
    job = org.new()
    path = f"/jobs/ingest/{job}/batches"
    wrong = org.call("PUT", path, data=b"Name\n", headers={"Content-Type": "application/json"})
    assert wrong.status_code == 415
    org.put(job, deals(0, 1, "closed"))
    org.set_state(job)
    assert error(org.put(job, deals(1, 2, "closed"))) == (400, "INVALIDJOBSTATE")


@fact("5.3-error-bodies")
def test_wrong_states_and_unknown_jobs(org: Bulk):
    """A second close, an abort of an ended job and an unknown state are 400, an unknown job 404."""
    job = org.load(deals(0, 1, "states"))
    assert error(org.set_state(job)) == (400, "INVALIDJOBSTATE")
    assert error(org.set_state(job, "Aborted")) == (400, "INVALIDJOBSTATE")
    assert error(org.set_state(org.new(), "JobComplete")) == (400, "INVALIDJOBSTATE")
    assert error(org.set_state(org.new())) == (400, "INVALIDJOBSTATE")
    for method, path in [
        ("GET", "/jobs/ingest/7505f000000000AAAA"),
        ("DELETE", "/jobs/ingest/undefined"),
        ("GET", f"/jobs/query/{job}"),
        ("GET", "/jobs/ingest/7505f000000000AAAA/failedResults"),
    ]:
        assert error(org.call(method, path)) == (404, "NOT_FOUND")
    assert org.info(job[:15])["id"] == job


@fact("5.1-delete", "5.3-error-bodies")
def test_delete_by_state(org: Bulk):
    """A job can be deleted when it waits or has ended, not when it is open or works."""
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    hold = {"action": "hold", "method": "JOB", "phase": "before_read"}
    org.call("POST", "/_emulator/faults", hold, headers=control)
    waiting = org.load(deals(0, 1, "gone"))
    org.emulator.faults.clear()
    assert org.info(waiting)["state"] == "JobComplete"
    org.call("POST", "/_emulator/faults", {**hold, "phase": "after_commit", "commit": 1}, headers=control)
    working = org.load(deals(1, 2, "gone"))
    assert org.info(working)["state"] == "InProgress"
    assert error(org.call("DELETE", f"/jobs/ingest/{working}")) == (400, "API_ERROR")
    org.emulator.faults.clear()
    assert error(org.call("DELETE", f"/jobs/ingest/{org.new()}")) == (400, "API_ERROR")
    aborted = org.new()
    org.set_state(aborted, "Aborted")
    failed = org.load("Nope\nx\n")
    for job in (working, aborted, failed):
        assert org.call("DELETE", f"/jobs/ingest/{job}").status_code == 204
        assert error(org.call("GET", f"/jobs/ingest/{job}")) == (404, "NOT_FOUND")


@fact("5.1-delete")
def test_a_deleted_job_in_the_queue_never_runs(org: Bulk):
    """Deleting in UploadComplete takes the work away."""
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    delay = {"action": "delay", "seconds": 60, "method": "JOB"}
    org.call("POST", "/_emulator/faults", delay, headers=control)
    job = org.load(deals(0, 1, "queue"))
    assert org.info(job)["state"] == "UploadComplete"
    assert org.call("DELETE", f"/jobs/ingest/{job}").status_code == 204
    org.advance(120)
    assert org.count("queue") == 0
    org.emulator.faults.clear()


@fact("5.1-list", "5.1-list-filters")
def test_the_list_of_jobs_in_pages():
    """Jobs are listed oldest first, a thousand a page; filters leave only what they name."""
    with bulk_org() as org:
        made = [org.new() for _ in range(1001)]
        first = org.call("GET", "/jobs/ingest/?isPkChunkingEnabled=false&jobType=V2Ingest").json()
        assert (first["done"], len(first["records"])) == (False, 1000)
        assert "queryLocator=" in first["nextRecordsUrl"]
        last = org.call("GET", first["nextRecordsUrl"]).json()
        assert (last["done"], last["nextRecordsUrl"]) == (True, None)
        assert [job["id"] for job in first["records"] + last["records"]] == made
        assert first["records"][0]["jobType"] == "V2Ingest"
        assert org.call("GET", "/jobs/ingest?jobType=Classic").json()["records"] == []
        assert org.call("GET", "/jobs/ingest?isPkChunkingEnabled=true").json()["records"] == []
        assert org.call("GET", "/jobs/ingest?jobType=Other").status_code == 400
        assert org.call("GET", "/jobs/ingest?queryLocator=1").status_code == 400


@fact("5.3-open-for-a-day", "5.3-kept-for-seven-days")
def test_jobs_grow_old():
    """An open job is of no use after a day; an ended one is gone after seven."""
    with bulk_org() as org:
        forgotten, done = org.new(), org.load(deals(0, 1, "old"))
        org.advance(24 * 3600 - 1)
        assert org.info(forgotten)["state"] == "Open"
        org.advance(1)
        assert org.info(forgotten)["state"] == "Aborted"
        assert error(org.put(forgotten, deals(1, 2, "old"))) == (400, "INVALIDJOBSTATE")
        org.advance(6 * 24 * 3600 - 1)
        assert len(org.saved(done)) == 1
        org.advance(1)
        gone = org.call("GET", f"/jobs/ingest/{done}/successfulResults")
        assert error(gone) == (404, "NOT_FOUND")


@fact("5.3-calls", "5.3-daily-batches", "5.3-error-names")
def test_calls_and_batches_are_counted():
    """Each HTTP call costs one API call, each batch one of the day's batches; the next day has them back."""
    with bulk_org({"daily_bulk_batches": 2}) as org:

        def left(name: str) -> int:
            return int(org.call("GET", "/limits").json()[name]["Remaining"])

        calls = left("DailyApiRequests")
        org.load(deals(0, 500, "calls"))
        assert calls - left("DailyApiRequests") == 4
        assert left("DailyBulkApiBatches") == 1
        org.load(deals(500, 501, "calls"))
        refused = org.load(deals(501, 502, "calls"))
        info = org.info(refused)
        assert (info["state"], info["errorMessage"].split()[0]) == ("Failed", "ExceededQuota")
        org.advance(24 * 3600)
        assert left("DailyBulkApiBatches") == 2


@fact("5.3-gzip")
def test_only_the_plain_word_gzip_is_heard(org: Bulk):
    """Other resources compress for any list with gzip in it, bulk only for gzip alone."""
    job = org.load(deals(0, 100, "zip"))
    path = f"/jobs/ingest/{job}/successfulResults"
    for accepted, encoding in [("gzip", "gzip"), ("gzip, deflate", None), ("gzip;q=1.0", None), ("*", None)]:
        answer = org.call("GET", path, headers={"Accept-Encoding": accepted})
        assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, encoding)
    elsewhere = org.call("GET", "/sobjects", headers={"Accept-Encoding": "gzip, deflate"})
    assert elsewhere.headers["Content-Encoding"] == "gzip"


@fact("5.1-abort")
def test_an_open_job_is_aborted(org: Bulk):
    """An abort of an open job answers the aborted job; its rows are unprocessed."""
    job = org.new()
    org.put(job, deals(0, 2, "stop"))
    answer = org.set_state(job, "Aborted")
    assert (answer.status_code, answer.json()["state"]) == (200, "Aborted")
    assert (len(org.left(job)), org.saved(job), org.count("stop")) == (2, [], 0)


@pytest.mark.parametrize(
    ("value", "status", "keys"),
    [
        pytest.param("close_refused", 400, [], marks=side("second_upload", "close_refused")),
        pytest.param("last_wins", 200, ["twice-1"], marks=side("second_upload", "last_wins")),
        pytest.param("appended", 200, ["twice-0", "twice-1"], marks=side("second_upload", "appended")),
    ],
)
def test_a_second_upload(value: str, status: int, keys: list[str]):
    """A second PUT is answered 201; the close refuses the job, or takes the last upload, or both."""
    with bulk_org() as org:
        control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
        org.call("PATCH", "/_emulator/switches", {"second_upload": value}, headers=control)
        job = org.new()
        assert org.put(job, deals(0, 1, "twice")).status_code == 201
        second = deals(1, 2, "twice")
        assert org.put(job, second if value == "last_wins" else second.removeprefix(HEADER + "\n")).ok
        closed = org.set_state(job)
        assert closed.status_code == status
        if status == 400:
            assert closed.json()[0]["errorCode"] == "INVALIDJOB"
            assert org.info(job)["state"] == "Open"
        rows = org.query("SELECT Sfsync_Key__c FROM Opportunity WHERE Sfsync_Key__c LIKE 'twice-%'")
        assert sorted(row["Sfsync_Key__c"] for row in rows) == keys
