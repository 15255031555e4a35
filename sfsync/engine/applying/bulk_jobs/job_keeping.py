"""Keeps the journal of rows that go by jobs: as results of a run under way, or of several runs that are not loaded.

Either way the intents carry the job's id, so that each run can settle its own rows later by asking for the job.
A row that is updated or deleted is safe by its id: where no result tells of it, its record does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from sfsync.core.plans.plan import PLANNED_OUTCOME, Action
from sfsync.core.ports import Attempt, ChangeRecord, ChangeState, Journal, OrgGateway
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.bulk import JobOperation
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.writes import Refused, Route, Written
from sfsync.engine.applying.bulk_jobs.job_index import RowName
from sfsync.engine.applying.bulk_jobs.job_lines import JobTag, LineEnd
from sfsync.engine.applying.bulk_jobs.job_settling import route_of, says_key_exists, settle_by_looking
from sfsync.engine.applying.deleting import settle_lost_deletions
from sfsync.engine.applying.in_doubt.recalled_results import plain_problem
from sfsync.engine.applying.in_doubt.settling import unknown
from sfsync.engine.applying.refused_rows import next_step, not_sent, refusal, rejected
from sfsync.engine.applying.run_state import JOB_MARK, RunState

_DONE = {
    JobOperation.INSERT: Outcome.CREATED,
    JobOperation.UPDATE: Outcome.UPDATED,
    JobOperation.DELETE: Outcome.DELETED,
}


class RunKeeper:
    """Keeps the rows of one run under way."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._lost: list[str] = []
        self._taken: list[str] = []

    def intend(self, names: Sequence[RowName], tag: JobTag, body_hash: str, *, is_new: bool) -> None:
        """Marks rows as about to be sent by the job."""
        state, ids = self._state, tuple(each.change_id for each in names)
        state.first_left_at = state.first_left_at or state.gateway.server_time
        route = route_of(state, ids[0]) if is_new else Route.BY_ID
        attempt = Attempt(state.next_attempt(), route, body_hash, ids, dict.fromkeys(ids, tag.token))
        state.journal.intend(state.run_id, attempt, at=state.now())

    def end(self, ends: Sequence[LineEnd]) -> None:
        """Settles rows; those with an id or a key that no result explains wait for `look_up`."""
        self._state.settle([result for each in ends if (result := self._result(each)) is not None])

    def _result(self, end: LineEnd) -> RowResult | None:
        change, answer = self._state.by_id[end.name.change_id], end.answer
        if isinstance(answer, Written):
            return RowResult(change.change_id, PLANNED_OUTCOME[change.action], answer.record_id)
        if isinstance(answer, Refused):
            if change.action is Action.DELETE and row_fate(answer.code) is RowFate.GONE:
                return RowResult(change.change_id, Outcome.DELETED, change.record_id)
            if end.is_own_word:
                return not_sent(change, answer.code, answer.message, answer.fields)
            if says_key_exists(self._state, change.change_id, answer):
                self._taken.append(change.change_id)
                return None
            return rejected(self._state, change, answer)
        if change.action is not Action.CREATE or route_of(self._state, change.change_id) is Route.KEY_FENCE:
            self._lost.append(change.change_id)
            return None
        return unknown(change)

    def release(self, names: Sequence[RowName], code: str) -> None:
        """Takes intents back."""
        self._state.release([each.change_id for each in names], code)

    def note(self, problem: Problem) -> None:
        """Keeps a note of the run."""
        self._state.notes.append(problem)

    def look_up(self) -> set[str]:
        """Settles the rows by id or key that no result told of, by the org; what it does not show is unknown.

        Returns those that surely were not saved and may be sent again.
        """
        state, lost, taken = self._state, [self._state.by_id[each] for each in self._lost], self._taken
        self._lost, self._taken = [], []
        deletions = [each for each in lost if each.action is Action.DELETE]
        settle_lost_deletions(state, deletions)
        state.settle([unknown(each) for each in deletions if each.change_id not in state.results])
        rest = [each.change_id for each in lost if each.action is not Action.DELETE]
        return settle_by_looking(state, rest, taken) if rest or taken else set()


class BookKeeper:
    """Keeps the rows of several runs, none of which is loaded; each takes its part up from the journal later.

    `before_done` is called with rows that the job has created before that is written: what must be remembered of
    a row without a key, which only the journal leads to its record. `route` is what else makes new rows safe. Rows
    by id or key that no result tells of, or whose key is there, stay intents, which their run settles.
    `after_end` is told how many rows have ended and how many of these failed, and may stop the run; `tags` are the
    jobs that rows went by, as `RunState.jobs` tells them.
    """

    def __init__(
        self,
        gateway: OrgGateway,
        journal: Journal,
        operation: JobOperation,
        *,
        sobject: str,
        now: Callable[[], str],
        route: Route = Route.JOB_FENCE,
        before_done: Callable[[Sequence[LineEnd]], None] = lambda _ends: None,
        after_end: Callable[[int, int], None] = lambda _ended, _failed: None,
    ) -> None:
        self._gateway = gateway
        self._journal = journal
        self._operation = operation
        self._sobject = sobject
        self._now = now
        self._route = route
        self._before_done = before_done
        self._after_end = after_end
        self.tags: set[str] = set()
        self._attempts: dict[str, int] = {}
        self.notes: list[Problem] = []

    def intend(self, names: Sequence[RowName], tag: JobTag, body_hash: str, *, is_new: bool) -> None:
        """Marks rows as about to be sent by the job, one attempt of each run."""
        route = self._route if is_new else Route.BY_ID
        self.tags.add(tag.token.removeprefix(JOB_MARK))
        for run_id, ids in _by_run(names):
            attempt = Attempt(
                self._next_attempt(run_id), route, body_hash, tuple(ids), dict.fromkeys(ids, tag.token)
            )
            self._journal.intend(run_id, attempt, at=self._now())

    def _next_attempt(self, run_id: str) -> str:
        """The name of an attempt that the run has none of; the newest is the last one of its changes."""
        if run_id not in self._attempts:
            known = (each.attempt_id for each in self._journal.changes(run_id).values())
            self._attempts[run_id] = max((int(each.rpartition("/")[2]) for each in known if each), default=0)
        self._attempts[run_id] += 1
        return f"{run_id}/{self._attempts[run_id]}"

    def end(self, ends: Sequence[LineEnd]) -> None:
        """Writes what became of rows."""
        self._before_done([each for each in ends if isinstance(each.answer, Written)])
        ended = failed = 0
        for run_id, some in groupby(sorted(ends, key=_run_of), key=_run_of):
            records = [record for each in some if (record := self._record(each)) is not None]
            if records:
                self._journal.record(run_id, records)
            ended += len(records)
            failed += sum(each.state is not ChangeState.DONE for each in records)
        self._after_end(ended, failed)

    def _record(self, end: LineEnd) -> ChangeRecord | None:
        change_id, answer, now = end.name.change_id, end.answer, self._now()
        detail = {"adopted": False}
        if isinstance(answer, Written):
            outcome = _DONE[self._operation].value
            return ChangeRecord(
                change_id, ChangeState.DONE, outcome, answer.record_id, detail, updated_at=now
            )
        if self._is_for_its_run(end):
            return None
        if isinstance(answer, Refused):
            is_gone = self._operation is JobOperation.DELETE and row_fate(answer.code) is RowFate.GONE
            if is_gone:
                outcome = Outcome.DELETED.value
                return ChangeRecord(change_id, ChangeState.DONE, outcome, None, detail, updated_at=now)
            told = plain_problem(self._problem(end, answer))
            return ChangeRecord(
                change_id,
                ChangeState.REFUSED,
                Outcome.REJECTED.value,
                detail={**detail, "problems": [told]},
                updated_at=now,
            )
        return ChangeRecord(
            change_id, ChangeState.UNKNOWN, Outcome.UNKNOWN.value, None, detail, updated_at=now
        )

    def _is_for_its_run(self, end: LineEnd) -> bool:
        """Whether a row stays an intent, which its run settles by asking the org for its id or its key."""
        if not isinstance(end.answer, Refused):
            return self._operation is not JobOperation.INSERT or self._route is Route.KEY_FENCE
        is_taken = row_fate(end.answer.code, end.answer.message) is RowFate.DUPLICATE_KEY
        return is_taken and not end.is_own_word and self._route is Route.KEY_FENCE

    def _problem(self, end: LineEnd, answer: Refused) -> Problem:
        if end.is_own_word:
            field = answer.fields[0] if answer.fields else ""
            message = f"the row was not saved: {answer.message}"
            return Problem(answer.code, Stage.ORG, message, next_step(answer.code), field=field)
        return refusal(self._gateway, self._sobject, answer)

    def release(self, names: Sequence[RowName], code: str) -> None:
        """Takes intents back."""
        for run_id, ids in _by_run(names):
            outcome, detail, now = Outcome.UNPROCESSED.value, {"code": code, "has_token": False}, self._now()
            self._journal.record(
                run_id,
                [
                    ChangeRecord(each, ChangeState.REFUSED, outcome, detail=detail, updated_at=now)
                    for each in ids
                ],
            )

    def note(self, problem: Problem) -> None:
        """Keeps a note of the whole."""
        self.notes.append(problem)


def _run_of(end: LineEnd) -> str:
    return end.name.run_id


def _by_run(names: Iterable[RowName]) -> list[tuple[str, list[str]]]:
    grouped: dict[str, list[str]] = {}
    for each in names:
        grouped.setdefault(each.run_id, []).append(each.change_id)
    return list(grouped.items())
