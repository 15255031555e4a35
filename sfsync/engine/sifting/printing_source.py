"""A source that makes the prints of its rows while they are read for a plan, so that they are not read twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sfsync.core.job import Section
from sfsync.core.reading.row_groups import Row, group_of
from sfsync.core.reading.rows import PassedLine, RowSource, SourceForm, notes_of
from sfsync.core.reports.results import Problem
from sfsync.core.resync.prints import RowPrint, RowPrinter, group_print


@dataclass(slots=True)
class PrintingSource:
    """A source that makes the prints of its rows while they are read; `rows_read` is of the last reading.

    With `most`, those of a source of more rows are let go of.
    """

    source: RowSource
    printer: RowPrinter
    section: Section
    rows_read: list[RowPrint] = field(default_factory=list)
    has_passed: bool = False
    most: int | None = None

    @property
    def form(self) -> SourceForm:
        """The form of the source."""
        return self.source.form

    def notes(self) -> tuple[Problem, ...]:
        """What the source has to tell."""
        return notes_of(self.source)

    def rows(self) -> Iterator[Row]:
        """Every row of the source."""
        self.rows_read, number = [], 0
        for row in self.source.rows():
            if isinstance(row, PassedLine):
                self.has_passed = True
            elif self.most is not None and number >= self.most:
                self.rows_read.clear()
            else:
                number += 1
                group = group_print(group_of(self.section, row, number))
                ordinal = row.ref.ordinal or number
                self.rows_read.append(RowPrint(ordinal, self.printer.of(row), group))
            yield row
