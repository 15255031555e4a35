"""Tests of a mapping as values: rows that are given, what is expected to become of each, and where that differs.

Nothing is run here: `differences` compares a plan's change with what a test expects of its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sfsync.core.plans.plan import Action, Change
from sfsync.core.values import Pending, PlannedValue, shown

NOTHING: Final = "(not sent)"

Row = Mapping[str, Any]
Aliases = Mapping[str, frozenset[str]]
"""Record id, or change that makes a parent -> what a person may call the record: its name, e-mail, key."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a test expects of one row. `sends` is all that is sent, `includes` a part of it; None is not looked at.

    `problem` is the code that keeps the row from going; without it the row must have none.
    """

    action: str | None = None
    problem: str | None = None
    sends: Row | None = None
    includes: Row | None = None


@dataclass(frozen=True, slots=True)
class MappingTest:
    """One test: the rows given by section, further records of the org, and what is expected, row by row."""

    name: str
    file: str
    given: Mapping[str, tuple[Row, ...]]
    expect: Mapping[str, tuple[Expected, ...]]
    records: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected, in words; `row` names section and place, from 1."""

    row: str
    what: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Tested:
    """A test that has run; it passed when there is no difference."""

    test: MappingTest
    differences: tuple[Difference, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.differences


def differences(row: str, expected: Expected, change: Change, aliases: Aliases) -> Iterator[Difference]:
    """Where a row's change is not what is expected."""
    codes = [each.code for each in change.problems]
    if expected.problem is not None and expected.problem not in codes:
        yield Difference(row, "problem", expected.problem, _said(change) or "none")
    if expected.problem is None and codes and change.action is not Action.SKIP:
        yield Difference(row, "problem", "none", _said(change))
    if expected.action is not None and expected.action != change.action.value:
        yield Difference(row, "action", expected.action, change.action.value)
    if codes and expected.problem is None:
        return
    yield from _fields(row, expected, change, aliases)


def _said(change: Change) -> str:
    return "; ".join(f"{each.code} ({each.message})" for each in change.problems)


def _fields(row: str, expected: Expected, change: Change, aliases: Aliases) -> Iterator[Difference]:
    wanted = {**(expected.includes or {}), **(expected.sends or {})}
    for name, value in wanted.items():
        if name not in change.values:
            yield Difference(row, name, _text(value), NOTHING)
        elif not is_expected(value, change.values[name], aliases):
            yield Difference(row, name, _text(value), _named(change.values[name], aliases))
    if expected.sends is not None:
        for name in change.values.keys() - wanted.keys():
            yield Difference(row, name, NOTHING, _named(change.values[name], aliases))


def is_expected(expected: Any, actual: PlannedValue, aliases: Aliases) -> bool:
    """Whether a planned value is what a test file says; a record may be called by any name that it has."""
    match actual:
        case None:
            return bool(expected == "")
        case bool():
            return expected is actual
        case Decimal():
            return not isinstance(expected, bool) and _number(expected) == actual
        case datetime() | date():
            return (
                expected.isoformat() if isinstance(expected, date) else str(expected)
            ) == actual.isoformat()
        case Pending(change_id=name):
            return str(expected) in (name, name.partition(":")[2], *aliases.get(name, ()))
    return str(expected) == actual or str(expected) in aliases.get(actual, ())


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else "(empty)" if value == "" else str(value)


def _named(value: PlannedValue, aliases: Aliases) -> str:
    names = aliases.get(value) if isinstance(value, str) else None
    return f"{min(names)} ({shown(value)})" if names else shown(value)
