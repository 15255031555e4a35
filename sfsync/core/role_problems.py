"""What can be wrong with a contact role, in words: for the one who has to mend the row or the org."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sfsync.core.results import Problem, RowRef, Stage


class RoleRow(Protocol):
    """A row that asks for a role, as far as a problem names it."""

    @property
    def row(self) -> RowRef:
        """Where the row stands."""
        ...


def twin_problem(row: RoleRow, twin: RoleRow) -> Problem:
    """A second row for the same contact in the same role."""
    message = f"the same contact has the same role as in line {twin.row.line}"
    return role_problem("DUPLICATE_ROLE", message, row=row, hint="Take one of the two rows out.")


def primaries_problem(row: RoleRow, count: int) -> Problem:
    """More than one contact marked primary."""
    message = f"{count} contacts are marked primary on this deal; a deal has one primary contact"
    return role_problem(
        "TWO_PRIMARIES", message, row=row, hint="Mark only one of them, and import the rows again."
    )


def moved_problem(row: RoleRow, names: Sequence[str]) -> Problem:
    """A role that somebody changed in the org."""
    message = f"{' and '.join(names)} of this role was changed in the org since the last run"
    return role_problem(
        "CHANGED_IN_ORG", message, row=row, hint="Take the org's value over, or change it back there."
    )


def removed_problem(row: RoleRow) -> Problem:
    """A role that somebody took off the deal."""
    message = "this role was on the deal after the last run, and somebody has removed or changed it since"
    return role_problem(
        "REMOVED_IN_ORG", message, row=row, hint="Take the row out, or add the role in the org."
    )


def has_primary_problem(row: RoleRow) -> Problem:
    """A primary contact that an append may not replace."""
    message = "the deal already has another primary contact, and this job only appends roles"
    return role_problem("HAS_PRIMARY", message, row=row, hint='Use policy = "merge", or take the mark away.')


def role_problem(code: str, message: str, *, row: RoleRow | None = None, hint: str = "") -> Problem:
    """A problem of one role row, or of a deal's roles as a whole."""
    return Problem(code=code, stage=Stage.PLAN, message=message, hint=hint, row=row.row if row else None)
