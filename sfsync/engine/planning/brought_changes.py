"""Which planned changes fall with others: deals with a role that cannot be written, and leads that stay open."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.core.deals.lead_accounts import made_by_leads
from sfsync.core.deals.leads import without_idle_leads
from sfsync.core.job import OnRoleError
from sfsync.core.plans.plan import Change
from sfsync.engine.planning.parent_planning import ParentPlanner
from sfsync.engine.planning.role_planning import rejected_deals


def brought(changes: Sequence[Change], on_error: OnRoleError, parents: ParentPlanner) -> Sequence[Change]:
    """The changes without deals that fall with their roles, and without leads that stay open for it.

    What waits for such a lead, or for an account that a lead makes, is blocked.
    """
    before = changes
    changes = without_idle_leads(rejected_deals(before, on_error))
    while len(changes) < len(before):  # a lead that stays open may take the roles of other deals down
        before = changes
        changes = without_idle_leads(rejected_deals(before, on_error))
    unmade = made_by_leads(changes, parents.made.values())
    for name in unmade:
        del parents.made[name]
    return without_idle_leads(changes, unmade)
