"""A plan of many rows as people see it: what has to be listed is held, and everything else is counted.

Held are the rows that are not done, whole, because they are written down for whoever corrects them; and of every
other action the first changes of each sObject, with the roles of those deals. The figures are of the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.deals.forecast import Effect, effect_of
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_book import NOTHING, BookTotals, Numbers
from sfsync.core.sending.costs import creates_by_route

WRITTEN: Final = "written"
TAKEN_OVER: Final = "taken over"
"""What is in the org already as its row wants it, and was met there for the first time."""


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """What a plan comes to as a whole, where it does not hold all of its changes.

    `by_route` counts creates by sObject and route; `overview` counts by sObject and action what a person is told
    of; `marks` counts by sObject what the machine output has besides outcomes; `blocks` counts by sObject the
    records that are WRITTEN and those that are TAKEN_OVER. `confirm` is the name of exactly these changes.
    """

    totals: BookTotals = NOTHING
    by_route: Numbers = field(default_factory=dict)
    overview: Numbers = field(default_factory=dict)
    marks: Numbers = field(default_factory=dict)
    blocks: Numbers = field(default_factory=dict)
    keyless: tuple[str, ...] = ()
    confirm: str = ""
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class CondensedPlan(Plan):
    """A plan that holds some of its changes, with the figures of the whole. It cannot be applied."""

    figures: PlanFigures = field(default_factory=PlanFigures)

    def keyless(self) -> list[str]:
        """The sObjects that the whole writes without a key of the org."""
        return list(self.figures.keyless)

    @property
    def row_count(self) -> int:
        """How many input rows the whole is about."""
        return self.figures.totals.row_count

    def is_empty(self) -> bool:
        """Whether applying the whole would write nothing."""
        return not self.figures.totals.writes


def planned_effect(plan: Plan, written: Collection[str] | None = None) -> Effect | None:
    """What a plan does to the forecast, or those of its changes that were `written`; None when it does not know."""
    if isinstance(plan, CondensedPlan) and written is None:
        return plan.figures.effect
    return effect_of(plan, written)


def planned_routes(plan: Plan) -> Mapping[str, Mapping[str, int]]:
    """How many creates of each sObject take which route."""
    if isinstance(plan, CondensedPlan):
        return plan.figures.by_route
    return creates_by_route(plan.changes, plan.routes, plan.choices)
