"""Which records of a run an undo may delete: those on which nothing depends but what goes along or leaves first.

A deletion takes the children of an account or contact along, also those that somebody else has added. So there are
two looks: one for the plan, which says what stays, and one right before the deletion, when what the undo itself
gives back or deletes is done. An account that the run made for a deal that was there goes when the deal has its old
account again; where the deal does not go back, neither does the account.
Source: cascadeDelete of the describes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Lookup
from sfsync.core.records import full_id
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, record_id
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.undoing.later_runs import PREFIX
from sfsync.engine.undoing.undo_state import Undo

CHILDREN: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    ACCOUNT: ((OPPORTUNITY, "AccountId"), (CONTACT, "AccountId")),
    CONTACT: ((CONTACT_ROLE, "ContactId"),),
}
"""What would go along with a deleted record, or lose its reference."""

_LOOKUPS: Final = frozenset(name for children in CHILDREN.values() for _, name in children)


def delete_childless(undo: Undo, sobject: str, changes: Sequence[Change]) -> None:
    """Plans the deletion of records on which nothing depends but what is deleted with them or leaves them first."""
    going = {each.record_id for each in undo.changes if each.action is Action.DELETE}
    ids = {undo.record_id(each): each for each in changes}
    children = CHILDREN.get(sobject, ())
    if sobject == OPPORTUNITY and undo.later:
        children = ((CONTACT_ROLE, "OpportunityId"),)  # they go with their deal, but not those of later runs
    lookups = [Lookup(child, ("Id", name), name, tuple(ids)) for child, name in children if ids]
    kept: set[str] = set()
    for lookup, records in zip(lookups, undo.gateway.fetch(lookups) if lookups else [], strict=True):
        name = lookup.where_field or ""
        own = going | _own_roles(undo, lookup.sobject) | _leaving(undo, name)
        own |= undo.elsewhere.from_field(name)
        for record in records:
            parent, child = (record_id(str(record[each])) or "" for each in (name, "Id"))
            if child in undo.later if sobject == OPPORTUNITY else child not in own:
                kept.add(parent)
    for found, change in ids.items():
        if found in kept:
            undo.leave(change, "other records belong to it by now")
        else:
            undo.changes.append(_deletion(change, found))


def _leaving(undo: Undo, name: str) -> set[str | None]:
    """The records that the undo gives their old value of a lookup: the run gave them the one that they have."""
    return {each.record_id for each in undo.changes if each.action is Action.UPDATE and name in each.values}


def _own_roles(undo: Undo, sobject: str) -> set[str]:
    """The roles that go with the deals of this run; their deals are among those to be deleted."""
    if sobject != CONTACT_ROLE:
        return set()
    deleted = {each.change_id.removeprefix(PREFIX) for each in undo.changes if each.action is Action.DELETE}
    return {
        undo.results[each.change_id].record_id or ""
        for each in undo.plan.changes
        if each.sobject == CONTACT_ROLE and each.parent in deleted and each.change_id in undo.results
    }


def note_going(undo: Undo) -> None:
    """Adds what this undo does to what the portions do that are taken back before others."""
    going = undo.elsewhere
    for each in undo.changes:
        if each.action is Action.DELETE and each.record_id is not None:
            going.deleted.add(each.record_id)
        for name in _LOOKUPS & each.values.keys() if each.action is Action.UPDATE else ():
            going.leaving.setdefault(name, set()).add(each.record_id or "")
    going.deleted |= _own_roles(undo, CONTACT_ROLE)


def _deletion(change: Change, found: str) -> Change:
    return replace(
        change,
        change_id=PREFIX + change.change_id,
        action=Action.DELETE,
        row=None,
        record_id=found,
        values={},
        desired={},
    )


def keep_parents(state: RunState, sobject: str) -> None:
    """Settles the deletions of records that have children after all: they stay.

    One read for an sObject whose deletions take others along. What the undo deletes or gives back is done by now.
    """
    deletions = {each.record_id or "": each for each in state.waiting(sobject, Action.DELETE)}
    children = CHILDREN.get(sobject, ())
    if not deletions or not children:
        return
    lookups = [Lookup(child, ("Id", name), name, tuple(deletions)) for child, name in children]
    kept: dict[str, str] = {}
    for lookup, records in zip(lookups, state.gateway.fetch(lookups), strict=True):
        for record in records:
            parent = record_id(str(record[lookup.where_field or ""])) or ""
            kept.setdefault(parent, f"{lookup.sobject} {full_id(record)}")
    state.settle(_kept(deletions[each], child) for each, child in kept.items() if each in deletions)


def _kept(change: Change, child: str) -> RowResult:
    message = f"it was not deleted, because {child} belongs to it and would go along"
    hint = "Undo again when that has another parent, or delete it by hand."
    problem = Problem("HAS_DEPENDENTS", Stage.ORG, message, hint, row=change.row)
    return RowResult(change.change_id, Outcome.CONFLICT, change.record_id, (problem,))
