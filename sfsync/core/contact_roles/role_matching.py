"""Which held role each wanted role is: first by contact and role, then the one that is left of a contact.

Roles have no key and the platform keeps exact doubles, so each held row is used once. The one that a conversion
made has no role yet: it becomes the first that its contact is wanted in, however many these are.
Source: Object Reference, OpportunityContactRole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.job import RolePolicy
from sfsync.core.values import is_same


def matched(
    rows: Sequence[WantedRole], held: Sequence[HeldRole], *, policy: RolePolicy
) -> tuple[list[tuple[WantedRole, HeldRole]], list[WantedRole]]:
    """Pairs of wanted and held rows, and the wanted rows that have no held one."""
    free = list(held)
    pairs: list[tuple[WantedRole, HeldRole]] = []
    unmatched: list[WantedRole] = []
    for row in sorted(rows, key=lambda each: each.is_derived):
        there = _take(free, row, exact=not row.is_derived)
        if there is not None:
            pairs.append((row, there))
        else:
            unmatched.append(row)
    missing: list[WantedRole] = []
    left = Counter(each.contact for each in unmatched)
    for row in unmatched:
        made = next((each for each in free if _is_made_for(each, row)), None)
        if made is not None:
            free.remove(made)
            pairs.append((row, made))
            left[row.contact] -= 1
            continue
        same_contact = [each for each in free if each.contact_id == row.contact]
        may_change = policy is not RolePolicy.APPEND or any(each.role is None for each in same_contact)
        if left[row.contact] == 1 and len(same_contact) == 1 and may_change:
            free.remove(same_contact[0])
            pairs.append((row, same_contact[0]))
        else:
            missing.append(row)
    return pairs, missing


def _is_made_for(there: HeldRole, row: WantedRole) -> bool:
    return there.is_by_platform and there.role is None and there.contact_id == row.contact


def _take(free: list[HeldRole], row: WantedRole, *, exact: bool) -> HeldRole | None:
    for each in free:
        if each.contact_id == row.contact and (not exact or is_same(each.role, row.role)):
            free.remove(each)
            return each
    return None
