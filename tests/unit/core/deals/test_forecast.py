"""The forecast effect: which deals count where, what a stage brings along, and which deals are named."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sfsync.core.deals.forecast import Effect, Figures, Shift, effect, quarter
from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.stages import StageInfo
from sfsync.core.plans.plan import WRITES, Action, Change

STAGES = {
    name: StageInfo(name, name, Decimal(percent), category, True, closed, won)
    for name, percent, category, closed, won in (
        ("Open", 10, "Pipeline", False, False),
        ("Late", 60, "Best Case", False, False),
        ("Won", 100, "Closed", True, True),
        ("Lost", 0, "Omitted", True, False),
    )
}
RECORD = "006000000000001AAA"
WAS = Deal("Open", "Pipeline", Decimal(10), Decimal("1000.00"), date(2026, 3, 31), "005A")


def a_change(action: Action = Action.CREATE, record: str | None = None, **values: Any) -> Change:
    """A deal's change."""
    name = f"Opportunity:{record or len(values)}"
    return Change(name, "Opportunity", action, "D-1", "Deal 1", record_id=record, values=values)


def effect_on(was: Deal, **values: Any) -> Effect:
    """The effect of an update of the one deal."""
    return effect([a_change(Action.UPDATE, RECORD, **values)], ForecastBasis({RECORD: was}, STAGES))


def of(shifts: tuple[Shift, ...]) -> dict[str, tuple[Figures, Figures]]:
    """The figures by name."""
    return {each.name: (each.before, each.after) for each in shifts}


def figures(count: int, amount: str, expected: str) -> Figures:
    """Figures from text."""
    return Figures(count, Decimal(amount), Decimal(expected))


NOTHING = figures(0, "0", "0")


def test_a_created_deal_counts_only_afterwards_with_the_probability_of_its_stage() -> None:
    """A create adds its amount, and the stage's share of it, to after alone."""
    change = a_change(StageName="Late", Amount=Decimal(500), CloseDate=date(2026, 5, 1))
    [found] = effect([change], ForecastBasis({}, STAGES)).currencies
    after = figures(1, "500", "300")
    assert (found.total.before, found.total.after) == (NOTHING, after)
    assert of(found.by_stage) == {"Late": (NOTHING, after)}
    assert of(found.by_category) == {"Best Case": (NOTHING, after)}
    assert of(found.by_close_month) == {"2026-05": (NOTHING, after)}


@pytest.mark.parametrize(("stage", "counts_in"), [("Late", "Late"), (None, "Open")])
def test_a_deal_out_of_a_lead_counts_only_afterwards(stage: str | None, counts_in: str) -> None:
    """Without a stage of its own it counts in the first active one, where the platform puts it."""
    first = replace(STAGES["Open"], api_name="Old", is_active=False)
    values = {"StageName": stage} if stage else {}
    [found] = effect(
        [a_change(Action.CONVERT, **values)], ForecastBasis({}, {"Old": first} | STAGES)
    ).currencies
    assert (found.total.before.count, found.total.after.count) == (0, 1)
    assert list(of(found.by_stage)) == [counts_in]


def test_a_deleted_deal_counts_only_before() -> None:
    """A delete takes away what the record held."""
    change = a_change(Action.DELETE, RECORD)
    [found] = effect([change], ForecastBasis({RECORD: WAS}, STAGES)).currencies
    assert (found.total.before, found.total.after) == (figures(1, "1000", "100"), NOTHING)


@pytest.mark.parametrize("action", sorted(set(Action) - WRITES))
def test_a_deal_that_is_not_written_counts_nowhere(action: Action) -> None:
    """Rows that are unchanged, in conflict, rejected and so on have no effect."""
    assert effect([a_change(action, RECORD)], ForecastBasis({RECORD: WAS}, STAGES)).is_empty


def test_only_what_was_written_counts_when_that_is_known() -> None:
    """With the outcomes of a run, a change that was not written has no effect."""
    change = a_change(StageName="Open", Amount=Decimal(1))
    basis = ForecastBasis({}, STAGES)
    assert effect([change], basis, {change.change_id}).currencies
    assert effect([change], basis, set()).is_empty


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Amount": Decimal(2000)}, "200"),
        ({"StageName": "Late"}, "600"),
        ({"StageName": "Late", "Probability": Decimal(25)}, "250"),
        ({"Probability": Decimal(50)}, "500"),
        ({"StageName": "Lost"}, "0"),
        ({"StageName": "Won"}, "1000"),
        ({"StageName": "Unheard of"}, "0"),
        ({"NextStep": "Call"}, "100"),
        ({"Probability": None}, "0"),
        ({"StageName": "Late", "Probability": None}, "600"),
    ],
)
def test_the_probability_is_the_rows_else_the_new_stages_else_the_records(
    values: dict[str, Any], expected: str
) -> None:
    """A stage that stays leaves the record's own probability alone."""
    assert effect_on(WAS, **values).currencies[0].total.after.expected == Decimal(expected)


def test_a_new_stage_brings_its_category_unless_the_row_says_another() -> None:
    """A lost deal is Omitted; an explicit category goes over the stage's."""
    assert "Omitted" in of(effect_on(WAS, StageName="Lost").currencies[0].by_category)
    explicit = effect_on(WAS, StageName="Late", ForecastCategoryName="Commit").currencies[0]
    assert of(explicit.by_category)["Commit"][1].count == 1


def test_expected_revenue_is_rounded_half_up_for_each_deal_and_then_added() -> None:
    """Two deals of 0.25 at 10 % are expected to bring 0.03 each, 0.06 together."""
    changes = [a_change(StageName="Open", Amount=Decimal("0.25")) for _ in range(2)]
    total = effect(changes, ForecastBasis({}, STAGES)).currencies[0].total
    assert total.after == figures(2, "0.50", "0.06")


def test_currencies_are_never_added_together() -> None:
    """Each currency has its own sums; a deal that changes its currency leaves one and comes to the other."""
    euro = replace(WAS, currency="EUR")
    changes = [
        a_change(Action.UPDATE, RECORD, CurrencyIsoCode="USD", Amount=Decimal(1100)),
        a_change(StageName="Open", Amount=Decimal(5), CurrencyIsoCode="EUR"),
    ]
    found = {
        each.currency: each.total
        for each in effect(changes, ForecastBasis({RECORD: euro}, STAGES)).currencies
    }
    assert (found["EUR"].before, found["EUR"].after) == (figures(1, "1000", "100"), figures(1, "5", "0.5"))
    assert (found["USD"].before, found["USD"].after) == (NOTHING, figures(1, "1100", "110"))


def test_a_currency_that_changes_without_an_amount_is_for_the_org_to_convert() -> None:
    """What the org makes of the amount is not known, and said to be so."""
    found = effect_on(replace(WAS, currency="EUR"), CurrencyIsoCode="USD")
    assert (found.converted, found.without_amount) == (1, 1)
    assert [each.currency for each in found.currencies] == ["EUR", "USD"]


def test_a_deal_without_an_amount_counts_and_adds_nothing() -> None:
    """Emptying the amount leaves a deal that is expected to bring nothing."""
    found = effect_on(WAS, Amount=None)
    assert found.currencies[0].total.after == figures(1, "0", "0")
    assert (found.without_amount, found.converted) == (1, 0)


@pytest.mark.parametrize(
    ("was", "becomes", "backward", "reopened"),
    [
        ("Late", "Open", 1, 0),
        ("Open", "Late", 0, 0),
        ("Won", "Late", 0, 1),
        ("Lost", "Open", 0, 1),
        ("Lost", "Won", 0, 0),
        ("Open", "Lost", 0, 0),
        ("Gone", "Open", 0, 0),
    ],
)
def test_deals_that_go_backwards_or_are_reopened_are_named(
    was: str, becomes: str, backward: int, reopened: int
) -> None:
    """Backward is open to earlier and open; reopened is closed to open; winning and losing are neither."""
    found = effect_on(replace(WAS, stage=was), StageName=becomes)
    assert (len(found.backward), len(found.reopened)) == (backward, reopened)
    for each in (*found.backward, *found.reopened):
        assert (each.label, each.was, each.becomes) == ("Deal 1", was, becomes)


@pytest.mark.parametrize(
    ("month", "day", "is_pushed"),
    [
        (None, date(2026, 4, 1), True),
        (None, date(2026, 3, 1), False),
        (None, date(2025, 12, 31), False),
        (2, date(2026, 4, 1), False),
        (2, date(2026, 4, 30), False),
        (2, date(2026, 5, 1), True),
        (1, date(2027, 3, 31), True),
    ],
)
def test_a_deal_is_pushed_when_its_close_date_goes_past_the_end_of_its_quarter(
    month: int | None, day: date, is_pushed: bool
) -> None:
    """Quarters are those of the org's fiscal year, and calendar quarters where it does not tell."""
    basis = ForecastBasis({RECORD: WAS}, STAGES, fiscal_year_start=month)
    found = effect([a_change(Action.UPDATE, RECORD, CloseDate=day)], basis)
    assert [each.becomes for each in found.pushed] == ([day.isoformat()] if is_pushed else [])


def test_a_year_has_four_quarters_wherever_it_begins() -> None:
    """Twelve months after any month come four quarters later."""
    for month in range(1, 13):
        for start in range(1, 13):
            assert quarter(date(2027, month, 1), start) - quarter(date(2026, month, 1), start) == 4
        starts = {quarter(date(2026, each, 1), month) for each in range(1, 13)}
        assert len(starts) in (4, 5)


def test_a_deal_whose_past_the_plan_does_not_know_is_in_no_figure() -> None:
    """It is counted as unseen, and not taken for a new one."""
    found = effect([a_change(Action.UPDATE, RECORD, StageName="Won")], ForecastBasis({}, STAGES))
    assert (found.unseen, found.currencies, found.is_empty) == (1, (), False)


def test_two_owners_of_the_same_name_are_told_apart_by_their_ids() -> None:
    """Owners are grouped by id; a name that two have carries it."""
    basis = ForecastBasis({RECORD: WAS}, STAGES, owners={"005A": "Jo", "005B": "Jo", "005C": "Al"})
    [found] = effect([a_change(Action.UPDATE, RECORD, OwnerId="005B")], basis).currencies
    assert list(of(found.by_owner)) == ["Jo (005A)", "Jo (005B)"]
    [found] = effect([a_change(Action.UPDATE, RECORD, OwnerId="005C")], basis).currencies
    assert list(of(found.by_owner)) == ["Al", "Jo"]


def test_every_grouping_adds_up_to_the_total() -> None:
    """Stages, categories, months and owners are four views of the same deals."""
    changes = [
        a_change(StageName=stage, Amount=Decimal(cents).scaleb(-2), CloseDate=date(2026, 1 + cents % 12, 1))
        for cents, stage in enumerate(list(STAGES) * 5)
    ]
    [found] = effect(changes, ForecastBasis({}, STAGES)).currencies
    for shifts in (found.by_stage, found.by_category, found.by_close_month, found.by_owner):
        assert sum(each.after.count for each in shifts) == found.total.after.count
        assert sum(each.after.amount for each in shifts) == found.total.after.amount
        assert sum(each.after.expected for each in shifts) == found.total.after.expected
    assert [each.name for each in found.by_stage] == list(STAGES)
