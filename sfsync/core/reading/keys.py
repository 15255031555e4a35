"""Keys that cannot be told apart: found before any call, both lines shown, none of them sent.

Exact repeats are refused unless the job says otherwise (`core.reading.repeated_keys`). So are look-alikes that only
width, composition, leading zeros, blanks of another kind or number, or characters that nobody sees tell apart,
because one of the two is a slip; those that differ in case alone are refused where the org's key
field does not tell case apart either.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.values import clean_key, clipped


@dataclass(frozen=True, slots=True)
class KeyedRow:
    """A row's place and the key it brings, cleaned."""

    ref: RowRef
    key: str


def key_problems(
    rows: Sequence[KeyedRow], *, column: str, length: int, case_sensitive: bool
) -> dict[int, Problem]:
    """Problems by the row's position in `rows`; rows that are not there have a good key of their own."""
    problems: dict[int, Problem] = {}
    groups: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        own = _own_problem(row, column=column, length=length)
        if own is not None:
            problems[position] = own
        else:
            groups.setdefault(_look(row.key, case_sensitive=case_sensitive), []).append(position)
    for positions in groups.values():
        if len(positions) > 1:
            problems |= {each: _repeat(rows, each, positions, column=column) for each in positions}
    return problems


def ledger_key(job: str, key: str, *, key_field: str | None) -> str:
    """How the journal's ledger names a row: a key of the org by itself, a row key together with its job.

    Row keys of two jobs may be alike by chance and mean different records.
    """
    return key if key_field is not None else f"{job}\n{key}"


def _own_problem(row: KeyedRow, *, column: str, length: int) -> Problem | None:
    if row.key == "":
        message = "the key is empty, so the row cannot be found again"
        return _problem("NO_KEY_VALUE", message, row, column, "Give the row a key that no other row has.")
    if length and len(row.key) > length:
        message = f"the key is {len(row.key)} characters long; its field keeps {length}"
        return _problem("KEY_TOO_LONG", message, row, column, "Shorten the key, or lengthen the field.")
    if any(ord(char) < 32 for char in row.key):
        message = "the key holds a control character"
        return _problem("BAD_KEY", message, row, column, "Take the character out of the cell.")
    return None


def _look(key: str, *, case_sensitive: bool) -> str:
    """What two keys have in common that a reader takes for the same."""
    plain = unicodedata.normalize("NFKC", key)
    seen = (
        "".join(char for char in plain if unicodedata.category(char) != "Cf")
        if not plain.isascii()
        else plain
    )
    look = " ".join(clean_key(seen).split())
    if look.isdigit():
        return look.lstrip("0") or "0"
    return look if case_sensitive else look.casefold()


def _repeat(rows: Sequence[KeyedRow], position: int, positions: Sequence[int], *, column: str) -> Problem:
    row = rows[position]
    lines = ", ".join(str(rows[each].ref.line) for each in positions if each != position)
    exact = all(rows[each].key == row.key for each in positions)
    how = "is also the key of" if exact else "can hardly be told from the key of"
    return _problem(
        "DUPLICATE_KEY",
        f'"{clipped(row.key)}" {how} line {lines}',
        row,
        column,
        "Keep one of the rows, or give each its own key; none of them was sent.",
    )


def _problem(code: str, message: str, row: KeyedRow, column: str, hint: str) -> Problem:
    return Problem(code, Stage.MAP, message, hint, row=row.ref, column=column, value=row.key)
