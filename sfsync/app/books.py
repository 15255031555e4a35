"""A book written, gone on with and taken back: what `workplace` and `past_runs` do with a plan, in portions.

Part of the composition root. A book's pages are in the journal and, as a second copy, in the run's folder; it is
read from there one portion at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from sfsync.app.run_files import PageFile, plan_of_run, write_private
from sfsync.app.workplace import Surroundings, Workplace, opened
from sfsync.core.job import Job
from sfsync.core.plans.plan import WITHOUT_OWN_KEY, Plan
from sfsync.core.plans.plan_book import PlanBook, portion_id
from sfsync.core.ports import ApiUsage
from sfsync.core.presets.fitting import fitted_to_images
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_merging import ReportSum
from sfsync.engine.applying.books import Watch, begin_book, kept_totals, run_book
from sfsync.engine.applying.in_doubt.accepting import take_over
from sfsync.engine.applying.runs import known_results, refuse_excess_of, refuse_stale
from sfsync.engine.planning.plan_making import PlanStamp
from sfsync.engine.retrying_books import undone_of
from sfsync.engine.undoing.undo_planning import undo_plan
from sfsync.engine.undoing.undo_state import Going
from sfsync.errors import GuardError, LimitReached

if TYPE_CHECKING:
    from sfsync.core.ports import Journal, RunRecord
    from sfsync.core.reports.results import RowResult

_NOTHING_USED: Final = ApiUsage()


def nobody(report: Report) -> None:
    """The watch of a caller who wants the report of the whole alone."""


def excess_of(place: Workplace, book: PlanBook) -> GuardError | LimitReached | None:
    """What would stop the book if it were to be written now; None when nothing would."""
    try:
        _refuse_excess(place, book)
    except (GuardError, LimitReached) as error:
        return error
    return None


def apply_book(place: Workplace, book: PlanBook, *, is_fresh: bool, watch: Watch = nobody) -> Report:
    """Applies a book under the lock; `is_fresh` says that it was made under the same lock.

    `watch` is shown the whole report of each portion; what is returned holds what has to be looked at.

    Raises:
        GuardError: the book is stale, goes too far, is for another org, or was applied before.
    """
    first = book.plan(1)
    if not is_fresh:
        refuse_stale(first, fitted_to_images(place.job, first.sources), place.bench)
    _refuse_excess(place, book)
    folder = place.run_folder(first.job, book.plan_id)
    files = {number: folder / f"plan-{number:04d}.page" for number in range(1, book.portions + 1)}
    for number, file in files.items():
        write_private(file, book.page(number))
    begin_book(book, place.bench, files)
    if place.accepted:
        for number in files:
            take_over(book.plan(number).changes, place.accepted, place.bench)
    place.gateway.hold_to(place.bench.limits.api_budget, keeps_reserve=True)
    return go_on(place, book.plan_id, watch=watch)


def go_on(place: Workplace, whole: str, *, watch: Watch = nobody) -> Report:
    """Writes what has not ended of a book that has begun."""

    def load(run: RunRecord) -> Plan:
        return plan_of_run(place.journal, run)

    from sfsync.journal.scratch import SqliteScratch

    with closing(SqliteScratch()) as scratch:
        return run_book(whole, place.bench, load=load, watch=watch, scratch=scratch)


def _refuse_excess(place: Workplace, book: PlanBook) -> None:
    org_id = place.gateway.identity().org_id
    refuse_excess_of(book.totals, book.plan(1).job, org_id, place.bench, share=place.job.share)


def planned_report(book: PlanBook, *, watch: Watch = nobody) -> Report:
    """The report of a book that was not written: what is not possible, the first changes, all numbers and notes."""
    whole = ReportSum()
    for number in range(1, book.portions + 1):
        report = Report(book.plan(number), False, book.plan_id, _NOTHING_USED, 0.0)  # noqa: FBT003
        watch(report)
        whole.add(report.condensed(confirm=book.plan_id))
    return replace(whole.total(), confirm=book.totals.confirm)


def sync(job: Job, *, around: Surroundings | None = None) -> Report:
    """Plans a job and applies the plan, in portions where the job is large; the report is of the whole.

    Raises:
        SyncError: see `sfsync.errors`.
    """
    with opened(job, around or Surroundings()) as place, place.locked():
        planned = place.plan_book()
        if planned.is_whole:
            return place.apply(planned.shown, is_fresh=True)
        return apply_book(place, planned.book, is_fresh=True)


def apply_either(place: Workplace, made: Plan | PlanBook, *, is_fresh: bool, watch: Watch = nobody) -> Report:
    """Applies a plan in one piece or in portions, under the lock.

    Raises:
        GuardError: as `apply_book` and `Workplace.apply`.
    """
    if isinstance(made, Plan):
        return place.apply(made, is_fresh=is_fresh)
    return apply_book(place, made, is_fresh=is_fresh, watch=watch)


def keyless_of(journal: Journal, run: RunRecord, first: Plan) -> list[str]:
    """The sObjects that a run writes without a key of the org; `first` is its plan, or its first portion."""
    if not run.portions:
        return first.keyless()
    named = kept_totals(journal, run.run_id).actions.keys()
    return sorted(named - first.key_fields.keys() - WITHOUT_OWN_KEY)


def undone_in(place: Workplace, run: RunRecord) -> tuple[Plan, Mapping[str, RowResult]]:
    """What a run that has ended did not do: its plan, of a book only what it tried in vain, and what is known."""
    parts = place.journal.books.portions(run.run_id) if run.portions else [run]
    plans = ((plan_of_run(place.journal, part), part) for part in parts)
    known = ((plan, known_results(plan, place.bench, run_id=part.run_id)) for plan, part in plans)
    return undone_of(known) if run.portions else next(known)


@contextmanager
def undo_book(place: Workplace, run: RunRecord, stamp: PlanStamp) -> Iterator[PlanBook]:
    """The book that takes a book back, its last portion first; all is planned before anything is written."""
    going, load = Going(), partial(plan_of_run, place.journal)
    with PageFile(stamp.plan_id) as book:
        for part in reversed(place.journal.books.portions(run.run_id)):
            plan = load(part)
            undone = undo_plan(
                plan,
                known_results(plan, place.bench, run_id=part.run_id),
                gateway=place.gateway,
                journal=place.journal,
                load=load,
                stamp=replace(stamp, plan_id=portion_id(stamp.plan_id, book.portions + 1)),
                going=going,
            )
            book.add(replace(undone, whole=stamp.plan_id, portion=book.portions + 1))
        yield book
