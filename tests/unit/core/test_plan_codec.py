"""Saved plans: what was written is read back, and plans of before keep their names."""

import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from report_examples import a_deal, a_plan

from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.stages import StageInfo
from sfsync.core.plans.plan_codec import dump_plan, load_plan, plan_digest
from sfsync.core.references.open_references import Described, OpenReference

STAGE = StageInfo("Open", "Offen", Decimal(10), "Pipeline", True, False, False)


def test_the_deals_of_a_forecast_are_read_back_as_they_were() -> None:
    """Amounts stay exact, and dates stay days."""
    deal = Deal(
        "Open", "Pipeline", Decimal("12.5"), Decimal("1234567890123456.70"), date(2026, 9, 30), "005A"
    )
    basis = ForecastBasis({"006A": deal}, {"Open": STAGE}, {"005A": "Jo"}, 4, 2)
    plan = replace(a_plan([a_deal(1)]), forecast=basis)
    assert load_plan(dump_plan(plan)) == plan


def test_a_plan_saved_before_forecasts_is_read_and_keeps_its_name() -> None:
    """What a plan does not have is not in its text, so its digest is that of the version that wrote it."""
    plan = a_plan([a_deal(1)])
    saved = dump_plan(plan)
    assert "forecast" not in orjson.loads(saved)["plan"]
    assert load_plan(saved) == plan
    assert plan_digest(load_plan(saved)) == orjson.loads(saved)["digest"]


def test_references_to_settle_are_saved_with_the_plan() -> None:
    """With their candidates."""
    twins = OpenReference("Account", "Name", "Twin", (Described("001", "Twin", "Oslo"),))
    empty = a_plan([a_deal(1)])
    plan = replace(empty, open_references=(twins,))
    assert load_plan(dump_plan(plan)) == plan
    assert plan_digest(plan) != plan_digest(empty)
    assert "open_references" not in orjson.loads(dump_plan(empty))["plan"]
