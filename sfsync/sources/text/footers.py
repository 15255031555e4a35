"""A source whose file ends with lines that are no rows, such as the footer of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sfsync.core.presets.footers import LooseLine, follows_directly, footer_start, is_loose
from sfsync.core.reading.rows import (
    ModelRow,
    PassedLine,
    RowSource,
    SourceForm,
    SourceRow,
    UnreadableRow,
    notes_of,
)
from sfsync.core.reports.results import Problem, RowRef
from sfsync.errors import SourceError

Row = SourceRow | UnreadableRow | ModelRow | PassedLine


class WithoutFooter:
    """The rows of another source; its last lines come as `PassedLine` where they fit the footer's patterns."""

    def __init__(self, source: RowSource, patterns: Sequence[str]) -> None:
        self._source = source
        self._patterns = patterns

    @property
    def form(self) -> SourceForm:
        """The form of the file."""
        return self._source.form

    def notes(self) -> tuple[Problem, ...]:
        """What the other source has to tell beside its rows, if anything."""
        return notes_of(self._source)

    def rows(self) -> Iterator[Row]:
        """Every row, then the lines of the footer.

        Raises:
            SourceError: the source cannot be read on, or has a footer and no rows.
        """
        held: list[tuple[Row, LooseLine]] = []
        before: tuple[RowRef, tuple[str, ...]] | None = None
        count = 0
        for row in self._source.rows():
            if not is_loose(row.raw):
                yield from (each for each, _ in held)
                yield row
                count += len(held) + 1
                held = []
            else:
                is_apart = before is not None and not follows_directly(*before, row.ref.line)
                held.append((row, LooseLine(row.ref, row.raw, is_apart)))
            before = row.ref, row.raw
        start = footer_start([line for _, line in held], self._patterns)
        yield from (row for row, _ in held[:start])
        yield from (PassedLine(line.ref, line.raw) for _, line in held[start:])
        if count + start == 0:
            message = f"{self.form.file}: the file has a header, a footer and no rows"
            raise SourceError(message, code="SOURCE_EMPTY", hint="Was the report empty?")
