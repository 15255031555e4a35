"""Writes a book: its portions in their order, each as a run of its own, told and judged as one run.

Memory holds one portion and what has to be looked at of the others. All portions begin before the first write, so
that a run which is cut off anywhere is gone on with at the first portion that has not ended, without any source.
What stops a portion stops the book; of the portions behind it no more is read than their numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from sfsync.core.events import Event, PhaseStarted
from sfsync.core.plans.plan import PLANNED_OUTCOME, WRITES, Action, Plan, PredictedCalls
from sfsync.core.plans.plan_book import BookTotals, PlanBook, portion_id
from sfsync.core.ports import ApiUsage, Journal, RunRecord
from sfsync.core.reading.source_marks import marks_after
from sfsync.core.reports.audit import Audit
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_merging import ReportSum
from sfsync.core.reports.report_numbers import ROWS, action, end
from sfsync.core.reports.results import Outcome, Problem, Stage
from sfsync.core.scratch import Scratch
from sfsync.core.sobject import ACCOUNT, CONTACT, OPPORTUNITY
from sfsync.engine.applying.bulk_jobs.shared_jobs import SharedJobs
from sfsync.engine.applying.plan_applying import cause_of
from sfsync.engine.applying.runs import Bench, applied_plan, interrupted, known_results, results_so_far
from sfsync.engine.sifting.remembering import unsettle
from sfsync.errors import Interrupted, SyncError

Watch = Callable[[Report], None]
"""Who is shown the whole report of every portion, before all but what has to be looked at is let go of."""

NOT_REACHED: Final = "PORTIONS_NOT_REACHED"

_PARENTS: Final = frozenset({ACCOUNT, CONTACT})


@dataclass(frozen=True, slots=True)
class Said:
    """What the report of a portion says beside its outcomes; kept by the journal when the portion ends."""

    notes: tuple[Problem, ...] = ()
    audit: Audit | None = None
    has_deals: bool = False


_SAID: Final = TypeAdapter(Said)
_TOTALS: Final = TypeAdapter(BookTotals)


def begin_book(book: PlanBook, bench: Bench, files: Mapping[int, Path]) -> None:
    """Opens the runs of all portions, which take over what earlier runs left; `files` hold their pages by number.

    Raises:
        GuardError: the plan was applied before.
    """
    first = book.plan(1)
    totals = book.totals
    runs = [
        RunRecord(
            run_id=portion_id(book.plan_id, number),
            job=first.job,
            org_id=first.org.org_id,
            plan_digest="",
            plan_file=str(files[number]),
            started_at=bench.now(),
            rows=totals.row_count if number == 1 else 0,
            share=first.share,
            whole=book.plan_id,
        )
        for number in range(1, book.portions + 1)
    ]
    over = interrupted(first.job, first.org.org_id, bench, share=first.share)
    kept = zlib.compress(_TOTALS.dump_json(totals))
    _unsettle(book, first, bench)
    bench.journal.books.begin(runs, lambda number: files[number].read_bytes(), kept, takes_over=over)


def _unsettle(book: PlanBook, first: Plan, bench: Bench) -> None:
    """Forgets what is remembered of the rows that the book is about, before its runs are in the journal."""
    memory = bench.journal.memory
    if first.sifted is None or first.sifted.is_whole:
        memory.prints.drop(first.org.org_id, first.job)
        return
    for number in range(1, book.portions + 1):
        unsettle(book.plan(number), memory)


def kept_totals(journal: Journal, whole: str) -> BookTotals:
    """What the portions of a book that has begun come to together."""
    kept = journal.books.totals(whole)
    return _TOTALS.validate_json(zlib.decompress(kept)) if kept is not None else BookTotals()


def run_book(
    whole: str,
    bench: Bench,
    *,
    load: Callable[[RunRecord], Plan],
    watch: Watch,
    scratch: Scratch | None = None,
) -> Report:
    """Writes the portions that have not ended, and reports of all; `load` reads the plan of a portion's run.

    `scratch` is where records may be put aside that are read for all portions together.
    """
    started = bench.seconds()
    writing = _Writing(whole, bench, load, watch, bench.journal.books.portions(whole), scratch)
    writing.write()
    report = writing.report()
    if report.stopped is None:
        _move_marks(report, bench)
    return replace(report, run_id=whole, seconds=bench.seconds() - started)


def _move_marks(report: Report, bench: Bench) -> None:
    """After the end of the last portion: a kill between the two leaves the old marks, and rows are read again."""
    for name, value in marks_after(report).items():
        bench.journal.memory.put_watermark(report.plan.org.org_id, report.plan.job, name, value)


@dataclass(slots=True)
class _Writing:
    """One way through a book: what was taken up so far, how many rows have failed, and whether deals were sent."""

    whole: str
    bench: Bench
    load: Callable[[RunRecord], Plan]
    watch: Watch
    runs: Sequence[RunRecord]
    scratch: Scratch | None = None
    sum: ReportSum = field(default_factory=ReportSum)
    reached: BookTotals = field(default_factory=BookTotals)
    failures: int = 0
    has_sent_deals: bool = False
    stopped: SyncError | None = None
    left: int = 0
    jobs: SharedJobs = field(init=False)
    _used: ApiUsage = field(init=False)

    def __post_init__(self) -> None:
        totals = kept_totals(self.bench.journal, self.whole)
        self.jobs = SharedJobs(self.bench, self.load, self.runs, totals, self._numbered, self.scratch)
        self._used = self.bench.gateway.usage

    def write(self) -> None:
        """Sends the jobs of all portions, then the portions one after the other."""
        self._send_jobs()
        if self.stopped is not None:
            self._tell_of_all(self.stopped)
            return
        for number, run in enumerate(self.runs, start=1):
            self.take(number, run)
            if self.stopped is not None:
                return
            self.heed_stop()

    def _send_jobs(self) -> None:
        """Sends what goes by jobs that carry the rows of all portions; what stops it stops the book."""
        try:
            self.jobs.send()
        except SyncError as error:
            self.stopped = cause_of(self.bench.stop, error)
        self.failures, self.has_sent_deals = self.jobs.failures, self.jobs.has_sent_deals

    def _tell_of_all(self, stopped: SyncError) -> None:
        """Tells how far every portion came when its jobs were stopped; what was not begun is counted."""
        for number, run in enumerate(self.runs, start=1):
            if number > 1 and run.exit_code is None and not self.bench.journal.changes(run.run_id):
                self.left += 1
                continue
            plan = self.load(run)
            if run.exit_code is not None:
                report = self._remembered(plan, run)
            else:
                results = results_so_far(plan, self.bench, run_id=run.run_id)
                usage = self.bench.gateway.usage
                report = Report(plan, True, run.run_id, usage, 0.0, results, stopped=stopped)  # noqa: FBT003
                report = self._with_jobs(report, number)
            self._add(plan, report)

    def take(self, number: int, run: RunRecord) -> None:
        """Writes one portion, or tells of it where it has ended."""
        try:
            plan = self.load(run)
        except SyncError as error:
            if number == 1:
                raise
            self.stopped = error
            return
        is_over = run.exit_code is not None
        report = self._remembered(plan, run) if is_over else self._written(plan, run, number)
        self.stopped = report.stopped
        self.left = len(self.runs) - number
        self._add(plan, report)

    def _add(self, plan: Plan, report: Report) -> None:
        self.reached += _counted(plan)
        self.watch(report)
        self.sum.add(report.condensed(confirm=plan.plan_id))  # the digest of the whole is in the totals

    def heed_stop(self) -> None:
        """Stops between two portions where a signal has asked for it."""
        if self.bench.stop.is_set() and self.left > 0 and self.stopped is None:
            number = self.bench.stop.signal_number
            self.stopped = Interrupted(
                "the run was interrupted; every row is accounted for", signal_number=number
            )

    def _written(self, plan: Plan, run: RunRecord, number: int) -> Report:
        bench, here = self.bench, self._numbered(number)
        if self.has_sent_deals:
            here = replace(here, limits=replace(bench.limits, canary=None))
        left = self.jobs.as_left(plan)
        applied = applied_plan(left, here, run_id=run.run_id, failures=self.failures, ahead=self.jobs.ahead)
        report, self.failures = applied.report, applied.failures
        has_deals = any(each.sobject == OPPORTUNITY and each.action in WRITES for each in plan.changes)
        self.has_sent_deals |= has_deals
        report = self._with_jobs(replace(report, plan=plan), number)
        if report.stopped is None:
            said = Said(report.notes, report.audit, has_deals)
            bench.journal.books.end(
                run.run_id,
                exit_code=report.exit_code,
                ended_at=bench.now(),
                said=zlib.compress(_SAID.dump_json(said)),
                has_parents=any(
                    each.sobject in _PARENTS and each.action is Action.CREATE for each in plan.changes
                ),
            )
            applied.remember(bench.journal)
        return report

    def _numbered(self, number: int) -> Bench:
        """The bench, whose listener hears which portion is at work."""
        return replace(self.bench, listener=_Numbered(self.bench, number, len(self.runs)))

    def _with_jobs(self, report: Report, number: int) -> Report:
        """The report of a portion with what was noted of it before, and with the calls since the last one."""
        before, self._used = self._used, report.usage
        used = _since(before, report.usage)
        spent = PredictedCalls(used.reads, used.writes)
        notes = tuple(note for each in (0, number) for note in self.jobs.notes.pop(each, ()))
        return replace(report, usage=used, spent=spent, notes=(*notes, *report.notes))

    def _remembered(self, plan: Plan, run: RunRecord) -> Report:
        """The report of a portion that has ended, as it was then."""
        kept = self.bench.journal.books.said(run.run_id)
        said = _SAID.validate_json(zlib.decompress(kept)) if kept is not None else Said()
        self.has_sent_deals |= said.has_deals
        results = known_results(plan, self.bench, run_id=run.run_id)
        return Report(plan, True, run.run_id, ApiUsage(), 0.0, results, said.notes, audit=said.audit)  # noqa: FBT003

    def report(self) -> Report:
        """The report of the whole; what was not reached is counted by the totals that the book began with."""
        report = self.sum.total()
        totals = kept_totals(self.bench.journal, self.whole)
        report = replace(report, confirm=totals.confirm, stopped=self.stopped)
        if self.stopped is None or self.left == 0:
            return report
        rows, counted = _unreached(totals, self.reached)
        note = Problem(
            NOT_REACHED,
            Stage.ORG,
            f"{rows:,} rows in {self.left:,} portions of the run were not reached; they are counted, not listed",
            "sfsync resume goes on with them.",
        )
        tally = {name: dict(numbers) for name, numbers in report.numbers().items()}
        for sobject, numbers in counted.items():
            own = tally.setdefault(sobject, {})
            for word, count in numbers.items():
                own[word] = own.get(word, 0) + count
        return replace(
            report,
            tally=tally,
            notes=(*report.notes, note),
            audit=None,
            plan=replace(report.plan, predicted=totals.predicted),
        )


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A listener that says which portion a phase is of; a book of one portion has no numbers."""

    bench: Bench
    number: int
    count: int

    def __call__(self, event: Event) -> None:
        if isinstance(event, PhaseStarted) and self.count > 1:
            event = replace(event, portion=f"portion {self.number:,} of {self.count:,}")
        self.bench.listener(event)


def _counted(plan: Plan) -> BookTotals:
    """The actions of a portion, as its book counted them."""
    actions: dict[str, dict[str, int]] = {}
    rows: dict[str, dict[str, int]] = {}
    for each in plan.changes:
        for table in (actions, rows) if each.row is not None else (actions,):
            of_sobject = table.setdefault(each.sobject, {})
            of_sobject[each.action.value] = of_sobject.get(each.action.value, 0) + 1
    return BookTotals(actions=actions, rows=rows)


def _unreached(totals: BookTotals, reached: BookTotals) -> tuple[int, dict[str, dict[str, int]]]:
    """How many rows were not reached, and the numbers of a report for them."""
    found: dict[str, dict[str, int]] = {}
    rows = 0
    for sobject, word, count in _left(totals.actions, reached.actions):
        own, kind = found.setdefault(sobject, {}), Action(word)
        own[action(kind)] = own.get(action(kind), 0) + count
        if kind in WRITES:
            own[end(Outcome.UNPROCESSED)] = own.get(end(Outcome.UNPROCESSED), 0) + count
    for sobject, word, count in _left(totals.rows, reached.rows):
        own, kind = found.setdefault(sobject, {}), Action(word)
        outcome = Outcome.UNPROCESSED if kind in WRITES else PLANNED_OUTCOME[kind]
        own[ROWS] = own.get(ROWS, 0) + count
        own[outcome.value] = own.get(outcome.value, 0) + count
        if kind not in WRITES:
            own[end(outcome)] = own.get(end(outcome), 0) + count
        rows += count
    return rows, found


def _left(
    totals: Mapping[str, Mapping[str, int]], reached: Mapping[str, Mapping[str, int]]
) -> Iterator[tuple[str, str, int]]:
    for sobject, numbers in totals.items():
        for word, count in numbers.items():
            if (left := count - reached.get(sobject, {}).get(word, 0)) > 0:
                yield sobject, word, left


def _since(before: ApiUsage, now: ApiUsage) -> ApiUsage:
    """What a portion has used by itself."""
    return replace(
        now,
        reads=now.reads - before.reads,
        writes=now.writes - before.writes,
        logins=now.logins - before.logins,
        retries=now.retries - before.retries,
    )
