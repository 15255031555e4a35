"""Gives a plan what its run has to know to remember its rows: their prints, the org's mark, and what stays open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.core.plans.plan import Plan
from sfsync.core.reports.results import Problem
from sfsync.core.resync.memory import packed_stamps
from sfsync.core.resync.prints import PrintSum, RowPrint, packed_groups, packed_rows, sum_of
from sfsync.core.resync.settled import Place, untold
from sfsync.core.resync.sifted import PrintedSection, Sifted
from sfsync.engine.sifting.asking import Found
from sfsync.engine.sifting.printing_source import PrintingSource


@dataclass(slots=True)
class Finishing:
    """One sifting, to be told in its plan.

    `document` has what the journal keeps whatever was read: basis, restorations and the digests of the files.
    `names` are the sources as places of rows name them, `rows` those that are planned, `totals` the sums of all
    rows and `notes` what the reading had to tell. With `printing` sources these come from them, when the plan
    is made.
    """

    document: Mapping[str, Any]
    found: Found
    names: Mapping[str, str]
    is_whole: bool
    is_quiet: bool = True
    rows: Mapping[str, Sequence[RowPrint]] = field(default_factory=dict)
    totals: Mapping[str, PrintSum] = field(default_factory=dict)
    notes: Sequence[Problem] = ()
    lost: Sequence[bytes] = ()
    printing: Mapping[str, PrintingSource] = field(default_factory=dict)

    def finish(self, plan: Plan, told: frozenset[Place]) -> Plan:
        """The plan with its knowledge; `told` are the rows that its notes are about."""
        if self.printing:
            self._take_printed()
        further = [each for each in plan.notes if each not in self.notes]
        places = told | {(each.row.source, each.row.ordinal) for each in further if each.row is not None}
        made = self.sifted(plan.plan_id, self.rows, places)
        document = self.document_of(has_vanished=bool(plan.gone.vanished))
        return replace(
            plan, sifted=replace(made, is_settling=untold(further, places) is None, document=document)
        )

    def sifted(
        self, plan_id: str, planned: Mapping[str, Sequence[RowPrint]], open_places: frozenset[Place]
    ) -> Sifted:
        """The knowledge of these rows; the groups of those at `open_places` stay open."""
        sections = {
            name: PrintedSection(self.names[name], packed_rows(rows)) for name, rows in planned.items()
        }
        groups = {
            each.group
            for name, rows in planned.items()
            for each in rows
            if (self.names[name], each.ordinal) in open_places
        }
        return Sifted(
            plan_id,
            is_whole=self.is_whole,
            is_settling=True,
            sections=sections,
            lost=packed_groups(self.lost),
            open_groups=packed_groups(groups | self.found.young),
            seen=packed_stamps(self.found.seen),
        )

    def _take_printed(self) -> None:
        sources = self.printing
        self.rows = {name: each.rows_read for name, each in sources.items()}
        self.totals = {name: sum_of(each.print for each in rows) for name, rows in self.rows.items()}
        self.notes = [note for each in sources.values() for note in each.notes()]
        self.is_quiet = not self.notes and not any(each.has_passed for each in sources.values())

    def document_of(self, *, has_vanished: bool) -> dict[str, Any]:
        """What the journal keeps as the mark."""
        return {
            **self.document,
            "mark": self.found.mark.as_document(),
            "young_roles": list(self.found.young_roles),
            "totals": {name: [f"{each.total:x}", each.rows] for name, each in self.totals.items()},
            "is_quiet": self.is_quiet and not has_vanished,
        }
