"""Plans a large job portion by portion: each by the same planner as a whole job, and none after it was handed out.

Portions come in the order in which they can be planned: a row may refer to what an earlier portion plans. Parents
that are made for rows are known when all portions are planned and are written before them; what the source has no
more is planned last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Protocol

from sfsync.core.deals.gone import NO_GONE
from sfsync.core.events import Listener, Noticed
from sfsync.core.job import Job
from sfsync.core.plans.plan import Plan
from sfsync.core.ports import Journal
from sfsync.core.reading.rows import RowSource
from sfsync.core.reports.announced import announced
from sfsync.core.reports.results import Problem
from sfsync.core.scratch import Scratch
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY, WRITE_ORDER
from sfsync.engine.planning.across_portions import AcrossPortions
from sfsync.engine.planning.ground import Ground
from sfsync.engine.planning.left_out import LeftOut
from sfsync.engine.planning.parent_memory import ParentMemory
from sfsync.engine.planning.parent_planning import goal_of
from sfsync.engine.planning.plan_making import PlanStamp, plan_on
from sfsync.engine.planning.reading import CheckedRow, derived_roles, read_section
from sfsync.engine.planning.remembered_lookups import FEW_KEYS, RememberingGateway
from sfsync.engine.planning.routing import BookLoad, plan_sending
from sfsync.engine.planning.schema import Schema
from sfsync.engine.planning.self_references import looks_ahead
from sfsync.engine.sifting.book_finishing import BookFinishing


class PortionedRows(Protocol):
    """The rows of a job, cut into portions of whole groups."""

    def portions(self, *, most: int) -> Iterator[dict[str, RowSource]]:
        """The sources of each portion by section name; may be gone through more than once."""
        ...


def why_looked_ahead(schema: Schema) -> str | None:
    """Why a job has to be planned at one time by what its lookups point at; None where it has not."""
    for section in schema.sections.values():
        for name, goal in looks_ahead(schema, section.sobject):
            return f"{section.name} refer to rows of {goal} that may stand behind them ({name})"
    return None


@dataclass(slots=True)
class BookMaker:
    """Plans the portions of one job; `most` is how many rows a portion has."""

    ground: Ground
    job: Job
    rows: PortionedRows
    journal: Journal
    stamp: PlanStamp
    listener: Listener
    scratch: Scratch
    most: int
    left_out: LeftOut = field(default_factory=LeftOut)
    printing: BookFinishing | None = None
    across: AcrossPortions = field(init=False)
    load: BookLoad = field(init=False)

    def __post_init__(self) -> None:
        self.load = BookLoad(self.job, self.ground.schema, self.ground.offers)
        schema = self.ground.schema
        self.across = AcrossPortions(self.scratch, schema)
        own = {(each.sobject, each.key or "Id") for each in schema.sections.values()}
        gateway = RememberingGateway(self.ground.org, once=own | {(CONTACT_ROLE, "OpportunityId")})
        self.ground = replace(self.ground, org=gateway, offered=replace(self.ground.offered, org=gateway))
        brought = self.journal.count_ledger(gateway.identity().org_id)
        keys = [(each.sobject, each.key) for each in schema.sections.values() if each.key]
        gateway.look_for_keys([each for each in keys if brought.get(each[0], 0) < FEW_KEYS])

    def plans(self) -> Iterator[Plan]:
        """The plan of each portion, and of what the source has no more."""
        self._hear_of_parents()
        portions = self.rows.portions(most=self.most)
        while (sources := next(portions, None)) is not None:
            made = [self._portion(sources)]
            del sources  # one portion is in memory at a time
            self.load.add(made[0])
            yield made.pop()
        self.across.is_last = True
        last = self._planned({})
        if last.changes or last.gone != NO_GONE:
            self.load.add(last)
            yield last
        self.across.is_last = False

    def parent_plans(self) -> Iterator[Plan]:
        """The plans of the parents that are made for rows, when all else is planned; to be written first."""
        if self.across.parents is None:
            return
        parents = self.across.parents
        made = (each for name in WRITE_ORDER for each in parents.changes() if each.sobject == name)
        while some := tuple(islice(made, self.most)):
            empty = self._planned({})
            sending = plan_sending(self.job, self.ground.schema, some, self.ground.offers)
            made_of = replace(
                empty,
                changes=some,
                routes=sending.routes,
                choices=sending.choices,
                predicted=sending.predicted,
            )
            self.load.add(made_of)
            yield made_of

    def notes(self) -> tuple[Problem, ...]:
        """What is to be noted of the whole; its progress is told here."""
        notes = tuple(self.across.notes.notes(self.ground.schema.sections.values()))
        for message in announced(notes):
            self.listener(Noticed(message))
        return notes

    def _portion(self, sources: Mapping[str, RowSource]) -> Plan:
        """One portion, with what its run has to know to remember its rows."""
        if self.printing is None:
            return self._planned(sources)
        printed = self.printing.printed(sources)
        return self.printing.portion(self._planned(printed), printed)

    def _planned(self, sources: Mapping[str, RowSource]) -> Plan:
        return plan_on(
            self.ground,
            self.job,
            sources,
            journal=self.journal,
            stamp=self.stamp,
            listener=self.listener,
            across=self.across,
            left_out=self.left_out,
        )

    def _hear_of_parents(self) -> None:
        """Reads all rows once more where parents may be made for them: what a parent is, all rows say together."""
        parents = self.across.parents
        if parents is None:
            return
        schema, org_id = self.ground.schema, self.ground.org.identity().org_id
        memory = ParentMemory(self.job, schema, self.ground.org, self.journal, org_id)
        note = partial(parents.note, goal_of=partial(goal_of, schema), compared=memory.compared)
        for sources in self.rows.portions(most=self.most):
            derived: list[CheckedRow] = []
            for section in sorted(schema.sections.values(), key=lambda each: WRITE_ORDER.index(each.sobject)):
                if section.name not in sources:
                    continue
                read = read_section(section, sources[section.name], schema.rules[section.sobject])
                derived += derived_roles(read) if section.sobject == OPPORTUNITY else []
                rows = [*read.rows, *derived] if section.sobject == CONTACT_ROLE else read.rows
                note(section.sobject, rows)
                derived = [] if section.sobject == CONTACT_ROLE else derived
            note(CONTACT_ROLE, derived)
