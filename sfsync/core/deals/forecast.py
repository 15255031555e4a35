"""What a plan does to the forecast: count, amount and expected revenue of the deals it writes, before and after.

Only deals that the plan creates or makes out of leads (in after alone), updates (in both) or deletes (in before
alone) are counted: what it leaves alone is the same on both sides, and the rest of the org was never read. Sums of
different currencies are never added together. A row's own probability and forecast category hold where they are
sent; else a new stage brings its own; else the record keeps what it has. Expected revenue is amount x probability
/ 100 of each deal, rounded half up to the decimals of Amount, as the platform keeps it, and then added.
Source: Object Reference, Opportunity (StageName, Probability, ForecastCategoryName, ExpectedRevenue,
CurrencyIsoCode); Organization.FiscalYearStartMonth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import reduce
from typing import Final

from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.plans.plan import NEW, WRITES, Action, Change, Plan
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import PlannedValue

PIPELINE: Final = "Pipeline"
"""The category of a stage that the catalogue lacks. Source: salesforce-facts, unknown stages, inferred."""

EXACT: Final = Context(prec=1_000, rounding=ROUND_HALF_UP)
"""How sums of the forecast are added: nothing is lost."""

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """A number of deals, the sum of their amounts, and what they are expected to bring."""

    count: int
    amount: Decimal
    expected: Decimal


@dataclass(frozen=True, slots=True)
class Shift:
    """What the figures under one name were and become; `key` tells names apart (of owners it is the id)."""

    key: str
    name: str
    before: Figures
    after: Figures


@dataclass(frozen=True, slots=True)
class CurrencyEffect:
    """The effect on the deals of one currency; "" is the org's own."""

    currency: str
    total: Shift
    by_stage: tuple[Shift, ...]
    by_category: tuple[Shift, ...]
    by_close_month: tuple[Shift, ...]
    by_owner: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Mover:
    """A deal that went where somebody should look: what it was, and what it becomes."""

    change_id: str
    label: str
    was: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A plan's effect on the forecast.

    `backward` are open deals that go to an earlier stage, `reopened` closed ones that are open again, `pushed`
    those whose close date moves into a later quarter. `without_amount` counts deals that have none afterwards,
    `converted` those among them whose currency changes without an amount: the org converts it. `unseen` counts
    deals that are in no figure, because the plan does not know how they were.
    """

    currencies: tuple[CurrencyEffect, ...]
    backward: tuple[Mover, ...]
    reopened: tuple[Mover, ...]
    pushed: tuple[Mover, ...]
    fiscal_year_start: int | None
    without_amount: int = 0
    converted: int = 0
    unseen: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether no deal is written."""
        return not (self.currencies or self.unseen)


@dataclass(frozen=True, slots=True)
class _Move:
    """One deal, before and after; one side is None for a deal that is created or deleted."""

    change: Change
    before: Deal | None
    after: Deal | None


def effect_of(plan: Plan, written: Collection[str] | None = None) -> Effect | None:
    """The effect of a plan, or of those of its changes that were `written`; None when the plan does not know.

    It is empty where no deal is written.
    """
    basis = plan.forecast
    return None if basis is None else effect(plan.changes, basis, written)


def effect(changes: Iterable[Change], basis: ForecastBasis, written: Collection[str] | None = None) -> Effect:
    """The effect of changes on the deals of `basis`; with `written`, of those changes alone."""
    deals = [
        each
        for each in changes
        if each.sobject == OPPORTUNITY and each.action in WRITES and each.completes is None
        if written is None or each.change_id in written
    ]
    moves = [each for each in (_move(change, basis) for change in deals) if each is not None]
    names = sorted({deal.currency for each in moves for deal in (each.before, each.after) if deal})
    both = [(each.change, each.before, each.after) for each in moves if each.before and each.after]
    without = [each.after for each in moves if each.after and each.after.amount is None]
    return Effect(
        currencies=tuple(_of_currency(name, moves, basis) for name in names),
        backward=tuple(_stage_mover(*each) for each in both if _is_backward(each[1], each[2], basis)),
        reopened=tuple(_stage_mover(*each) for each in both if _is_reopened(each[1], each[2], basis)),
        pushed=tuple(_date_mover(*each) for each in both if _is_pushed(each[1], each[2], basis)),
        fiscal_year_start=basis.fiscal_year_start,
        without_amount=len(without),
        converted=sum(_is_converted(*each) for each in both),
        unseen=len(deals) - len(moves),
    )


def quarter(day: date, fiscal_year_start: int | None) -> int:
    """A number that grows by one from each quarter to the next; calendar quarters where no month is known."""
    return (day.year * 12 + day.month - (fiscal_year_start or 1)) // 3


def _move(change: Change, basis: ForecastBasis) -> _Move | None:
    if change.action in NEW:
        return _Move(change, None, _after(None, _first_values(change, basis), basis))
    before = basis.deals.get(change.record_id or "")
    if before is None:
        return None
    after = None if change.action is Action.DELETE else _after(before, change.values, basis)
    return _Move(change, before, after)


def _first_values(change: Change, basis: ForecastBasis) -> Mapping[str, PlannedValue]:
    """The values of a new deal; one that comes out of a lead without a stage gets the org's first active one.

    Source: salesforce-facts, converted opportunity, inferred. Its close date is left out: the platform's own.
    """
    if change.action is Action.CREATE or change.values.get("StageName"):
        return change.values
    first = next((each.api_name for each in basis.stages.values() if each.is_active), None)
    return {"StageName": first} | dict(change.values) if first else change.values


def _after(before: Deal | None, values: Mapping[str, PlannedValue], basis: ForecastBasis) -> Deal:
    """The deal once the values are written."""
    was = before or Deal("", "", None, None, None, "")
    stage = _text(values.get("StageName")) or was.stage
    probability, category = _number(values.get("Probability", was.probability)), was.category
    if before is None or stage != was.stage:
        known = basis.stages.get(stage)
        probability, category = (known.probability, known.forecast_category) if known else (_ZERO, PIPELINE)
        own = _number(values.get("Probability"))
        probability = probability if own is None else own
    currency = _text(values.get("CurrencyIsoCode")) or was.currency
    amount = values.get("Amount", was.amount if currency == was.currency else None)
    close_date = values.get("CloseDate", was.close_date)
    return Deal(
        stage=stage,
        category=_text(values.get("ForecastCategoryName")) or category,
        probability=probability,
        amount=_number(amount),
        close_date=close_date if isinstance(close_date, date) else None,
        owner=_text(values.get("OwnerId")) or was.owner,
        currency=currency,
    )


def _number(value: PlannedValue) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _text(value: PlannedValue) -> str:
    return value if isinstance(value, str) else ""


def _of_currency(currency: str, moves: Iterable[_Move], basis: ForecastBasis) -> CurrencyEffect:
    """The effect on one currency; a deal that changes its currency leaves one and comes to another."""
    listed = list(moves)
    sides = (
        [_weighed(each.before, basis) for each in listed if each.before and each.before.currency == currency],
        [_weighed(each.after, basis) for each in listed if each.after and each.after.currency == currency],
    )
    stages = list(basis.stages)
    categories = list(dict.fromkeys(each.forecast_category for each in basis.stages.values()))
    owners = {
        each.deal.owner: basis.owners.get(each.deal.owner, each.deal.owner) for side in sides for each in side
    }

    def grouped(key_of: Callable[[Deal], str], place: Callable[[str], object]) -> tuple[Shift, ...]:
        return tuple(
            _shifts(sides, key_of, place=place, nothing=Figures(0, _unit(basis) * 0, _unit(basis) * 0))
        )

    [total] = grouped(lambda _: "", str)
    return CurrencyEffect(
        currency,
        total,
        by_stage=grouped(lambda deal: deal.stage, lambda name: rank(stages, name)),
        by_category=grouped(lambda deal: deal.category, lambda name: rank(categories, name)),
        by_close_month=grouped(_close_month, str),
        by_owner=_named(grouped(lambda deal: deal.owner, lambda key: (owners[key], key)), owners),
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A deal with its amount as the org keeps it, and what it is expected to bring."""

    deal: Deal
    amount: Decimal
    expected: Decimal


def _weighed(deal: Deal, basis: ForecastBasis) -> _Weighed:
    unit = _unit(basis)
    amount = (deal.amount or _ZERO).quantize(unit, context=EXACT)
    share = EXACT.multiply(amount, deal.probability or _ZERO).scaleb(-2, context=EXACT)
    return _Weighed(deal, amount, share.quantize(unit, context=EXACT))


def _unit(basis: ForecastBasis) -> Decimal:
    return Decimal(1).scaleb(-basis.decimals)


def rank(order: list[str], name: str) -> tuple[int, str]:
    """The place in an order; names that it lacks come last, by name."""
    return (order.index(name) if name in order else len(order), name)


def _close_month(deal: Deal) -> str:
    return f"{deal.close_date:%Y-%m}" if deal.close_date else ""


def _named(shifts: Iterable[Shift], names: Mapping[str, str]) -> tuple[Shift, ...]:
    """Owners by name; two of the same name carry their ids."""
    listed = [*names.values()]
    return tuple(
        Shift(
            each.key,
            names[each.key] if listed.count(names[each.key]) == 1 else f"{names[each.key]} ({each.key})",
            each.before,
            each.after,
        )
        for each in shifts
    )


def _shifts(
    sides: tuple[Iterable[_Weighed], Iterable[_Weighed]],
    key_of: Callable[[Deal], str],
    *,
    place: Callable[[str], object],
    nothing: Figures,
) -> Iterator[Shift]:
    before, after = (_figures(side, key_of) for side in sides)
    for key in sorted(before.keys() | after.keys(), key=place):  # type: ignore[arg-type]
        yield Shift(key, key, before.get(key, nothing), after.get(key, nothing))


def _figures(side: Iterable[_Weighed], key_of: Callable[[Deal], str]) -> dict[str, Figures]:
    groups: dict[str, list[_Weighed]] = {}
    for each in side:
        groups.setdefault(key_of(each.deal), []).append(each)
    return {
        key: Figures(
            len(found),
            reduce(EXACT.add, (each.amount for each in found)),
            reduce(EXACT.add, (each.expected for each in found)),
        )
        for key, found in groups.items()
    }


def _is_closed(deal: Deal, basis: ForecastBasis) -> bool:
    known = basis.stages.get(deal.stage)
    return known is not None and known.is_closed


def _is_reopened(before: Deal, after: Deal, basis: ForecastBasis) -> bool:
    return _is_closed(before, basis) and not _is_closed(after, basis)


def _is_backward(before: Deal, after: Deal, basis: ForecastBasis) -> bool:
    if before.stage not in basis.stages or after.stage not in basis.stages:
        return False
    order = list(basis.stages)
    is_earlier = order.index(after.stage) < order.index(before.stage)
    return is_earlier and not (_is_closed(before, basis) or _is_closed(after, basis))


def _is_pushed(before: Deal, after: Deal, basis: ForecastBasis) -> bool:
    if before.close_date is None or after.close_date is None:
        return False
    month = basis.fiscal_year_start
    return quarter(after.close_date, month) > quarter(before.close_date, month)


def _is_converted(_: Change, before: Deal, after: Deal) -> bool:
    is_left_to_org = after.currency != before.currency and after.amount is None
    return is_left_to_org and before.amount is not None


def _stage_mover(change: Change, before: Deal, after: Deal) -> Mover:
    return Mover(change.change_id, change.label or change.key, before.stage, after.stage)


def _date_mover(change: Change, before: Deal, after: Deal) -> Mover:
    return Mover(change.change_id, change.label or change.key, f"{before.close_date}", f"{after.close_date}")
