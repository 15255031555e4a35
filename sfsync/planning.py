"""Makes a plan at a workplace: opens the sources, leaves out what is as it was, plans the rest.

Part of the composition root. Nothing is written to the org, and nothing to the journal.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sfsync.core.job import Job
from sfsync.core.pins import pin_notes
from sfsync.core.plan import Plan
from sfsync.core.presets.fitting import fitted_to_sources
from sfsync.core.rows import RowSource
from sfsync.engine.applying.accepting import accepted_notes
from sfsync.engine.planning.left_out import LeftOut
from sfsync.engine.planning.plan_making import PlanStamp, make_plan
from sfsync.engine.planning.schema import read_schema
from sfsync.engine.sifting.sifting import SiftingTools, sift
from sfsync.run_files import new_name

if TYPE_CHECKING:
    from sfsync.app import Workplace
    from sfsync.journal import SqlJournal


def open_sources(job: Job, journal: SqlJournal | None = None, org_id: str = "") -> dict[str, RowSource]:
    """The sources of a job, by section name, read on from where the journal says that the org has them."""
    from sfsync import sources

    kept = partial(journal.memory.watermark, org_id, job.name) if journal else None
    return sources.open_sources(job, kept=kept)


def made_plan(place: Workplace, *, is_full: bool) -> Plan:
    """The plan of a workplace's job; with `is_full` no row is left out.

    Raises:
        SyncError: the job, a source or the org is at fault.
    """
    org_id = place.gateway.identity().org_id
    stamp = PlanStamp(new_name(place.around.clock()), place.bench.now())
    opened = open_sources(place.job, place.journal, org_id)
    job = fitted_to_sources(fully_read(place.job) if is_full else place.job, opened)
    accepted = {(run.run_id, record.change_id) for run, record in place.accepted}
    sifting = sift(job, read_schema(job, place.gateway), opened, _tools(place))
    left_out = LeftOut(sifting.is_present)
    try:
        made = make_plan(
            job,
            sifting.sources,
            gateway=place.gateway,
            journal=place.journal,
            stamp=stamp,
            listener=place.around.listener,
            accepted=accepted,
            left_out=left_out,
        )
        further = (*pin_notes(made.org, place.profile), *accepted_notes(made.changes, place.accepted))
        whole = replace(made, notes=(*made.notes, *further), untouched=sifting.untouched)
        return sifting.finish(whole, frozenset(left_out.told))
    finally:
        sifting.close()


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
