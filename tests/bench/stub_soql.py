"""Reads just the SOQL that sfsync and the peers of the benchmark send; anything else is refused by name.

A stub that guesses would measure something else than it says. Known: a list of fields or COUNT(), one sObject,
conditions joined by AND (=, !=, <, <=, >, >=, IN on literals), one condition OR such a list in brackets, ORDER BY
one field, LIMIT.
Source: SOQL and SOSL Reference; the escapes are those of "Quoted String Escape Sequences".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

Literal = str | float | bool | datetime | None


class UnknownSoqlError(Exception):
    """A statement that the stub cannot answer truly."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` has more than one for IN only."""

    path: str
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One statement; no fields means COUNT(). A record of either of `conditions` and `others` is meant."""

    sobject: str
    fields: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    order_by: str | None = None
    limit: int | None = None
    others: tuple[Condition, ...] = ()


_HEAD: Final = re.compile(r"\s*SELECT\s+(COUNT\(\)|[\w.]+(?:\s*,\s*[\w.]+)*)\s+FROM\s+(\w+)", re.IGNORECASE)
_WHERE: Final = re.compile(r"\s+(WHERE|AND)\s+", re.IGNORECASE)
_EITHER: Final = re.compile(r"\s+OR\s+\(", re.IGNORECASE)
_CLOSE: Final = re.compile(r"\s*\)")
_COMPARISON: Final = re.compile(r"([A-Za-z][\w.]*)\s*(!=|<=|>=|=|<|>|IN\b)\s*", re.IGNORECASE)
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_LIST: Final = re.compile(r"\(\s*'(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')*\s*\)", re.DOTALL)
_BARE: Final = re.compile(r"[^\s,()']+")
_TAIL: Final = re.compile(
    r"(?:\s+ORDER\s+BY\s+(\w+)(?:\s+ASC)?(?:\s+NULLS\s+FIRST)?)?(?:\s+LIMIT\s+(\d+))?\s*", re.IGNORECASE
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "N": "\n", "R": "\r", "T": "\t"}


def parse(text: str) -> Query:
    """The statement as a value.

    Raises:
        UnknownSoqlError: it has a part that is not known here.
    """
    head = _HEAD.match(text)
    if head is None:
        raise UnknownSoqlError(f"no known SELECT: {text[:200]}")
    fields = () if head[1].upper() == "COUNT()" else tuple(each.strip() for each in head[1].split(","))
    conditions: list[Condition] = []
    place = head.end()
    while found := _WHERE.match(text, place):
        condition, place = _condition(text, found.end())
        conditions.append(condition)
    others: tuple[Condition, ...] = ()
    if len(conditions) == 1 and (either := _EITHER.match(text, place)):
        others, place = _in_brackets(text, either.end())
    tail = _TAIL.fullmatch(text, place)
    if tail is None:
        raise UnknownSoqlError(f"not known here: {text[place : place + 120]!r} in {text[:200]}")
    limit = int(tail[2]) if tail[2] else None
    return Query(head[2], fields, tuple(conditions), tail[1], limit, others)


def _in_brackets(text: str, place: int) -> tuple[tuple[Condition, ...], int]:
    """The conditions up to the bracket that closes, and the place behind it."""
    condition, place = _condition(text, place)
    conditions = [condition]
    while found := _WHERE.match(text, place):
        condition, place = _condition(text, found.end())
        conditions.append(condition)
    closing = _CLOSE.match(text, place)
    if closing is None:
        raise UnknownSoqlError(f"no known end of brackets: {text[place : place + 120]!r}")
    return tuple(conditions), closing.end()


def _condition(text: str, place: int) -> tuple[Condition, int]:
    found = _COMPARISON.match(text, place)
    if found is None:
        raise UnknownSoqlError(f"no known condition: {text[place : place + 120]!r}")
    path, operator = found[1], found[2].upper()
    if operator == "IN":
        listed = _LIST.match(text, found.end())
        if listed is None:
            raise UnknownSoqlError(f"no list of texts: {text[found.end() : found.end() + 80]!r}")
        return Condition(path, operator, tuple(map(unescaped, _QUOTED.findall(listed[0])))), listed.end()
    quoted = _QUOTED.match(text, found.end())
    if quoted is not None:
        return Condition(path, operator, (unescaped(quoted[1]),)), quoted.end()
    bare = _BARE.match(text, found.end())
    if bare is None:
        raise UnknownSoqlError(f"no literal: {text[found.end() : found.end() + 80]!r}")
    return Condition(path, operator, (_value(bare[0]),)), bare.end()


def unescaped(text: str) -> str:
    """What the text between two quotes means."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _meaning(found[1]), text)


def _meaning(escape: str) -> str:
    if escape[0] == "u" and len(escape) == 5:
        return chr(int(escape[1:], 16))
    return _LETTERS.get(escape, escape)


def _value(text: str) -> Literal:
    known: dict[str, Literal] = {"null": None, "true": True, "false": False}
    if text.lower() in known:
        return known[text.lower()]
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnknownSoqlError(f"no known literal: {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
