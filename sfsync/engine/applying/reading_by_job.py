"""Reads back many records by a query job: those that were modified since the run's first write, matched by id.

The job is only the cheaper way to most of them. What it does not bring, for whatever reason, is read by ids:
records that an earlier process wrote, and all of them where the job was refused, cut off or not worth its pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.bulk import TERMINAL, JobProgress, JobState
from sfsync.core.sending.job_waits import job_waits_s
from sfsync.core.sending.queried import typed_record
from sfsync.core.sending.read_back import MOST_OF_OTHERS, QUERY_SPEED, is_for_job
from sfsync.engine.applying.run_state import RunState
from sfsync.errors import AccessError, ConfigError, OrgUnavailable

STAMP: Final = "SystemModstamp"
"""When anything last wrote to a record, automation too. Source: Object Reference, "System Fields"."""

MARGIN: Final = timedelta(minutes=1)
"""How far the clock of the org's answers may differ from that of its records."""


def read_by_job(state: RunState, lookups: Sequence[Lookup]) -> dict[str, Record]:
    """The records of look-ups by id that query jobs bring, by id; those of small look-ups are not among them."""
    there: dict[str, Record] = {}
    for lookup in lookups:
        if state.first_left_at is not None and is_for_job(len(lookup.values)):
            there |= _found(state, lookup, state.first_left_at)
    return there


def _found(state: RunState, lookup: Lookup, first_left_at: datetime) -> Mapping[str, Record]:
    """What a query job finds of a look-up's records; nothing where it cannot be had whole."""
    if state.gateway.describe(lookup.sobject).field(STAMP) is None:
        return {}
    window = replace(lookup, where_field=None, values=(), since={STAMP: first_left_at - MARGIN})
    try:
        return _asked(state, window, frozenset(lookup.values))
    except (AccessError, ConfigError, OrgUnavailable, ValueError):
        return {}  # reading by ids says what is wrong, if anything is


def _asked(state: RunState, window: Lookup, wanted: frozenset[str]) -> Mapping[str, Record]:
    jobs, describe = state.gateway.jobs, state.gateway.describe(window.sobject)
    job_id = jobs.ask(window)
    progress = _ended(state, job_id, len(wanted))
    if progress is None or progress.processed > MOST_OF_OTHERS * len(wanted):
        return {}
    found: dict[str, Record] = {}
    for page in jobs.answers(job_id, window, progress.processed):
        state.check_stop()
        found |= {
            record_id: typed_record(describe, each)
            for each in page
            if (record_id := str(each["Id"])) in wanted
        }
    return found


def _ended(state: RunState, job_id: str, rows: int) -> JobProgress | None:
    """The last word of a query job that has found all there is; None of any other."""
    for wait_s in job_waits_s(rows // QUERY_SPEED):
        state.wait(wait_s)
        state.check_stop()
        progress = state.gateway.jobs.asked(job_id)
        if progress is None or progress.state in TERMINAL:
            is_complete = progress is not None and progress.state is JobState.JOB_COMPLETE
            return progress if is_complete else None
    return None
