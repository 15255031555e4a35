"""Takes rows that a program gives: mappings by column, models, dataclasses, named tuples, frames, local models.

A local model (`core.models`) stays as it is, typed and named as in the org; anything else becomes cells.
Invariants: an iterable is taken up once, row by row, so that a generator can be read twice and its rows are not
held: cells go to a spool, only local models stay; a row's line is its place; `raw` is aligned with the columns, so
that rejects can be written as a CSV.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any, Final

from sfsync.core.models import LocalRecord, Reference
from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import Cell, ModelRow, SourceForm, SourceRow, UnreadableRow
from sfsync.core.reading.typed_cells import TEXT, letter, letters
from sfsync.core.reports.results import RowRef
from sfsync.sources.cells import BadRow, as_cell, cells_of
from sfsync.sources.packed_cells import Spool, packed, unpacked
from sfsync.sources.python_values import members_of, plain_value, taken

PLACE: Final = "(rows given in Python)"

_Row = SourceRow | UnreadableRow | ModelRow


class PythonSource:
    """Rows given in Python; see `core.reading.rows.RowSource`."""

    def __init__(self, name: str, sobject: str, rows: Iterable[Any], *, wanted: Collection[str]) -> None:
        self._name = name
        self._sobject = sobject
        self._wanted = wanted
        self._models: dict[int, LocalRecord] = {}
        self._spool = Spool()
        columns: dict[str, None] = {}
        for ordinal, row in enumerate(taken(rows), start=1):
            columns |= dict.fromkeys(self._take_up(ordinal, row))
        self._form = SourceForm(name, PLACE, "rows", tuple(columns))

    @property
    def form(self) -> SourceForm:
        """The columns in the order in which they are first given."""
        return self._form

    def rows(self) -> Iterator[_Row]:
        """Every row in order; its line is its place, from 1."""
        for ordinal, (shown, cells, problem, kinds) in enumerate(self._spool.entries(), start=1):
            ref = RowRef(self._name, self._form.file, ordinal, ordinal)
            raw = tuple(shown.get(column, "") for column in self._form.columns)
            types = "".join(kinds.get(column, TEXT) for column in self._form.columns) if kinds else ""
            if problem is not None:
                code, message, hint, column = problem
                yield BadRow(code, message, hint, column=column).row(ref, raw, types)
            elif ordinal in self._models:
                yield ModelRow(ref, self._models[ordinal], raw, types)
            else:
                yield SourceRow(ref, unpacked(*cells), raw, types=types)

    def _take_up(self, ordinal: int, row: Any) -> Iterable[str]:
        """Puts a row into the spool; returns its columns."""
        shown, kinds = _shown_cells(row)
        try:
            cells = self._cells(ordinal, row)
            self._spool.put([shown, packed(cells), None, kinds])
        except BadRow as bad:
            self._spool.put([shown, None, [bad.code, str(bad), bad.hint, bad.column], kinds])
        return shown

    def _cells(self, ordinal: int, row: Any) -> dict[str, Cell]:
        if isinstance(row, LocalRecord):
            self._models[ordinal] = self._checked(row)
            return {}
        members = members_of(row)
        if members is None:
            message = f"a {type(row).__name__} is no row"
            raise BadRow(
                "NOT_A_ROW", message, "Give mappings by column, models, dataclasses or named tuples."
            )
        return cells_of(members, self._wanted, plain=plain_value)

    def _checked(self, record: LocalRecord) -> LocalRecord:
        if record.sobject != self._sobject:
            message = f"{type(record).__name__} is no row of {self._name}"
            raise BadRow("NOT_A_ROW", message, f"Give models of {self._sobject}.")
        for name, value in record.given():
            as_cell(value if isinstance(value, str) else None, name)
        return record


def _shown_cells(row: Any) -> tuple[dict[str, str], dict[str, str]]:
    """A row as text by column, whatever it is, for the rejects; and which of the columns are typed."""
    values: dict[str, Any]
    if isinstance(row, LocalRecord):
        values = dict(row.given())
    elif (members := members_of(row)) is None:
        values = {"row": repr(row)}
    else:
        try:
            values = dict(cells_of(members, (), plain=plain_value))
        except BadRow:
            values = {str(name): value for name, value in members.items()}
    shown = {name: _shown(value) for name, value in values.items()}
    is_typed = letters(values.values()) != ""
    return shown, {name: letter(value) for name, value in values.items()} if is_typed else {}


def _shown(value: Any) -> str:
    if isinstance(value, Reference):
        return value.value
    return as_text(value) if value is None or isinstance(value, bool | str | date) else str(value)
