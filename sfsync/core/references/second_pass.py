"""What a plan writes only after all creates: references to records that it makes at the same time or later.

Two records that refer to each other cannot both be created first. So a record is created without such a field,
and an update of no row of its own (`Change.completes`) sets it when both are there. Records that are in the org
already need no second update: their own one waits for the second pass where it must.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeGuard

from sfsync.core.plans.plan import NEW, Action, Change
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, LEAD, OPPORTUNITY
from sfsync.core.values import Pending, PlannedValue

OPEN: Final = "SELF_REFERENCE_OPEN"
"""The code of a reference that a record was written without."""

_STEPS: Final = (ACCOUNT, CONTACT, LEAD, OPPORTUNITY, CONTACT_ROLE)
"""The order in which a run creates: leads become contacts after the others and before any deal is written."""

_HINT: Final = "Correct that row; the next run sets the reference."


def completion(change: Change, name: str, value: Pending) -> Change:
    """The update that gives a record which a row creates its reference to a record that is made later."""
    planned: dict[str, PlannedValue] = {name: value}
    return Change(
        f"complete {change.change_id} {name}",
        change.sobject,
        Action.UPDATE,
        change.key,
        change.label,
        desired=planned,
        values=planned,
        before={name: None},
        completes=change.change_id,
    )


def open_reference(change: Change, row: RowRef | None, name: str, problem: Problem) -> Change:
    """What stands in a plan for a reference that a new record goes without, and why."""
    return Change(
        f"open {change.change_id} {name}",
        change.sobject,
        Action.BLOCKED,
        change.key,
        change.label,
        problems=(replace(problem, row=row, field=name),),
        completes=change.change_id,
    )


def open_problem(name: str, by: str) -> Problem:
    """A record goes without a reference, because the record that is meant does not come to the org."""
    message = f"it is written without {name}: that refers to {by}, which was not brought to the org"
    return Problem(OPEN, Stage.PLAN, message, _HINT, field=name)


def is_second_pass(change: Change, by_id: Mapping[str, Change]) -> bool:
    """Whether an update waits until everything is created."""
    if change.action is not Action.UPDATE or change.sobject not in _STEPS:
        return False
    if change.completes is not None:
        return True
    place = _STEPS.index(change.sobject)
    waited_for = (by_id.get(each.change_id) for each in change.values.values() if isinstance(each, Pending))
    return any(_STEPS.index(each.sobject) > place for each in waited_for if each is not None)


def without_lost_ends(changes: Sequence[Change]) -> list[Change]:
    """The changes, when some that others refer to are not created after all.

    An update that refers to one is blocked; a completion goes with its record, and where it refers to one it is
    said that the record goes without.
    """
    by_id = {each.change_id: each for each in changes}
    return [kept for each in changes for kept in _kept(each, by_id)]


def _kept(change: Change, by_id: Mapping[str, Change]) -> Iterable[Change]:
    lost = {
        name: value.change_id
        for name, value in change.values.items()
        if isinstance(value, Pending) and not _comes(by_id.get(value.change_id))
    }
    if change.completes is None:
        if change.action is Action.UPDATE and lost:
            by = next(iter(lost.values()))
            message = f"refers to {by}, which is not brought to the org"
            problem = Problem("BLOCKED_BY", Stage.PLAN, message, "Correct that row first.", row=change.row)
            return [replace(change, action=Action.BLOCKED, values={}, before={}, problems=(problem,))]
        return [change]
    record = by_id.get(change.completes)
    if not _comes(record):
        return []
    return [
        open_reference(record, record.row, name, open_problem(name, by)) for name, by in lost.items()
    ] or [change]


def _comes(change: Change | None) -> TypeGuard[Change]:
    """Whether a change brings its record to the org: it is created, or it comes out of a lead."""
    return change is not None and change.action in NEW


def located(change: Change, ids: Mapping[str, str]) -> Change:
    """A completion with the id of its record, once that is known; other changes as they are."""
    if change.completes is None or change.record_id is not None:
        return change
    return replace(change, record_id=ids.get(change.completes))


def in_the_end(changes: Sequence[Change]) -> list[Change]:
    """The changes of records as they are after both passes: with what is set last, and what stays open."""
    further: dict[str, list[Change]] = {}
    for each in changes:
        further.setdefault(each.completes or "", []).append(each)
    return [_merged(each, further.get(each.change_id, ())) for each in further.get("", ())]


def _merged(change: Change, completions: Iterable[Change]) -> Change:
    for each in completions:
        change = replace(
            change,
            values={**change.values, **each.values},
            desired={**change.desired, **each.desired},
            problems=(*change.problems, *each.problems),
        )
    return change
