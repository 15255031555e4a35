"""Lines of text as a report is made of: what they say, how far they stand in, and what they mean.

Views build lines without knowing a terminal; `terminal` wraps and colours them. Every line is made harmless
here, once: whatever a view puts into it, no control or bidirectional character gets through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sfsync.report.safe_text import visible


class Tone(StrEnum):
    """What a line is about."""

    PLAIN = "plain"
    TITLE = "title"
    NEW = "new"
    CHANGED = "changed"
    BAD = "bad"
    FAINT = "faint"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or an empty one; long ones are wrapped under their own beginning."""

    text: str = ""
    indent: int = 0
    tone: Tone = Tone.PLAIN

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text))


@dataclass(frozen=True, slots=True)
class CountTable:
    """A table of numbers: its column titles, the first of which is that of the names, and its rows.

    A cell that is more than a number is text.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, Sequence[int | str]], ...]

    def cells(self) -> list[list[str]]:
        """The titles and the rows as texts."""
        rows = (
            [name, *(each if isinstance(each, str) else f"{each:,}" for each in cells)]
            for name, cells in self.rows
        )
        return [[visible(each) for each in row] for row in (self.titles, *rows)]


Piece = Line | CountTable
