"""Deletes records: compared once more, then deleted by id; a deletion may be repeated, because it ends the same.

A deal whose row vanished from the source is deleted only while it holds what the plan saw of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.core.diff import held
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Lookup
from sfsync.core.records import full_id
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import Unit, graph_calls
from sfsync.core.sending.units import delete_units
from sfsync.core.sobject import OPPORTUNITY, record_id
from sfsync.core.values import is_same
from sfsync.engine.applying.in_doubt.settling import unknown
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import MOST_TRIES, Doubt, send_units


def delete_vanished(state: RunState) -> None:
    """Deletes the deals whose rows vanished and that nobody has changed since the plan was made."""
    changes = state.waiting(OPPORTUNITY, Action.DELETE)
    if not changes:
        return
    names = dict.fromkeys(name for each in changes for name in each.before)
    ids = tuple(each.record_id or "" for each in changes)
    [records] = state.gateway.fetch([Lookup(OPPORTUNITY, tuple(dict.fromkeys(("Id", *names))), "Id", ids)])
    there = {full_id(each): each for each in records}
    describe = state.gateway.describe(OPPORTUNITY)
    ends = []
    for change in changes:
        record = there.get(change.record_id or "")
        if record is None:
            ends.append(RowResult(change.change_id, Outcome.DELETED, change.record_id))
            continue
        now = held(describe, record, change.before)
        if not all(is_same(change.before[name], now[name]) for name in change.before):
            ends.append(_conflict(change))
    state.settle(ends)
    delete_records(state, [each for each in changes if each.change_id not in state.results])


def _conflict(change: Change) -> RowResult:
    message = "the record was changed in the org since the plan was made"
    hint = "Nothing was touched; run the job again to plan it anew."
    problem = Problem("CHANGED_IN_ORG", Stage.ORG, message, hint, row=change.row)
    return RowResult(change.change_id, Outcome.CONFLICT, change.record_id, (problem,))


def delete_records(state: RunState, changes: Sequence[Change]) -> None:
    """Deletes the records; what is gone by itself is done, and a lost answer is looked up."""
    units = delete_units(changes)
    for _ in range(MOST_TRIES):
        doubts = send_units(state, units, graph_calls) if units else []
        if not doubts:
            return
        units = _still_there(state, doubts)
    state.settle(unknown(state.by_id[unit.unit_id]) for unit in units)


def settle_lost_deletions(state: RunState, changes: Sequence[Change]) -> None:
    """Deletions that a process which died may have sent: done where the record is gone, else to be planned again.

    Were they not settled, the journal would remember a record that is gone, and its row could never come back.
    """
    for sobject in dict.fromkeys(each.sobject for each in changes):
        deletions = [each for each in changes if each.sobject == sobject and each.record_id]
        ids = tuple(each.record_id or "" for each in deletions)
        [records] = state.gateway.fetch([Lookup(sobject, ("Id",), "Id", ids)])
        there = {full_id(each) for each in records}
        gone = [each for each in deletions if each.record_id not in there]
        state.settle(RowResult(each.change_id, Outcome.DELETED, each.record_id) for each in gone)


def _still_there(state: RunState, doubts: Sequence[Doubt]) -> list[Unit]:
    """The units whose record is in the org yet; the others are done, and a deletion may be repeated."""
    by_id = {doubt.unit.nodes[0].record_id or "": doubt.unit for doubt in doubts}
    sobject = state.by_id[doubts[0].unit.unit_id].sobject
    [records] = state.gateway.fetch([Lookup(sobject, ("Id",), "Id", tuple(by_id))])
    there = {record_id(str(record["Id"])) for record in records}
    gone = [unit for found, unit in by_id.items() if found not in there]
    state.settle(RowResult(unit.unit_id, Outcome.DELETED, unit.nodes[0].record_id) for unit in gone)
    return [unit for found, unit in by_id.items() if found in there]
