"""Bulk jobs that carry the rows of all portions of a book: one for the creates of an sObject, one for its updates,
one for contact roles.

For each job the book is gone through once: every portion is written up to that point by its own calls, hands its
rows over and is let go of, so that memory holds one portion. The job is filled from disk, its intents and ends go
straight to the journal, and each portion takes them up from there. What the job leaves open of a portion (a key
that is there already, a row that no result tells of) stays an intent, which the portion settles when it is taken
up. A process that dies anywhere leaves open portions, which `resume` goes through in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from sfsync.core.deals.second_writes import may_lose
from sfsync.core.events import PhaseAdvanced, PhaseStarted
from sfsync.core.plans.plan import NEW, WITHOUT_OWN_KEY, WRITES, Action, Change, Plan
from sfsync.core.plans.plan_book import BookTotals
from sfsync.core.ports import LedgerEntry, Lookup, OrgGateway, RunRecord
from sfsync.core.reading.keys import ledger_key
from sfsync.core.references.parents import remembered_as
from sfsync.core.reports.results import Problem
from sfsync.core.scratch import Scratch
from sfsync.core.sending.book_sending import read_by_jobs
from sfsync.core.sending.bulk import JobOperation
from sfsync.core.sending.strategy import Operation
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Node, Route, Written
from sfsync.engine.applying.bulk_jobs.job_index import RowName
from sfsync.engine.applying.bulk_jobs.job_keeping import BookKeeper
from sfsync.engine.applying.bulk_jobs.job_lines import JobLine, LineEnd
from sfsync.engine.applying.bulk_jobs.job_sending import send_lines
from sfsync.engine.applying.bulk_jobs.sending_in_bulk import fresh_rows, rows_for_job
from sfsync.engine.applying.failure_limits import refuse_failures
from sfsync.engine.applying.in_doubt.recovering import recover
from sfsync.engine.applying.plan_applying import Step, send_canary, write_before
from sfsync.engine.applying.read_back.auditing import audited_fields
from sfsync.engine.applying.read_back.querying_by_job import MARGIN, STAMP, answered
from sfsync.engine.applying.read_back.read_ahead import Ahead, ReadRecords
from sfsync.engine.applying.read_back.verifying import AUDIT
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.runs import Bench, open_state
from sfsync.errors import AccessError, ConfigError, Interrupted, OrgUnavailable

STEPS: Final[tuple[Step, ...]] = (
    *((name, kind) for name in (ACCOUNT, CONTACT, OPPORTUNITY) for kind in Operation),
    (CONTACT_ROLE, Operation.CREATE),
)
"""What may go by a job, in the order of writing."""

_PARENTS: Final = frozenset({ACCOUNT, CONTACT})


@dataclass(slots=True)
class SharedJobs:
    """The jobs of one book, of which `totals` count the rows; `load` reads the plan of a portion, `numbered` gives
    the bench that says which portion it is. `ahead` is what they read back, kept in `scratch`.

    `sent` are the jobs that this process has sent: what is left of their rows goes by the usual calls. `failures`
    counts rows that failed, `notes` what is to be told of a portion, by its number; 0 is the whole.
    """

    bench: Bench
    load: Callable[[RunRecord], Plan]
    runs: Sequence[RunRecord]
    totals: BookTotals
    numbered: Callable[[int], Bench]
    scratch: Scratch | None = None
    ahead: Ahead | None = None
    sent: set[Step] = field(default_factory=set)
    failures: int = 0
    has_sent_deals: bool = False
    notes: dict[int, list[Problem]] = field(default_factory=dict)
    phase: str = ""
    _waiting: dict[int, frozenset[Step]] = field(default_factory=dict)
    _fields: dict[str, dict[str, None]] = field(default_factory=dict)
    _tags: set[str] = field(default_factory=set)
    _named: dict[RowName, str] = field(default_factory=dict)

    def send(self) -> None:
        """Sends everything that goes by jobs.

        Raises:
            SyncError: what stops the book; every portion can be gone on with.
        """
        rows, since = self.totals.job_rows, self.bench.gateway.server_time
        wanted = [each for each in STEPS if rows.get(each[0], {}).get(each[1].value, 0)]
        open_runs = [each for each in self.runs if each.exit_code is None]
        if not wanted or not open_runs:
            return
        first = self.load(open_runs[0])
        for step in wanted:
            self._send(step, first)
        self._read_back(since)

    def _read_back(self, since: datetime | None) -> None:
        """Reads back what all portions have written until now, where query jobs take fewer calls than ids."""
        rows = read_by_jobs(self.totals)
        if not rows or since is None or self.scratch is None:
            return
        there, traffic = ReadRecords(self.scratch), _Traffic(self.bench)
        read_at = self.bench.gateway.server_time
        self.bench.listener(PhaseStarted("read back by query jobs", sum(rows.values())))
        for sobject, count in rows.items():
            if self.bench.gateway.describe(sobject).field(STAMP) is None:
                continue
            names = tuple(self._fields.get(sobject, ()))
            window = Lookup(sobject, names, None, (), since={STAMP: since - MARGIN})
            # Reading by ids says what is wrong, if anything is.
            with suppress(AccessError, ConfigError, OrgUnavailable, ValueError):
                there.keep(window, answered(traffic, window, count))
        self.ahead = Ahead(there, read_at)

    def as_left(self, plan: Plan) -> Plan:
        """The plan of a portion without the choice of jobs that were sent: few rows are left of them, if any."""
        left = tuple(each for each in plan.choices if (each.sobject, each.operation) not in self.sent)
        return replace(plan, choices=left)

    def _send(self, step: Step, first: Plan) -> None:
        sobject, operation = step
        keeper = BookKeeper(
            self.bench.gateway,
            self.bench.journal,
            JobOperation.INSERT if operation is Operation.CREATE else JobOperation.UPDATE,
            sobject=sobject,
            now=self.bench.now,
            route=first.routes.get(sobject, Route.JOB_FENCE),
            before_done=partial(self._remember, first),
            after_end=self._count,
        )
        keeper.tags = self._tags
        self.phase = f"{operation.value} {sobject} by bulk jobs"
        self.bench.listener(PhaseStarted(self.phase, self.totals.job_rows[sobject][operation.value]))
        recheck = self._fresh if operation is Operation.UPDATE else frozenset[RowName]
        send_lines(_Traffic(self.bench), self._lines(step), keeper, recheck=recheck)
        self.notes.setdefault(0, []).extend(keeper.notes)
        self.sent.add(step)

    def _lines(self, step: Step) -> Iterator[JobLine]:
        """The rows that all portions have for a job, each portion written up to it first."""
        for number, run in enumerate(self.runs, start=1):
            waiting = self._waiting.get(number)
            if run.exit_code is None and (
                waiting is None or any(not _is_before(each, step) for each in waiting)
            ):
                nodes = self._handed_over(number, run, step)
                yield from (JobLine(run.run_id, node) for node in nodes)

    def _handed_over(self, number: int, run: RunRecord, step: Step) -> list[Node]:
        """Writes a portion up to the job, and gives the rows that it has for it."""
        plan = self.as_left(self.load(run))
        state = open_state(plan, self.numbered(number), run.run_id, failures=self.failures)
        try:
            recover(state)
            if not _is_before(step, (OPPORTUNITY, Operation.CREATE)):
                self._send_canary(state)
            write_before(state, step)
            made = {name for name, tag in state.jobs.items() if tag in self._tags}
            nodes = rows_for_job(state, *step, made=made)
        finally:
            self.failures = state.failures
            self.notes.setdefault(number, []).extend(state.notes)
        if any(each.sobject in _PARENTS and each.action is Action.CREATE for each in plan.changes):
            self.bench.journal.books.note_parents(
                run.run_id
            )  # for later portions: this one has not ended yet
        if number not in self._waiting:
            self._note_fields(state)
        self._waiting[number] = _waiting_steps(state)
        for node in nodes:
            name = _ledger_name(state.by_id[node.change_id], plan)
            if name is not None and name != _usual_name(plan, node.change_id):
                self._named[RowName(run.run_id, node.change_id)] = name
        return nodes

    def _fresh(self, names: Sequence[RowName]) -> set[RowName]:
        """Those updates whose records still hold what they were planned from, looked at before they go again."""
        kept: set[RowName] = set()
        for number, run in enumerate(self.runs, start=1):
            own = [each.change_id for each in names if each.run_id == run.run_id]
            if own:
                state = open_state(self.load(run), self.numbered(number), run.run_id, failures=self.failures)
                state.recall()
                nodes = fresh_rows(state, [state.by_id[each] for each in own])
                kept |= {RowName(run.run_id, node.change_id) for node in nodes}
                self.failures = state.failures
        return kept

    def _note_fields(self, state: RunState) -> None:
        """Notes what is read back of a portion's records."""
        for each in state.plan.changes:
            if each.action in (Action.CREATE, Action.UPDATE):
                names = self._fields.setdefault(each.sobject, dict.fromkeys(("Id", *AUDIT)))
                names |= dict.fromkeys((*each.desired, *may_lose(each)))
        for sobject, known in self._fields.items() if state.plan.is_audited else ():
            known.update(dict.fromkeys(audited_fields(state, sobject)))

    def _send_canary(self, state: RunState) -> None:
        has_deals = any(each.sobject == OPPORTUNITY and each.action in WRITES for each in state.plan.changes)
        if has_deals and not self.has_sent_deals and state.limits.canary is not None:
            send_canary(state, state.limits.canary)
        self.has_sent_deals |= has_deals

    def _remember(self, first: Plan, ends: Sequence[LineEnd]) -> None:
        """Notes which record a row has become that only the journal leads to, as `RunState.settle` does."""
        entries = []
        for each in ends:
            name, sobject = self._named.pop(each.name, None), each.name.change_id.partition(":")[0]
            if name is None and not _is_keyed(first, sobject):
                name = _usual_name(first, each.name.change_id)
            if name is not None and isinstance(each.answer, Written):
                entries.append(LedgerEntry(sobject, name, each.answer.record_id, {}, {}))
        if entries:
            self.bench.journal.put_ledger(first.org.org_id, entries)

    def _count(self, ended: int, failed: int) -> None:
        self.failures += failed
        self.bench.listener(PhaseAdvanced(self.phase, ended, failed))
        refuse_failures(self.failures, self.bench.limits)


@dataclass(frozen=True, slots=True)
class _Traffic:
    """What sending by jobs needs besides, of a bench without any run."""

    bench: Bench

    @property
    def gateway(self) -> OrgGateway:
        return self.bench.gateway

    @property
    def pause(self) -> Callable[[int], None]:
        return self.bench.pause

    @property
    def wait(self) -> Callable[[float], object]:
        return self.bench.wait

    def check_stop(self) -> None:
        if self.bench.stop.is_set():
            number = self.bench.stop.signal_number
            raise Interrupted("the run was interrupted; every row is accounted for", signal_number=number)


def _is_before(step: Step, other: Step) -> bool:
    return STEPS.index(step) < STEPS.index(other)


def _waiting_steps(state: RunState) -> frozenset[Step]:
    """Of which steps a portion has rows that are not done."""
    actions = {Action.CREATE: Operation.CREATE, Action.UPDATE: Operation.UPDATE}
    waiting = (each for each in state.plan.changes if each.change_id not in state.results)
    steps = {(each.sobject, actions[each.action]) for each in waiting if each.action in actions}
    return frozenset(steps & set(STEPS))


def _is_keyed(plan: Plan, sobject: str) -> bool:
    return sobject in plan.key_fields or sobject in WITHOUT_OWN_KEY


def _ledger_name(change: Change, plan: Plan) -> str | None:
    """The name under which the ledger must lead to a new record at once; None where its key does."""
    key = remembered_as(change) if _is_keyed(plan, change.sobject) else change.key
    return ledger_key(plan.job, key, key_field=None) if key is not None and change.action in NEW else None


def _usual_name(plan: Plan, change_id: str) -> str:
    """That of a row without a key, by its change alone, so that nothing has to be kept of it."""
    return ledger_key(plan.job, change_id.partition(":")[2], key_field=None)
