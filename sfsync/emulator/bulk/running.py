"""Works on jobs in the background: when each step happens, what strikes it, and how a job ends.

The work of a job is a generator of steps that yields whenever it must wait: for the org's clock, for a
scripted hold, for polls. Nothing blocks a thread, so a virtual clock moves a job exactly as far as it is
told to. Without waits a job runs from end to end in a thread of its own as soon as it is closed.
The work is a call by itself, with the method JOB and the address of the job: scripted faults match it like
any other call, its commits being its chunks.
Source: Bulk API 2.0 Guide, How Requests Are Processed, and Limits [D].
"""

import json
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sfsync.emulator.audit import Audit
from sfsync.emulator.bulk.batches import BatchWork
from sfsync.emulator.bulk.job_work import JobWork, StoppedError, Wait
from sfsync.emulator.bulk.jobs import ENDED, Job, JobFailedError, JobState
from sfsync.emulator.bulk.query_work import run_job_query
from sfsync.emulator.call import Call
from sfsync.emulator.fault_actions import AwaitPolls, Delay, Hold
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, JOB, Faults, row_faults
from sfsync.emulator.org.org import Org
from sfsync.emulator.org.work import Change, Work
from sfsync.emulator.wire.messages import Request

_WHOLE_QUERY: Final = 1


class JobRunner:
    """The platform's workers, as far as one org needs them."""

    def __init__(self, org: Org, faults: Faults, audit: Audit, *, stopping: threading.Event) -> None:
        self._org = org
        self._faults = faults
        self._audit = audit
        self._stopping = stopping

    def enqueue(self, job: Job) -> None:
        """Take up a job whose data is complete."""
        call = self._call(job)
        scripts = self._faults.striking(call.request)
        call.row_faults = row_faults(scripts)
        work = JobWork(job, call, scripts, self._stopping, due=self._org.clock.now())
        work.steps = self._steps(work)
        self._org.clock.call_at(work.due, lambda: self._go_on(work))

    def _call(self, job: Job) -> Call:
        kind = "query" if job.request.is_query else "ingest"
        told = {"object": job.request.object, "operation": job.request.operation, "query": job.request.query}
        request = Request(
            JOB, f"/services/data/v{job.version}/jobs/{kind}/{job.id}", body=json.dumps(told).encode()
        )
        number = job.closed_by_request

        def committed(changes: list[Change]) -> None:
            self._audit.committed(changes, request=number)

        work = Work(
            self._org.storage,
            before_commit=lambda: None,
            after_commit=committed,
            ended=lambda: self._org.locks.release(number),
        )
        return Call(self._org, request, work, number=number, user_id=job.created_by, version=job.version)

    def _go_on(self, work: JobWork) -> None:
        """Run the steps up to the next wait."""
        try:
            for wait in work.steps:
                if not self._is_over(wait, work):
                    return
        except StoppedError:
            return
        except Exception as bug:  # noqa: BLE001 - a bug of the emulator must be told apart from a played error
            traceback.print_exc(file=sys.stderr)
            self._end(work.job, JobState.FAILED, message=f"sfsync emulator bug: {bug!r}")

    def _is_over(self, wait: Wait, work: JobWork) -> bool:
        """Whether the wait is over already; else somebody will go on with the work when it is."""
        match wait:
            case Delay(seconds):
                work.due += timedelta(seconds=seconds)
                if work.due <= self._org.clock.now():
                    return True
                self._org.clock.call_at(work.due, lambda: self._go_on(work))
            case Hold() as hold:
                self._faults.hold(hold, then=lambda: self._go_on_now(work))
            case AwaitPolls(polls):
                with work.job.guard:
                    work.job.polls_awaited, work.job.after_polls = polls, lambda: self._go_on_now(work)
        return False

    def _go_on_now(self, work: JobWork) -> None:
        work.due = max(work.due, self._org.clock.now())
        self._go_on(work)

    def _steps(self, work: JobWork) -> Iterator[Wait]:
        job = work.job
        try:
            yield Delay(self._org.jobs.queue_s)
            yield from work.waits(BEFORE_READ)
            work.strike(BEFORE_READ)
            if not self._begins(job):
                return
            yield from self._query(work) if job.request.is_query else BatchWork(work).steps()
            yield from work.waits(AFTER_COMMIT)
            work.strike(AFTER_COMMIT)
            self._end(job, JobState.JOB_COMPLETE)
        except JobFailedError as problem:
            self._end(job, JobState.FAILED, message=str(problem))

    def _query(self, work: JobWork) -> Iterator[Wait]:
        yield from work.waits(BEFORE_COMMIT, _WHOLE_QUERY)
        with work.working():
            work.job.answer = run_job_query(work.call, work.job.request)
            work.strike(BEFORE_COMMIT, _WHOLE_QUERY)
        work.job.processed = len(work.job.answer.records)
        yield from work.waits(AFTER_COMMIT, _WHOLE_QUERY)

    def _begins(self, job: Job) -> bool:
        with job.guard:
            if job.state is not JobState.UPLOAD_COMPLETE:
                return False
            job.move(JobState.IN_PROGRESS, self._org.clock.now())
        return True

    def _end(self, job: Job, state: JobState, *, message: str | None = None) -> None:
        with job.guard:
            if job.state not in ENDED:
                job.move(state, self._org.clock.now())
                job.error_message = message
