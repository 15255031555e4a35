"""Rows of one file that have exactly the same key: which of them counts, what they are together, and the words.

By default none is sent (`core.reading.keys`). A job may say that the last one counts, or that they are one row, in
which a later cell that says something wins over an earlier one. Keys are the same only as they are written:
look-alikes stay a problem.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sfsync.core.reading.rows import ModelRow, SourceRow, UnreadableRow
from sfsync.core.reports.results import Problem, RowRef, Stage

SUPERSEDED: Final = "SUPERSEDED"
MERGED_INTO_ROW: Final = "MERGED_INTO_ROW"

_SHOWN: Final = 80

Row = SourceRow | UnreadableRow | ModelRow


class DuplicateKeys(StrEnum):
    """What several rows with exactly one key mean."""

    ERROR = "error"
    LAST = "last"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class RepeatedRows:
    """How many rows stand behind later ones of the same key, of how many keys; in how many of them cells differ."""

    rows: int = 0
    keys: int = 0
    differing: int = 0

    def __add__(self, other: RepeatedRows) -> RepeatedRows:
        """Both together."""
        return RepeatedRows(self.rows + other.rows, self.keys + other.keys, self.differing + other.differing)


NO_REPEATS: Final = RepeatedRows()


def repeats(keys: Iterable[tuple[str, str]]) -> list[list[int]]:
    """The positions of rows with one key, in their order; a key is given as it is sent and as it is written."""
    groups: dict[tuple[str, str], list[int]] = {}
    for position, key in enumerate(keys):
        if key[0]:
            groups.setdefault(key, []).append(position)
    return [each for each in groups.values() if len(each) > 1]


def merged(rows: Sequence[Row]) -> Row:
    """The rows as one, which stands where the last of them does; rows of one section are of one kind."""
    last = rows[-1]
    whole: dict[str, Any] = {}
    for row in rows:
        whole |= {
            name: value for name, value in _said(row).items() if name not in whole or not _is_empty(value)
        }
    if isinstance(last, ModelRow):
        return ModelRow(last.ref, type(last.record).model_validate(whole), last.raw, last.types)
    assert isinstance(last, SourceRow)
    return SourceRow(last.ref, whole, last.raw, last.quotes, last.types)


def overruled(row: Row, whole: Row, columns: Collection[str]) -> list[str]:
    """What the whole row says otherwise than this part of it, in the columns that count."""
    said, counts = _said(row), _said(whole)
    return [
        f'{name} is "{_shown(counts[name])}" there, not "{_shown(value)}"'
        for name, value in said.items()
        if name in columns and not _is_empty(value) and value != counts[name]
    ]


def superseded(ref: RowRef, key: str, line: int) -> Problem:
    """The row is skipped, because a later one has its key."""
    message = f'line {line} has the same key "{key}" and comes later, so it counts'
    hint = 'By duplicate_keys = "last"; take the line out of the file, or give it a key of its own.'
    return Problem(SUPERSEDED, Stage.MAP, message, hint, row=ref, value=key)


def merged_away(ref: RowRef, key: str, line: int, differing: Sequence[str]) -> Problem:
    """The row is part of a later one that has its key."""
    told = "".join(f"; {each}" for each in differing)
    message = f'is one row with line {line}, which has the same key "{key}"{told}'
    hint = 'By duplicate_keys = "merge": of two cells that differ the later one counts.' if differing else ""
    return Problem(MERGED_INTO_ROW, Stage.MAP, message, hint, row=ref, value=key)


def repeated_note(section: str, rule: DuplicateKeys, found: RepeatedRows) -> Problem:
    """How many rows stand behind others of the same key."""
    rows, keys, differing = found.rows, found.keys, found.differing
    are = "1 row has" if rows == 1 else f"{rows:,} rows have"
    what = "counts" if rule is DuplicateKeys.LAST else "takes them in"
    told = f"; cells differ in {differing:,} of them" if differing else ""
    message = (
        f"{section}: {are} the key of a later row, which {what}"
        f' (duplicate_keys = "{rule}", keys: {keys:,}){told}'
    )
    hint = "Nothing to do; the rows that are left out are named as skipped."
    return Problem("KEYS_REPEATED", Stage.MAP, message, hint)


def _said(row: Row) -> Mapping[str, Any]:
    if isinstance(row, ModelRow):
        return dict(row.record.given())
    return row.cells if isinstance(row, SourceRow) else {}


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _shown(value: object) -> str:
    text = str(getattr(value, "value", value))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
