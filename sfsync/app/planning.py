"""Makes the plans of a workplace: rows that are as they were are left out, and the rest is one plan or a book.

Part of the composition root: sources, scratch and spool are opened here, and the pages of a book written. A job
of at most one portion is planned as it always was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.app.book_draft import BookDraft
from sfsync.app.plan_books import WholePlan, is_book, open_book
from sfsync.app.run_files import new_name, read_plan
from sfsync.core.job import Job
from sfsync.core.orgs.pins import pin_notes
from sfsync.core.plans.condensing import Condenser
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_book import PlanBook
from sfsync.core.plans.portions import why_one_portion
from sfsync.core.presets.fitting import fitted_to_sources
from sfsync.core.reading.row_groups import group_of_key
from sfsync.core.reading.rows import RowSource, SharedSource
from sfsync.core.reports.results import Problem, Stage
from sfsync.engine.applying.in_doubt.accepting import accepted_notes
from sfsync.engine.planning.book_making import BookMaker, why_looked_ahead
from sfsync.engine.planning.ground import Ground, read_ground
from sfsync.engine.planning.left_out import LeftOut
from sfsync.engine.planning.plan_making import PlanStamp, plan_on
from sfsync.engine.sifting.sifting import Sifting, SiftingTools, sift

if TYPE_CHECKING:
    from sfsync.app.workplace import Workplace
    from sfsync.journal import SqlJournal
    from sfsync.sources.spool import RowSpool


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan as it is written, and as a person sees it; of one portion both are the same."""

    book: PlanBook
    shown: Plan

    @property
    def is_whole(self) -> bool:
        """Whether it is one plan."""
        return self.book.portions == 1


def open_sources(job: Job, journal: SqlJournal | None = None, org_id: str = "") -> dict[str, RowSource]:
    """The sources of a job, by section name, read on from where the journal says that the org has them."""
    from sfsync import sources

    kept = partial(journal.memory.watermark, org_id, job.name) if journal else None
    return sources.shared_out(job, sources.open_sources(job, kept=kept))


def plan_whole(place: Workplace, *, is_full: bool = False) -> Plan:
    """One plan of a job, however large it is; with `is_full` no row is left out."""
    opened = _opened(place, is_full=is_full)
    try:
        return _whole(place, opened)
    finally:
        opened.sifting.close()


def plan_book(place: Workplace, *, is_full: bool = False) -> Planned:
    """The plan of a job, in portions where more of its rows are to be planned than one has."""
    from sfsync.sources.spool import RowSpool, spooled

    most = place.around.portion_rows
    opened = _opened(place, is_full=is_full)
    try:
        reason = why_one_portion(opened.job) or why_looked_ahead(opened.ground.schema)
        if reason is None:
            opened.sifting.collect_at_most(most)
        rows = spooled(opened.job, opened.sifting.sources, most=most) if reason is None else reason
        if isinstance(rows, RowSpool):
            return _book(place, opened, rows)
        made = _whole(place, opened, None if isinstance(rows, str) else rows)
        if isinstance(rows, str) and made.row_count > most:
            made = replace(made, notes=(*made.notes, _at_once(made.row_count, rows)))
        return Planned(WholePlan(made), made)
    finally:
        opened.sifting.close()


def saved_plan(path: Path) -> Planned:
    """A plan that was saved before, whole or in portions.

    Raises:
        GuardError: the file is gone, or is not a plan as it was written.
    """
    if not is_book(path):
        plan = read_plan(str(path))
        return Planned(WholePlan(plan), plan)
    book = open_book(path)
    condenser = Condenser()
    notes: tuple[Problem, ...] = ()
    for number in range(1, book.portions + 1):
        portion = book.plan(number)
        notes += portion.notes
        condenser.add(portion)
    return Planned(book, condenser.plan(book.plan_id, notes))


@dataclass(frozen=True, slots=True)
class _Opened:
    """What planning begins with: the job as it fits its sources, its ground, and the rows to be planned."""

    job: Job
    ground: Ground
    sifting: Sifting
    left_out: LeftOut


def _opened(place: Workplace, *, is_full: bool) -> _Opened:
    sources = open_sources(place.job, place.journal, place.gateway.identity().org_id)
    job = fitted_to_sources(fully_read(place.job) if is_full else place.job, sources)
    accepted = {(run.run_id, record.change_id) for run, record in place.accepted}
    ground = read_ground(job, place.gateway, place.journal, accepted)
    if job.partition:  # shares are not told apart by what is remembered of the rows of a job
        sifting = Sifting(sources, is_present=partial(_is_elsewhere, job, sources))
    else:
        sifting = sift(job, ground.schema, sources, _tools(place))
    return _Opened(job, ground, sifting, LeftOut(sifting.is_present))


def _is_elsewhere(job: Job, sources: Mapping[str, RowSource], sobject: str, key: str) -> bool:
    """Whether a record has rows in the source that are another share's, or it is not for this share to say."""
    shared = (sources[each.name] for each in job.sections.values() if each.sobject == sobject)
    group = group_of_key(sobject, key)
    return any(isinstance(each, SharedSource) and not each.has_lost(group) for each in shared)


def fully_read(job: Job) -> Job:
    """The job with all rows of its sources, none of them taken for settled."""
    sections = {
        name: replace(each, source=replace(each.source, is_full=True)) for name, each in job.sections.items()
    }
    return replace(job, sections=sections)


def _tools(place: Workplace) -> SiftingTools:
    from sfsync.sources.file_digest import file_digest
    from sfsync.sources.print_spool import PrintSpool

    return SiftingTools(place.gateway, place.journal, PrintSpool, file_digest)


def _stamp(place: Workplace) -> PlanStamp:
    return PlanStamp(new_name(place.around.clock()), place.bench.now())


def _whole(place: Workplace, opened: _Opened, sources: Mapping[str, RowSource] | None = None) -> Plan:
    """One plan of the rows; `sources` are those that are held already."""
    made = plan_on(
        opened.ground,
        opened.job,
        sources or opened.sifting.sources,
        journal=place.journal,
        stamp=_stamp(place),
        listener=place.around.listener,
        left_out=opened.left_out,
    )
    whole = replace(made, notes=(*made.notes, *_further(place, made)), untouched=opened.sifting.untouched)
    return opened.sifting.finish(whole, frozenset(opened.left_out.told))


def _further(place: Workplace, plan: Plan) -> Iterator[Problem]:
    yield from pin_notes(plan.org, place.profile)
    yield from accepted_notes(plan.changes, place.accepted)


def _book(place: Workplace, opened: _Opened, rows: RowSpool) -> Planned:
    from sfsync.journal.scratch import SqliteScratch

    stamp, sifting = _stamp(place), opened.sifting
    printing = sifting.book(opened.left_out.told) if sifting.book else None
    with closing(SqliteScratch()) as scratch:
        maker = BookMaker(
            opened.ground,
            opened.job,
            rows,
            place.journal,
            stamp,
            place.around.listener,
            scratch,
            place.around.portion_rows,
            opened.left_out,
            printing,
        )
        draft = BookDraft()
        further: dict[Problem, None] = {}
        for plan in maker.plans():
            draft.add(plan)
            further |= dict.fromkeys(_further(place, plan))
            del plan  # one portion is in memory at a time
        count = len(draft.pages)
        for plan in maker.parent_plans():
            draft.add(plan)
        draft.pages = [*draft.pages[count:], *draft.pages[:count]]  # parents are written before all else
        notes = (*maker.notes(), *further)
        resync = printing.whole(notes, sifting.untouched) if printing else None
        book, shown = draft.book(stamp.plan_id, notes, maker.load.sending(), resync)
    return Planned(book, replace(shown, untouched=sifting.untouched))


def _at_once(rows: int, reason: str) -> Problem:
    message = (
        f"the {rows:,} rows are planned at one time, because {reason}: that takes memory for all of them"
    )
    hint = "Nothing, as long as there is memory for all of them; else bring the source in several files."
    return Problem("PLANNED_AT_ONCE", Stage.PLAN, message, hint)
