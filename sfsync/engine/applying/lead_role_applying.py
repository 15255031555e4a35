"""The roles of deals that came out of leads, by a fresh reading: the platform's own role is adopted.

The plan had no id for that role; here it is found by its contact, and the changes planned for it are sent to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sfsync.core.contact_roles.lead_roles import (
    contact_of,
    on_made_role,
    open_flag,
    policy_of_new,
    still_differs,
    with_made_role,
    with_platforms_flag,
)
from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.deals.leads import LEAD_ROLE
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.reading.keys import ledger_key
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.sobject import OPPORTUNITY
from sfsync.engine.applying.run_state import RunState, resolved


@dataclass(frozen=True, slots=True)
class RolesThere:
    """The roles that a deal holds as its plan names them; `made` is the one that a conversion made, as it is.

    Deals that came out of no lead hold what they hold, and nothing was made.
    """

    held: Sequence[HeldRole]
    policy: RolePolicy
    made: HeldRole | None = None

    def sent(self, change: Change) -> Change:
        """The change as it is sent: what was planned for the platform's own role goes to it by its id."""
        if change.action is not Action.CONVERT:
            return on_made_role(change, self.made)
        if self.made is None:
            return replace(change, action=Action.CREATE, values=change.desired)
        values = still_differs(change, self.made)
        return replace(change, action=Action.UPDATE, record_id=self.made.record_id, values=values)

    def is_as_wanted(self, change: Change) -> bool:
        """Whether a role that arrives with the deal needs nothing more."""
        return self.made is not None and not still_differs(change, self.made)

    def named(self, result: RowResult) -> RowResult:
        """The result with the id of the platform's own role in the place of its stand-in."""
        if result.record_id != LEAD_ROLE:
            return result
        return replace(result, record_id=self.made.record_id if self.made else None)

    def arrival(self, change: Change) -> RowResult:
        """The result of a role that arrived as it is wanted."""
        made = self.made.record_id if self.made else None
        return RowResult(change.change_id, Outcome.CREATED, made)


def open_flags(state: RunState, deals: Mapping[str, str]) -> dict[str, str]:
    """The contacts whom the platform made primary and nobody chose, by the changes of their deals.

    `deals` are the ids of deals by their changes.
    """
    entries = deal_entries(state, deals)
    return {
        name: contact
        for name, deal_id in deals.items()
        if (contact := open_flag(entries.get(name), deal_id)) is not None
    }


def deal_entries(state: RunState, names: Iterable[str]) -> dict[str, LedgerEntry]:
    """What the ledger has of the job's deals, by their changes."""
    key_field = state.plan.key_fields.get(OPPORTUNITY)
    keys = {
        ledger_key(state.plan.job, each.removeprefix(f"{OPPORTUNITY}:"), key_field=key_field): each
        for each in names
    }
    found = state.journal.ledger(state.plan.org.org_id, OPPORTUNITY, keys) if keys else {}
    return {keys[key]: entry for key, entry in found.items()}


def roles_there(
    state: RunState,
    parent: str,
    wanted: Sequence[WantedRole],
    held: Sequence[HeldRole],
    waiting: Sequence[Change],
    *,
    flag: str | None,
) -> RolesThere:
    """The roles of a deal as its plan names them; `waiting` are the changes still to be sent.

    `flag` is what `open_flags` tells of the deal.
    """
    policy = state.plan.role_policy
    changes = [state.by_id[each.change_id] for each in wanted if each.change_id is not None]
    contact = _lead_contact(state, parent, changes)
    if contact is None and any(each.record_id == LEAD_ROLE for each in waiting):
        contact = flag  # a retry goes on with roles, and has no lead
    if contact is not None:
        shown, made = with_made_role(held, wanted, changes, contact)
        return RolesThere(shown, policy_of_new(policy), made)
    if flag is not None:
        return RolesThere(with_platforms_flag(held, flag), policy_of_new(policy))
    return RolesThere(held, policy)


def _lead_contact(state: RunState, parent: str, changes: Sequence[Change]) -> str | None:
    """The contact of the lead that a deal came out of in this plan; None where it came out of none."""
    deal = state.by_id.get(parent)
    lead = state.by_id.get(deal.parent or "") if deal and deal.action is Action.CONVERT else None
    arriving = next((each for each in changes if each.action is Action.CONVERT), None)
    contact = contact_of(lead) if lead else arriving.desired.get("ContactId") if arriving else None
    known = resolved(contact, state.ids)
    return known if isinstance(known, str) else None
