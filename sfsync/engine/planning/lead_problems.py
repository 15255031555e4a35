"""What a plan says of rows whose lead does not become their deal: the words, the codes, and what to do.

Which row has which problem is decided in `lead_planning`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sfsync.core.deals.lead_rule import LeadRule
from sfsync.core.ports import Record
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.candidates import BlockedBy
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.wording import listed
from sfsync.engine.planning.reading import CheckedRow
from sfsync.engine.planning.row_references import WAITS


def _problem(rule: LeadRule, row: CheckedRow, code: str, message: str, hint: str) -> Problem:
    return Problem(code, Stage.MATCH, message, hint, row=row.ref, column=rule.column, value=row.lead)


def named(lead: Record) -> str:
    """How a person knows the lead."""
    return f"lead {lead.get('Name') or lead['Id']}"


def not_resolved(rule: LeadRule, row: CheckedRow, invalid: Invalid) -> Problem:
    """The cell names no lead, or several."""
    hint = (
        invalid.hint if invalid.code == "AMBIGUOUS" else "Correct the cell; a deleted or merged lead is gone."
    )
    return _problem(rule, row, f"LEAD_{invalid.code}", invalid.message, hint)


def named_twice(rule: LeadRule, row: CheckedRow, lead: Record, rows: Sequence[CheckedRow]) -> Problem:
    """Several rows want to come out of the lead."""
    lines = " and ".join(str(each.ref.line) for each in rows)
    message = f"{len(rows)} rows name {named(lead)} (lines {lines}), and a lead becomes one deal"
    return _problem(
        rule, row, "LEAD_NAMED_TWICE", message, "Name it in one row; give the others their account."
    )


def converted_already(rule: LeadRule, row: CheckedRow, lead: Record) -> Problem:
    """The job takes no lead that somebody has converted."""
    message = f"{named(lead)} is converted already, and the job takes only open ones"
    return _problem(rule, row, "LEAD_CONVERTED", message, "Name the account in place of the lead.")


def taken(rule: LeadRule, row: CheckedRow, lead: Record, deal_id: str, holder: str) -> Problem:
    """The lead has become a deal that belongs to another row."""
    message = f'{named(lead)} has become the deal {deal_id}, which is the one of "{holder}"'
    return _problem(rule, row, "LEAD_TAKEN", message, "Correct the lead or the key; nothing was touched.")


def deal_gone(rule: LeadRule, row: CheckedRow, lead: Record, deal_id: str) -> Problem:
    """The lead has become a deal that is not in the org any more."""
    message = f"{named(lead)} has become the deal {deal_id}, which is in the org no more"
    return _problem(rule, row, "LEAD_DEAL_GONE", message, "Undelete the deal, or name the account instead.")


def not_this_deal(rule: LeadRule, row: CheckedRow, lead: Record, deal_id: str) -> Problem:
    """The row's deal is in the org by its key, and the lead is open or has become another deal."""
    message = f"the row's deal {deal_id} is in the org, and {named(lead)} did not become it"
    hint = "Convert the lead into that deal in the org, or take it out of the row; nothing was touched."
    return _problem(rule, row, "LEAD_NOT_THIS_DEAL", message, hint)


def wrong_status(rule: LeadRule, row: CheckedRow, lead: Record) -> Problem:
    """The job does not take leads of that status."""
    message = f"{named(lead)} is {lead.get('Status')}, and the job converts only {listed(rule.only_status)}"
    return _problem(rule, row, "LEAD_STATUS", message, "Work on the lead first, or take it out of the row.")


def queue_owned(rule: LeadRule, row: CheckedRow, lead: Record) -> Problem:
    """A queue owns the lead; its records need a user. Source: SOAP API Developer Guide, convertLead, ownerId."""
    message = f"{named(lead)} belongs to a queue, and what it becomes must belong to a user"
    return _problem(rule, row, "LEAD_OWNER_IS_QUEUE", message, "Give the row an owner (OwnerId).")


def lacks(rule: LeadRule, row: CheckedRow, lead: Record, what: str) -> Problem:
    """The row names no account or contact, and the job makes none out of leads."""
    message = f"{named(lead)} is to be merged into an {what} that is there, and the row names none"
    hint = f'Fill in the {what}, or say {what} = "create" in [opportunities.lead].'
    return _problem(rule, row, "LEAD_NEEDS_TARGET", message.replace("an contact", "a contact"), hint)


def no_contact(rule: LeadRule, row: CheckedRow, why: Invalid | BlockedBy) -> Problem:
    """The contact that the lead is to be merged into cannot be told."""
    said = f"refers to {why.change_id}" if isinstance(why, BlockedBy) else why.message
    return _problem(rule, row, "LEAD_CONTACT_UNKNOWN", f"its contact: {said}", "Correct the contact first.")


def waits_for_account(deferred: Problem) -> Problem:
    """The rule lets a row go without its account, but a conversion would make another one, once and for good."""
    message = "its account is not there yet, and a conversion cannot be taken back: the row waits for it"
    return replace(
        deferred, code=WAITS, message=message, hint="A later run that finds the account brings the row."
    )


def other_account(rule: LeadRule, row: CheckedRow, lead: Record) -> Problem:
    """The contact belongs to another account. Source: SOAP API Developer Guide, convertLead, contactId."""
    message = f"{named(lead)} is to be merged into a contact that does not belong to the row's account"
    return _problem(rule, row, "LEAD_CONTACT_ELSEWHERE", message, "Correct the contact or the account.")
