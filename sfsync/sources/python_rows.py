"""Takes rows that a program gives: mappings by column, local models, or any other pydantic models.

A local model (`core.models`) stays as it is, typed and named as in the org; anything else becomes cells.
Invariants: an iterable is taken up once, so that a generator can be read twice; a row's line is its place;
`raw` is aligned with the columns, so that rejects can be written as a CSV.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel

from sfsync.core.mapping import as_text
from sfsync.core.models import LocalRecord, Reference
from sfsync.core.results import RowRef
from sfsync.core.rows import ModelRow, SourceForm, SourceRow, UnreadableRow
from sfsync.sources.cells import BadRow, as_cell, cells_of

PLACE: Final = "(rows given in Python)"

_Row = SourceRow | UnreadableRow | ModelRow


class PythonSource:
    """Rows given in Python; see `core.rows.RowSource`."""

    def __init__(self, name: str, sobject: str, rows: Iterable[Any], *, wanted: Collection[str]) -> None:
        self._name = name
        self._sobject = sobject
        self._wanted = wanted
        self._rows = tuple(rows)
        columns = dict.fromkeys(key for row in self._rows for key in _shown_cells(row))
        self._form = SourceForm(name, PLACE, "rows", tuple(columns))

    @property
    def form(self) -> SourceForm:
        """The columns in the order in which they are first given."""
        return self._form

    def rows(self) -> Iterator[_Row]:
        """Every row in order; its line is its place, from 1."""
        for ordinal, row in enumerate(self._rows, start=1):
            ref = RowRef(self._name, self._form.file, ordinal, ordinal)
            shown = _shown_cells(row)
            raw = tuple(shown.get(column, "") for column in self._form.columns)
            try:
                yield self._read(row, ref, raw)
            except BadRow as bad:
                yield bad.row(ref, raw)

    def _read(self, row: Any, ref: RowRef, raw: tuple[str, ...]) -> _Row:
        if isinstance(row, LocalRecord):
            return ModelRow(ref, self._checked(row), raw)
        if isinstance(row, BaseModel):
            return SourceRow(ref, cells_of(row.model_dump(exclude_none=True), self._wanted), raw)
        if isinstance(row, Mapping):
            return SourceRow(ref, cells_of(row, self._wanted), raw)
        message = f"a {type(row).__name__} is no row"
        raise BadRow("NOT_A_ROW", message, "Give mappings by column, or models.")

    def _checked(self, record: LocalRecord) -> LocalRecord:
        if record.sobject != self._sobject:
            message = f"{type(record).__name__} is no row of {self._name}"
            raise BadRow("NOT_A_ROW", message, f"Give models of {self._sobject}.")
        for name, value in record.given():
            as_cell(value if isinstance(value, str) else None, name)
        return record


def _shown_cells(row: Any) -> dict[str, str]:
    """A row as text by column, whatever it is, for the rejects."""
    if isinstance(row, LocalRecord):
        return {name: _shown(value) for name, value in row.given()}
    if isinstance(row, BaseModel):
        row = row.model_dump(exclude_none=True)
    if not isinstance(row, Mapping):
        return {"row": repr(row)}
    try:
        return {name: _shown(cell) for name, cell in cells_of(row, ()).items()}
    except BadRow:
        return {str(name): _shown(value) for name, value in row.items()}


def _shown(value: Any) -> str:
    if isinstance(value, Reference):
        return value.value
    return as_text(value) if value is None or isinstance(value, bool | str | date) else str(value)
