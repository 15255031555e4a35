"""Adds up the effects of portions on the forecast: sums by every name, and the first of the deals that moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sfsync.core.deals.forecast import EXACT, CurrencyEffect, Effect, Figures, Shift
from sfsync.core.deals.stages import StageInfo

MOST_MOVERS: Final = 10_000
"""So many deals of each kind are named; reports list fewer."""

_Place = Callable[[Shift], tuple[object, ...]]


def both_effects(
    one: Effect | None,
    other: Effect | None,
    stages: Mapping[str, StageInfo],
    *,
    most: int | None = MOST_MOVERS,
) -> Effect | None:
    """The effect of two sets of deals that have none in common; `stages` gives the order of stages and categories.

    At most so many deals of each kind are named; with None all are. None where the effect of neither is known.
    """
    if one is None or other is None:
        return one or other
    known = {each.currency: each for each in one.currencies}
    for each in other.currencies:
        before = known.get(each.currency)
        known[each.currency] = _both_currencies(before, each, stages) if before else each
    return Effect(
        currencies=tuple(known[name] for name in sorted(known)),
        backward=(*one.backward, *other.backward)[:most],
        reopened=(*one.reopened, *other.reopened)[:most],
        pushed=(*one.pushed, *other.pushed)[:most],
        fiscal_year_start=one.fiscal_year_start or other.fiscal_year_start,
        without_amount=one.without_amount + other.without_amount,
        converted=one.converted + other.converted,
        unseen=one.unseen + other.unseen,
    )


def _both_currencies(
    one: CurrencyEffect, other: CurrencyEffect, stages: Mapping[str, StageInfo]
) -> CurrencyEffect:
    categories = dict.fromkeys(each.forecast_category for each in stages.values())
    [total] = _merged([one.total], [other.total], place=_by_key)
    return CurrencyEffect(
        currency=one.currency,
        total=total,
        by_stage=_merged(one.by_stage, other.by_stage, place=_by_rank(list(stages))),
        by_category=_merged(one.by_category, other.by_category, place=_by_rank(list(categories))),
        by_close_month=_merged(one.by_close_month, other.by_close_month, place=_by_key),
        by_owner=_merged(_bare(one.by_owner), _bare(other.by_owner), place=_by_name, names_ids=True),
    )


def _merged(
    one: Iterable[Shift], other: Iterable[Shift], *, place: _Place, names_ids: bool = False
) -> tuple[Shift, ...]:
    """The shifts by key, each name's figures added; of owners of one name each carries its id."""
    found = {each.key: each for each in one}
    for each in other:
        before = found.get(each.key)
        if before is not None:
            each = Shift(  # noqa: PLW2901 - the same name, with both figures
                each.key,
                before.name or each.name,
                _sum(before.before, each.before),
                _sum(before.after, each.after),
            )
        found[each.key] = each
    shifts = sorted(found.values(), key=place)
    if names_ids:
        times = Counter(each.name for each in shifts)
        shifts = [
            Shift(each.key, f"{each.name} ({each.key})", each.before, each.after)
            if times[each.name] > 1
            else each
            for each in shifts
        ]
    return tuple(shifts)


def _sum(one: Figures, other: Figures) -> Figures:
    return Figures(
        one.count + other.count, EXACT.add(one.amount, other.amount), EXACT.add(one.expected, other.expected)
    )


def _bare(owners: Iterable[Shift]) -> list[Shift]:
    """The owners by their names alone."""
    return [
        Shift(each.key, each.name.removesuffix(f" ({each.key})"), each.before, each.after) for each in owners
    ]


def _by_key(shift: Shift) -> tuple[object, ...]:
    return (shift.key,)


def _by_name(shift: Shift) -> tuple[object, ...]:
    return (shift.name, shift.key)


def _by_rank(order: list[str]) -> _Place:
    ranks = {name: rank for rank, name in enumerate(order)}
    return lambda shift: (ranks.get(shift.key, len(order)), shift.key)
