"""What can be wrong with a contact role, in words: for the one who has to mend the row or the org."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sfsync.core.reports.results import Problem, RowRef, Stage


class RoleRow(Protocol):
    """A row that asks for a role, as far as a problem names it."""

    @property
    def row(self) -> RowRef | None:
        """Where the row stands."""
        ...


def twin_problem(row: RoleRow, twin: RoleRow) -> Problem:
    """A second row for the same contact in the same role."""
    message = f"the same contact has the same role as in line {_line(twin)}"
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


def flag_moved_problem(row: RoleRow) -> Problem:
    """A contact who is to be primary while somebody changed the role of the one who is."""
    message = "the role of the deal's primary contact was changed in the org since the last run"
    return role_problem("CHANGED_IN_ORG", message, row=row, hint="Settle that role first.")


def same_contact_problem(row: RoleRow, earlier: RoleRow) -> Problem:
    """A second role of one contact, which the job does not allow."""
    message = f"the same contact has another role on this deal in line {_line(earlier)}"
    hint = 'Keep one of the two rows, or let the job take both: [roles] same_contact = "both".'
    return role_problem("SAME_CONTACT", message, row=row, hint=hint)


def skipped_contact(row: RoleRow, earlier: RoleRow) -> Problem:
    """A second role of one contact, which the job leaves out."""
    message = f"the same contact has another role on this deal in line {_line(earlier)}; the first row counts"
    hint = 'Keep one of the two rows, or let the job take both: [roles] same_contact = "both".'
    return role_problem("SAME_CONTACT", message, row=row, hint=hint)


def kept_primary_note(row: RoleRow) -> Problem:
    """A mark that is not followed, because the deal has a primary contact."""
    message = (
        "the row marks its contact primary, but the deal keeps the primary contact that it has in the org"
    )
    hint = 'The job says [roles] primary = "keep"; with "given" the row counts.'
    return role_problem("PRIMARY_KEPT", message, row=row, hint=hint)


def waiting_choice_note(deal: str) -> Problem:
    """A choice that waits until all rows of its deal are right."""
    message = f"no primary contact is chosen for {deal} while one of its rows is wrong"
    return role_problem("PRIMARY_WAITS", message, hint="Correct that row, and import the rows again.")


def left_mark_note(row: RoleRow) -> Problem:
    """A mark that the policy append cannot give."""
    message = "the contact does not become primary: its role is there, and this job only appends roles"
    return role_problem("NOT_PRIMARY", message, row=row, hint='Use policy = "merge", or mark it in the org.')


def role_problem(code: str, message: str, *, row: RoleRow | None = None, hint: str = "") -> Problem:
    """A problem of one role row, or of a deal's roles as a whole."""
    return Problem(code=code, stage=Stage.PLAN, message=message, hint=hint, row=row.row if row else None)


def _line(row: RoleRow) -> int:
    return row.row.line if row.row else 0
