"""The contact roles of one deal as a set: which rows the org lacks, which change, which are there.

Roles have no key and the platform keeps exact doubles, so identity is decided here: first (contact, role),
each held row used once; then, if exactly one row of that contact is left on both sides, it is the same row
with another role. Blank and "None" are one thing. Doubles that were there before are reported; only a mirror
deletes what the source lacks. Being primary belongs to the contact: all rows of one contact share the flag,
and one contact has it.
Source: Object Reference, OpportunityContactRole; NPSP's published tests on duplicate and primary roles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.contact_roles.primary_choice import DealNow, left_marks, ruled
from sfsync.core.contact_roles.primary_flags import demotions, with_flag_held, with_flag_kept
from sfsync.core.contact_roles.role_matching import matched
from sfsync.core.contact_roles.role_problems import (
    has_primary_problem,
    moved_problem,
    removed_problem,
    role_problem,
)
from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.contact_roles.role_rules import AS_GIVEN, RoleRules
from sfsync.core.contact_roles.same_contact import standing
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.reports.results import Problem
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.values import Pending, PlannedValue, is_same

_OF_DEAL: Final = "the deal names this contact"
_NOTHING: Final[Mapping[str, PlannedValue]] = {}


@dataclass(frozen=True, slots=True)
class RolePlan:
    """What happens to the roles of one deal, and what a person should know about them.

    `told` are the rows, by source and ordinal, of deals of which the notes tell.
    """

    changes: tuple[Change, ...]
    notes: tuple[Problem, ...] = ()
    told: frozenset[tuple[str, int]] = frozenset()


def role_key(deal_id: str, contact_id: str, role: str | None) -> str:
    """How the ledger names a role: its deal, its contact and its role."""
    return f"{deal_id}/{contact_id}/{role or ''}"


def gives_flag_away(change: Change) -> bool:
    """Whether the change takes the primary flag from a role that is in the org, also by deleting it."""
    if change.action is Action.DELETE:
        return change.before.get("IsPrimary") is True
    return change.action is Action.UPDATE and change.values.get("IsPrimary") is False


def moves_flag(change: Change) -> bool:
    """Whether a change of an undo gives the primary flag to a role or takes it from one, also by deleting it."""
    if change.action is Action.DELETE:
        return change.before.get("IsPrimary") is True
    if change.action is Action.CREATE:
        return change.values.get("IsPrimary") is True
    return change.action is Action.UPDATE and "IsPrimary" in change.values


def plan_roles(
    deal: Change,
    wanted: Sequence[WantedRole],
    held: Sequence[HeldRole],
    *,
    policy: RolePolicy,
    ledger: Mapping[str, LedgerEntry],
    is_complete: bool = True,
    rules: RoleRules = AS_GIVEN,
    has_bad_rows: bool = False,
) -> RolePlan:
    """The changes that bring a deal's roles to the wanted state.

    `ledger` maps `role_key` to what this job last brought there. `is_complete` is False when rows of the source
    are not among `wanted` because something is wrong with them; then nothing is deleted. `has_bad_rows` says that
    one of these is a row of this very deal.
    """
    found = standing(_with_derived_folded(wanted), rules.same_contact)
    refused = [_refused(deal, *each) for each in found.refused]
    skipped = [_refused(deal, *each, action=Action.SKIP) for each in found.skipped]
    matches = matched(found.rows, held, policy=policy)
    deleted: list[HeldRole] = []
    if policy is RolePolicy.MIRROR and is_complete and not refused:
        deleted = [each for each in held if all(each is not there for _, there in matches[0])]
    is_given, is_certain = any(each.is_primary for each in wanted), not (has_bad_rows or refused)

    def planned(deleted: Sequence[HeldRole]) -> tuple[list[Change], Sequence[Problem]]:
        now = DealNow(
            deal.label,
            [each for each in held if each.is_primary and not each.is_by_platform],
            {each.record_id for each in deleted},
            is_certain=is_certain,
        )
        ruling, notes = ruled(found.rows, now, rules, is_given=is_given)
        pairs = [(ruling.of(row), there) for row, there in matches[0]]
        missing = [ruling.of(row) for row in matches[1]]
        changes = [_of_pair(deal, row, there, policy=policy, ledger=ledger) for row, there in pairs]
        changes += [_of_missing(deal, row, held, policy=policy, ledger=ledger) for row in missing]
        changes = with_flag_held(with_flag_kept(changes, pairs, deleted), pairs)
        changes += [_deletion(deal, each) for each in deleted]
        changes += demotions(deal, changes, pairs, held, may_change=policy is not RolePolicy.APPEND)
        return changes, [*notes, *left_marks(pairs, missing, policy)]

    changes, notes = planned(deleted)
    if any(each.action is Action.CONFLICT for each in changes) and any(each.is_primary for each in deleted):
        # The role that was to take the flag may be the one in conflict: its holder stays until that is settled.
        changes, notes = planned([each for each in deleted if not each.is_primary])
    return RolePlan((*refused, *skipped, *changes), (*_doubles(deal, held), *notes))


def _with_derived_folded(wanted: Sequence[WantedRole]) -> list[WantedRole]:
    """A deal's `ContactId` makes that contact's rows primary; it is a row of its own if there are none."""
    named = {each.contact for each in wanted if not each.is_derived}
    primary = {each.contact for each in wanted if each.is_derived}
    return [
        replace(each, is_primary=True, because=each.because or _OF_DEAL)
        if each.contact in primary and not each.is_primary
        else each
        for each in wanted
        if not (each.is_derived and each.contact in named)
    ]


def _of_pair(
    deal: Change, row: WantedRole, there: HeldRole, *, policy: RolePolicy, ledger: Mapping[str, LedgerEntry]
) -> Change:
    """What a wanted role changes about the held row that it is."""
    desired = _desired(deal, row)
    before = {"Role": there.role, "IsPrimary": there.is_primary, **there.further}
    differs = {
        name: value
        for name, value in desired.items()
        if name in before and not is_same(value, before[name]) and not (name == "Role" and row.is_derived)
    }
    if policy is RolePolicy.APPEND:
        differs = {name: value for name, value in differs.items() if name == "Role" and there.role is None}
    entry = ledger.get(role_key(deal.record_id or "", there.contact_id, row.role))
    base = _change(deal, row, Action.NOOP, desired=desired, record_id=there.record_id, adopted=entry is None)
    if not differs:
        return base
    seen = entry.seen if entry else {}
    moved = [name for name in differs if name in seen and not is_same(seen[name], before[name])]
    if moved:
        return replace(base, action=Action.CONFLICT, problems=(moved_problem(row, moved),))
    kept = {name: before[name] for name in differs}
    return replace(base, action=Action.UPDATE, values=differs, before=_plain(kept))


def _of_missing(
    deal: Change,
    row: WantedRole,
    held: Sequence[HeldRole],
    *,
    policy: RolePolicy,
    ledger: Mapping[str, LedgerEntry],
) -> Change:
    """What happens to a role that the deal does not have."""
    desired = _desired(deal, row)
    change = _change(deal, row, Action.CREATE, desired=desired, values=desired)
    deal_id = deal.record_id or ""
    entry = ledger.get(role_key(deal_id, str(row.contact), row.role))
    brought = (ledger.get(role_key(deal_id, each.contact_id, each.role)) for each in held)
    renamed = {
        each.record_id for each in brought if each is not None
    }  # by a run of ours, which remembers it so
    if entry is not None and entry.record_id not in renamed:
        return replace(change, action=Action.CONFLICT, values={}, problems=(removed_problem(row),))
    others = [each for each in held if each.is_primary and each.contact_id != row.contact]
    if row.is_primary and others and policy is RolePolicy.APPEND:
        return replace(change, action=Action.CONFLICT, values={}, problems=(has_primary_problem(row),))
    return change


def _deletion(deal: Change, role: HeldRole) -> Change:
    """The deletion of a role that the source does not have; `before` is what it held, should it be undone."""
    before = {"ContactId": role.contact_id, "Role": role.role, "IsPrimary": role.is_primary, **role.further}
    return Change(
        change_id=f"{CONTACT_ROLE}:{deal.key}/{role.record_id}/delete",
        sobject=CONTACT_ROLE,
        action=Action.DELETE,
        key=role.record_id,
        label=f"contact {role.contact_id} as {role.role or 'no role'}",
        record_id=role.record_id,
        before=_plain(before),
        parent=deal.change_id,
        account=deal.account,
    )


def _desired(deal: Change, row: WantedRole) -> dict[str, PlannedValue]:
    desired: dict[str, PlannedValue] = {
        "OpportunityId": deal.record_id or Pending(deal.change_id),
        "ContactId": row.contact,
    }
    if row.role is not None:
        desired["Role"] = row.role
    if row.is_primary is not None:
        desired["IsPrimary"] = row.is_primary
    return desired | dict(row.further)


def _change(
    deal: Change,
    row: WantedRole,
    action: Action,
    *,
    desired: Mapping[str, PlannedValue],
    values: Mapping[str, PlannedValue] = _NOTHING,
    record_id: str | None = None,
    adopted: bool = False,
) -> Change:
    contact = row.contact.change_id if isinstance(row.contact, Pending) else row.contact
    key = f"{deal.key}/{contact}/{row.role or ''}"
    return Change(
        change_id=row.change_id or f"{CONTACT_ROLE}:{key}",
        sobject=CONTACT_ROLE,
        action=action,
        key=key,
        label=row.label,
        row=row.row,
        record_id=record_id,
        desired=desired,
        values=values,
        parent=deal.change_id,
        account=deal.account,
        adopted=adopted,
        is_derived=row.is_derived,
        because=row.because if row.is_primary else "",
        other_account=row.other_account,
    )


def _refused(deal: Change, row: WantedRole, problem: Problem, *, action: Action = Action.REJECT) -> Change:
    change = _change(deal, row, action, desired=_desired(deal, row))
    return replace(change, change_id=f"{CONTACT_ROLE}@{row.place}", problems=(problem,))


def _plain(values: Mapping[str, PlannedValue]) -> dict[str, str | bool | None]:
    return {name: value for name, value in values.items() if isinstance(value, str | bool) or value is None}


def _doubles(deal: Change, held: Iterable[HeldRole]) -> tuple[Problem, ...]:
    counted = Counter((each.contact_id, each.role) for each in held)
    return tuple(
        role_problem(
            "DOUBLE_ROLE",
            f"{deal.label} already has contact {contact} {times} times as {role or 'no role'}",
            hint="sfsync leaves them as they are; delete the extra rows in the org if they are a mistake.",
        )
        for (contact, role), times in counted.items()
        if times > 1
    )
