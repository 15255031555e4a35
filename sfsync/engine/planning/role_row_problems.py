"""Why a role row goes no further, or waits, in words: for the one who has to mend the row or the org."""

from __future__ import annotations

from typing import Final

from sfsync.core.plans.plan import Action, Change
from sfsync.core.references.candidates import BlockedBy
from sfsync.core.reports.results import Problem, Stage
from sfsync.engine.planning.reading import CheckedRow

MOST_ROLES: Final = 499
"""Roles of one new deal: with the deal itself they fill the largest graph."""


def _problem(code: str, message: str, row: CheckedRow, hint: str = "") -> Problem:
    return Problem(code, Stage.PLAN, message, hint, row=row.ref)


def no_role(row: CheckedRow) -> Problem:
    """A row whose role is empty or None."""
    return _problem("NO_ROLE", "the role is empty or None, so nothing is saved for this contact", row)


def deal_left_out(row: CheckedRow, deal: Change) -> Problem:
    """A role whose deal the job's mode leaves out."""
    return _problem("DEAL_LEFT_OUT", f"its deal {deal.label} is left out", row)


_NOT_BROUGHT: Final = {
    Action.REJECT: "cannot be brought to the org",
    Action.CONFLICT: "was changed in the org, and is left as it is there",
    Action.BLOCKED: "waits for another row that is not brought",
    Action.UNKNOWN: "may or may not be in the org",
}


def waits_for(row: CheckedRow, deal: Change) -> Problem:
    """A role whose deal is not brought to the org."""
    line = f" (line {deal.row.line})" if deal.row else ""
    why = _NOT_BROUGHT.get(deal.action, "is not brought to the org")
    message = f"its deal {deal.label}{line} {why}"
    return _problem("BLOCKED_BY", message, row, "Correct the deal first, then import both again.")


def contact_missing(row: CheckedRow, blocked: BlockedBy) -> Problem:
    """A role whose contact is not brought to the org."""
    message = f"its contact {blocked.change_id} is not brought to the org"
    return _problem("BLOCKED_BY", message, row, "Correct the contact first, then import both again.")


def too_many(row: CheckedRow) -> Problem:
    """A role of a deal that has more than fit in one transaction."""
    message = f"the deal has more than {MOST_ROLES} contact roles, which do not fit in one transaction"
    return _problem("TOO_MANY_ROLES", message, row, "Split the roles over several imports.")


def unsettled(change: Change) -> Problem:
    """A role that an earlier run may have written."""
    message = "an earlier run sent this role and never learned whether it was saved; it is not in the org now"
    hint = "Look at the deal's Contact Roles in the org; add the role there, or take the row out."
    return Problem("UNSETTLED", Stage.PLAN, message, hint, row=change.row)


def keeps_flag(change: Change) -> Problem:
    """A role that keeps the primary flag until another one is settled."""
    message = "the contact stays primary until the role that takes the flag over is settled"
    return Problem("BLOCKED_BY", Stage.PLAN, message, "Settle that role first.", row=change.row)
