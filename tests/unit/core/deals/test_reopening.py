"""What of a deal's odds goes back when an undo takes a change of its stage back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sfsync.core.deals.forecast_basis import Deal
from sfsync.core.deals.reopening import odds_before
from sfsync.core.plans.plan import Action, Change

WAS = Deal("Prospecting", "Best Case", Decimal(42), None, None, "")


def change(**words: object) -> Change:
    """An update that moves a deal from Prospecting to Qualification, with other words where some are given."""
    plain = {"values": {"StageName": "Qualification"}, "before": {"StageName": "Prospecting"}}
    return Change("Opportunity:D-1", "Opportunity", Action.UPDATE, "D-1", "Deal", **(plain | words))  # type: ignore[arg-type]


def test_a_stage_brings_what_the_plan_remembers_of_the_deal() -> None:
    """The change itself knows the stage alone."""
    assert odds_before(change(), WAS) == {
        "StageName": "Prospecting",
        "Probability": Decimal(42),
        "ForecastCategoryName": "Best Case",
    }


def test_what_the_change_knows_itself_goes_before() -> None:
    """It was compared once more right before the write."""
    before = {"StageName": "Prospecting", "Probability": Decimal(55)}
    assert odds_before(change(before=before), WAS)["Probability"] == Decimal(55)


@pytest.mark.parametrize("deal", [None, Deal("Qualification", "Best Case", Decimal(42), None, None, "")])
def test_odds_of_another_stage_tell_nothing(deal: Deal | None) -> None:
    """Nor does a plan that an earlier version saved without them."""
    assert odds_before(change(), deal) == {"StageName": "Prospecting"}


def test_a_change_that_leaves_the_stage_alone_has_no_odds_to_give_back() -> None:
    """They were not reset by it."""
    assert odds_before(change(values={"Amount": Decimal(1)}, before={"Amount": None}), WAS) == {}
