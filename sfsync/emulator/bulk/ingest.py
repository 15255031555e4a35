"""Ingest jobs over HTTP: create, upload once, close, abort, poll, read the three result files, delete.

Source: Bulk API 2.0 Guide, Bulk API 2.0 Ingest [D]. The words of a close after two uploads are reported
[P].
"""

from collections.abc import Callable
from typing import Final

from sfsync.emulator.bulk import csv_writing, job_resources
from sfsync.emulator.bulk.job_requests import form_parts, read_ingest_request
from sfsync.emulator.bulk.job_resources import check_enabled
from sfsync.emulator.bulk.jobs import ENDED, Job, JobState
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.switches import SecondUpload, Switches
from sfsync.emulator.wire.messages import Reply

_SINCE: Final = 41.0
_MOST_FORM_CHARS: Final = 100_000
CSV_TYPE: Final = "text/csv"


def _checked_version(call: Call) -> None:
    if float(call.version) < _SINCE:
        raise not_found()
    check_enabled(call)


def _job(call: Call) -> Job:
    _checked_version(call)
    return call.org.jobs.get(call.args["job"], is_query=False)


def create_job(call: Call) -> Reply:
    """Create an ingest job; a form that carries the data too closes it at once."""
    _checked_version(call)
    parts = form_parts(call)
    body, content = parts or (call.request.json(), None)
    job = call.org.jobs.new(read_ingest_request(call, body), user_id=call.user_id, version=call.version)
    if content is not None and len(content.decode("utf-8", errors="replace")) > _MOST_FORM_CHARS:
        message = f"A multipart request takes at most {_MOST_FORM_CHARS} characters of content"
        raise ApiError(400, "INVALIDJOB", message)
    job_resources.change(call, job, "insert", lambda: call.org.jobs.add(job))
    if content is None:
        return Reply(200, job.info())
    job.uploads.append(content)
    return _closed(call, job)


def upload(call: Call) -> Reply:
    """Take the data of an open job."""
    job = _job(call)
    kind = call.request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != CSV_TYPE:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type '{kind}' is not supported.")

    def effect() -> None:
        if call.org.switches.second_upload is SecondUpload.LAST_WINS:
            job.uploads.clear()
        job.uploads.append(call.request.body)
        job.modified = call.org.clock.now()

    with job.guard:
        if job.state is not JobState.OPEN:
            raise job_resources.wrong_state(f"Data can be uploaded to an open job only, not to {job.state}")
        job_resources.change(call, job, "update", effect)
    return Reply(201)


def change_state(call: Call) -> Reply:
    """Close a job, so that it is worked on, or abort it."""
    job = _job(call)
    body = call.request.json_object()
    match body.get("state"):
        case JobState.UPLOAD_COMPLETE:
            return _closed(call, job)
        case JobState.ABORTED:
            return job_resources.abort_job(call, job)
        case other:
            raise job_resources.wrong_state(
                f"A job can be set to UploadComplete or Aborted, not to '{other}'"
            )


def _closed(call: Call, job: Job) -> Reply:
    def effect() -> None:
        job.closed_by_request = call.number
        job.move(JobState.UPLOAD_COMPLETE, call.org.clock.now())
        is_ready()

    with job_resources.starting(call, job) as is_ready, job.guard:
        _check_closable(call, job)
        job_resources.change(call, job, "update", effect)
        info = job.info()
    return Reply(200, info)


def _check_closable(call: Call, job: Job) -> None:
    if job.state is not JobState.OPEN:
        raise job_resources.wrong_state(f"A job in the state {job.state} cannot be closed")
    if not job.uploads:
        raise job_resources.wrong_state(f"Nothing was uploaded to the job {job.id}")
    if len(job.uploads) > 1 and call.org.switches.second_upload is SecondUpload.CLOSE_REFUSED:
        message = (
            f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job "
            "then create a new Job and make sure you only do 'PUT' once on a given Job."
        )
        raise ApiError(400, "INVALIDJOB", message)


def read_job(call: Call) -> Reply:
    """Answer the info of an ingest job."""
    return job_resources.show_job(call, _job(call))


def delete_job(call: Call) -> Reply:
    """Forget an ingest job that is not open or in progress."""
    unless = frozenset({JobState.OPEN, JobState.IN_PROGRESS})
    return job_resources.delete_job(call, _job(call), unless=unless)


def list_jobs(call: Call) -> Reply:
    """Answer the ingest jobs of the org."""
    _checked_version(call)
    return job_resources.list_jobs(call, is_query=False)


def successful_results(call: Call) -> Reply:
    """Answer the rows that a job saved."""
    return _results(call, csv_writing.successful_rows)


def failed_results(call: Call) -> Reply:
    """Answer the rows that a job refused."""
    return _results(call, csv_writing.failed_rows)


def unprocessed_records(call: Call) -> Reply:
    """Answer the rows that a failed or aborted job did not come to."""
    return _results(call, csv_writing.unprocessed_rows)


def _results(call: Call, file: Callable[[Job, Switches], bytes]) -> Reply:
    job = _job(call)
    if job.state not in ENDED:
        raise job_resources.wrong_state(f"A job in the state {job.state} has no results yet")
    return Reply(200, file(job, call.org.switches), content_type=CSV_TYPE)
