"""Refuses in a rejects file of ours what was refused in its workbook and is still there.

In the workbook a cell such as #N/A is no text; in the CSV of its rejects it is, and a text field would take it.
So in a file with our own columns a cell that is still such a mark is a problem where a rule reads it, as it was
before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from sfsync.core.reading.rows import (
    ModelRow,
    PassedLine,
    RowSource,
    SourceForm,
    SourceRow,
    UnreadableRow,
    notes_of,
)
from sfsync.core.reports.results import Problem
from sfsync.sources.cells import OWN_PREFIX, BadRow

_MARK: Final = re.compile(r"#(?:N/A|[A-Z0-9_/]+[!?])(?: .*)?", re.DOTALL)


def mark(code: str, shown: str) -> str:
    """What stands in a rejects file for a cell that is no value, and what it held."""
    return f"#{code}! {shown}".rstrip()


def minding_marks(source: RowSource, wanted: Collection[str]) -> RowSource:
    """The source; where it is a rejects file, one that refuses cells which nobody has corrected."""
    is_ours = any(each.startswith(OWN_PREFIX) for each in source.form.columns)
    return _MindingMarks(source, wanted) if is_ours else source


class _MindingMarks:
    def __init__(self, source: RowSource, wanted: Collection[str]) -> None:
        self._source = source
        self._wanted = wanted

    @property
    def form(self) -> SourceForm:
        return self._source.form

    def rows(self) -> Iterator[SourceRow | UnreadableRow | ModelRow | PassedLine]:
        for row in self._source.rows():
            yield self._minded(row) if isinstance(row, SourceRow) else row

    def notes(self) -> tuple[Problem, ...]:
        return notes_of(self._source)

    def _minded(self, row: SourceRow) -> SourceRow | UnreadableRow:
        for column, cell in row.cells.items():
            if (
                isinstance(cell, str)
                and cell.startswith("#")
                and column in self._wanted
                and _MARK.fullmatch(cell)
            ):
                message = f'"{column}" still holds {cell[:60]}, which is no value'
                hint = "Correct the cell, or clear it."
                return BadRow("CELL_ERROR", message, hint, column=column).row(row.ref, row.raw, row.types)
        return row
