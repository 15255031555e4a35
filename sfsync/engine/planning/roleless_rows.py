"""Rows without a role: nothing is saved for their contact, and what the deal has of the contact is named.

Such a row is no row for the comparison: append and merge leave the contact's roles alone, for a mirror it is as if
the source did not name the contact. A mark "primary" on it would be lost, so that is a problem of the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sfsync.core.contact_roles.role_rows import HeldRole
from sfsync.core.plans.plan import Action, Change
from sfsync.core.reports.results import Problem, Stage
from sfsync.engine.planning.reading import CheckedRow


@dataclass(frozen=True, slots=True)
class Roleless:
    """A row without a role, the id of its deal and of its contact where the org has them."""

    change: Change
    deal_id: str | None
    contact_id: str | None


def lost_mark(row: CheckedRow) -> Problem:
    """The problem of a row that marks its contact primary and gives it no role."""
    message = "the row marks its contact primary, but its role is empty or None, so nothing is saved for it"
    hint = "Give the contact a role, or take the mark away."
    return Problem("PRIMARY_WITHOUT_ROLE", Stage.PLAN, message, hint, row=row.ref, field="Role")


def told(
    rows: Iterable[Roleless], there: Mapping[str, Sequence[HeldRole]], changes: Iterable[Change]
) -> list[Change]:
    """The changes of the rows, which say what the deal has of their contact and what becomes of it."""
    deleted = {each.record_id for each in changes if each.action is Action.DELETE}
    return [_told(each, there.get(each.deal_id or "", ()), deleted) for each in rows]


def _told(row: Roleless, held: Sequence[HeldRole], deleted: set[str | None]) -> Change:
    own = [each for each in held if row.contact_id is not None and each.contact_id == row.contact_id]
    kept = [each for each in own if each.record_id not in deleted]
    if not own:
        return row.change
    names = " and ".join(f'"{each.role}"' if each.role else "no role" for each in kept or own)
    becomes = "is left alone by this row" if kept else "the source lacks, so the mirror deletes it"
    [problem] = row.change.problems
    message = f"{problem.message}; the deal has it as {names}, which {becomes}"
    return replace(row.change, problems=(replace(problem, message=message),))
