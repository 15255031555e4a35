"""Turns what a database's driver gives into cells: exact numbers, dates as they are typed, everything else by name.

Invariants: a NUMERIC and a REAL become the decimal that they are written as, never another one; NULL is a blank;
bytes, arrays, JSON and intervals are no cells, and a rule that reads one makes its row a problem.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import Cell
from sfsync.sources.cells import BadRow, as_cell

_NAMES: Final[Mapping[type, str]] = {
    bytes: "bytes",
    memoryview: "bytes",
    list: "an array",
    dict: "JSON",
    timedelta: "an interval",
}
_LONGEST_SHOWN: Final = 10_000


def cells_of_row(columns: Sequence[str], values: Sequence[Any], wanted: Collection[str]) -> dict[str, Cell]:
    """The cells of a row; what is no cell is left out where no rule wants it.

    Raises:
        BadRow: a value cannot be a cell, and a rule wants it.
    """
    cells: dict[str, Cell] = {}
    for column, value in zip(columns, values, strict=True):
        if value is None or isinstance(value, str | bool | int | float | Decimal | date):
            cells[column] = as_cell(value, column)
        elif isinstance(value, UUID | time):
            cells[column] = str(value)
        elif column in wanted:
            what = _NAMES.get(type(value), f"of the type {type(value).__name__}")
            hint = f"Make a value of it in the query: CAST({column} AS text), or a part of it."
            raise BadRow("NOT_A_VALUE", f'"{column}" is {what}, not a value', hint, column=column)
    return cells


def readable_cells(columns: Sequence[str], values: Sequence[Any]) -> dict[str, Cell]:
    """The cells of a row of which another one is none."""
    cells: dict[str, Cell] = {}
    for column, value in zip(columns, values, strict=True):
        with suppress(BadRow):
            cells |= cells_of_row([column], [value], ())
    return cells


def shown_row(columns: Sequence[str], values: Sequence[Any], cells: Mapping[str, Cell]) -> list[str]:
    """The row as text, for the rejects: a cell reads as it did here, whatever is none is shown."""
    return [
        as_text(cells[column]) if column in cells else _shown(value)
        for column, value in zip(columns, values, strict=True)
    ]


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bytes() | memoryview():
            return f"\\x{bytes(value)[:_LONGEST_SHOWN].hex()}"
        case bool():
            return as_text(value)
    return str(value)[:_LONGEST_SHOWN]
