"""Who is the primary contact of a deal where no row decides it: the org's own, or one chosen by the job's rule.

What is given wins, then what the org has, then the choice. So a contact who was chosen once is the org's own at the
next run, and stays. A primary contact whose rows a mirror replaces goes on being primary in the new ones.
The policy append changes no role that is there, so it can mark new roles only; what it cannot do is said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.contact_roles.role_problems import kept_primary_note, left_mark_note, waiting_choice_note
from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.contact_roles.role_rules import PrimaryRule, RoleRules
from sfsync.core.job import RolePolicy
from sfsync.core.reports.results import Problem
from sfsync.core.values import Pending

Contact = str | Pending
Pair = tuple[WantedRole, HeldRole]

CHOSEN: Final = "chosen by the job's rule"
STAYS: Final = "it is the deal's primary contact until now"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the job's rule makes of the rows' marks: who gets one, whose are not followed.

    `chosen` is marked, `because` says why. Where `stays` names the org's own primary contacts, their rows say
    nothing of the flag; with `is_closed` nobody else's row gives it.
    """

    chosen: Contact | None = None
    because: str = ""
    stays: frozenset[Contact] = frozenset()
    is_closed: bool = False

    def of(self, row: WantedRole) -> WantedRole:
        """The row with the mark that it has by the rule."""
        if self.chosen is not None and row.contact == self.chosen:
            return row if row.is_primary else replace(row, is_primary=True, because=self.because)
        if row.contact in self.stays or (self.is_closed and row.is_primary):
            return replace(row, is_primary=None, because="")
        return row


@dataclass(frozen=True, slots=True)
class DealNow:
    """What a choice looks at: the primary rows that the org holds, and those of them that this plan deletes.

    `is_certain` is False where a row of the deal is wrong: then its right version might be the one to choose.
    """

    label: str
    primary: Sequence[HeldRole]
    deleted: Collection[str]
    is_certain: bool


def ruled(
    rows: Sequence[WantedRole], deal: DealNow, rules: RoleRules, *, is_given: bool
) -> tuple[Ruling, list[Problem]]:
    """The ruling for the rows of one deal in the order of the file, and what a person should know about it.

    `is_given` says that the file marks somebody, on whichever row.
    """
    is_keep = rules.primary is PrimaryRule.KEEP
    if rules.primary is PrimaryRule.GIVEN or (is_given and not is_keep):
        return Ruling(), []
    stays = frozenset(each.contact_id for each in deal.primary if each.record_id not in deal.deleted)
    leaving = {each.contact_id for each in deal.primary}
    carried = next((each.contact for each in rows if each.contact in leaving), None)
    if stays or carried is not None:
        found = Ruling(stays=stays, is_closed=True) if stays else Ruling(carried, STAYS, is_closed=True)
        keepers = stays or {carried}
        return found, [
            kept_primary_note(each) for each in rows if each.is_primary and each.contact not in keepers
        ]
    if is_keep or not rows:
        return Ruling(), []
    if not deal.is_certain:
        return Ruling(), [waiting_choice_note(deal.label)]
    chosen = _first_by(rows, rules)
    return Ruling(chosen.contact, CHOSEN) if chosen else Ruling(), []


def _first_by(rows: Sequence[WantedRole], rules: RoleRules) -> WantedRole | None:
    """The row that the rule takes: the first, or the first with the best of the preferred roles."""
    if rules.primary is PrimaryRule.FIRST:
        return rows[0]
    ranks = {role: rank for rank, role in enumerate(rules.preferred)}
    able = [each for each in rows if each.role in ranks]
    return min(able, key=lambda each: ranks[each.role or ""], default=None)


def left_marks(pairs: Sequence[Pair], missing: Sequence[WantedRole], policy: RolePolicy) -> list[Problem]:
    """Marks that the policy append cannot give, because the contact's roles are on the deal already."""
    if policy is not RolePolicy.APPEND:
        return []
    marked = {there.contact_id for _, there in pairs if there.is_primary}
    marked |= {each.contact for each in missing if each.is_primary and isinstance(each.contact, str)}
    lacking = {row.contact: row for row, there in pairs if row.is_primary and there.contact_id not in marked}
    return [left_mark_note(row) for row in lacking.values()]
