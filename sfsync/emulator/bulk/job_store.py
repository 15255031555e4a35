"""The jobs of one org: numbered, found again, listed in pages, and forgotten when their time is over.

Jobs live in memory and end with the process; a database file keeps records, not jobs.
Source: Bulk API 2.0 Guide, Get All Jobs, and Limits [D]: 1,000 jobs a page, results for seven days, open
jobs for one.
"""

import threading
from datetime import timedelta
from typing import Any, Final

from sfsync.emulator.bulk.jobs import Job, JobRequest, JobState
from sfsync.emulator.errors import not_found
from sfsync.emulator.org.clock import Clock
from sfsync.emulator.org.definition import Table
from sfsync.emulator.org.ids import IdSequence, normalised
from sfsync.emulator.org.quotas import Quota

_JOB_PREFIX: Final = "750"
_PAGE_JOBS: Final = 1000
_OPEN_FOR: Final = timedelta(hours=24)
_KEPT_FOR: Final = timedelta(days=7)
_DAILY_BATCHES: Final = 15_000
_DAILY_QUERY_JOBS: Final = 10_000
_DAILY_RECORDS: Final = 150_000_000
_RESULT_PAGE_ROWS: Final = 50_000


class JobStore:
    """All jobs, oldest first, with the allowances they draw on."""

    def __init__(self, clock: Clock, pod: str, limits: Table, *, starts: int = 0) -> None:
        self._clock = clock
        self._ids = IdSequence(_JOB_PREFIX, pod, starts=starts)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self.batches = Quota(int(limits.get("daily_bulk_batches", _DAILY_BATCHES)), clock)
        self.query_jobs = Quota(int(limits.get("daily_bulk_query_jobs", _DAILY_QUERY_JOBS)), clock)
        self.records = Quota(_DAILY_RECORDS, clock)
        self.queue_s = float(limits.get("bulk_queue_s", 0.0))
        self.chunk_s = float(limits.get("bulk_chunk_s", 0.0))
        self.result_page_rows = int(limits.get("bulk_result_page_rows", _RESULT_PAGE_ROWS))

    def new(self, request: JobRequest, *, user_id: str, version: str) -> Job:
        """Return a job with an id of its own, not yet to be found; see `add`."""
        now = self._clock.now()
        with self._lock:
            job_id = self._ids.next_id()
        state = JobState.UPLOAD_COMPLETE if request.is_query else JobState.OPEN
        return Job(job_id, request, user_id, now, version, now, state)

    def add(self, job: Job) -> None:
        """Let a job be found."""
        with self._lock:
            self._jobs[job.id] = job

    def remove(self, job: Job) -> None:
        """Forget a job."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def get(self, job_id: str, *, is_query: bool) -> Job:
        """Return the job of that id.

        Raises: ApiError 404 when there is none (any more).
        """
        self._expire()
        job = self._jobs.get(normalised(job_id) or "")
        if job is None or job.request.is_query is not is_query:
            raise not_found()
        return job

    def page(self, *, is_query: bool, after: str | None) -> tuple[list[Job], str | None]:
        """Return the jobs that follow one, and the locator of the next page if there is one."""
        self._expire()
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.request.is_query is is_query]
        following = [job for job in jobs if after is None or job.id > after]
        page = following[:_PAGE_JOBS]
        return page, page[-1].id if len(following) > _PAGE_JOBS else None

    def limits(self) -> dict[str, Any]:
        """Return the entries of the limits resource."""
        return {
            "DailyBulkApiBatches": self.batches.as_limit(),
            "DailyBulkV2QueryJobs": self.query_jobs.as_limit(),
        }

    def _expire(self) -> None:
        now = self._clock.now()
        with self._lock:
            for job in self._jobs.values():
                if job.state is JobState.OPEN and now - job.created >= _OPEN_FOR:
                    job.move(JobState.ABORTED, now)
            gone = [job for job in self._jobs.values() if job.ended and now - job.ended >= _KEPT_FOR]
            for job in gone:
                del self._jobs[job.id]
