"""The job fence: rows go by a bulk job, and the job says afterwards what became of every row.

In order: make a job, upload once, write the intent down, close, watch, read the results. Only the close commits,
and it can be repeated; a job whose upload is in doubt is never closed. A row that is in none of the results is
looked up by its key or its id; without either it is unknown and goes to a person. Once a close was sent its rows
go by no other route until the job has ended; where the org refuses to close the job, it is aborted, and what it
did not come to goes by another.
Safe with one journal and one writer for the sObject, and while the platform does not repeat rows of its own accord.
Updates and deletions by id go the same way, and are safe by their ids besides. Rows come one after the other and
lie on disk from then on; more than a job takes go by several, one after the other, as rows of one parent would lock
each other out of two jobs at once.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Final

from sfsync.core.sending.bulk import TERMINAL, JobOperation, JobProgress, JobShape, JobState, columns_of
from sfsync.core.sending.job_waits import job_waits_s
from sfsync.core.sending.prices import ROWS_PER_READ
from sfsync.core.writes import Node, Refused, Unanswered
from sfsync.engine.applying.bulk_jobs.job_index import JobIndex, RowName
from sfsync.engine.applying.bulk_jobs.job_keeping import RunKeeper
from sfsync.engine.applying.bulk_jobs.job_lines import (
    INTENTS_AT_A_TIME,
    LINES_AT_A_TIME,
    JobLine,
    JobTag,
    LineEnd,
    LineKeeper,
    Traffic,
    in_batches,
)
from sfsync.engine.applying.bulk_jobs.job_parts import JobPart, PartMaker
from sfsync.engine.applying.bulk_jobs.job_results import NOTHING_SETTLED, Settled, settle_results
from sfsync.engine.applying.refused_rows import not_sent
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import MOST_TRIES
from sfsync.errors import ConfigError, OrgUnavailable, SyncError

Renew = Callable[[Sequence[Node]], list[Node]]
"""Looks at rows once more before they go again; those that must not get their result and are left out."""

Recheck = Callable[[Sequence[RowName]], Collection[RowName]]
"""The same by names: returns those that still may go."""

_STAYED: Final = "it stayed locked, or was left out, every time it was sent"
_FORGOTTEN: Final = "the org does not know the job any more"


def send_by_job(state: RunState, nodes: Sequence[Node], *, renew: Renew = list) -> None:
    """Sends rows of one run by jobs and gives every one its result; all are inserts, updates or deletions.

    Raises:
        OrgUnavailable: a job has not ended yet, or the org closes none; `resume` goes on.
    """
    keeper, left = RunKeeper(state), list(nodes)
    by_id = {node.change_id: node for node in left}

    def recheck(names: Sequence[RowName]) -> set[RowName]:
        kept = renew([by_id[each.change_id] for each in names])
        return {RowName(state.run_id, node.change_id) for node in kept}

    for tries in range(1, MOST_TRIES + 1):
        if not left:
            return
        lines = (JobLine(state.run_id, node) for node in left)
        send_lines(state, lines, keeper, columns=columns_of(left), recheck=recheck)
        again = keeper.look_up()
        left = [node for node in left if node.change_id in again]
        state.release([node.change_id for node in left], "NOT_SAVED")
        if left:
            state.pause(tries)
            left = renew(left)
    state.settle(not_sent(state.by_id[node.change_id], "UNABLE_TO_LOCK_ROW", _STAYED) for node in left)


def send_lines(
    traffic: Traffic,
    lines: Iterable[JobLine],
    keeper: LineKeeper,
    *,
    columns: Iterable[str] = (),
    recheck: Recheck = frozenset,
) -> None:
    """Sends rows of one sObject and one operation by as few jobs as carry them; their runs may be several.

    The rows are taken one by one and none is held in memory. `columns` names the fields that they have between
    them, as far as that is known.

    Raises:
        OrgUnavailable: a job has not ended yet, or the org closes none; each run settles its own rows later.
    """
    for part in PartMaker(traffic.gateway.jobs, lines, keeper, columns=columns).parts():
        _send_part(traffic, part, keeper, recheck)


def _send_part(traffic: Traffic, part: JobPart, keeper: LineKeeper, recheck: Recheck) -> None:
    """Sends the rows of a part and closes it; locked ones, and those left out, go again in a job of their own."""
    try:
        for tries in range(1, MOST_TRIES + 1):
            job_id = _filled_job(traffic, part)
            try:
                _close(traffic, job_id, part, keeper)
            except ConfigError as error:  # what the job holds is not what one upload put there
                if tries == MOST_TRIES:
                    raise _closes_none(error) from None
                traffic.pause(tries)
                continue
            again = finish_job(traffic, job_id, part.index, part.shape, keeper, rows=len(part))
            _release(keeper, part.index, again, "NOT_SAVED")
            if again:
                traffic.pause(tries)
                again = _still_wanted(part.index, again, recheck)
            if not again:
                return
            before, part = part, part.only(again, traffic.gateway.jobs)
            before.close()
        locked = Refused("UNABLE_TO_LOCK_ROW", _STAYED)
        for names in in_batches(part.index.names(), LINES_AT_A_TIME):
            keeper.end([LineEnd(each, locked, is_own_word=True) for each in names])
    finally:
        part.close()


def _still_wanted(index: JobIndex, rows: Sequence[int], recheck: Recheck) -> list[int]:
    """Those of the rows that still may go, now that some time has passed."""
    kept: list[int] = []
    for some in in_batches(rows, ROWS_PER_READ):
        wanted = recheck([index.name(row) for row in some])
        kept += [row for row in some if index.name(row) in wanted]
    return kept


def _closes_none(error: ConfigError) -> OrgUnavailable:
    """Why a run ends whose jobs were filled but not closed: the org's words, as the job file is not to blame."""
    return OrgUnavailable(
        f"the org closed none of {MOST_TRIES} bulk jobs: {error.message}",
        code=error.code,
        hint="nothing of these rows was saved; once the org closes jobs, sfsync resume goes on",
    )


def _filled_job(traffic: Traffic, part: JobPart) -> str:
    """A job that surely holds exactly these rows; nothing of them is in the org yet."""
    for tries in range(1, MOST_TRIES + 1):
        traffic.check_stop()
        job_id = traffic.gateway.jobs.create(part.shape)
        if job_id is not None and traffic.gateway.jobs.fill(job_id, part.upload):
            return job_id
        if job_id is not None:
            _abandon(traffic, job_id)
        traffic.pause(tries)
    raise OrgUnavailable(
        "no bulk job could be filled: the answers were lost time after time",
        code="ANSWERS_LOST",
        hint="nothing was saved; try again later",
    )


def _abandon(traffic: Traffic, job_id: str) -> None:
    """Aborts a job that will never be closed, if that can be had; left open it does no harm."""
    try:
        traffic.gateway.jobs.abort(job_id)
    except SyncError:
        return


def _close(traffic: Traffic, job_id: str, part: JobPart, keeper: LineKeeper) -> None:
    """Closes the job, the intents of all its rows in the journal first.

    Raises:
        SyncError: the org surely did not close it; the intents are taken back.
    """
    traffic.check_stop()
    tag = JobTag(job_id, part.index.is_shared)
    is_new = part.shape.operation is JobOperation.INSERT
    for names in in_batches(part.index.names(), INTENTS_AT_A_TIME):
        keeper.intend(names, tag, part.upload.digest, is_new=is_new)
    try:
        traffic.gateway.jobs.close(job_id)
    except SyncError as error:
        if isinstance(error, ConfigError) and _is_closed(traffic, job_id):
            return
        _release(keeper, part.index, range(len(part)), error.code)
        _abandon(traffic, job_id)
        raise


def _release(keeper: LineKeeper, index: JobIndex, rows: Iterable[int], code: str) -> None:
    for names in in_batches(map(index.name, rows), LINES_AT_A_TIME):
        keeper.release(names, code)


def _is_closed(traffic: Traffic, job_id: str) -> bool:
    """Whether a job is closed though its close was refused: a second delivery of it finds the job at work."""
    progress = traffic.gateway.jobs.progress(job_id)
    return progress is not None and progress.state not in (JobState.OPEN, JobState.ABORTED)


def finish_job(
    traffic: Traffic,
    job_id: str,
    index: JobIndex,
    shape: JobShape,
    keeper: LineKeeper,
    *,
    rows: int | None = None,
    settled: Settled = NOTHING_SETTLED,
) -> Sequence[int]:
    """Waits for the end of a job whose close was sent, and settles its rows.

    `rows` is how many were sent, where that is known; `settled` is what an earlier process has settled of them.
    Returns the rows that surely were not saved and may be sent again.

    Raises:
        OrgUnavailable: the job has not ended yet, or its results do not add up.
    """
    progress = _ended(traffic, job_id, len(index))
    if progress is None:
        for names in in_batches(index.names(), LINES_AT_A_TIME):
            keeper.end([LineEnd(each, Unanswered(_FORGOTTEN)) for each in names])
        return ()
    return settle_results(traffic, job_id, progress, index, shape, keeper, rows=rows, settled=settled)


def abort_if_open(traffic: Traffic, job_id: str) -> None:
    """Stops a job whose close never arrived, so that it cannot be closed behind our back any more."""
    progress = traffic.gateway.jobs.progress(job_id)
    if progress is None or progress.state is not JobState.OPEN:
        return
    with suppress(ConfigError):  # the close came after all, and the results tell
        traffic.gateway.jobs.abort(job_id)


def _ended(traffic: Traffic, job_id: str, rows: int) -> JobProgress | None:
    """The job's last word; None when the org has forgotten the job. An open job is closed again, or aborted."""
    before: JobProgress | None = None
    for wait_s in job_waits_s(rows):
        traffic.wait(wait_s)
        now = traffic.gateway.jobs.progress(job_id)
        if now is None:
            return None
        if now.state in TERMINAL and (now.state is not JobState.ABORTED or now == before):
            return now
        if now.state is JobState.OPEN:
            _close_again(traffic, job_id)
        before = now
        traffic.check_stop()
    raise OrgUnavailable(
        f"bulk job {job_id} has not ended yet", code="JOB_RUNNING", hint="sfsync resume asks for it again"
    )


def _close_again(traffic: Traffic, job_id: str) -> None:
    """Closes a job whose close did not take effect; one that the org will not close is aborted."""
    try:
        traffic.gateway.jobs.close(job_id)
    except ConfigError:
        if not _is_closed(traffic, job_id):
            _abandon(traffic, job_id)
