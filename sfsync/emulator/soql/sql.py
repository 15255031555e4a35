"""A piece of SQL together with the parameters it binds, so that the two cannot come apart.

Invariant: `text` is made of our own words and of names that the catalogue confirmed; whatever came from a
statement's literals is in `parameters`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SqlValue = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL text with its bound parameters, in order."""

    text: str
    parameters: tuple[SqlValue, ...] = ()


def quote_name(name: str) -> str:
    """Return a table or column name as SQLite wants it quoted."""
    return '"' + name.replace('"', '""') + '"'


def join_balanced(pieces: Sequence[Sql], *, joint: str) -> Sql:
    """Join conditions by AND or OR as a shallow tree: SQLite limits an expression's depth to 1,000."""
    if len(pieces) == 1:
        return pieces[0]
    middle = len(pieces) // 2
    left = join_balanced(pieces[:middle], joint=joint)
    right = join_balanced(pieces[middle:], joint=joint)
    return Sql(f"({left.text} {joint} {right.text})", left.parameters + right.parameters)
