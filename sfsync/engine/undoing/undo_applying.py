"""Applies the plan of an undo: fields back to their old values, deleted roles in again, created records out.

Roles and deals go before the contacts and accounts that they refer to, and updates before deletions, so that a deal
has its old account again before the one that the run made goes. Nothing is reconciled here as a sync does
it: each record is compared once more before it is written. What gives a deal's primary flag back goes in one
all-or-nothing request: the flag is taken away first and given last, so that it ends the same whether the org
demotes the old primary contact by itself, accepts a second one or refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.contact_roles.roles import moves_flag
from sfsync.core.diff import held
from sfsync.core.plans.plan import PLANNED_OUTCOME, WRITES, Action, Change
from sfsync.core.ports import Record
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import Unit, graph_calls
from sfsync.core.sending.units import role_units
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.values import is_same
from sfsync.core.writes import Route
from sfsync.engine.applying.deleting import delete_records
from sfsync.engine.applying.in_doubt.receipts import NotSaved, Saved, answers_lost, burn
from sfsync.engine.applying.in_doubt.settling import unknown
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import MOST_TRIES, Doubt, flag_kept, send_units
from sfsync.engine.applying.updating import apply_updates
from sfsync.engine.planning.role_planning import OWN_FIELDS, roles_lookup
from sfsync.engine.undoing.dependents import keep_parents

_ORDER: Final = (CONTACT_ROLE, OPPORTUNITY, CONTACT, ACCOUNT)


def apply_undo(state: RunState) -> None:
    """Writes what the plan says and forgets what is not there any more."""
    _write_roles(state)
    for sobject in _ORDER:
        apply_updates(state, sobject)
        keep_parents(state, sobject)
        delete_records(state, state.waiting(sobject, Action.DELETE))
    forget_deleted(state)


def settle_undone(state: RunState, doubted: Sequence[Change]) -> None:
    """Settles the roles that an undo which was cut off was writing; what surely is not saved goes again.

    Its other changes are about single records, which are compared once more before they are written.
    """
    units = role_units([each for each in doubted if _goes_with_deal(each)], state.plan.routes, state.ids)
    left = _not_saved(state, [Doubt(unit, is_ambiguous=True) for unit in units])
    state.release([node.change_id for unit in left for node in unit.nodes], "NOT_SAVED")


def _goes_with_deal(change: Change) -> bool:
    """Whether a role goes in one request with the others of its deal: it is inserted, or the flag moves."""
    return change.action is Action.CREATE or moves_flag(change)


def _write_roles(state: RunState) -> None:
    """Inserts roles that the run had deleted and gives flags back; a lost answer is settled by the receipt.

    Without a receipt, inserts are left to a person, and what goes by ids alone is compared and sent again.
    """
    for tries in range(MOST_TRIES):
        units = role_units(_as_planned(state), state.plan.routes, state.ids)
        units = [replace(each, tries=tries) for each in units]
        doubts = send_units(state, units, graph_calls) if units else []
        if not _not_saved(state, doubts):
            return
    raise answers_lost()


def _as_planned(state: RunState) -> list[Change]:
    """The changes that go with their deals and are still to be sent, by a fresh reading of those deals."""
    waiting = [each for action in WRITES for each in state.waiting(CONTACT_ROLE, action)]
    together = [each for each in waiting if _goes_with_deal(each)]
    flags: dict[str, list[Change]] = {}
    for each in together:
        if moves_flag(each):
            flags.setdefault(str(each.desired["OpportunityId"]), []).append(each)
    if not flags:
        return together
    further = {name for changes in flags.values() for each in changes for name in each.before} - OWN_FIELDS
    [records] = state.gateway.fetch([roles_lookup(flags, further)])
    there: dict[str, list[Record]] = {}
    for record in records:
        there.setdefault(str(record["OpportunityId"]), []).append(record)
    ends = (_compared(state, changes, there.get(deal_id, [])) for deal_id, changes in flags.items())
    state.settle([end for of_deal in ends for end in of_deal])
    return [each for each in together if each.change_id not in state.results]


def _compared(state: RunState, changes: Sequence[Change], records: Sequence[Record]) -> list[RowResult]:
    """The results of flag changes of one deal that are done already, or must not be sent any more."""
    by_id = {str(each["Id"]): each for each in records}
    ends = {each.change_id: _end(state, each, by_id.get(each.record_id or "")) for each in changes}
    done = [each for each in ends.values() if each is not None]
    own = {str(by_id.get(each.record_id or "", each.values).get("ContactId")) for each in changes}
    gives_back = any(
        each.action is not Action.DELETE and each.values["IsPrimary"] is True for each in changes
    )
    if gives_back and any(each["IsPrimary"] and each["ContactId"] not in own for each in records):
        return [
            _conflict(each, "another contact was made primary since the plan was made") for each in changes
        ]
    if any(each.outcome is Outcome.CONFLICT for each in done):
        message = (
            "another role that the primary flag moves with was changed in the org since the plan was made"
        )
        return done + [_conflict(each, message) for each in changes if ends[each.change_id] is None]
    return done


def _end(state: RunState, change: Change, record: Record | None) -> RowResult | None:
    """The result of one flag change by what the org holds, or None when it is still to be sent."""
    if change.action is Action.CREATE:
        return None
    if change.action is Action.DELETE:
        is_gone = record is None
        return RowResult(change.change_id, Outcome.DELETED, change.record_id) if is_gone else None
    if record is None:
        return _conflict(change, "the role is no longer in the org")
    now = held(state.gateway.describe(CONTACT_ROLE), record, change.before)
    if all(is_same(change.before[name], now[name]) for name in change.before):
        return None
    if all(is_same(value, now[name]) for name, value in change.values.items()):
        return RowResult(change.change_id, Outcome.UPDATED, change.record_id)
    return _conflict(change, "the role was changed in the org since the plan was made")


def _conflict(change: Change, message: str) -> RowResult:
    problem = Problem(
        "CHANGED_IN_ORG", Stage.ORG, message, "Nothing was touched; undo again.", row=change.row
    )
    return RowResult(change.change_id, Outcome.CONFLICT, change.record_id, (problem,))


def _not_saved(state: RunState, doubts: Sequence[Doubt]) -> list[Unit]:
    """The units that may go again; of the others the receipt or nobody knows, and they end here."""
    fenced = [each for each in doubts if each.unit.unit_id in state.tokens]
    standings = burn(state, [each.unit.unit_id for each in fenced])
    again: list[Unit] = []
    for doubt in doubts:
        unit = doubt.unit
        changes = [state.by_id[node.change_id] for node in unit.nodes]
        match standings.get(unit.unit_id):
            case NotSaved():
                again.append(unit)
            case Saved():
                _settle_saved(state, changes)
            case None if unit.route is Route.BY_ID:
                again.append(unit)
            case _:
                state.settle(_left_to_a_person(each) for each in changes)
    return again


def _left_to_a_person(change: Change) -> RowResult:
    """The result of a role of which nobody can say, or of one that goes only with such a role."""
    if change.action is Action.CREATE:
        return unknown(change)
    return flag_kept(change, "nobody can say whether a role that goes with it was saved")


def _settle_saved(state: RunState, changes: Sequence[Change]) -> None:
    """Settles what a receipt proves; roles get the ids that they have in the org, each role's id once."""
    inserts = [each for each in changes if each.action is Action.CREATE]
    state.settle(
        RowResult(each.change_id, PLANNED_OUTCOME[each.action], each.record_id)
        for each in changes
        if each not in inserts
    )
    deals = [str(each.values["OpportunityId"]) for each in inserts]
    [records] = state.gateway.fetch([roles_lookup(deals, ())]) if deals else [[]]
    found: dict[tuple[str, str, str], list[str]] = {}
    for record in records:
        found.setdefault(_same(record), []).append(str(record["Id"]))
    for change in inserts:
        ids = found.get(_same(change.values), [])
        state.settle([RowResult(change.change_id, Outcome.CREATED, ids.pop() if ids else None)])


def _same(role: Mapping[str, object]) -> tuple[str, str, str]:
    return str(role.get("OpportunityId")), str(role.get("ContactId")), str(role.get("Role") or "")


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
