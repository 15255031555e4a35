"""Rows on their way through a temporary file: each cell as its text and one letter that says what it was.

Invariant: what is unpacked is what was packed, in value and in type.
"""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import Cell
from sfsync.core.reading.typed_cells import letter, typed_value

IN_MEMORY: Final = 8_000_000
"""So many bytes stay in memory; more goes to a private file without a name."""


def packed(cells: Mapping[str, Cell]) -> list[Any]:
    """The cells as plain text: columns, texts, and a letter for each."""
    return [list(cells), [_text(each) for each in cells.values()], "".join(map(letter, cells.values()))]


def unpacked(columns: list[str], texts: list[str], letters: str) -> dict[str, Cell]:
    """The cells that were packed."""
    read = (typed_value(kind, text) for kind, text in zip(letters, texts, strict=True))
    return dict(zip(columns, read, strict=True))


def _text(cell: Cell) -> str:
    return str(cell) if isinstance(cell, Decimal) else as_text(cell)


class Spool:
    """Entries that are written once and read in order as often as wanted; gone with the object."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, mode="w+b")  # noqa: SIM115 - lives on
        weakref.finalize(self, self._file.close)
        self.count = 0

    def put(self, entry: list[Any]) -> None:
        """Adds an entry of plain JSON values."""
        self._file.write(json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n")
        self.count += 1

    def entries(self) -> Iterator[list[Any]]:
        """All entries from the first on; two readings may go on beside each other."""
        place = 0
        for _ in range(self.count):
            self._file.seek(place)
            line = self._file.readline()
            place = self._file.tell()
            yield json.loads(line)
        self._file.seek(0, 2)
