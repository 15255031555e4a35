"""A source that yields only the rows of touched groups, as they stand in the whole source.

Rows keep their ordinals and lines; lines that are no rows (footers) are all there, and so are the notes of the
reading that found out which groups are touched. Where nothing is touched the source is not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sfsync.core.reading.row_groups import Row
from sfsync.core.reading.rows import PassedLine, RowSource, SourceForm
from sfsync.core.reports.results import Problem


@dataclass(slots=True)
class SiftedSource:
    """See `core.reading.rows.RowSource`. `numbers` gives the places of the rows to yield, counted from 1, in order.

    `told` are the notes of the whole reading, `passed` its lines that are no rows, `seen` the columns of all rows.
    """

    source: RowSource
    numbers: Callable[[], Iterator[int]]
    told: tuple[Problem, ...]
    passed: Sequence[PassedLine]
    seen: frozenset[str]

    @property
    def form(self) -> SourceForm:
        """The form of the whole source."""
        return self.source.form

    def notes(self) -> tuple[Problem, ...]:
        """What the whole source had to tell."""
        return self.told

    def seen_columns(self) -> frozenset[str]:
        """The columns that any row of the whole source has."""
        return self.seen

    def rows(self) -> Iterator[Row]:
        """The rows of touched groups, then the lines that are no rows.

        Raises:
            SourceError: the source cannot be read on.
        """
        wanted = self.numbers()
        next_one = next(wanted, None)
        if next_one is not None:
            number = 0
            for row in self.source.rows():
                if isinstance(row, PassedLine):
                    continue
                number += 1
                if number == next_one:
                    yield replace(row, ref=replace(row.ref, ordinal=row.ref.ordinal or number))
                    next_one = next(wanted, None)
        yield from self.passed
