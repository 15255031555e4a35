"""What the page says of the run itself: what each phase took, what each kind of write rests on, and how many deals
have a contact role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfsync.core.contact_roles.role_coverage import StageCoverage, coverage_in
from sfsync.core.plans.plan import Action, Plan
from sfsync.core.reports import report_numbers as numbers
from sfsync.core.reports.report import Report
from sfsync.core.sending.guarantees import (
    CONVERTED_BY_ID,
    DELETED_BY_ID,
    RESTS_ON,
    ROLES_CHANGED,
    SAFE_BECAUSE,
    UPDATED_FAST,
    UPDATED_STRICTLY,
)
from sfsync.core.sending.strategy import Operation, Strategy
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route
from sfsync.report.document import in_write_order
from sfsync.report.nouns import counted
from sfsync.report.safe_text import shortened
from sfsync.report.words.cost_view import choice_words

MOST_STAGES: Final = 24
_STARTED: Final = "start"


def phase_part(report: Report) -> Mapping[str, Any] | None:
    """Phases with seconds and API calls, and how rows travel; None where nobody has followed the command."""
    if not report.phases:
        return None
    rows = [
        [
            each.name,
            _settled(each.done, each.unit),
            f"{each.seconds:.1f}",
            f"{each.reads:,}",
            f"{each.writes:,}",
        ]
        for each in report.phases
    ]
    seconds = sum(each.seconds for each in report.phases)
    reads, writes = (sum(getattr(each, kind) for each in report.phases) for kind in ("reads", "writes"))
    return {
        "rows": rows,
        "total": ["all", "", f"{seconds:.1f}", f"{reads:,}", f"{writes:,}"],
        "ways": [choice_words(each) for each in report.plan.choices],
    }


def _settled(done: int, unit: str) -> str:
    return f"{done:,} {unit}" if done else ""


def guarantee_part(report: Report) -> list[list[str]]:
    """For each kind of write what it is, by which route it goes, and why it is safe to repeat."""
    tally = report.numbers()
    return [
        row for sobject in in_write_order(tally) for row in _of_sobject(report.plan, sobject, tally[sobject])
    ]


def _of_sobject(plan: Plan, sobject: str, own: Mapping[str, int]) -> Iterator[list[str]]:
    for route in Route:
        if count := own.get(numbers.route(route.value), 0):
            why = "; ".join((SAFE_BECAUSE[route], *RESTS_ON[route]))
            yield [f"create {counted(sobject, count)}", route.value, why]
    if count := own.get(numbers.action(Action.UPDATE), 0):
        yield [f"update {counted(sobject, count)}", "by id", _update_words(plan, sobject)]
    if count := own.get(numbers.action(Action.DELETE), 0):
        yield [f"delete {counted(sobject, count)}", "by id", DELETED_BY_ID]
    if count := own.get(numbers.action(Action.CONVERT), 0):
        yield [f"convert {counted(sobject, count)}", "by id", CONVERTED_BY_ID]


def _update_words(plan: Plan, sobject: str) -> str:
    if sobject == CONTACT_ROLE:
        return ROLES_CHANGED
    is_strict = plan.is_strict and plan.strategy(sobject, Operation.UPDATE) is not Strategy.BULK
    return UPDATED_STRICTLY if is_strict else UPDATED_FAST


def coverage_part(report: Report) -> Mapping[str, Any] | None:
    """How many of the deals have a contact role and a primary one; None where the run is about no role."""
    stages = coverage_in(report.numbers().get(OPPORTUNITY, {}))
    if not stages:
        return None
    whole = StageCoverage(
        "all",
        sum(each.deals for each in stages),
        sum(each.with_role for each in stages),
        sum(each.with_primary for each in stages),
    )
    shown = sorted(stages, key=lambda each: -each.deals)[:MOST_STAGES]
    return {
        "rows": [_coverage_row(each) for each in (whole, *shown)],
        "left_out": len(stages) - len(shown),
    }


def _coverage_row(of: StageCoverage) -> Mapping[str, Any]:
    return {
        "stage": shortened(of.stage, most=80) or "(not in the rows)",
        "deals": f"{of.deals:,}",
        "parts": [
            {"count": f"{count:,}", "percent": 100 * count // of.deals}
            for count in (of.with_role, of.with_primary)
        ],
    }
