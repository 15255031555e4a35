"""Query jobs over HTTP: create, abort, poll, read the results set by set, delete.

All calls for a job must use the API version that created it.
Source: Bulk API 2.0 Guide, Bulk API 2.0 Query [D]: 47+, parallel result pages 58+.
"""

import base64
from typing import Any, Final

from sfsync.emulator.bulk import csv_writing, job_resources
from sfsync.emulator.bulk.ingest import CSV_TYPE
from sfsync.emulator.bulk.job_requests import read_query_request
from sfsync.emulator.bulk.job_resources import check_enabled
from sfsync.emulator.bulk.jobs import ENDED, Job, JobState
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.wire.messages import Reply

_SINCE: Final = 47.0
_PAGES_SINCE: Final = 58.0
_PAGES_AT_ONCE: Final = 5


def _checked_version(call: Call, since: float = _SINCE) -> None:
    if float(call.version) < since:
        raise not_found()
    check_enabled(call)


def _job(call: Call) -> Job:
    _checked_version(call)
    job = call.org.jobs.get(call.args["job"], is_query=True)
    if job.version != call.version:
        message = f"The job was created with API version {job.version}, not {call.version}"
        raise ApiError(409, "API_ERROR", message)
    return job


def create_job(call: Call) -> Reply:
    """Create a query job, which is queued at once."""
    _checked_version(call)
    request = read_query_request(call, call.request.json())
    if not call.org.jobs.query_jobs.take():
        raise ApiError(400, "EXCEEDEDQUOTA", "The query jobs of the last 24 hours are used up")
    job = call.org.jobs.new(request, user_id=call.user_id, version=call.version)
    job.closed_by_request = call.number

    def effect() -> None:
        call.org.jobs.add(job)
        is_ready()

    with job_resources.starting(call, job) as is_ready:
        job_resources.change(call, job, "insert", effect)
        info = job.info()
    return Reply(200, info)


def read_job(call: Call) -> Reply:
    """Answer the info of a query job."""
    return job_resources.show_job(call, _job(call))


def change_state(call: Call) -> Reply:
    """Abort a query job."""
    job = _job(call)
    state = call.request.json_object().get("state")
    if state != JobState.ABORTED:
        raise job_resources.wrong_state(f"A query job can be set to Aborted, not to '{state}'")
    return job_resources.abort_job(call, job)


def delete_job(call: Call) -> Reply:
    """Forget a query job that has ended."""
    running = frozenset(JobState) - ENDED
    return job_resources.delete_job(call, _job(call), unless=running)


def list_jobs(call: Call) -> Reply:
    """Answer the query jobs of the org."""
    _checked_version(call)
    return job_resources.list_jobs(call, is_query=True)


def results(call: Call) -> Reply:
    """Answer one set of the results of a query job."""
    job = _complete(call)
    parameters = call.request.parameters()
    first = _offset(parameters.get("locator") or "")
    end = first + _rows_wanted(call, parameters.get("maxRecords"))
    total = len(job.answer.records)
    if first and first >= total:
        raise _bad_locator()
    headers = {
        "Sforce-Locator": _locator(end) if end < total else "null",
        "Sforce-NumberOfRecords": str(min(end, total) - first),
    }
    body = csv_writing.query_rows(job.answer, job.request, first=first, end=end)
    return Reply(200, body, headers, CSV_TYPE)


def result_pages(call: Call) -> Reply:
    """Answer the addresses of up to five sets of results, to be read in parallel."""
    _checked_version(call, _PAGES_SINCE)
    job = _complete(call)
    base = f"/services/data/v{call.version}/jobs/query/{job.id}"
    rows, total = call.org.jobs.result_page_rows, len(job.answer.records)
    first = _offset(call.request.parameters().get("locator") or "")
    starts = list(range(first, max(total, 1), rows))
    shown, left = starts[:_PAGES_AT_ONCE], starts[_PAGES_AT_ONCE:]
    pages = [{"resultUrl": f"{base}/results?locator={_locator(start)}&maxRecords={rows}"} for start in shown]
    body: dict[str, Any] = {"resultPages": pages, "done": not left}
    if left:
        body["nextRecordsUrl"] = f"{base}/resultPages?locator={_locator(left[0])}"
    return Reply(200, body)


def _complete(call: Call) -> Job:
    job = _job(call)
    if job.state is not JobState.JOB_COMPLETE:
        raise job_resources.wrong_state(f"A job in the state {job.state} has no results")
    return job


def _rows_wanted(call: Call, text: str | None) -> int:
    if text is None:
        return call.org.jobs.result_page_rows
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, "INVALIDJOB", f"maxRecords must be a number above zero, not '{text}'")
    return min(int(text), call.org.jobs.result_page_rows)


def _locator(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(locator: str) -> int:
    if not locator:
        return 0
    try:
        offset = int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except ValueError:
        raise _bad_locator() from None
    if offset < 0 or _locator(offset) != locator:
        raise _bad_locator()
    return offset


def _bad_locator() -> ApiError:
    return ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
