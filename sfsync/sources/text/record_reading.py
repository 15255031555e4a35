"""Reads records with the csv module, each with its lines, and keeps the module's limit to ourselves.

The csv module has one cell limit for the whole process. It is ours while a few records are read and is put
back before anybody sees them; a few at a time, because setting it costs as much as reading a record, and few,
because they are in memory together. Source: Python, csv.field_size_limit; CPython, Modules/_csv.c.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from typing import Any, Final, TextIO

from sfsync.sources.cells import MAX_CELL_CHARS

_TOGETHER: Final = 64
_LONG_LINE: Final = 100_000
_MANY_LINES: Final = 100
_LIMIT_LOCK: Final = threading.Lock()


Record = tuple[int, str, list[str]]


class BrokenRecord(Exception):
    """The text cannot be told apart into records from a line on; lines are counted from the first one read."""

    def __init__(self, why: str, *, first: int, last: int) -> None:
        super().__init__(why)
        self.first = first
        self.last = last


class Records:
    """The records of a text; iterate once.

    Each is the number of the line that it starts in (1 = where the text stands now), its text with its line end,
    and its cells. A blank line is a record without cells.
    """

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._last = ""
        self._lines_read: list[str] = []
        self._reader: Any = csv.reader(self._lines(text), delimiter=delimiter, strict=True)
        self._after = 0

    def __iter__(self) -> Iterator[Record]:
        """Every record in order.

        Raises:
            BrokenRecord: a cell is too large, or quotes stand where none can.
        """
        while True:
            batch, why = self._batch()
            yield from batch
            if why is not None:
                raise BrokenRecord(why, first=self._after + 1, last=self._reader.line_num)
            if not batch:
                return

    def _lines(self, text: TextIO) -> Iterator[str]:
        for line in text:
            self._last = line
            self._lines_read.append(line)
            yield line

    def _text(self) -> str:
        """The text of the record that was just read; most are one line, which is not copied."""
        text = self._last if len(self._lines_read) == 1 else "".join(self._lines_read)
        self._lines_read.clear()
        return text

    def _batch(self) -> tuple[list[Record], str | None]:
        """The next few records, and why there are no more of them if that is a fault."""
        batch: list[Record] = []
        reader, after = self._reader, self._after
        with _LIMIT_LOCK:
            others = csv.field_size_limit(MAX_CELL_CHARS)
            try:
                for record in reader:
                    batch.append((after + 1, self._text(), record))
                    before, after = after, reader.line_num
                    if (
                        len(batch) == _TOGETHER
                        or after - before > _MANY_LINES
                        or len(self._last) > _LONG_LINE
                    ):
                        break
            except csv.Error as error:
                return batch, str(error)
            finally:
                csv.field_size_limit(others)
                self._after = after
        return batch, None
