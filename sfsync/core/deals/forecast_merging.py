"""Adds the forecast effects of portions up: figures of one name are summed, names stand as in a single effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Context
from functools import reduce
from typing import Final

from sfsync.core.deals.forecast import CurrencyEffect, Effect, Figures, Mover, Shift, rank
from sfsync.core.deals.forecast_basis import ForecastBasis

_EXACT: Final = Context(prec=1_000, rounding=ROUND_HALF_UP)


def merged_effect(
    effects: Sequence[Effect], basis: ForecastBasis, place: Callable[[Mover], object]
) -> Effect:
    """The effect of all together. `basis` gives stages and owners, `place` the order of the deals."""
    by_currency: dict[str, list[CurrencyEffect]] = {}
    for each in (currency for effect in effects for currency in effect.currencies):
        by_currency.setdefault(each.currency, []).append(each)

    def moved(lists: Iterable[tuple[Mover, ...]]) -> tuple[Mover, ...]:
        return tuple(sorted((each for movers in lists for each in movers), key=place))  # type: ignore[arg-type]

    return Effect(
        currencies=tuple(_currency(name, by_currency[name], basis) for name in sorted(by_currency)),
        backward=moved(each.backward for each in effects),
        reopened=moved(each.reopened for each in effects),
        pushed=moved(each.pushed for each in effects),
        fiscal_year_start=effects[0].fiscal_year_start,
        without_amount=sum(each.without_amount for each in effects),
        converted=sum(each.converted for each in effects),
        unseen=sum(each.unseen for each in effects),
    )


def _currency(name: str, effects: Sequence[CurrencyEffect], basis: ForecastBasis) -> CurrencyEffect:
    stages = list(basis.stages)
    categories = list(dict.fromkeys(each.forecast_category for each in basis.stages.values()))
    owners = _owners(effects, basis)
    [total] = _shifts([each.total for each in effects], str)
    named = {key: _told_apart(key, owners) for key in owners}
    by_owner = _shifts(
        [shift for each in effects for shift in each.by_owner], lambda key: (owners.get(key, key), key)
    )
    return CurrencyEffect(
        name,
        total,
        by_stage=_shifts([s for each in effects for s in each.by_stage], lambda key: rank(stages, key)),
        by_category=_shifts(
            [s for each in effects for s in each.by_category], lambda key: rank(categories, key)
        ),
        by_close_month=_shifts([s for each in effects for s in each.by_close_month], str),
        by_owner=tuple(Shift(each.key, named[each.key], each.before, each.after) for each in by_owner),
    )


def _owners(effects: Iterable[CurrencyEffect], basis: ForecastBasis) -> dict[str, str]:
    """The names of the owners by their ids, those of one name not told apart yet."""
    keys = dict.fromkeys(shift.key for each in effects for shift in each.by_owner)
    return {key: basis.owners.get(key, key) for key in keys}


def _told_apart(key: str, owners: dict[str, str]) -> str:
    name = owners[key]
    return name if list(owners.values()).count(name) == 1 else f"{name} ({key})"


def _shifts(shifts: Iterable[Shift], place: Callable[[str], object]) -> tuple[Shift, ...]:
    found: dict[str, list[Shift]] = {}
    for each in shifts:
        found.setdefault(each.key, []).append(each)
    keys = sorted(found, key=place)  # type: ignore[arg-type]
    return tuple(
        Shift(
            key,
            found[key][0].name,
            _sum([each.before for each in found[key]]),
            _sum([each.after for each in found[key]]),
        )
        for key in keys
    )


def _sum(figures: Sequence[Figures]) -> Figures:
    return Figures(
        sum(each.count for each in figures),
        reduce(_EXACT.add, (each.amount for each in figures)),
        reduce(_EXACT.add, (each.expected for each in figures)),
    )
