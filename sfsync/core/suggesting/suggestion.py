"""What a look at a file found, as values: settings and rules of each section, decided or open, with evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.suggesting.keys import Repeats
from sfsync.core.suggesting.undecided import Decision
from sfsync.core.suggesting.words import WordGuess

SCHEMA: Final = "sfsync.suggest/1"


@dataclass(frozen=True, slots=True)
class RuleGuess:
    """How one field would be filled. With `is_overlay` the preset names the columns, and only more is said.

    `whole` is open where not even a column is known. `words` is None where none are mapped; else those to map.
    """

    field: str
    columns: tuple[str, ...] = ()
    evidence: str = ""
    match: tuple[str, ...] = ()
    numbers: Decision | None = None
    dates: Decision | None = None
    words: tuple[WordGuess, ...] | None = None
    whole: Decision | None = None
    is_overlay: bool = False
    notes: tuple[str, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether the preset's own rule is all there is to say."""
        return self.is_overlay and not (self.numbers or self.dates or self.words or self.whole)


@dataclass(frozen=True, slots=True)
class OpenColumn:
    """A column that no field is known for, and why or what is near."""

    column: str
    why: str


@dataclass(frozen=True, slots=True)
class SectionGuess:
    """One section of the job. `settings` are its keys besides preset, key and fields, in order.

    `key` is the field of the key, or "row_key"; None for contact roles. `left_out` are columns that cannot be
    written, with the reason.
    """

    name: str
    settings: Mapping[str, Decision]
    rules: tuple[RuleGuess, ...]
    preset: Decision | None = None
    key: Decision | None = None
    key_column: Decision | None = None
    key_is_preset: bool = False
    left_out: tuple[OpenColumn, ...] = ()
    open_columns: tuple[OpenColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows that would be rejected for one reason, and the lines of the first."""

    why: str
    count: int
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Everything that was found. `repeats` are the columns that were counted as keys."""

    file: str
    rows: int
    org: Decision
    sections: tuple[SectionGuess, ...]
    repeats: tuple[Repeats, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
