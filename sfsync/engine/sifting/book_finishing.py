"""Gives the portions of a book what their runs have to know to remember their rows, and the book what it has to.

The prints are made while a portion is planned, so memory holds those of one portion. Whether rows can become
settled at all, and the mark of the org, are known when all are planned: they stand in the book, and its last
portion brings the mark, so that it is kept when every other portion has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sfsync.core.job import Section
from sfsync.core.plans.plan import Plan
from sfsync.core.reading.row_groups import Row, group_of
from sfsync.core.reading.rows import PartialSource, PassedLine, RowSource, SourceForm, notes_of, numbered
from sfsync.core.reports.results import Problem
from sfsync.core.resync.prints import NOTHING, PrintSum, RowPrint, RowPrinter, group_print
from sfsync.core.resync.settled import Place, untold
from sfsync.core.resync.sifted import BookResync
from sfsync.engine.sifting.finishing import Finishing


@dataclass(slots=True)
class PrintedPortion:
    """The rows of one section that are in a portion; their prints are made while they are read."""

    source: RowSource
    printer: RowPrinter
    section: Section
    rows_read: list[RowPrint] = field(default_factory=list)

    @property
    def form(self) -> SourceForm:
        """The form of the whole source."""
        return self.source.form

    @property
    def columns(self) -> frozenset[str]:
        """The columns of all rows of the whole."""
        return self.source.columns if isinstance(self.source, PartialSource) else frozenset()

    def notes(self) -> tuple[Problem, ...]:
        """What the source has to tell."""
        return notes_of(self.source)

    def rows(self) -> Iterator[Row]:
        """The rows in order."""
        return (row for _, row in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Row]]:
        """The rows in order, with their numbers in the whole source."""
        for number, row in numbered(self.source):
            if not isinstance(row, PassedLine):
                group = group_print(group_of(self.section, row, number))
                made = self.printer.of(row)
                self.rows_read.append(RowPrint(row.ref.ordinal or number, made, group))
            yield number, row


@dataclass(slots=True)
class BookFinishing:
    """One sifting, to be told in the portions of a book; `printer` makes that of a section.

    `told` are the rows that notes of portions are about, which grow while these are planned.
    """

    finishing: Finishing
    sections: Mapping[str, Section]
    printer: Callable[[str], RowPrinter]
    sources: Mapping[str, RowSource]
    told: set[Place]
    _totals: dict[str, PrintSum] = field(default_factory=dict)
    _is_settling: bool = True
    _has_vanished: bool = False

    def printed(self, sources: Mapping[str, RowSource]) -> dict[str, PrintedPortion]:
        """The sources of a portion, whose prints are made."""
        return {
            name: PrintedPortion(each, self.printer(name), self.sections[name])
            for name, each in sources.items()
        }

    def portion(self, plan: Plan, sources: Mapping[str, PrintedPortion]) -> Plan:
        """The plan of a portion with its knowledge."""
        rows = {name: each.rows_read for name, each in sources.items()}
        for name, some in rows.items():
            total = self._totals.get(name, NOTHING)
            for each in some:
                total = total.with_print(each.print)
            self._totals[name] = total
        further = self._further(plan.notes)
        places = frozenset(self.told) | {
            (each.row.source, each.row.ordinal) for each in further if each.row is not None
        }
        self._is_settling = self._is_settling and untold(further, places) is None
        self._has_vanished = self._has_vanished or bool(plan.gone.vanished)
        return replace(
            plan, sifted=replace(self.finishing.sifted(plan.plan_id, rows, places), lost="", seen="")
        )

    def whole(self, notes: Iterable[Problem], untouched: Mapping[str, int]) -> BookResync:
        """What the book has to know, when all is planned; `notes` are those of the whole."""
        is_settling = self._is_settling and untold(self._further(notes), frozenset(self.told)) is None
        finishing = self.finishing
        if finishing.is_whole:
            finishing.totals = {name: self._totals.get(name, NOTHING) for name in self.sections}
            finishing.is_quiet = not any(notes_of(each) for each in self.sources.values())
        document = finishing.document_of(has_vanished=self._has_vanished)
        known = finishing.sifted("", {}, frozenset())
        return BookResync(
            finishing.is_whole, is_settling, document, dict(untouched), lost=known.lost, seen=known.seen
        )

    def _further(self, notes: Iterable[Problem]) -> list[Problem]:
        own = [note for each in self.sources.values() for note in notes_of(each)]
        return [each for each in notes if each not in self.finishing.notes and each not in own]
