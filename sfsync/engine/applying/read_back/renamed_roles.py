"""What is remembered of a contact role under the name that it had before a write of ours: that it has another now.

The ledger knows a role by its deal, its contact and its role. Under the old name it would go on to say what the org
held before the write. A row that asks for that name again, by a later run or after an undo, would then look as if
somebody had renamed the role meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sfsync.core.contact_roles.roles import role_key
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.reports.results import Outcome
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.engine.applying.run_state import RunState

_ROLE = "Role"


def entries_of_renamed(state: RunState, entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """What the ledger has from now on under the earlier names of roles that this run renamed.

    `entries` are what it has of the run's rows, by their present names. A name that another role has, or that the
    ledger knows another role by, stays that role's.
    """
    now = {each.record_id: each for each in entries if each.sobject == CONTACT_ROLE}
    taken = {each.key for each in now.values()}
    earlier = {
        _earlier_name(own, change): own
        for change in state.plan.changes
        if _is_renamed(state, change) and (own := now.get(change.record_id or "")) is not None
    }
    names = earlier.keys() - taken
    known = state.journal.ledger(state.plan.org.org_id, CONTACT_ROLE, names) if names else {}
    return [
        replace(earlier[name], key=name)
        for name in sorted(names)
        if name not in known or known[name].record_id == earlier[name].record_id
    ]


def _is_renamed(state: RunState, change: Change) -> bool:
    result = state.results.get(change.change_id)
    is_role = change.sobject == CONTACT_ROLE and change.action is Action.UPDATE
    is_renamed = is_role and _ROLE in change.values and _ROLE in change.before
    return is_renamed and result is not None and result.outcome is Outcome.UPDATED


def _earlier_name(entry: LedgerEntry, change: Change) -> str:
    deal, contact, _ = entry.key.split("/", 2)
    before = change.before[_ROLE]
    return role_key(deal, contact, before if isinstance(before, str) else None)
