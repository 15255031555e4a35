"""Makes the plans of a workplace: one plan, or a book of portions where the job is large.

Part of the composition root: sources, scratch and spool are opened here, and the pages of a book written. A job
of at most one portion is planned as it always was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.book_draft import BookDraft
from sfsync.core.condensing import Condenser
from sfsync.core.pins import pin_notes
from sfsync.core.plan import Plan
from sfsync.core.plan_book import PlanBook
from sfsync.core.portions import why_one_portion
from sfsync.core.presets.fitting import fitted_to_sources
from sfsync.core.results import Problem, Stage
from sfsync.engine.applying.accepting import accepted_notes
from sfsync.engine.planning.book_making import BookMaker, why_looked_ahead
from sfsync.engine.planning.ground import Ground, read_ground
from sfsync.engine.planning.plan_making import PlanStamp, plan_on
from sfsync.plan_books import WholePlan, is_book, open_book
from sfsync.run_files import new_name, read_plan

if TYPE_CHECKING:
    from sfsync.app import Workplace
    from sfsync.core.job import Job
    from sfsync.core.rows import RowSource
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


def plan_whole(place: Workplace) -> Plan:
    """One plan of a job, however large it is."""
    job, sources, ground = _opened(place)
    return _whole(place, job, sources, ground)


def plan_book(place: Workplace) -> Planned:
    """The plan of a job, in portions where it has more rows than one."""
    from sfsync.sources.spool import RowSpool, spooled

    most = place.around.portion_rows
    job, sources, ground = _opened(place)
    reason = why_one_portion(job) or why_looked_ahead(ground.schema)
    rows = spooled(job, sources, most=most) if reason is None else reason
    if isinstance(rows, RowSpool):
        return _book(place, job, rows, ground)
    made = _whole(place, job, sources if isinstance(rows, str) else rows, ground)
    if isinstance(rows, str) and made.row_count > most:
        made = replace(made, notes=(*made.notes, _at_once(made.row_count, rows)))
    return Planned(WholePlan(made), made)


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


def _opened(place: Workplace) -> tuple[Job, dict[str, RowSource], Ground]:
    sources = open_sources(place.job, place.journal, place.gateway.identity().org_id)
    job = fitted_to_sources(place.job, sources)
    accepted = {(run.run_id, record.change_id) for run, record in place.accepted}
    return job, sources, read_ground(job, place.gateway, place.journal, accepted)


def _stamp(place: Workplace) -> PlanStamp:
    return PlanStamp(new_name(place.around.clock()), place.bench.now())


def _whole(place: Workplace, job: Job, sources: dict[str, RowSource], ground: Ground) -> Plan:
    made = plan_on(
        ground,
        job,
        sources,
        journal=place.journal,
        stamp=_stamp(place),
        listener=place.around.listener,
    )
    return replace(made, notes=(*made.notes, *_further(place, made)))


def _further(place: Workplace, plan: Plan) -> Iterator[Problem]:
    yield from pin_notes(plan.org, place.profile)
    yield from accepted_notes(plan.changes, place.accepted)


def _book(place: Workplace, job: Job, rows: RowSpool, ground: Ground) -> Planned:
    from sfsync.journal.scratch import SqliteScratch

    stamp = _stamp(place)
    with closing(SqliteScratch()) as scratch:
        maker = BookMaker(
            ground,
            job,
            rows,
            place.journal,
            stamp,
            place.around.listener,
            scratch,
            place.around.portion_rows,
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
        book, shown = draft.book(stamp.plan_id, notes, maker.load.sending())
    return Planned(book, shown)


def _at_once(rows: int, reason: str) -> Problem:
    message = (
        f"the {rows:,} rows are planned at one time, because {reason}: that takes memory for all of them"
    )
    hint = "Nothing, as long as there is memory for all of them; else bring the source in several files."
    return Problem("PLANNED_AT_ONCE", Stage.PLAN, message, hint)
