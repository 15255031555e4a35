"""Takes the cells of a rejects file that were typed in its source as what they were.

A cell that still has the text which the mark of its row tells is the number, date or truth value that it was, so
no declared form is asked of it; a cell that somebody changed is read as the job declares. A mark that cannot be
read makes its row a problem: without it nobody can say which cells were typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sfsync.core.reading.rows import (
    Cell,
    ModelRow,
    PassedLine,
    RowSource,
    SourceForm,
    SourceRow,
    UnreadableRow,
    notes_of,
)
from sfsync.core.reading.typed_cells import TEXT, TYPED_COLUMN, letter, letters, read_mark
from sfsync.core.reports.results import Problem
from sfsync.sources.cells import BadRow


def typed_again(source: RowSource) -> RowSource:
    """The source; where it is a rejects file of typed cells, one that gives them typed."""
    return _TypedAgain(source) if TYPED_COLUMN in source.form.columns else source


class _TypedAgain:
    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._columns = source.form.columns
        self._place = self._columns.index(TYPED_COLUMN)

    @property
    def form(self) -> SourceForm:
        return self._source.form

    def rows(self) -> Iterator[SourceRow | UnreadableRow | ModelRow | PassedLine]:
        for row in self._source.rows():
            yield self._typed(row) if isinstance(row, SourceRow | UnreadableRow) else row

    def notes(self) -> tuple[Problem, ...]:
        return notes_of(self._source)

    def _typed(self, row: SourceRow | UnreadableRow) -> SourceRow | UnreadableRow:
        said = row.raw[self._place] if self._place < len(row.raw) else ""
        try:
            told = read_mark(said)
        except ValueError:
            if isinstance(row, UnreadableRow):
                return row
            message = f"{TYPED_COLUMN} is not as it was written, and tells which cells were numbers and dates"
            hint = "Take it from the rejects file; or clear it, then every cell is read as the job declares."
            return BadRow("BAD_TYPE_MARK", message, hint, column=TYPED_COLUMN).row(row.ref, row.raw)
        kept: dict[str, Cell] = {}
        kinds = list(row.types or TEXT * len(row.raw))
        for place, (name, text) in enumerate(zip(self._columns, row.raw, strict=False)):
            if name in told and told[name][0] == text and kinds[place] == TEXT:
                kept[name] = told[name][1]
                kinds[place] = letter(kept[name])
        types = "".join(kinds) if letters(kept.values()) or row.types else ""
        if isinstance(row, UnreadableRow):
            return replace(row, types=types)
        return replace(row, cells={**row.cells, **kept}, types=types)
