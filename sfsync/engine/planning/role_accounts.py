"""Tells roles whose contact is of another account than the deal's: allowed, and marked.

What is compared was read anyway, with the deals and the contacts; where the user may not read the accounts, nothing
is marked, and a note says so. Accounts that rows of the same job give count before those of the org.
Source: any contact of any account can have a role on a deal; the platform has no rule of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Lookup, OrgGateway, Record
from sfsync.core.records import value_at
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.references.strategies import ACCOUNT_ID
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import ACCOUNT, CONTACT, OPPORTUNITY, record_id
from sfsync.core.values import Pending
from sfsync.errors import ConfigError

ACCOUNT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    CONTACT: (ACCOUNT_ID, "Account.Name"),
    OPPORTUNITY: (ACCOUNT_ID,),
}
"""What a look-up asks beside the record itself, to tell roles whose contact is of another account."""

STANDING = frozenset({Action.CREATE, Action.UPDATE, Action.NOOP})
"""The actions of roles that are on their deal when all has gone as planned."""

Account = str | Pending


@dataclass(slots=True)
class RoleAccounts:
    """The accounts of the deals and contacts of one plan."""

    table: ReferenceTable

    def other_account(self, deal: Change, contact: str | Pending) -> str | None:
        """The name of the contact's account where it is not the deal's; None where it is, or unknown."""
        of_deal = self._of_deal(deal)
        of_contact = self._of_contact(contact)
        if of_deal is None or of_contact is None or of_deal == of_contact:
            return None
        return self._name(of_contact, contact)

    def _of_deal(self, deal: Change) -> Account | None:
        if ACCOUNT_ID in deal.desired:
            return _account(deal.desired[ACCOUNT_ID])
        return _account(deal.account) or _account(self.table.record(deal.record_id or "").get(ACCOUNT_ID))

    def _of_contact(self, contact: str | Pending) -> Account | None:
        planned = self._planned(contact)
        if planned is not None and ACCOUNT_ID in planned.desired:
            return _account(planned.desired[ACCOUNT_ID])
        return _account(self.table.record(contact).get(ACCOUNT_ID)) if isinstance(contact, str) else None

    def _planned(self, contact: str | Pending) -> Change | None:
        """The row of this job that the contact is."""
        rows = self.table.planned.get(CONTACT)
        if rows is None:
            return None
        return rows.change(contact.change_id) if isinstance(contact, Pending) else rows.with_record(contact)

    def _name(self, account: Account, contact: str | Pending) -> str:
        rows = self.table.planned.get(ACCOUNT)
        if isinstance(account, Pending):
            row = rows.change(account.change_id) if rows else None
            return row.label if row else account.change_id
        person = self.table.record(contact) if isinstance(contact, str) else {}
        if _account(person.get(ACCOUNT_ID)) == account and (name := value_at(person, "Account.Name")):
            return str(name)
        row = rows.with_record(account) if rows else None
        return str(self.table.record(account).get("Name") or (row.label if row else account))


def _account(value: object) -> Account | None:
    return (
        value if isinstance(value, Pending) else record_id(value, ACCOUNT) if isinstance(value, str) else None
    )


def answered(
    gateway: OrgGateway, lookups: Sequence[Lookup], *, plain: Sequence[Lookup]
) -> tuple[list[tuple[Lookup, list[Record]]], list[Problem]]:
    """The look-ups of deals and contacts with their answers; the `plain` ones where accounts may not be read.

    Raises:
        ConfigError: the org refuses a look-up for another reason.
    """
    if not lookups:
        return [], []
    try:
        return list(zip(lookups, gateway.fetch(lookups), strict=True)), []
    except ConfigError:
        if list(plain) == list(lookups):
            raise
        answers = list(zip(plain, gateway.fetch(plain), strict=True))
    message = "the accounts of contacts and deals cannot be read, so roles across accounts are not marked"
    hint = "Give the user read access to the Account fields of Contact and Opportunity."
    return answers, [Problem("ACCOUNTS_HIDDEN", Stage.PLAN, message, hint)]


def other_accounts(changes: Iterable[Change]) -> Counter[str]:
    """How many roles are for contacts of another account, by its name."""
    return Counter(each.other_account for each in changes if each.other_account and each.action in STANDING)


def other_account_notes(counted: Counter[str]) -> list[Problem]:
    """How many roles are for contacts of another account, and of which."""
    if not counted:
        return []
    count = counted.total()
    roles = "1 contact role is" if count == 1 else f"{count:,} contact roles are"
    most = ", ".join(f"{name} ({times:,})" for name, times in counted.most_common(3))
    rest = f" and {len(counted) - 3:,} more accounts" if len(counted) > 3 else ""
    message = f"{roles} for a contact of another account than the deal's, which is allowed: {most}{rest}"
    return [Problem("OTHER_ACCOUNT", Stage.PLAN, message)]
