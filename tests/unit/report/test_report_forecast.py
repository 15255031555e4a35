"""The forecast effect on a terminal and for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import orjson
from report_examples import a_deal, a_plan, a_report, done

from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.stages import StageInfo
from sfsync.core.plans.plan import Action, Plan
from sfsync.core.reports.results import Outcome
from sfsync.report.document import run_document
from sfsync.report.words.forecast_view import MOST_MOVERS, MOST_NAMES, forecast_pieces
from sfsync.report.words.lines import CountTable, Line

STAGES = {
    name: StageInfo(name, name, Decimal(percent), "Pipeline", True, False, False)
    for name, percent in (("Open", 10), ("Late", 60))
}


def a_forecast_plan(count: int, **values) -> Plan:
    """A plan that updates so many late deals of 100.00, in as many months."""
    deals = {
        f"006{each:012d}AAA": Deal(
            "Late", "Pipeline", Decimal(60), Decimal(100), date(2026 + each // 12, 1 + each % 12, 1), "005A"
        )
        for each in range(count)
    }
    changes = [a_deal(each, Action.UPDATE, record_id=name, values=values) for each, name in enumerate(deals)]
    return replace(a_plan(changes), forecast=ForecastBasis(deals, STAGES, {"005A": "Jo"}))


def shown(plan: Plan, *, applied: bool = False) -> str:
    """The pieces as lines of text."""
    pieces = forecast_pieces(a_report(plan, applied=applied).forecast(), applied=applied)
    lines: list[str] = []
    for piece in pieces:
        match piece:
            case Line():
                lines.append(piece.text)
            case CountTable():
                lines += [" | ".join(cells) for cells in piece.cells()]
    return "\n".join(lines)


def test_a_terminal_shows_before_and_after_in_a_few_lines():
    """Deals, amount and expected revenue, as a whole, by stage and by close month."""
    assert shown(a_forecast_plan(1, StageName="Open")).splitlines()[1:] == [
        "Forecast effect",
        "of the deals that this plan creates, updates or deletes; all others are left out",
        "the org's own currency | deals | amount | expected revenue",
        "all | 1 -> 1 | 100.00 -> 100.00 | 60.00 -> 10.00",
        "Open | 0 -> 1 | 0.00 -> 100.00 | 0.00 -> 10.00",
        "Late | 1 -> 0 | 100.00 -> 0.00 | 60.00 -> 0.00",
        "closes 2026-01 | 1 -> 1 | 100.00 -> 100.00 | 60.00 -> 10.00",
        "1 back to an earlier stage:",
        "Deal 0: Late -> Open",
    ]


def test_long_lists_are_cut_and_say_by_how_much():
    """Forty months and forty deals that go back do not flood a terminal."""
    text = shown(a_forecast_plan(40, StageName="Open"))
    assert f"... and {40 - MOST_NAMES} more close months" in text
    assert f"... and {40 - MOST_MOVERS} more" in text
    assert len(text.splitlines()) < 20


def test_quarters_are_said_to_be_calendar_quarters_where_the_org_does_not_tell():
    """A pushed deal is named with both days, and by whose quarters."""
    text = shown(a_forecast_plan(1, CloseDate=date(2026, 4, 1)))
    assert "1 pushed past a quarter's end (calendar quarters: the org does not tell its fiscal year):" in text
    assert "Deal 0: 2026-01-01 -> 2026-04-01" in text


def test_a_plan_without_deals_shows_nothing():
    """No title stands over an empty table."""
    assert shown(a_plan([])) == shown(a_forecast_plan(0)) == ""


def test_programs_get_texts_of_exact_sums():
    """The document's forecast is plain JSON, with every sum as text of the org's decimals."""
    document = run_document(a_report(a_forecast_plan(1, StageName="Open"), applied=False), files={})
    forecast = document["forecast"]
    assert json.loads(orjson.dumps(document))["forecast"] == forecast
    [found] = forecast["currencies"]
    assert found["total"] == {
        "before": {"count": 1, "amount": "100.00", "expected_revenue": "60.00"},
        "after": {"count": 1, "amount": "100.00", "expected_revenue": "10.00"},
    }
    assert [each["stage"] for each in found["by_stage"]] == ["Open", "Late"]
    assert [(each["owner"], each["name"]) for each in found["by_owner"]] == [("005A", "Jo")]
    assert forecast["backward"] == {
        "count": 1,
        "deals": [{"change": "Opportunity:D-0", "label": "Deal 0", "from": "Late", "to": "Open"}],
    }
    assert forecast["fiscal_year_start_month"] is None


def test_after_a_run_only_what_was_written_counts():
    """Of two deals one of which was not reached, the report counts the other."""
    plan = a_forecast_plan(2, StageName="Open")
    report = a_report(plan, [done(plan.changes[0], Outcome.UPDATED)])
    [found] = run_document(report, files={})["forecast"]["currencies"]
    assert found["total"]["after"]["count"] == 1
