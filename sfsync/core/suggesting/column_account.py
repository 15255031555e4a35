"""What is kept of a column while its file is read once: evidence, counts, and its words while they are few.

What is kept does not grow with the rows: a column with more different words than a picklist has is no picklist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from sfsync.core.presets.entries import EntryPattern
from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.reading_hints import DATE_NAMES, ColumnEvidence, ColumnVerdict, DateEvidence
from sfsync.core.reading.rows import Cell
from sfsync.core.values import trimmed

MOST_WORDS: Final = 150
MOST_CHARS: Final = 255
"""Picklist values have no more. Source: Object Reference, "Picklist"."""

TIMED_FORMS: Final = tuple(
    f"{day} {time}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
    for time in ("%H:%M", "%H:%M:%S", "%I:%M %p")
)
SHORT_YEARS: Final = ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%y/%m/%d")
DATE_FORMS: Final = (*DATE_NAMES, *TIMED_FORMS, *SHORT_YEARS)
"""The forms of dates that are tried: days, days with a time of day, and years of two digits."""

ENTRIES: Final = EntryPattern("name (email)")


@dataclass(frozen=True, slots=True)
class Word:
    """A text of a column: how often it stands there, and the line of the first."""

    text: str
    count: int
    line: int


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What a whole column holds; `words` is None where there were too many. `typed` counts cells by their own type.

    `typed` has "number" and "date": cells of a workbook or Parquet file that need no declared form. `lists` counts
    cells that are a list of `name (email)` between semicolons.
    """

    column: str
    filled: int
    blank: int
    first_blank: int
    verdict: ColumnVerdict
    words: tuple[Word, ...] | None
    typed: Mapping[str, int] = field(default_factory=dict)
    lists: int = 0


@dataclass(slots=True)
class ColumnAccount:
    """Feed it each cell of one column, in order."""

    column: str
    _evidence: ColumnEvidence = field(default_factory=lambda: ColumnEvidence(dates=DateEvidence(DATE_FORMS)))
    _filled: int = 0
    _blank: int = 0
    _first_blank: int = 0
    _words: dict[str, list[int]] | None = field(default_factory=dict)
    _typed: dict[str, int] = field(default_factory=dict)
    _lists: int = 0

    def add(self, line: int, cell: Cell) -> str:
        """Takes the next cell; returns its text as a rule would read it."""
        text = trimmed(as_text(cell))
        if text == "":
            self._blank += 1
            self._first_blank = self._first_blank or line
            return text
        self._filled += 1
        self._remember(line, text)
        kind = "number" if isinstance(cell, Decimal) else "date" if isinstance(cell, date) else ""
        if kind:
            self._typed[kind] = self._typed.get(kind, 0) + 1
        else:
            self._evidence.add(line, text)
            if "(" in text:
                entries = [each for each in text.split(";") if each.strip()]
                self._lists += all(ENTRIES.cells(each) is not None for each in entries)
        return text

    def facts(self) -> ColumnFacts:
        """What the column holds."""
        words = None
        if self._words is not None:
            words = tuple(Word(text, count, line) for text, (count, line) in self._words.items())
        return ColumnFacts(
            self.column,
            self._filled,
            self._blank,
            self._first_blank,
            self._evidence.verdict(),
            words,
            dict(self._typed),
            self._lists,
        )

    def _remember(self, line: int, text: str) -> None:
        if self._words is None:
            return
        known = self._words.get(text)
        if known is not None:
            known[0] += 1
        elif len(self._words) == MOST_WORDS or len(text) > MOST_CHARS:
            self._words = None
        else:
            self._words[text] = [1, line]
