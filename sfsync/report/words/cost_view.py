"""What a plan will cost and what a run has cost, in words: API calls by the way that rows travel, held against the
calls that the org has left, and against what was predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfsync.core.plans.plan import OrgCalls, Plan
from sfsync.core.reports.report import Report
from sfsync.core.sending.budget import PERCENT_USED, left_until_reserve
from sfsync.core.sending.strategy import Choice, Operation, Price, Strategy
from sfsync.report.nouns import counted
from sfsync.report.words.lines import Line


def cost_lines(plan: Plan) -> Iterator[Line]:
    """What applying a plan takes."""
    for each in plan.choices:
        if _is_worth_telling(each):
            yield Line(choice_words(each))
    cost = plan.predicted
    yield Line(
        f"Applying it will cost {cost.total:,} API calls ({cost.reads:,} reads, {cost.writes:,} writes)."
    )
    if plan.org_calls is not None and cost.total:
        yield Line(_of_the_day(cost.total, plan.org_calls))


def _is_worth_telling(choice: Choice) -> bool:
    """Whether there is something to choose: what one call carries goes as it always goes."""
    return choice.is_forced or choice.price.writes > 1


def choice_words(choice: Choice) -> str:
    """How some rows travel, what that takes, and what another way would."""
    price = choice.price
    others = ", ".join(f"{each.strategy.value}: {_calls(each.calls)}" for each in choice.others)
    in_brackets = f" ({others})" if others else ""
    said = (
        f"{choice.operation.value} {counted(choice.sobject, choice.rows)} by {price.strategy.value}: "
        f"{_calls(price.calls)}, {_minutes(price)}{in_brackets}"
    )
    if choice.strategy is Strategy.BULK and choice.operation is Operation.UPDATE:
        said += "; what somebody edits in those minutes is overwritten"
    return said[0].upper() + said[1:] + "."


def _calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"


def _minutes(price: Price) -> str:
    minutes = max(1, round(price.minutes))
    return "about 1 minute" if minutes == 1 else f"about {minutes:,} minutes"


def _of_the_day(needed: int, org: OrgCalls) -> str:
    left = max(0, org.allowed - org.used)
    until = left_until_reserve(org)
    return (
        f"This run takes about {needed:,} of the {left:,} calls left today;"
        f" {until:,} are left until the org has used {PERCENT_USED} %."
    )


def usage_lines(report: Report) -> Iterator[Line]:
    """What a run has taken."""
    usage, predicted, spent = report.usage, report.plan.predicted, report.spent
    calls = usage.reads + usage.writes
    head = f"API calls: {calls:,} ({usage.reads:,} reads, {usage.writes:,} writes), planning included; "
    if spent is None:
        yield Line(f"{head}applying was predicted to cost {predicted.total:,}.")
    else:
        yield Line(
            f"{head}applying was predicted to cost {predicted.total:,} ({predicted.reads:,} + {predicted.writes:,})"
            f" and took {spent.total:,} ({spent.reads:,} + {spent.writes:,})."
        )
    if usage.retries:
        yield Line(f"Sent again after a fault: {usage.retries:,}.")
    if report.api_budget is not None:
        yield Line(f"The run was allowed {report.api_budget:,} calls.")
    if usage.limit_max:
        yield Line(f"The org has used {usage.limit_used or 0:,} of its {usage.limit_max:,} calls of the day.")


def api_document(report: Report) -> dict[str, Any]:
    """The calls of a run for programs: in all, of applying alone beside what was predicted, and the org's."""
    usage, plan, spent = report.usage, report.plan, report.spent
    return {
        "calls": usage.reads + usage.writes,
        "reads": usage.reads,
        "writes": usage.writes,
        "logins": usage.logins,
        "retries": usage.retries,
        "predicted_calls": plan.predicted.total,
        "predicted_reads": plan.predicted.reads,
        "predicted_writes": plan.predicted.writes,
        "applied_reads": spent.reads if spent else 0,
        "applied_writes": spent.writes if spent else 0,
        "budget": report.api_budget,
        "org_used": usage.limit_used,
        "org_allowed": usage.limit_max,
        "strategies": [choice_entry(each) for each in plan.choices],
    }


def choice_entry(choice: Choice) -> dict[str, Any]:
    """How some rows travel, for programs."""
    return {
        "sobject": choice.sobject,
        "operation": choice.operation.value,
        "rows": choice.rows,
        "strategy": choice.strategy.value,
        "forced": choice.is_forced,
        "calls": choice.price.calls,
        "minutes": round(choice.price.minutes, 1),
        "other_calls": {each.strategy.value: each.calls for each in choice.others},
    }
