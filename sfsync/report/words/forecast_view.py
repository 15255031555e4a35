"""The forecast effect in words and figures: a short table for the terminal, all of it for programs.

Sums are texts with the org's decimals, never floating numbers. Long lists are cut, and say by how much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sfsync.core.deals.forecast import CurrencyEffect, Effect, Figures, Mover, Shift
from sfsync.report.safe_text import json_text, shortened
from sfsync.report.words.lines import CountTable, Line, Piece, Tone

MOST_NAMES: Final = 6
"""Names of each kind that the terminal shows; the report and the machine output have more."""

MOST_MOVERS: Final = 3
MOST_LISTED: Final = 1_000
"""Deals that the machine output lists of each kind."""

ROUNDING: Final = "amount x probability of each deal, rounded half up to the decimals of Amount, then added"

_NO_AMOUNT: Final = "without an amount afterwards: counted, and adding nothing"
_CONVERTED: Final = "currency without an amount: the org converts it, to what is not known here"
_UNSEEN: Final = "in no figure: the plan does not know how"

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def what_counts(*, applied: bool) -> str:
    """Which deals are counted, in words."""
    if applied:
        return "deals that this run created, updated or deleted, as they were sent; all others are left out"
    return "deals that this plan creates, updates or deletes; all others are left out"


def quarters(effect: Effect) -> str:
    """By which quarters a deal is pushed, in words."""
    month = effect.fiscal_year_start
    if month is None:
        return "calendar quarters: the org does not tell its fiscal year"
    return f"fiscal quarters: the year begins in {_MONTHS[month - 1]}"


def currency_name(currency: str) -> str:
    """A currency's code; one without a code is the one that the org gives by itself."""
    return currency or "the org's own currency"


def owner_name(shift: Shift) -> str:
    """The owner's name, else the id; no id is the user that writes."""
    return shift.name or "the user that sfsync runs as"


def forecast_pieces(effect: Effect | None, *, applied: bool) -> Iterator[Piece]:
    """The effect for a terminal; nothing where no deal is written."""
    if effect is None or effect.is_empty:
        return
    yield Line()
    yield Line("Forecast effect", tone=Tone.TITLE)
    yield Line(f"of the {what_counts(applied=applied)}", 2, Tone.FAINT)
    for each in effect.currencies:
        yield _table(each)
        yield from _cut_lines(each)
    yield from _mover_lines("back to an earlier stage", effect.backward)
    yield from _mover_lines("reopened", effect.reopened)
    yield from _mover_lines(f"pushed past a quarter's end ({quarters(effect)})", effect.pushed)
    yield from _gap_lines(effect)


def gaps(effect: Effect) -> list[str]:
    """What the figures lack, a sentence each."""
    said = (
        (effect.without_amount, f"deal {_NO_AMOUNT}", f"deals {_NO_AMOUNT}"),
        (effect.converted, f"deal changes its {_CONVERTED}", f"deals change their {_CONVERTED}"),
        (effect.unseen, f"deal {_UNSEEN} it was", f"deals {_UNSEEN} they were"),
    )
    return [f"{count:,} {one if count == 1 else several}" for count, one, several in said if count]


def _gap_lines(effect: Effect) -> Iterator[Line]:
    for text in gaps(effect):
        yield Line(text, 2, Tone.FAINT)


def _table(effect: CurrencyEffect) -> CountTable:
    titles = (currency_name(effect.currency), "deals", "amount", "expected revenue")
    owners = effect.by_owner if len(effect.by_owner) > 1 else ()
    rows = [("all", effect.total)]
    rows += [(each.name, each) for each in effect.by_stage[:MOST_NAMES]]
    rows += [(f"closes {each.name or 'never'}", each) for each in effect.by_close_month[:MOST_NAMES]]
    rows += [(f"of {owner_name(each)}", each) for each in owners[:MOST_NAMES]]
    return CountTable(titles, tuple((shortened(name, most=40), _cells(each)) for name, each in rows))


def _cut_lines(effect: CurrencyEffect) -> Iterator[Line]:
    kinds = (
        ("stages", effect.by_stage),
        ("close months", effect.by_close_month),
        ("owners", effect.by_owner),
    )
    more = [f"{len(found) - MOST_NAMES:,} more {name}" for name, found in kinds if len(found) > MOST_NAMES]
    if more:
        yield Line(f"... and {', '.join(more)}", 2, Tone.FAINT)


def _cells(shift: Shift) -> tuple[str, ...]:
    pairs = (
        (f"{shift.before.count:,}", f"{shift.after.count:,}"),
        (f"{shift.before.amount:,f}", f"{shift.after.amount:,f}"),
        (f"{shift.before.expected:,f}", f"{shift.after.expected:,f}"),
    )
    return tuple(f"{was} -> {becomes}" for was, becomes in pairs)


def _mover_lines(what: str, movers: Sequence[Mover]) -> Iterator[Line]:
    if not movers:
        return
    yield Line(f"{len(movers):,} {what}:", 2, Tone.CHANGED)
    for each in movers[:MOST_MOVERS]:
        yield Line(f"{shortened(each.label, most=80)}: {each.was} -> {each.becomes}", 4)
    if len(movers) > MOST_MOVERS:
        yield Line(f"... and {len(movers) - MOST_MOVERS:,} more", 4, Tone.FAINT)


def forecast_entry(effect: Effect | None, *, applied: bool) -> dict[str, Any]:
    """The effect as it stands in the machine output; {} where the plan does not know it."""
    if effect is None:
        return {}
    return {
        "counts": what_counts(applied=applied),
        "expected_revenue": ROUNDING,
        "fiscal_year_start_month": effect.fiscal_year_start,
        "currencies": [_currency_entry(each) for each in effect.currencies],
        "backward": _movers_entry(effect.backward),
        "reopened": _movers_entry(effect.reopened),
        "pushed": _movers_entry(effect.pushed),
        "without_amount": effect.without_amount,
        "converted": effect.converted,
        "unseen": effect.unseen,
    }


def _currency_entry(effect: CurrencyEffect) -> dict[str, Any]:
    return {
        "currency": json_text(effect.currency),
        "total": _sides(effect.total),
        "by_stage": [_entry(each, "stage") for each in effect.by_stage],
        "by_category": [_entry(each, "category") for each in effect.by_category],
        "by_close_month": [_entry(each, "month") for each in effect.by_close_month],
        "by_owner": [
            {"owner": each.key, "name": json_text(each.name)} | _sides(each) for each in effect.by_owner
        ],
    }


def _entry(shift: Shift, title: str) -> dict[str, Any]:
    return {title: json_text(shift.name)} | _sides(shift)


def _sides(shift: Shift) -> dict[str, Any]:
    return {"before": _figures(shift.before), "after": _figures(shift.after)}


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "count": figures.count,
        "amount": f"{figures.amount:f}",
        "expected_revenue": f"{figures.expected:f}",
    }


def _movers_entry(movers: Sequence[Mover]) -> dict[str, Any]:
    return {
        "count": len(movers),
        "deals": [
            {
                "change": json_text(each.change_id),
                "label": json_text(each.label),
                "from": json_text(each.was),
                "to": json_text(each.becomes),
            }
            for each in movers[:MOST_LISTED]
        ],
    }
