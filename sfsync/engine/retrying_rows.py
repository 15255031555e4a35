"""A plan of the rows that a run could not write: those that the org refused, and those that waited for them.

It is made from the old run's plan and the journal alone, so the source is not needed, and it is applied like any
other plan: creates are fenced, updates and roles are compared again right before they are written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from sfsync.core.costs import predicted_calls
from sfsync.core.plan import WRITES, Change, Plan
from sfsync.core.results import Outcome, RowResult
from sfsync.core.values import Pending, PlannedValue
from sfsync.engine.planning import PlanStamp

_FAILED = frozenset({Outcome.REJECTED, Outcome.BLOCKED})


def retry_plan(
    plan: Plan, results: Mapping[str, RowResult], *, codes: Collection[str], serial: int, stamp: PlanStamp
) -> Plan:
    """The rows of the plan that failed or were blocked; with `codes`, those that failed by one of these.

    A row goes along with the rows that it was blocked by. The plan is empty when there is nothing to try again.
    """
    failed = {
        each.change_id: each
        for each in plan.changes
        if each.action in WRITES and (result := results.get(each.change_id)) and result.outcome in _FAILED
    }
    chosen = set(failed) if not codes else _by_codes(failed, results, codes)
    ids = {name: result.record_id for name, result in results.items() if result.record_id is not None}
    changes = tuple(
        _with_ids(failed[name], ids)
        for name in failed
        if name in chosen and _can_go(failed[name], chosen, ids)
    )
    return replace(
        plan,
        plan_id=stamp.plan_id,
        created_at=stamp.created_at,
        serial=serial,
        changes=changes,
        notes=(),
        predicted=predicted_calls(changes, plan.routes, is_strict=plan.is_strict),
    )


def _by_codes(
    failed: Mapping[str, Change], results: Mapping[str, RowResult], codes: Collection[str]
) -> set[str]:
    """The rows that failed by one of the codes, and all that wait for one of them."""
    chosen = {name for name in failed if any(each.code in codes for each in results[name].problems)}
    while True:
        more = {
            name for name, change in failed.items() if name not in chosen and chosen & _waited_for(change)
        }
        if not more:
            return chosen
        chosen |= more


def _waited_for(change: Change) -> set[str]:
    return {*change.waits_for(), *((change.parent,) if change.parent else ())}


def _can_go(change: Change, chosen: Collection[str], ids: Mapping[str, str]) -> bool:
    """Whether everything that the row refers to is in the org or goes along with it."""
    return all(name in chosen or name in ids for name in change.waits_for())


def _with_ids(change: Change, ids: Mapping[str, str]) -> Change:
    """The change with the ids of the records that the old run made."""

    def known(value: PlannedValue) -> PlannedValue:
        return ids.get(value.change_id, value) if isinstance(value, Pending) else value

    return replace(
        change,
        desired={name: known(value) for name, value in change.desired.items()},
        values={name: known(value) for name, value in change.values.items()},
    )
