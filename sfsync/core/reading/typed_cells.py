"""What a cell was besides its text, kept beside the text: a number, a day, a moment, a truth value.

A workbook, Parquet, a database and a program give typed cells, which need no declared form; in a rejects file they
are text. There a column of ours (`TYPED_COLUMN`) says of each typed cell its kind and its text: whoever reads the
file takes a cell that still has this text as what it was, and any other as text that a person wrote.
Invariant: `typed_value(letter(cell), as_text(cell))` is the cell, in value and in type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sfsync.core.reading.rows import Cell, Percentage

TYPED_COLUMN: Final = "_sfsync_typed"
"""Stands in a rejects file that has typed cells; its cells are JSON, which is no formula."""

TEXT: Final = "T"
_NOTHING: Final = frozenset("TN")

_LETTERS: Final[Mapping[type, str]] = {
    str: TEXT,
    type(None): "N",
    Decimal: "D",
    Percentage: "P",
    bool: "B",
    date: "d",
    datetime: "m",
}
_READERS: Final[Mapping[str, Callable[[str], Cell]]] = {
    "N": lambda _: None,
    TEXT: str,
    "D": Decimal,
    "P": Percentage,
    "B": lambda text: text == "true",
    "d": date.fromisoformat,
    "m": datetime.fromisoformat,
}


def letter(cell: object) -> str:
    """One letter for what a cell is; whatever is no cell counts as text."""
    known = _LETTERS.get(type(cell))
    if known in ("D", "P") and not (isinstance(cell, Decimal) and cell.is_finite()):
        return TEXT
    if known is not None:
        return known
    return "m" if isinstance(cell, datetime) else "d" if isinstance(cell, date) else TEXT


def letters(cells: Iterable[object]) -> str:
    """A letter for each cell of a row; "" where all are text or nothing."""
    found = "".join(map(letter, cells))
    return "" if _NOTHING.issuperset(found) else found


def typed_value(kind: str, text: str) -> Cell:
    """The cell of that kind and text.

    Raises:
        ValueError: there is none.
    """
    try:
        cell = _READERS[kind](text)
    except (KeyError, ArithmeticError):
        cell = None
    if (cell is None and kind != "N") or (isinstance(cell, Decimal) and not cell.is_finite()):
        raise ValueError(f"{kind!r} of {text!r} is no cell")
    return cell


def typed_mark(columns: Sequence[str], texts: Sequence[str], kinds: str) -> str:
    """What stands in `TYPED_COLUMN` of a row: its typed cells by column, each as its letter and its text."""
    if len(kinds) != len(texts):
        return ""
    told = {
        name: kind + text
        for name, text, kind in zip(columns, texts, kinds, strict=False)
        if kind not in _NOTHING and not name.startswith("_sfsync_")
    }
    return json.dumps(told, separators=(",", ":")) if told else ""


def read_mark(text: str) -> dict[str, tuple[str, Cell]]:
    """The typed cells that a mark tells, by column: the text, and the cell that it was.

    Raises:
        ValueError: it is no such mark.
    """
    if text.strip() == "":
        return {}
    told = json.loads(text)
    if not isinstance(told, dict) or not all(isinstance(each, str) for each in told.values()):
        raise ValueError("no mark of typed cells")
    return {name: (said[1:], typed_value(said[:1], said[1:])) for name, said in told.items()}
