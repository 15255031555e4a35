"""The contact roles of a deal that comes out of a lead: the platform makes one, which is adopted and never doubled.

A conversion gives the deal one role: of the lead's contact, primary, its role left empty. A row for that contact
becomes this role; other rows are added to it, and one that is primary takes its flag. The role has no id in the
plan, where `LEAD_ROLE` stands for it; right before roles are written it is found by its contact.
That its contact is primary is nobody's choice, until a run has brought all roles of the deal: a death, a refusal or
a wrong row in between changes nothing about who is chosen. So long the journal remembers that contact.
Source: NPSP's published test on lead conversion (one role, primary); facts on roles made by the platform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.contact_roles.roles import RolePlan, plan_roles
from sfsync.core.deals.leads import LEAD_ROLE
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.values import Pending, PlannedValue, is_same

LEAD_CONTACT: Final = "contact of the deal's lead"
"""In what the ledger has seen of a deal, beside its fields: whom the platform made primary, while that is open."""


def open_flag(entry: LedgerEntry | None, deal_id: str | None) -> str | None:
    """The contact whom the platform made primary on the deal, if no run has brought all of its roles since."""
    if entry is None or entry.record_id != deal_id:
        return None
    contact = entry.seen.get(LEAD_CONTACT)
    return contact if isinstance(contact, str) else None


def with_platforms_flag(held: Sequence[HeldRole], contact: str | None) -> list[HeldRole]:
    """The roles that a deal holds, those of that contact as the platform's own."""
    return [replace(each, is_by_platform=True) if each.contact_id == contact else each for each in held]


def contact_of(lead: Change) -> str | Pending:
    """The contact that a lead becomes: the one that it is merged into, or a new one."""
    into = lead.values.get("ConvertedContactId")
    return into if isinstance(into, str | Pending) else Pending(lead.change_id)


def policy_of_new(policy: RolePolicy) -> RolePolicy:
    """The policy for a deal that a lead has just become: its one role was made by us, so it may be changed."""
    return RolePolicy.MERGE if policy is RolePolicy.APPEND else policy


def arriving_roles(
    deal: Change,
    wanted: Sequence[WantedRole],
    lead: Change,
    *,
    policy: RolePolicy,
    plan: Callable[..., RolePlan] = plan_roles,
) -> RolePlan:
    """What happens to the roles of a deal that comes out of a lead, before the deal has an id.

    `plan` is `plan_roles` with the job's rules, for which the deal is a new one.
    """
    contact = contact_of(lead)
    name = contact.change_id if isinstance(contact, Pending) else contact
    rows = [replace(each, contact=name) if each.contact == contact else each for each in wanted]
    made = HeldRole(LEAD_ROLE, name, None, is_primary=True, is_by_platform=True)
    planned = plan(deal, rows, [made], policy=policy_of_new(policy), ledger={})
    return RolePlan(tuple(_named(each, name, contact) for each in planned.changes), planned.notes)


def _named(change: Change, name: str, contact: str | Pending) -> Change:
    """The change with the contact as it is known to the plan; a row that the platform's own role is, arrives."""
    desired = {field: _put_back(value, name, contact) for field, value in change.desired.items()}
    values = {field: _put_back(value, name, contact) for field, value in change.values.items()}
    change = replace(change, desired=desired, values=values)
    is_made = change.record_id == LEAD_ROLE and change.action in (Action.NOOP, Action.UPDATE)
    if not is_made or change.row is None:
        return change
    return replace(change, action=Action.CONVERT, record_id=None, values=desired, before={}, adopted=False)


def _put_back(value: PlannedValue, name: str, contact: str | Pending) -> PlannedValue:
    return contact if value == name else value


def with_made_role(
    held: Sequence[HeldRole], wanted: Iterable[WantedRole], changes: Iterable[Change], contact: str
) -> tuple[list[HeldRole], HeldRole | None]:
    """The roles that a deal holds with the one that the platform made named as in the plan, and that one as it is.

    It passes for the role that its row wants, so that each row meets the role which was planned for it.
    """
    arriving = {each.change_id for each in changes if each.action is Action.CONVERT}
    row = next((each for each in wanted if each.change_id in arriving), None)
    own = [each for each in held if each.contact_id == contact]
    if not own:
        return list(held), None
    wants = row.role if row else None
    made = min(own, key=lambda each: (not is_same(each.role, wants), each.role is not None))
    shown = replace(made, record_id=LEAD_ROLE, role=wants if row else made.role)
    return [shown if each is made else each for each in held], made


def still_differs(change: Change, made: HeldRole) -> dict[str, PlannedValue]:
    """What the platform's own role lacks of what its row wants."""
    there: Mapping[str, PlannedValue] = {"Role": made.role, "IsPrimary": made.is_primary, **made.further}
    return {
        name: value
        for name, value in change.desired.items()
        if name in there and not is_same(value, there[name])
    }


def on_made_role(change: Change, made: HeldRole | None) -> Change:
    """The change with the id of the platform's own role in the place of its stand-in."""
    if made is None or change.sobject != CONTACT_ROLE or change.record_id != LEAD_ROLE:
        return change
    return replace(change, record_id=made.record_id)
