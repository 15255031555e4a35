"""Accounts that a plan would make twice: for rows that name them, and out of leads of companies of that name.

Which id the account of a lead will have is known only after its conversion, so a row that names it waits for the
next run, which finds it in the org.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfsync.core.plans.plan import Action, Change
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import ACCOUNT, LEAD
from sfsync.core.values import clean_key


def made_by_leads(changes: Iterable[Change], made: Iterable[Change]) -> dict[str, Problem]:
    """The accounts of `made` that a lead of the plan becomes too, by change id, and what their rows are told.

    A lead that is merged into an account or a contact makes none. Letter case does not count, as in the org's
    queries.
    """
    leads = {
        _compared(each.before.get("Company")): each
        for each in changes
        if each.sobject == LEAD and each.action is Action.CONVERT and "ConvertedAccountId" not in each.values
    }
    accounts = ((each, leads.get(_compared(each.desired.get("Name")))) for each in made)
    return {
        each.change_id: _problem(each, lead)
        for each, lead in accounts
        if each.sobject == ACCOUNT and lead is not None
    }


def _compared(name: object) -> str:
    return clean_key(str(name or "")).casefold()


def _problem(account: Change, lead: Change) -> Problem:
    message = f'account "{account.label}" is not made: lead {lead.label} becomes an account of that name'
    hint = "The next run finds the lead's account. To merge the lead into another, name one in its row."
    return Problem("LEAD_MAKES_ACCOUNT", Stage.PLAN, message, hint, value=account.label)
