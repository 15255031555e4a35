"""The contact roles of an undo: deleted ones are put back, and who had the primary flag of a deal gets it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sfsync.core.contact_roles.roles import moves_flag, role_key
from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sobject import CONTACT_ROLE, record_id
from sfsync.core.values import PlannedValue, Value
from sfsync.engine.applying.role_applying import deal_ids
from sfsync.engine.applying.run_state import resolved
from sfsync.engine.planning.role_planning import held_roles, roles_lookup
from sfsync.engine.undoing.later_runs import PREFIX
from sfsync.engine.undoing.undo_flags import DealFlag, made_primary, took_flag, with_flag_back
from sfsync.engine.undoing.undo_state import Undo


def insert_missing(undo: Undo, deleted: Sequence[Change]) -> None:
    """Plans deleted roles to be inserted again, but for those that their deals have again.

    A role of which nobody can say whether an earlier undo inserted it is left to a person.
    """
    deals = _deals(undo)
    ids = _ids(undo)
    anew = {each.change_id: _inserted_anew(each, deals.get(each.parent or "", ""), ids) for each in deleted}
    there = _added_since(undo, anew.values())
    for change in deleted:
        insert = anew[change.change_id]
        name = _role_name(insert.values)
        if there[name]:
            there[name] -= 1
            undo.is_done(change, "the deal has the role again")
        elif insert.change_id in undo.doubtful:
            undo.leave(change, "nobody can say whether an earlier undo inserted it again")
            if moves_flag(insert):
                undo.unsettled.add(change.parent)
        else:
            undo.changes.append(insert)


def _deals(undo: Undo) -> dict[str, str]:
    """The ids of the deals by the change that role rows have as parent; of those out of leads the results know."""
    ids = {each.change_id: each.record_id for each in undo.plan.changes if each.record_id}
    for each in undo.plan.changes:
        result = undo.results.get(each.change_id)
        if comes_from_lead(each) and result is not None and result.record_id is not None:
            ids[each.change_id] = result.record_id
    return ids | deal_ids(undo.plan.changes, ids)


def _ids(undo: Undo) -> dict[str, str]:
    """The records that the run wrote, by change; a contact that a lead became goes by that of the lead."""
    return {name: each.record_id for name, each in undo.results.items() if each.record_id}


def give_flags_back(undo: Undo, done: Sequence[Change]) -> None:
    """Lets the deals whose primary flag the run moved end with the primary contact that they had."""
    deals = _deals(undo)
    run = _by_deal(each for each in done if took_flag(each) or made_primary(each))
    planned = _by_deal(each for each in undo.changes if each.parent in run and each.parent in deals)
    if not planned:
        return
    [records] = undo.gateway.fetch([roles_lookup([deals[each] for each in planned], ())])
    now = held_roles(records, (), undo.gateway.describe(CONTACT_ROLE))
    contacts = {role.record_id: role.contact_id for roles in now.values() for role in roles}
    ids = _ids(undo)
    undo.changes = [each for each in undo.changes if each.parent not in planned]
    for parent, changes in planned.items():
        flag = _deal_flag(undo, run[parent], deals[parent], ids)
        flag = replace(flag, now=now.get(flag.deal_id, ()), is_unsettled=parent in undo.unsettled)
        result = with_flag_back(flag, changes)
        undo.changes += result.changes
        for change, why in result.left:
            contact = contacts.get(change.record_id or "")
            is_named = change.row is not None or contact is None
            undo.leave(change if is_named else replace(change, label=f"contact {contact}"), why)


def _by_deal(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Those of the changes that are roles, by the change that they have as parent."""
    found: dict[str, list[Change]] = {}
    for each in changes:
        if each.sobject == CONTACT_ROLE and each.parent is not None:
            found.setdefault(each.parent, []).append(each)
    return found


def _deal_flag(undo: Undo, changes: Sequence[Change], deal_id: str, ids: Mapping[str, str]) -> DealFlag:
    """What the run did to the flag of a deal."""
    of_contact = {each.change_id: _contact(each, ids) for each in changes}
    promoted = {undo.record_id(each): of_contact[each.change_id] for each in changes if made_primary(each)}
    took = {of_contact[each.change_id] for each in changes if took_flag(each)}
    is_moved = not took <= set(promoted.values())
    demoted = {
        of_contact[each.change_id]
        for each in changes
        if made_primary(each) and (is_moved or each.action is Action.UPDATE)
    }
    return DealFlag(deal_id, (), promoted, frozenset(demoted))


def _contact(change: Change, ids: Mapping[str, str]) -> str:
    before = change.before.get("ContactId")
    contact = _known(before, ids) or resolved(change.desired.get("ContactId"), ids)
    return str(contact or "")


def _known(value: Value, ids: Mapping[str, str]) -> Value:
    """What a role held before the run; the contact of one that came with a lead is named by the lead's change."""
    return ids.get(value, value) if isinstance(value, str) else value


def _added_since(undo: Undo, inserts: Iterable[Change]) -> Counter[str]:
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


def _inserted_anew(change: Change, deal_id: str, ids: Mapping[str, str]) -> Change:
    """A deleted role, inserted again, for roles cannot be undeleted.

    Source: Object Reference, OpportunityContactRole (no undelete call).
    """
    before = ((name, _known(value, ids)) for name, value in change.before.items())
    values: dict[str, PlannedValue] = {"OpportunityId": deal_id, **_filled(before)}
    return replace(
        change,
        change_id=PREFIX + change.change_id,
        action=Action.CREATE,
        record_id=None,
        values=values,
        desired=values,
        before={},
    )


def _filled(pairs: Iterable[tuple[str, Value]]) -> dict[str, PlannedValue]:
    return {name: value for name, value in pairs if value is not None}
