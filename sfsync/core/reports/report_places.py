"""Where a change stands in the plan of a whole, so that the reports of its portions can be told in one order.

A plan lists parents made for rows first, then sObjects in the order of writing, rows as in their source, and what
no row asks for behind them; roles that go no further stand before the others, which stand deal by deal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.sobject import CONTACT_ROLE, WRITE_ORDER

Place = tuple[int, int, int, int, int]
"""Made for rows or not, sObject, part of it, row or deal, place in the portion: compared in this order."""

_BEHIND: Final = 1 << 60


def rank(sobject: str) -> int:
    """The place of an sObject in the order of writing; others come last."""
    return WRITE_ORDER.index(sobject) if sobject in WRITE_ORDER else len(WRITE_ORDER)


def places(changes: Sequence[Change]) -> Iterator[Place]:
    """The place of each change of one portion."""
    by_deal = _first_rows(changes)
    is_by_deal = False
    for number, change in enumerate(changes):
        if change.made_for and change.row is None:
            yield (0, rank(change.sobject), 0, 0, number)
        elif change.sobject == CONTACT_ROLE:
            is_by_deal = is_by_deal or change.action in WRITES or change.action is Action.NOOP
            of_deal = by_deal.get(change.parent or "", _BEHIND)
            yield (1, rank(CONTACT_ROLE), is_by_deal, of_deal if is_by_deal else _row(change), number)
        else:
            yield (1, rank(change.sobject), change.row is None, _row(change), number)


def _first_rows(changes: Sequence[Change]) -> dict[str, int]:
    """The first role row of each deal; roles that stand for a deal's own row come behind all others."""
    first: dict[str, int] = {}
    for each in changes:
        if each.sobject == CONTACT_ROLE and each.row is not None and each.parent is not None:
            place = _row(each) + (_BEHIND >> 1 if each.is_derived else 0)
            first[each.parent] = min(place, first.get(each.parent, _BEHIND))
    return first


def _row(change: Change) -> int:
    if change.row is None:
        return _BEHIND
    return change.row.ordinal or change.row.line
