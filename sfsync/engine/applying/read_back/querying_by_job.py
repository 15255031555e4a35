"""Asks a query job for what was modified since a moment, and gives its pages when all of it can be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sfsync.core.ports import Lookup
from sfsync.core.sending.bulk import TERMINAL, JobProgress, JobState
from sfsync.core.sending.job_waits import job_waits_s
from sfsync.core.sending.read_back import MOST_OF_OTHERS, QUERY_SPEED
from sfsync.engine.applying.bulk_jobs.job_lines import Traffic

STAMP: Final = "SystemModstamp"
"""When anything last wrote to a record, automation too. Source: Object Reference, "System Fields"."""

MARGIN: Final = timedelta(minutes=1)
"""How far the clock of the org's answers may differ from that of its records."""


def answered(traffic: Traffic, window: Lookup, rows: int) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The pages of a query job, records as texts by field; `rows` is how many of them are wanted.

    Raises:
        ValueError: the job did not end well, or finds far more than is wanted.
    """
    jobs = traffic.gateway.jobs
    job_id = jobs.ask(window)
    progress = _ended(traffic, job_id, rows)
    if progress is None or progress.processed > MOST_OF_OTHERS * rows:
        raise ValueError("the query job is not worth its pages")
    for page in jobs.answers(job_id, window, progress.processed):
        traffic.check_stop()
        yield page


def _ended(traffic: Traffic, job_id: str, rows: int) -> JobProgress | None:
    """The last word of a query job that has found all there is; None of any other."""
    for wait_s in job_waits_s(rows // QUERY_SPEED):
        traffic.wait(wait_s)
        traffic.check_stop()
        progress = traffic.gateway.jobs.asked(job_id)
        if progress is None or progress.state in TERMINAL:
            is_complete = progress is not None and progress.state is JobState.JOB_COMPLETE
            return progress if is_complete else None
    return None
