"""What applying a plan costs in API calls when nothing fails, and how many creates go by which route.

Computed by packing the plan's own units, so the prediction and the work are one piece of code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfsync.core.deals.leads import convert_calls, lead_unit
from sfsync.core.plan import Action, Change, PredictedCalls
from sfsync.core.references.second_pass import is_second_pass
from sfsync.core.sending.batches import Unit, create_calls, graph_calls, update_batches
from sfsync.core.sending.units import Routes, deal_units, delete_units, record_units, role_units
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, LEAD, OPPORTUNITY, WRITE_ORDER
from sfsync.core.writes import CollectionCall, Route

JOB_WRITES: Final = 3
JOB_READS: Final = 2
"""One poll and the file of what was saved; its numbers prove the others empty when nothing failed."""

_BROUGHT: Final = frozenset({Action.CREATE, Action.UPDATE, Action.CONVERT})

LEAD_READS: Final = 3
"""The leads before and after their conversion, and the deals that came out of them."""

_PARENTS: Final = frozenset({ACCOUNT, CONTACT})
"""What an undo deletes only after a look whether anything belongs to it."""

ROWS_PER_READ: Final = 10_000
"""Rows that one composite of five queries brings. Source: REST API Developer Guide, 2,000 rows a page."""


def predicted_calls(changes: Sequence[Change], routes: Routes, *, is_strict: bool) -> PredictedCalls:
    """Reads and writes of an apply; each batch of updates is read again first, so are parents to be made,
    and all is read back.

    What a collection of several rows has made is read by its ids, to see whose they are.
    """
    reads, writes = 0, 0
    by_id = {each.change_id: each for each in changes}
    last = {each.change_id for each in changes if is_second_pass(each, by_id)}
    for sobject in WRITE_ORDER[:-1]:
        creates = _of(changes, sobject, Action.CREATE)
        updates = [each for each in _of(changes, sobject, Action.UPDATE) if each.change_id not in last]
        is_deal = sobject == OPPORTUNITY
        reads += any(each.found_by for each in creates)  # whether somebody has made them meanwhile
        if routes.get(sobject) is Route.JOB_FENCE:
            reads, writes = _with_job(creates, reads, writes)
            creates = []
        units = deal_units(creates, changes, routes) if is_deal else record_units(creates, routes)
        calls = [call for call, _ in create_calls(units)]
        reads += sum(1 for call in calls if isinstance(call, CollectionCall) and len(call.nodes()) > 1)
        writes += len(calls)
        update_calls = sum(1 for _ in update_batches(record_units(updates, routes), is_strict=is_strict))
        reads += update_calls
        writes += update_calls
    leads = _of(changes, LEAD, Action.CONVERT)
    if leads:
        landed = record_units(_of(changes, OPPORTUNITY, Action.CONVERT), routes)
        reads += LEAD_READS
        writes += sum(1 for _ in convert_calls([lead_unit(each) for each in leads]))
        writes += sum(1 for _ in update_batches(landed, is_strict=is_strict))
    deletions = delete_units(_of(changes, OPPORTUNITY, Action.DELETE))
    reads += min(1, len(deletions))
    writes += sum(1 for _ in graph_calls(deletions))
    units = _units_of_roles(changes, routes)
    by_job = [unit for unit in units if unit.route is Route.JOB_FENCE]
    role_calls = sum(1 for _ in graph_calls([unit for unit in units if unit.route is not Route.JOB_FENCE]))
    reads, writes = _with_job(by_job, reads + role_calls, writes + role_calls)
    further = _second_pass_calls(
        [each for each in changes if each.change_id in last], routes, is_strict=is_strict
    )
    return PredictedCalls(reads + further + _read_back(changes), writes + further)


def _second_pass_calls(changes: Sequence[Change], routes: Routes, *, is_strict: bool) -> int:
    """How many calls write what waits for all creates; each is preceded by one that reads."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for each in changes:
        name = next(iter(each.values)) if each.completes is not None else ""
        groups.setdefault((each.sobject, name), []).append(each)
    return sum(
        1
        for (_, name), group in groups.items()
        for _ in update_batches(record_units(group, routes), is_strict=is_strict and not name)
    )


def undo_calls(changes: Sequence[Change], routes: Routes, *, is_strict: bool) -> PredictedCalls:
    """Reads and writes of an undo: deleted roles go in again, then each sObject's updates and deletions."""
    inserts = _of(changes, CONTACT_ROLE, Action.CREATE)
    reads, writes = 0, sum(1 for _ in graph_calls(role_units(inserts, routes)))
    for sobject in WRITE_ORDER:
        updates = record_units(_of(changes, sobject, Action.UPDATE), routes)
        update_calls = sum(1 for _ in update_batches(updates, is_strict=is_strict))
        deletions = delete_units(_of(changes, sobject, Action.DELETE))
        reads += update_calls + (bool(deletions) and sobject in _PARENTS)
        writes += update_calls + sum(1 for _ in graph_calls(deletions))
    return PredictedCalls(reads + _read_back(changes), writes)


def _with_job(rows: Sequence[object], reads: int, writes: int) -> tuple[int, int]:
    """With what one bulk job costs: to make, fill and close it, and to ask once and read one file."""
    return (reads + JOB_READS, writes + JOB_WRITES) if rows else (reads, writes)


def _of(changes: Sequence[Change], sobject: str, action: Action) -> list[Change]:
    return [each for each in changes if each.sobject == sobject and each.action is action]


def _read_back(changes: Sequence[Change]) -> int:
    written = [each for each in changes if each.action in _BROUGHT and each.sobject != LEAD]
    return -(-len(written) // ROWS_PER_READ)


def creates_by_route(changes: Sequence[Change], routes: Routes) -> dict[str, dict[str, int]]:
    """How many creates of each sObject take which route; the roles of a new deal take their deal's.

    Where new deals go by a job, their roles follow when the deals are there, like those of deals that exist.
    """
    apart = {node.change_id: unit.route for unit in _units_of_roles(changes, routes) for node in unit.nodes}
    counted: dict[str, dict[str, int]] = {}
    for each in changes:
        if each.action is not Action.CREATE:
            continue
        by_deal = routes[OPPORTUNITY if each.sobject == CONTACT_ROLE else each.sobject]
        route = apart.get(each.change_id, by_deal)
        of_sobject = counted.setdefault(each.sobject, {})
        of_sobject[route.value] = of_sobject.get(route.value, 0) + 1
    return counted


def _units_of_roles(changes: Sequence[Change], routes: Routes) -> list[Unit]:
    """The units of roles that do not go in one request with their deal."""
    if routes.get(OPPORTUNITY) is Route.JOB_FENCE:
        return role_units(_of_roles(changes), routes)
    return role_units(changes, routes)


def _of_roles(changes: Sequence[Change]) -> list[Change]:
    return [each for each in changes if each.sobject == CONTACT_ROLE]
