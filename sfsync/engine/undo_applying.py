"""Applies the plan of an undo: fields back to their old values, deleted roles in again, created records out.

Roles and deals go before the contacts and accounts that they refer to. Nothing is reconciled here as a sync does
it: each change is about one record, which is compared once more before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.batches import Unit, graph_calls
from sfsync.core.plan import Action, Change
from sfsync.core.ports import Lookup
from sfsync.core.results import Outcome, RowResult
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, record_id
from sfsync.core.units import delete_units, role_units
from sfsync.engine.receipts import NotSaved, Saved, answers_lost, burn
from sfsync.engine.role_planning import roles_lookup
from sfsync.engine.run_state import RunState
from sfsync.engine.sending import MOST_TRIES, Doubt, send_units
from sfsync.engine.settling import unknown
from sfsync.engine.updating import apply_updates

_ORDER: Final = (CONTACT_ROLE, OPPORTUNITY, CONTACT, ACCOUNT)


def apply_undo(state: RunState) -> None:
    """Writes what the plan says and forgets what is not there any more."""
    _insert_roles(state)
    for sobject in _ORDER:
        apply_updates(state, sobject)
        _delete(state, state.waiting(sobject, Action.DELETE))
    forget_deleted(state)


def settle_undone(state: RunState, doubted: Sequence[Change]) -> None:
    """Settles roles that an undo which was cut off was inserting; what surely is not there goes again.

    Its other changes are about single records, which are compared once more before they are written.
    """
    inserts = [each for each in doubted if each.action is Action.CREATE]
    units = role_units(inserts, state.plan.routes, state.ids)
    left = _not_saved(state, [Doubt(unit, is_ambiguous=True) for unit in units])
    state.release([node.change_id for unit in left for node in unit.nodes], "NOT_SAVED")


def _insert_roles(state: RunState) -> None:
    """Inserts roles that the run had deleted; a lost answer is settled by the receipt, else left to a person."""
    units = role_units(state.waiting(CONTACT_ROLE, Action.CREATE), state.plan.routes, state.ids)
    for _ in range(MOST_TRIES):
        doubts = send_units(state, units, graph_calls) if units else []
        units = _not_saved(state, doubts)
        if not units:
            return
    raise answers_lost()


def _not_saved(state: RunState, doubts: Sequence[Doubt]) -> list[Unit]:
    """The units of which nothing is in the org; of the others the receipt or nobody knows, and they end here."""
    fenced = [each for each in doubts if each.unit.unit_id in state.tokens]
    standings = burn(state, [each.unit.unit_id for each in fenced])
    again: list[Unit] = []
    for doubt in doubts:
        unit = doubt.unit
        match standings.get(unit.unit_id):
            case NotSaved():
                again.append(replace(unit, tries=unit.tries + 1))
            case Saved():
                _settle_saved(state, [state.by_id[node.change_id] for node in unit.nodes])
            case _:
                state.settle(unknown(state.by_id[node.change_id]) for node in unit.nodes)
    return again


def _settle_saved(state: RunState, changes: Sequence[Change]) -> None:
    """Gives roles that a receipt proves the ids that they have in the org; each role's id is taken once."""
    deals = [str(each.values["OpportunityId"]) for each in changes]
    [records] = state.gateway.fetch([roles_lookup(deals, ())])
    found: dict[tuple[str, str, str], list[str]] = {}
    for record in records:
        found.setdefault(_same(record), []).append(str(record["Id"]))
    for change in changes:
        ids = found.get(_same(change.values), [])
        state.settle([RowResult(change.change_id, Outcome.CREATED, ids.pop() if ids else None)])


def _same(role: Mapping[str, object]) -> tuple[str, str, str]:
    return str(role.get("OpportunityId")), str(role.get("ContactId")), str(role.get("Role") or "")


def _delete(state: RunState, changes: Sequence[Change]) -> None:
    units = delete_units(changes)
    for _ in range(MOST_TRIES):
        doubts = send_units(state, units, graph_calls) if units else []
        if not doubts:
            return
        units = _still_there(state, doubts)
    state.settle(unknown(state.by_id[unit.unit_id]) for unit in units)


def _still_there(state: RunState, doubts: Sequence[Doubt]) -> list[Unit]:
    """The units whose record is in the org yet; the others are done, and a deletion may be repeated."""
    by_id = {doubt.unit.nodes[0].record_id or "": doubt.unit for doubt in doubts}
    sobject = state.by_id[doubts[0].unit.unit_id].sobject
    [records] = state.gateway.fetch([Lookup(sobject, ("Id",), "Id", tuple(by_id))])
    there = {record_id(str(record["Id"])) for record in records}
    gone = [unit for found, unit in by_id.items() if found not in there]
    state.settle(RowResult(unit.unit_id, Outcome.DELETED, unit.nodes[0].record_id) for unit in gone)
    return [unit for found, unit in by_id.items() if found in there]


def forget_deleted(state: RunState) -> None:
    """Takes deleted records out of the ledger, so that their rows may be brought to the org again."""
    for sobject in _ORDER:
        deleted = [
            each.record_id
            for each in state.plan.changes
            if each.sobject == sobject
            and each.record_id is not None
            and (result := state.results.get(each.change_id)) is not None
            and result.outcome is Outcome.DELETED
        ]
        state.journal.drop_ledger(state.plan.org.org_id, sobject, deleted)
