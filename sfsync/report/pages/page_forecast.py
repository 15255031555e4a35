"""The forecast's part of the page: for each currency charts of before and after, tables, and who moved where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from sfsync.core.deals.forecast import CurrencyEffect, Effect, Figures, Shift
from sfsync.report.pages.charts import bar_chart
from sfsync.report.pages.cut import cut
from sfsync.report.safe_text import shortened
from sfsync.report.words.forecast_view import (
    ROUNDING,
    currency_name,
    gaps,
    owner_name,
    quarters,
    what_counts,
)

MOST_ROWS: Final = 24
"""Names in a table of the forecast, and deals in a list of it."""

MOST_BARS: Final = 12
MOST_CURRENCIES: Final = 10


def forecast_part(effect: Effect | None, *, applied: bool) -> Mapping[str, Any] | None:
    """The forecast as the page shows it, JSON-ready; None where no deal is written."""
    if effect is None or effect.is_empty:
        return None
    movers = (
        ("Back to an earlier stage", effect.backward),
        ("Reopened", effect.reopened),
        (f"Pushed past a quarter's end ({quarters(effect)})", effect.pushed),
    )
    return {
        "counts": what_counts(applied=applied),
        "rounding": ROUNDING,
        "currencies": [_currency(each) for each in effect.currencies[:MOST_CURRENCIES]],
        "left_out": max(0, len(effect.currencies) - MOST_CURRENCIES),
        "movers": [
            [
                title,
                len(found),
                cut(([shortened(each.label, most=80), each.was, each.becomes] for each in found), MOST_ROWS),
            ]
            for title, found in movers
            if found
        ],
        "gaps": gaps(effect),
    }


def _currency(effect: CurrencyEffect) -> Mapping[str, Any]:
    tables = (
        ("By stage", effect.by_stage, _name),
        ("By forecast category", effect.by_category, _name),
        ("By close month", effect.by_close_month, _name),
        ("By owner", effect.by_owner, owner_name),
    )
    charts = (
        ("Amount by stage", effect.by_stage, _amount, _name),
        ("Expected revenue by stage", effect.by_stage, _expected, _name),
        ("Amount by close month", effect.by_close_month, _amount, _name),
        ("Amount by owner", effect.by_owner if len(effect.by_owner) > 1 else (), _amount, owner_name),
    )
    drawn = (_chart(*chart) for chart in charts)
    return {
        "name": currency_name(effect.currency),
        "total": _figures(effect.total),
        "charts": [each for each in drawn if each is not None],
        "tables": [
            [title, cut(([shortened(name(each), most=80), _figures(each)] for each in shifts), MOST_ROWS)]
            for title, shifts, name in tables
        ],
    }


def _figures(shift: Shift) -> list[str]:
    """Deals, amount and expected revenue, each before and after."""
    before, after = shift.before, shift.after
    counts = (f"{before.count:,}", f"{after.count:,}")
    return [
        *counts,
        *(f"{each:,f}" for each in (before.amount, after.amount, before.expected, after.expected)),
    ]


def _chart(
    title: str,
    shifts: Sequence[Shift],
    value: Callable[[Figures], Decimal],
    name: Callable[[Shift], str],
) -> Mapping[str, Any] | None:
    drawn = bar_chart(
        title, shifts, value=value, name=lambda each: shortened(name(each), most=28), most=MOST_BARS
    )
    return asdict(drawn) if drawn is not None else None


def _amount(figures: Figures) -> Decimal:
    return figures.amount


def _expected(figures: Figures) -> Decimal:
    return figures.expected


def _name(shift: Shift) -> str:
    return shift.name or "(none)"
