"""Compares text the way the platform does: without regard to case, in any script, and still by index.

SQLite's NOCASE knows only A-Z. Text with other letters is therefore looked up under each of its spellings
when they are few, and compared by a folding function when they are many.
Invariant: pure ASCII and few-spelling look-ups use an index declared COLLATE NOCASE (or BINARY).
"""

import json
import sqlite3
from collections.abc import Sequence
from itertools import product
from typing import Final

from sfsync.emulator.soql.sql import Sql, SqlValue, join_balanced

_MAX_SPELLINGS: Final = 64
_FOLD: Final = "soql_fold"


def offer_folding(connection: sqlite3.Connection) -> None:
    """Make the folding function known to a connection, once."""
    try:
        connection.execute(f"SELECT {_FOLD}('')")
    except sqlite3.OperationalError:
        connection.create_function(_FOLD, 1, _fold, deterministic=True)


def collation(*, is_case_sensitive: bool) -> str:
    """Return the collation under which a text column is compared and indexed."""
    return "BINARY" if is_case_sensitive else "NOCASE"


def sameness(column: str, *, is_case_sensitive: bool) -> str:
    """Return what is equal for two texts that the platform takes for the same, to group by it."""
    return column if is_case_sensitive else f"{_FOLD}({column})"


def is_any_of(column: str, values: Sequence[SqlValue], *, is_case_sensitive: bool) -> Sql:
    """Return the condition that a text column holds one of the (non-null) values."""
    direct: list[str] = []
    folded: list[SqlValue] = []
    for value in map(str, values):
        spellings = [value] if is_case_sensitive or value.isascii() else _spellings(value)
        if spellings:
            direct.extend(spellings)
        else:
            folded.append(_fold(value))
    collated = f"{column} COLLATE {collation(is_case_sensitive=is_case_sensitive)}"
    choices = []
    if len(direct) == 1:
        choices.append(Sql(f"{collated} = ?", (direct[0],)))
    elif direct:
        choices.append(is_listed(collated, direct))
    if folded:
        choices.append(is_listed(f"{_FOLD}({column})", folded))
    return join_balanced(choices, joint="OR")


def is_listed(expression: str, values: Sequence[SqlValue]) -> Sql:
    """Return the condition that an expression is in a list, which is bound as one parameter."""
    return Sql(f"{expression} IN (SELECT value FROM json_each(?))", (json.dumps(values),))  # noqa: S608


def is_like(column: str, pattern: str, *, is_case_sensitive: bool) -> Sql:
    r"""Return the condition of LIKE; in the pattern, \_ \% and \\ stand for themselves."""
    if is_case_sensitive:
        return Sql(f"{column} GLOB ?", (_as_glob(pattern),))
    if pattern.isascii():
        return Sql(f"{column} LIKE ? ESCAPE '\\'", (pattern,))
    return Sql(f"{_FOLD}({column}) LIKE ? ESCAPE '\\'", (_fold(pattern),))


def includes_all(column: str, choice: str) -> Sql:
    """Return the condition that a multi-select picklist holds every value of `A;B`, or is empty for `;`."""
    parts = [part.strip() for part in choice.split(";") if part.strip()]
    if not parts:
        return Sql(f"{column} IS NULL")
    held = f"{_FOLD}(';' || {column} || ';')"
    return join_balanced([Sql(f"instr({held}, ?) > 0", (_fold(f";{part};"),)) for part in parts], joint="AND")


def _fold(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _spellings(text: str) -> list[str]:
    """Return every way to write the letters beyond A-Z; empty when there are too many."""
    choices = [_cases(character) for character in text]
    count = 1
    for choice in choices:
        count *= len(choice)
        if count > _MAX_SPELLINGS:
            return []
    return ["".join(letters) for letters in product(*choices)]


def _cases(character: str) -> list[str]:
    if character.isascii():
        return [character]
    cases = {character, character.lower(), character.upper()}
    return sorted(case for case in cases if len(case) == 1)


def _as_glob(pattern: str) -> str:
    glob = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            glob.append(_glob_literal(next(characters, "\\")))
        elif character in "%_":
            glob.append("*" if character == "%" else "?")
        else:
            glob.append(_glob_literal(character))
    return "".join(glob)


def _glob_literal(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character
