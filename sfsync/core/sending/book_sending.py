"""How the writes of a book travel: chosen once for all portions, because a job carries the rows of all of them.

Calls are packed portion by portion; what goes by jobs is counted over the whole, and the price of these jobs stands
with the first portion, so that the portions add up to what the book costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sfsync.core.plans.plan import Action, Plan, PredictedCalls
from sfsync.core.plans.plan_book import BookTotals, Numbers
from sfsync.core.sending.costs import changes_of, predicted_calls, second_pass, units_of_roles
from sfsync.core.sending.pace import USUAL_THREADS
from sfsync.core.sending.prices import job_price
from sfsync.core.sending.read_back import calls_by_job
from sfsync.core.sending.strategy import Choice, Operation, Strategy, strategy_of
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route


class Ways(NamedTuple):
    """How a portion would go by itself."""

    routes: tuple[tuple[str, Route], ...]
    is_strict: bool
    strategies: tuple[tuple[str, Operation, Strategy], ...]
    has_jobs: bool


def ways_of(plan: Plan) -> Ways:
    """How a portion goes that was planned by itself."""
    strategies = tuple((each.sobject, each.operation, each.strategy) for each in plan.choices)
    return Ways(tuple(sorted(plan.routes.items())), plan.is_strict, strategies, bool(job_rows(plan)))


@dataclass(frozen=True, slots=True)
class BookSending:
    """What all portions of a book have in common of their sending; fields as those of `core.plans.plan.Plan`.

    `threads` is how many calls are expected to be in flight at a time.
    """

    routes: Mapping[str, Route]
    is_strict: bool
    choices: tuple[Choice, ...]
    threads: int = USUAL_THREADS

    def of(self, plan: Plan, predicted: PredictedCalls | None = None) -> Plan:
        """The plan of a portion as it is sent; without `predicted` its calls are counted."""
        sent = replace(plan, routes=self.routes, is_strict=self.is_strict, choices=self.choices)
        if predicted is None:
            predicted = predicted_calls(
                sent.changes,
                sent.routes,
                is_strict=sent.is_strict,
                choices=sent.choices,
                shares_jobs=True,
                threads=self.threads,
            )
        return replace(sent, predicted=predicted)

    def is_as(self, ways: Ways) -> bool:
        """Whether a portion that was planned by itself goes in the same way, and by no job."""
        return (
            dict(ways.routes) == dict(self.routes)
            and ways.is_strict == self.is_strict
            and all(strategy_of(self.choices, sobject, kind) is way for sobject, kind, way in ways.strategies)
            and not ways.has_jobs
        )


def job_rows(plan: Plan) -> Numbers:
    """How many rows of a plan go by jobs, by sObject and operation; of roles those that are created."""
    if plan.undoes is not None:
        return {}
    found: dict[str, dict[str, int]] = {}
    last = second_pass(plan.changes)
    for sobject in (ACCOUNT, CONTACT, OPPORTUNITY):
        for operation, action in ((Operation.CREATE, Action.CREATE), (Operation.UPDATE, Action.UPDATE)):
            if not goes_by_job(plan, sobject, operation):
                continue
            changes = changes_of(plan.changes, sobject, action)
            if count := sum(1 for each in changes if each.change_id not in last):
                found.setdefault(sobject, {})[operation.value] = count
    if goes_by_job(plan, CONTACT_ROLE, Operation.CREATE):
        units = units_of_roles(plan.changes, plan.routes, plan.choices)
        if count := sum(len(unit.nodes) for unit in units if unit.route is Route.JOB_FENCE):
            found[CONTACT_ROLE] = {Operation.CREATE.value: count}
    return found


def goes_by_job(plan: Plan, sobject: str, operation: Operation) -> bool:
    """Whether these rows of a plan travel by bulk jobs."""
    if operation is Operation.CREATE and plan.routes.get(sobject) is Route.JOB_FENCE:
        return True
    is_chosen = plan.strategy(sobject, operation) is Strategy.BULK
    return is_chosen and (operation is Operation.CREATE or not plan.is_strict)


def read_by_jobs(totals: BookTotals) -> Mapping[str, int]:
    """How many records of each sObject query jobs read back for all portions; none where ids take fewer calls.

    Only what has gone by jobs is there before the portions end.
    """
    rows = {
        sobject: sum(actions.get(each.value, 0) for each in (Action.CREATE, Action.UPDATE))
        for sobject, actions in totals.actions.items()
    }
    rows = {sobject: count for sobject, count in rows.items() if count}
    is_cheaper = sum(map(calls_by_job, rows.values())) < totals.read_backs
    return rows if totals.job_rows and is_cheaper else {}


def with_jobs(
    predicted: Sequence[PredictedCalls], read_backs: Sequence[int], totals: BookTotals
) -> tuple[PredictedCalls, ...]:
    """What each portion takes, the jobs of all of them with the first; `read_backs` are those of each by ids."""
    counts = (count for of_sobject in totals.job_rows.values() for count in of_sobject.values())
    prices = [job_price(each) for each in counts]
    reads, writes = sum(each.reads for each in prices), sum(each.writes for each in prices)
    if by_jobs := read_by_jobs(totals):
        reads += sum(map(calls_by_job, by_jobs.values()))
        both = zip(predicted, read_backs, strict=True)
        predicted = [replace(each, reads=each.reads - own) for each, own in both]
    first, *others = predicted
    return (PredictedCalls(first.reads + reads, first.writes + writes), *others)
