"""What ingest and query jobs have in common over HTTP: the look, the abort, the deletion, the list.

Every change of a job is a unit of work like a change of a record (`AsyncApiJob` in the audit), so that
scripted faults strike before or after it takes effect.
Source: Bulk API 2.0 Guide, Get Job Info, Close or Abort a Job, Delete a Job, Get All Jobs [D].
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from sfsync.emulator.bulk.jobs import ENDED, Job, JobState
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.switches import RowsAfterAbort
from sfsync.emulator.wire.messages import Reply

_JOB: Final = "AsyncApiJob"


def check_enabled(call: Call) -> None:
    """Refuse jobs in an org that has them switched off.

    Raises: ApiError 403 FUNCTIONALITY_NOT_ENABLED.
    """
    if not call.org.definition.organization.get("bulk_api", True):
        raise ApiError(403, "FUNCTIONALITY_NOT_ENABLED", "Bulk API is not enabled for this organization")


def change(call: Call, job: Job, op: str, effect: Callable[[], None]) -> None:
    """Change a job as a unit of work."""
    with call.work.unit():
        call.work.note(_JOB, job.id, op)
        call.work.then(effect)


@contextlib.contextmanager
def starting(call: Call, job: Job) -> Iterator[Callable[[], None]]:
    """Hand a job that was said to be ready to the workers when the block ends, even if a fault ends it."""
    ready: list[Job] = []
    try:
        yield lambda: ready.append(job)
    finally:
        for each in ready:
            if call.enqueue is not None:
                call.enqueue(each)


def wrong_state(message: str) -> ApiError:
    """Return the 400 of a job that is not in the state for this."""
    return ApiError(400, "INVALIDJOBSTATE", message)


def show_job(call: Call, job: Job) -> Reply:
    """Answer the job info, and let work go on that was waiting to be polled."""
    reply = Reply(200, job.full_info(call.org.clock.now()))
    work = job.polled()
    if work is not None:
        work()
    return reply


def abort_job(call: Call, job: Job) -> Reply:
    """Abort a job that has not ended."""
    some = call.org.switches.rows_after_abort is RowsAfterAbort.SOME

    def effect() -> None:
        job.chunk_in_flight = some and job.state is JobState.IN_PROGRESS
        job.move(JobState.ABORTED, call.org.clock.now())

    with job.guard:
        if job.state in ENDED:
            raise wrong_state("Aborting already Completed Job not allowed")
        change(call, job, "update", effect)
    return Reply(200, job.info())


def delete_job(call: Call, job: Job, *, unless: frozenset[JobState]) -> Reply:
    """Forget a job, unless it is in one of these states."""
    with job.guard:
        if job.state in unless:
            message = (
                f"Error encountered when deleting the job because the job is not terminated: {job.state}"
            )
            raise ApiError(400, "API_ERROR", message)

        def effect() -> None:
            job.chunk_in_flight = False
            job.move(JobState.ABORTED, call.org.clock.now())
            call.org.jobs.remove(job)

        change(call, job, "delete", effect)
    return Reply(204)


def list_jobs(call: Call, *, is_query: bool) -> Reply:
    """Answer the jobs of a kind, a thousand a page, oldest first."""
    parameters = call.request.parameters()
    own, address = ("V2Query", "query") if is_query else ("V2Ingest", "ingest")
    kind = parameters.get("jobType") or own
    if kind not in {own, "Classic", *([] if is_query else ["BigObjectIngest"])}:
        raise ApiError(400, "INVALIDJOB", f"jobType '{kind}' is not known here")
    chunked = call.flag("isPkChunkingEnabled", parameters.get("isPkChunkingEnabled") or None)
    after = parameters.get("queryLocator") or None
    if after is not None and normalised(after) != after:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    jobs, locator = call.org.jobs.page(is_query=is_query, after=after)
    if kind != own or chunked:
        jobs, locator = [], None
    following = f"/services/data/v{call.version}/jobs/{address}?queryLocator={locator}"
    shown = [{**job.info(), "jobType": own} for job in jobs]
    body = {"done": locator is None, "records": shown, "nextRecordsUrl": following if locator else None}
    return Reply(200, body)
