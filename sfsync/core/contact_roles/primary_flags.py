"""Keeps one primary contact a deal while roles change: who must lose the flag, and for whom it is sent again.

The platform may let a second primary contact stay, refuse it, or demote the first one; so the flag is taken away by
a change of the plan, before another change gives it.
Source: Object Reference, OpportunityContactRole; NPSP's published tests on duplicate and primary roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sfsync.core.contact_roles.role_problems import flag_moved_problem
from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sobject import CONTACT_ROLE


def with_flag_kept(
    changes: Sequence[Change], pairs: Sequence[tuple[WantedRole, HeldRole]], deleted: Sequence[HeldRole]
) -> list[Change]:
    """Sends the flag again to the primary contact's rows that stay, because deleting one of them may clear it.

    Source: deleting one of several rows of the primary contact can clear the flag on all roles of the deal
    (comment in NPSP's merge of primary contact roles).
    """
    shaken = {each.contact_id for each in deleted if each.is_primary}
    keeps = {
        there.record_id
        for row, there in pairs
        if there.is_primary and there.contact_id in shaken and row.is_primary is not False
    }
    return [
        replace(
            each,
            action=Action.UPDATE,
            values={**each.values, "IsPrimary": True},
            before={**each.before, "IsPrimary": True},
        )
        if each.record_id in keeps and each.action in (Action.NOOP, Action.UPDATE)
        else each
        for each in changes
    ]


def with_flag_held(changes: Sequence[Change], pairs: Sequence[tuple[WantedRole, HeldRole]]) -> list[Change]:
    """Gives nobody the flag of a contact whose own row is in conflict: what a person changed is not half undone."""
    in_conflict = {each.record_id for each in changes if each.action is Action.CONFLICT}
    held_fast = {
        there.contact_id
        for row, there in pairs
        if there.is_primary and row.is_primary is False and there.record_id in in_conflict
    }
    return [
        replace(each, action=Action.CONFLICT, values={}, before={}, problems=(flag_moved_problem(each),))
        if held_fast and each.row is not None and each.values.get("IsPrimary") is True
        else each
        for each in changes
    ]


def demotions(
    deal: Change,
    changes: Sequence[Change],
    pairs: Sequence[tuple[WantedRole, HeldRole]],
    held: Sequence[HeldRole],
    *,
    may_change: bool,
) -> list[Change]:
    """Updates that take the flag from roles that no row of the source is.

    A change of this plan gives it to another contact, or (where the policy changes roles that are there) a row says
    that their contact is not primary: the platform would give the flag of the one role to the other.
    """
    promoted = {each.desired.get("ContactId") for each in changes if each.values.get("IsPrimary") is True}
    sound = [each for each in changes if may_change and each.action is not Action.CONFLICT]
    denied = {each.desired.get("ContactId") for each in sound if each.desired.get("IsPrimary") is False}
    handled = {there.record_id for row, there in pairs if row.is_primary is not None}
    handled |= {each.record_id for each in changes if each.action is Action.DELETE and each.record_id}
    return [
        _demotion(deal, each)
        for each in held
        if each.is_primary
        and each.record_id not in handled
        and ((promoted and each.contact_id not in promoted) or each.contact_id in denied)
    ]


def _demotion(deal: Change, role: HeldRole) -> Change:
    return Change(
        change_id=f"{CONTACT_ROLE}:{deal.key}/{role.record_id}/not primary",
        sobject=CONTACT_ROLE,
        action=Action.UPDATE,
        key=role.record_id,
        label="gives the primary flag away",
        record_id=role.record_id,
        values={"IsPrimary": False},
        before={"IsPrimary": True},
        parent=deal.change_id,
        account=deal.account,
    )
