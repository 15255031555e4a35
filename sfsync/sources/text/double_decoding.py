"""Notices text that was UTF-8 once, read in a Western code page and written as UTF-8 again: `MÃ¼ller`.

Such text is valid and stays as it is; only a person can say what it was. The sequences looked for are those
that no language writes: a capital with tilde, circumflex, dieresis or ring and a sign right behind it.
Source: The Unicode Standard, table 3-7 (well-formed UTF-8); the code page windows-1252.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.reports.results import Problem, RowRef, Stage

_BEHIND: Final = "".join(
    sorted(
        {bytes([each]).decode("cp1252", "ignore") for each in range(0x80, 0xC0)}
        | set(map(chr, range(0x80, 0xC0)))
    )
)
"""What the second and later bytes of a UTF-8 character look like in windows-1252 or Latin-1."""

_SIGNS: Final = _BEHIND.replace("\u00a0", "")
_BEGINS: Final = re.compile("[\u00c2-\u00c5\u00d0\u00d1\u00e2]")
"""A quick look: nearly no row that is not plain ASCII holds one of these."""

_TWICE: Final = re.compile(
    f"(?:[\u00c2\u00c3][{re.escape(_BEHIND)}]"
    f"|[\u00c4\u00c5][{re.escape(_SIGNS)}]"
    f"|\u00e2[\u0080\u20ac\u201a][{re.escape(_BEHIND)}]"
    f"|(?:[\u00d0\u00d1][{re.escape(_BEHIND)}]){{2}})"
)
_SHOWN: Final = 60


class TwiceDecoded:
    """What was noticed in one reading of a source: how many rows, and the first of them."""

    def __init__(self) -> None:
        self._rows = 0
        self._first: Problem | None = None

    def look_at(self, ref: RowRef, text: str, columns: Sequence[str], cells: Sequence[str]) -> None:
        """Looks at a row that holds more than ASCII; `text` is all its cells."""
        if not _BEGINS.search(text) or not _TWICE.search(text):
            return
        self._rows += 1
        if self._first is None:
            self._first = _noticed(ref, columns, cells)

    def notes(self) -> tuple[Problem, ...]:
        """The one note, if there is something to tell."""
        if self._first is None:
            return ()
        more = "" if self._rows == 1 else f" ({self._rows:,} rows hold such text)"
        hint = "It is taken as it stands. If it is wrong, correct it where the file was made."
        return (replace(self._first, message=self._first.message + more, hint=hint),)


def _noticed(ref: RowRef, columns: Sequence[str], cells: Sequence[str]) -> Problem | None:
    for column, cell in zip(columns, cells, strict=False):
        found = _TWICE.search(cell)
        if found is not None:
            start = max(0, found.start() - _SHOWN // 2)
            shown = cell[start : start + _SHOWN]
            was = read_back(shown)
            meant = f', once "{was}"' if was != shown else ""
            message = f'"{shown}" looks like UTF-8 that was read in another encoding{meant}'
            return Problem("MOJIBAKE", Stage.PARSE, message, row=ref, column=column, value=shown)
    return None


def read_back(text: str) -> str:
    """What the text was before it was read wrongly, as far as that can be said."""
    return _RUN.sub(lambda run: _undone(run[0]), text)


_RUN: Final = re.compile(r"[^\x00-\x7f]+")


def _undone(run: str) -> str:
    try:
        return b"".join(_byte(each) for each in run).decode()
    except UnicodeError:
        return run


def _byte(char: str) -> bytes:
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")
