"""A plan that takes back what a run did: created records are deleted, changed fields get their old values back.

What a person or an automation has touched since is left alone, and so is a record on which others depend by now;
everything that is left, and everything that cannot be taken back, is said by name. What is as it was before the
run, by an earlier undo or by a person, is not written again. The plan is shown and applied like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.costs import undo_calls
from sfsync.core.diff import held
from sfsync.core.keys import ledger_key
from sfsync.core.plan import Action, Change, Plan
from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.results import Outcome, Problem, RowResult, Stage
from sfsync.core.roles import role_key
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, WRITE_ORDER, record_id
from sfsync.core.values import PlannedValue, Value, is_same
from sfsync.engine.planning import PlanStamp
from sfsync.engine.role_applying import deal_ids
from sfsync.engine.role_planning import roles_lookup

CHILDREN: Final = {
    ACCOUNT: ((OPPORTUNITY, "AccountId"), (CONTACT, "AccountId")),
    CONTACT: ((CONTACT_ROLE, "ContactId"),),
}
"""What would go along with a deleted record, or lose its reference. Source: cascadeDelete of the describes."""

_AUDIT: Final = ("Id", "CreatedById", "LastModifiedById")


@dataclass(slots=True)
class _Undo:
    plan: Plan
    results: Mapping[str, RowResult]
    gateway: OrgGateway
    ledger: Mapping[str, LedgerEntry]
    doubtful: frozenset[str]
    changes: list[Change] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def leave(self, change: Change, why: str, *, code: str = "NOT_UNDONE") -> None:
        """Says that something stays as it is, and why."""
        message = f"{change.sobject} {change.label or change.key}: {why}"
        self.notes.append(Problem(code, Stage.PLAN, message, row=change.row, value=change.key))

    def is_done(self, change: Change, what: str) -> None:
        """Says that something is as it was before the run already."""
        self.leave(change, what, code="ALREADY_UNDONE")


def undo_plan(
    plan: Plan,
    results: Mapping[str, RowResult],
    *,
    gateway: OrgGateway,
    journal: Journal,
    stamp: PlanStamp,
) -> Plan:
    """What takes the run of that plan back; its notes name what stays."""
    done = [each for each in plan.changes if _was_written(results.get(each.change_id))]
    unsettled = journal.open_changes(plan.job, plan.org.org_id)
    doubtful = frozenset(record.change_id for _, record in unsettled)
    undo = _Undo(plan, results, gateway, _ledger_of(plan, done, results, journal), doubtful)
    for sobject in reversed(WRITE_ORDER):
        of_sobject = [each for each in done if each.sobject == sobject]
        _undo_sobject(undo, sobject, of_sobject, done)
    for change in plan.changes:
        result = results.get(change.change_id)
        if result is not None and result.outcome is Outcome.UNKNOWN:
            undo.leave(change, "nobody can say whether the run saved it")
    changes = tuple(undo.changes)
    return replace(
        plan,
        plan_id=stamp.plan_id,
        created_at=stamp.created_at,
        serial=journal.serial(plan.job, plan.org.org_id),
        changes=changes,
        notes=tuple(undo.notes),
        undoes=plan.plan_id,
        predicted=undo_calls(changes, plan.routes, is_strict=plan.is_strict),
    )


def _was_written(result: RowResult | None) -> bool:
    return result is not None and result.outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED)


def _ledger_of(
    plan: Plan, done: Sequence[Change], results: Mapping[str, RowResult], journal: Journal
) -> dict[str, LedgerEntry]:
    """What the org held after the run, by change id."""
    entries: dict[str, LedgerEntry] = {}
    for sobject in WRITE_ORDER:
        names = {_ledger_name(plan, each, results): each for each in done if each.sobject == sobject}
        found = journal.ledger(plan.org.org_id, sobject, names)
        entries |= {names[name].change_id: entry for name, entry in found.items()}
    return entries


def _ledger_name(plan: Plan, change: Change, results: Mapping[str, RowResult]) -> str:
    if change.sobject != CONTACT_ROLE:
        return ledger_key(plan.job, change.key, key_field=plan.key_fields.get(change.sobject))
    ids = {name: each.record_id for name, each in results.items() if each.record_id}
    deal, contact = (_resolved(change.desired.get(name), ids) for name in ("OpportunityId", "ContactId"))
    role = change.desired.get("Role")
    return role_key(str(deal), str(contact), role if isinstance(role, str) else None)


def _resolved(value: PlannedValue, ids: Mapping[str, str]) -> PlannedValue:
    return ids.get(getattr(value, "change_id", ""), value)


def _undo_sobject(undo: _Undo, sobject: str, changes: Sequence[Change], done: Sequence[Change]) -> None:
    gone_with_deal = {
        each.change_id for each in done if each.sobject == OPPORTUNITY and each.action is Action.CREATE
    }
    own = [each for each in changes if each.action is not Action.DELETE and each.parent not in gone_with_deal]
    records = _records(undo, sobject, own)
    deletable: list[Change] = []
    for change in own:
        record = records.get(_record_id(undo, change))
        if record is None and change.action is Action.CREATE:
            undo.is_done(change, "it is not in the org any more")
        elif record is None:
            undo.leave(change, "it is not in the org any more")
        elif change.action is Action.UPDATE and _has_old_values(undo, change, record):
            undo.is_done(change, "it has its old values")
        elif _is_touched(undo, change, record):
            undo.leave(change, "somebody has touched it since")
        elif change.action is Action.CREATE:
            deletable.append(change)
        else:
            undo.changes.append(_restored(undo, change))
    _delete_childless(undo, sobject, deletable)
    _insert_missing(undo, [each for each in changes if each.action is Action.DELETE])


def _record_id(undo: _Undo, change: Change) -> str:
    result = undo.results[change.change_id]
    return result.record_id or change.record_id or ""


def _records(undo: _Undo, sobject: str, changes: Sequence[Change]) -> dict[str, Record]:
    ids = tuple(_record_id(undo, each) for each in changes)
    if not ids:
        return {}
    names = dict.fromkeys((*_AUDIT, *(name for each in changes for name in (*each.desired, *each.before))))
    [records] = undo.gateway.fetch([Lookup(sobject, tuple(names), "Id", ids)])
    return {record_id(str(each["Id"])) or "": each for each in records}


def _has_old_values(undo: _Undo, change: Change, record: Record) -> bool:
    """Whether the record holds what it held before the run."""
    now = held(undo.gateway.describe(change.sobject), record, change.before)
    return all(is_same(value, now[name]) for name, value in change.before.items())


def _is_touched(undo: _Undo, change: Change, record: Record) -> bool:
    """Whether the record differs from what the run left, or was last modified by another user than made it."""
    entry = undo.ledger.get(change.change_id)
    if entry is None:
        return True
    now = held(undo.gateway.describe(change.sobject), record, entry.seen)
    is_as_left = all(is_same(entry.seen[name], now[name]) for name in entry.seen)
    is_others = change.action is Action.CREATE and record.get("LastModifiedById") != record.get("CreatedById")
    return is_others or not is_as_left


def _delete_childless(undo: _Undo, sobject: str, changes: Sequence[Change]) -> None:
    """Plans the deletion of records on which nothing depends but what is deleted with them."""
    going = {each.record_id for each in undo.changes if each.action is Action.DELETE}
    ids = {_record_id(undo, each): each for each in changes}
    lookups = [
        Lookup(child, ("Id", name), name, tuple(ids)) for child, name in CHILDREN.get(sobject, ()) if ids
    ]
    kept: set[str] = set()
    for lookup, records in zip(lookups, undo.gateway.fetch(lookups) if lookups else [], strict=True):
        names = (lookup.where_field or "", "Id")
        for record in records:
            parent, child = (record_id(str(record[name])) or "" for name in names)
            if child not in going and child not in _own_roles(undo, lookup.sobject):
                kept.add(parent)
    for found, change in ids.items():
        if found in kept:
            undo.leave(change, "other records belong to it by now")
        else:
            undo.changes.append(_deletion(change, found))


def _own_roles(undo: _Undo, sobject: str) -> set[str]:
    """The roles that go with the deals of this run; their deals are among those to be deleted."""
    if sobject != CONTACT_ROLE:
        return set()
    deleted = {each.change_id.removeprefix(_PREFIX) for each in undo.changes if each.action is Action.DELETE}
    return {
        undo.results[each.change_id].record_id or ""
        for each in undo.plan.changes
        if each.sobject == CONTACT_ROLE and each.parent in deleted and each.change_id in undo.results
    }


_PREFIX: Final = "undo "


def _deletion(change: Change, found: str) -> Change:
    return replace(
        change,
        change_id=_PREFIX + change.change_id,
        action=Action.DELETE,
        row=None,
        record_id=found,
        values={},
        desired={},
    )


def _restored(undo: _Undo, change: Change) -> Change:
    """The fields that the run changed, with the values that they had before."""
    entry = undo.ledger[change.change_id]
    values: dict[str, PlannedValue] = dict(change.before)
    before: dict[str, Value] = {name: entry.seen[name] for name in change.before if name in entry.seen}
    desired = {name: values.get(name, value) for name, value in change.desired.items()}
    return replace(
        change, change_id=_PREFIX + change.change_id, values=values, before=before, desired=desired
    )


def _insert_missing(undo: _Undo, deleted: Sequence[Change]) -> None:
    """Plans deleted roles to be inserted again, but for those that their deals have again.

    A role of which nobody can say whether an earlier undo inserted it is left to a person.
    """
    ids = {each.change_id: each.record_id for each in undo.plan.changes if each.record_id}
    deals = ids | deal_ids(undo.plan.changes, ids)
    anew = {each.change_id: _inserted_anew(each, deals.get(each.parent or "", "")) for each in deleted}
    there = _added_since(undo, anew.values())
    for change in deleted:
        insert = anew[change.change_id]
        name = _role_name(insert.values)
        if there[name]:
            there[name] -= 1
            undo.is_done(change, "the deal has the role again")
        elif insert.change_id in undo.doubtful:
            undo.leave(change, "nobody can say whether an earlier undo inserted it again")
        else:
            undo.changes.append(insert)


def _added_since(undo: _Undo, inserts: Iterable[Change]) -> Counter[str]:
    """The roles that the deals of the inserts have and did not have when the run was over, counted by name."""
    deals = [str(each.values["OpportunityId"]) for each in inserts]
    if not deals:
        return Counter()
    kept = [each for each in undo.plan.changes if each.action is not Action.DELETE]
    known = {each.record_id for each in kept}
    known |= {result.record_id for each in kept if (result := undo.results.get(each.change_id))}
    [records] = undo.gateway.fetch([roles_lookup(deals, ())])
    return Counter(_role_name(each) for each in records if record_id(str(each["Id"])) not in known)


def _role_name(role: Mapping[str, object]) -> str:
    deal, contact, name = (role.get(each) for each in ("OpportunityId", "ContactId", "Role"))
    return role_key(str(deal), str(contact), str(name or ""))


def _inserted_anew(change: Change, deal_id: str) -> Change:
    """A deleted role, inserted again, for roles cannot be undeleted.

    Source: Object Reference, OpportunityContactRole (no undelete call).
    """
    values: dict[str, PlannedValue] = {"OpportunityId": deal_id, **_filled(change.before.items())}
    return replace(
        change,
        change_id=_PREFIX + change.change_id,
        action=Action.CREATE,
        record_id=None,
        values=values,
        desired=values,
        before={},
    )


def _filled(pairs: Iterable[tuple[str, Value]]) -> dict[str, PlannedValue]:
    return {name: value for name, value in pairs if value is not None}
