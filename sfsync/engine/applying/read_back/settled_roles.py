"""Decides when the primary flag that a conversion gave has become a choice: when all roles of its deal are brought.

Until then the journal remembers with the deal whom the platform made primary, so that a later run chooses as the
first would have. A row that was refused, is blocked or in doubt leaves it open; a deal without rows waits for none,
so the end of its run settles it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.contact_roles.lead_roles import LEAD_CONTACT
from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.reports.results import NOT_DONE
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.engine.applying.lead_role_applying import deal_entries
from sfsync.engine.applying.run_state import RunState

_LEFT: Final = frozenset({Action.REJECT, Action.BLOCKED, Action.CONFLICT, Action.UNKNOWN})


def with_flags_settled(
    state: RunState, entries: Sequence[LedgerEntry], known: Mapping[str, LedgerEntry]
) -> list[LedgerEntry]:
    """What is about to be remembered, with the deals whose primary flag has become a choice.

    `known` is what the ledger has of the rows that are done, by change id.
    """
    if state.plan.undoes is not None:
        return list(entries)
    roles = _roles(state)
    there = {**deal_entries(state, roles.keys() - known.keys()), **known}
    now = {(each.sobject, each.key): each for each in entries}
    for name, entry in there.items():
        place = (entry.sobject, entry.key)
        last = now.get(place, entry)
        if LEAD_CONTACT in last.seen and not any(_is_left(state, each) for each in roles.get(name, ())):
            seen = {field: value for field, value in last.seen.items() if field != LEAD_CONTACT}
            now[place] = replace(last, seen=seen)
    return list(now.values())


def _roles(state: RunState) -> dict[str, list[Change]]:
    """The plan's changes of roles, by the changes of their deals."""
    roles: dict[str, list[Change]] = {}
    for each in state.plan.changes:
        if each.sobject == CONTACT_ROLE and each.parent is not None:
            roles.setdefault(each.parent, []).append(each)
    return roles


def _is_left(state: RunState, change: Change) -> bool:
    """Whether a role is not brought yet."""
    result = state.results.get(change.change_id)
    if result is not None:
        return result.outcome in NOT_DONE
    return change.action in _LEFT or change.action in WRITES
