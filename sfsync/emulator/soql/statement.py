"""Holds one parsed SOQL statement: what was asked, before anybody looked at the schema.

The parser builds these values; translation reads them. Names are as written; `offset` counts characters
from the start of the statement, so that an error can point at its cause. Everything is frozen, which lets
a parsed statement be cached and shared between threads.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal as OneOf


@dataclass(frozen=True, slots=True)
class Path:
    """A field, or a way over parents to a field (Account.Owner.Name)."""

    parts: tuple[str, ...]
    offset: int

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of at most one field; `name` is upper case."""

    name: str
    argument: Path | None
    offset: int


@dataclass(frozen=True, slots=True)
class NamedDate:
    """A date literal such as TODAY or LAST_N_DAYS:7; `name` is upper case."""

    name: str
    count: int | None


LiteralValue = str | int | float | bool | date | datetime | NamedDate | None


@dataclass(frozen=True, slots=True)
class Literal:
    """One literal of a filter, already decoded."""

    value: LiteralValue
    offset: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against one literal, a list of them, or a semi-join; `operator` is upper case."""

    operand: Path | Call
    operator: str
    value: "Literal | tuple[Literal, ...] | Query"


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT of a condition."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Chain:
    """Conditions that must all hold (AND), or of which one must hold (OR)."""

    joint: OneOf["AND", "OR"]
    conditions: tuple["Condition", ...]


Condition = Comparison | Negation | Chain


@dataclass(frozen=True, slots=True)
class Selected:
    """One column of SELECT, with the alias that follows it."""

    expression: Path | Call
    alias: str | None


@dataclass(frozen=True, slots=True)
class AllFields:
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM); `kind` is upper case."""

    kind: str
    offset: int


@dataclass(frozen=True, slots=True)
class Children:
    """A child subquery in SELECT."""

    query: "Query"


Selection = Selected | AllFields | Children


@dataclass(frozen=True, slots=True)
class Sorting:
    """One item of ORDER BY."""

    expression: Path | Call
    is_descending: bool
    is_nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT, on its own or inside another."""

    selections: tuple[Selection, ...]
    source: Path
    alias: str | None
    scope: str | None
    where: Condition | None
    group_by: tuple[Path | Call, ...]
    having: Condition | None
    order_by: tuple[Sorting, ...]
    limit: int | None
    offset: int | None
    offset_at: int
