"""The job fence: rows go by a bulk job, and the job says afterwards what became of every row.

In order: make a job, upload once, write the intent down, close, watch, read the results. Only the close commits,
and it can be repeated; a job whose upload is in doubt is never closed. A row that is in none of the results is
looked up by its key or its id; without either it is unknown and goes to a person. Once a close was sent its rows
go by no other route until the job has ended; where the org refuses to close the job, it is aborted, and what it
did not come to goes by another.
Safe with one journal and one writer for the sObject, and while the platform does not repeat rows of its own accord.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from sfsync.core.plan import PLANNED_OUTCOME
from sfsync.core.ports import Attempt
from sfsync.core.results import Problem, RowResult, Stage
from sfsync.core.sending.bulk import (
    TERMINAL,
    JobProgress,
    JobResults,
    JobState,
    JobTable,
    Unmatched,
    job_table,
    unsendable_rows,
)
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.writes import Node, Refused
from sfsync.engine.applying.job_settling import route_of, says_key_exists, settle_by_looking
from sfsync.engine.applying.refused_rows import not_sent, rejected
from sfsync.engine.applying.run_state import JOB_MARK, RunState
from sfsync.engine.applying.sending import MOST_TRIES
from sfsync.errors import ConfigError, OrgUnavailable, SyncError

MOST_POLLS: Final = 60
"""How often a job is asked before the run ends without it; the waits grow to a quarter of a minute."""

MOST_READS: Final = 4
"""How often results are read again while they do not add up."""


Renew = Callable[[Sequence[Node]], list[Node]]
"""Looks at rows once more before they go again; those that must not get their result and are left out."""


def send_by_job(state: RunState, nodes: Sequence[Node], *, renew: Renew = list) -> None:
    """Sends the rows by jobs and gives every one its result; locked rows go again in a job of their own.

    Raises:
        OrgUnavailable: a job has not ended yet, or the org closes none; `resume` goes on.
    """
    left = _sendable(state, nodes)
    for tries in range(1, MOST_TRIES + 1):
        if not left:
            return
        job_id, table = _filled_job(state, left)
        try:
            _close(state, job_id, left)
        except ConfigError as error:  # what the job holds is not what one upload put there
            if tries == MOST_TRIES:
                raise _closes_none(error) from None
            state.pause(tries)
            continue
        again = finish_job(state, job_id, table)
        left = [node for node in left if node.change_id in again]
        state.release([node.change_id for node in left], "NOT_SAVED")
        if left:
            state.pause(tries)
            left = renew(left)
    why = "it stayed locked, or was left out, every time it was sent"
    state.settle(not_sent(state.by_id[node.change_id], "UNABLE_TO_LOCK_ROW", why) for node in left)


def _closes_none(error: ConfigError) -> OrgUnavailable:
    """Why a run ends whose jobs were filled but not closed: the org's words, as the job file is not to blame."""
    return OrgUnavailable(
        f"the org closed none of {MOST_TRIES} bulk jobs: {error.message}",
        code=error.code,
        hint="nothing of these rows was saved; once the org closes jobs, sfsync resume goes on",
    )


def _sendable(state: RunState, nodes: Sequence[Node]) -> list[Node]:
    """The rows that cells can carry; the others are rejected."""
    bad = unsendable_rows(nodes)
    state.settle(not_sent(state.by_id[name], "NOT_SENDABLE", reason) for name, reason in bad.items())
    return [node for node in nodes if node.change_id not in bad]


def _filled_job(state: RunState, nodes: Sequence[Node]) -> tuple[str, JobTable]:
    """A job that surely holds exactly these rows; nothing of them is in the org yet."""
    table = job_table(nodes)
    for tries in range(1, MOST_TRIES + 1):
        state.check_stop()
        job_id = state.gateway.jobs.create(table.sobject, table.operation)
        if job_id is not None and state.gateway.jobs.fill(job_id, table):
            return job_id, table
        if job_id is not None:
            _abandon(state, job_id)
        state.pause(tries)
    raise OrgUnavailable(
        "no bulk job could be filled: the answers were lost time after time",
        code="ANSWERS_LOST",
        hint="nothing was saved; try again later",
    )


def _abandon(state: RunState, job_id: str) -> None:
    """Aborts a job that will never be closed, if that can be had; left open it does no harm."""
    try:
        state.gateway.jobs.abort(job_id)
    except SyncError:
        return


def _close(state: RunState, job_id: str, nodes: Sequence[Node]) -> None:
    """Closes the job, its intent in the journal first.

    Raises:
        SyncError: the org surely did not close it; the intents are taken back.
    """
    state.check_stop()
    names = tuple(node.change_id for node in nodes)
    digest = hashlib.blake2b(repr(tuple(nodes)).encode(), digest_size=16).hexdigest()
    route, mark = route_of(state, names[0]), f"{JOB_MARK}{job_id}"
    attempt = Attempt(state.next_attempt(), route, digest, names, dict.fromkeys(names, mark))
    state.journal.intend(state.run_id, attempt, at=state.now())
    try:
        state.gateway.jobs.close(job_id)
    except SyncError as error:
        if isinstance(error, ConfigError) and _is_closed(state, job_id):
            return
        state.release(names, error.code)
        _abandon(state, job_id)
        raise


def _is_closed(state: RunState, job_id: str) -> bool:
    """Whether a job is closed though its close was refused: a second delivery of it finds the job at work."""
    progress = state.gateway.jobs.progress(job_id)
    return progress is not None and progress.state not in (JobState.OPEN, JobState.ABORTED)


def finish_job(state: RunState, job_id: str, table: JobTable) -> set[str]:
    """Waits for the end of a job whose close was sent, and settles its rows.

    Returns the rows that surely were not saved and may be sent again.

    Raises:
        OrgUnavailable: the job has not ended yet, or its results do not add up.
    """
    progress = _ended(state, job_id)
    if progress is None:
        return settle_by_looking(state, list(table.rows))
    return _settle(state, table, _results(state, job_id, table, progress))


def abort_if_open(state: RunState, job_id: str) -> None:
    """Stops a job whose close never arrived, so that it cannot be closed behind our back any more."""
    progress = state.gateway.jobs.progress(job_id)
    if progress is None or progress.state is not JobState.OPEN:
        return
    with suppress(ConfigError):  # the close came after all, and the results tell
        state.gateway.jobs.abort(job_id)


def _ended(state: RunState, job_id: str) -> JobProgress | None:
    """The job's last word; None when the org has forgotten the job. An open job is closed again, or aborted."""
    before: JobProgress | None = None
    for polls in range(1, MOST_POLLS + 1):
        state.pause(polls)
        state.check_stop()
        now = state.gateway.jobs.progress(job_id)
        if now is None:
            return None
        if now.state in TERMINAL and (now.state is not JobState.ABORTED or now == before):
            return now
        if now.state is JobState.OPEN:
            _close_again(state, job_id)
        before = now
    raise OrgUnavailable(
        f"bulk job {job_id} has not ended yet", code="JOB_RUNNING", hint="sfsync resume asks for it again"
    )


def _close_again(state: RunState, job_id: str) -> None:
    """Closes a job whose close did not take effect; one that the org will not close is aborted."""
    try:
        state.gateway.jobs.close(job_id)
    except ConfigError:
        if not _is_closed(state, job_id):
            _abandon(state, job_id)


def _results(state: RunState, job_id: str, table: JobTable, progress: JobProgress) -> JobResults:
    """The results, read again until they hold as many rows as the job says it has looked at."""
    for tries in range(1, MOST_READS + 1):
        results = state.gateway.jobs.results(job_id, table)
        has_all = len(results.saved) + len(results.refused) >= progress.processed
        if has_all and len(results.refused) >= progress.failed:
            return results
        if tries < MOST_READS:
            state.pause(tries)
    return results


def _settle(state: RunState, table: JobTable, results: JobResults) -> set[str]:
    unmatched = Unmatched(table)
    ends: list[RowResult] = []
    again: set[str] = set()
    strays: list[str] = []
    taken: list[str] = []
    settled = {each.record_id for each in state.results.values()}  # by a process that died in the middle
    for saved in results.saved:
        name = unmatched.take(saved.cells)
        if name is not None:
            outcome = PLANNED_OUTCOME[state.by_id[name].action]
            ends.append(RowResult(name, outcome, saved.record_id))
        elif saved.record_id not in settled:
            strays.append(saved.record_id)
    for refused in results.refused:
        name = unmatched.take(refused.cells)
        if name is None:
            continue
        answer = Refused(refused.code, refused.message, refused.fields)
        if row_fate(refused.code, refused.message) is RowFate.LOCKED:
            again.add(name)
        elif says_key_exists(state, name, answer):
            taken.append(name)
        else:
            ends.append(rejected(state, state.by_id[name], answer))
    again |= {name for cells in results.unprocessed if (name := unmatched.take(cells)) is not None}
    if strays:
        state.notes.append(_strays(table, strays))
    state.settle(ends)
    return again | settle_by_looking(state, unmatched.left(), taken)


def _strays(table: JobTable, record_ids: Sequence[str]) -> Problem:
    """Records that the job says it saved and that are no row of ours: a repeated chunk, or an altered row."""
    shown = ", ".join(record_ids[:5]) + (f" and {len(record_ids) - 5} more" if len(record_ids) > 5 else "")
    message = f"a bulk job saved {len(record_ids)} records of {table.sobject} that match no row left: {shown}"
    hint = "Compare them with the rows: the platform may have repeated some, or saved them with other values."
    return Problem("STRAY_RECORDS", Stage.ORG, message, hint)
