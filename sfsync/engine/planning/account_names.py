"""Decides what the account of a deal is called where a person has to settle a contact of it: by the name they know.

Names that are not known are asked for only where a contact is left to settle, or contacts are picked. An account
that shares its name with another one of the plan keeps its id: a pick by the name would mean the contacts of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sfsync.core.models import Reference
from sfsync.core.ports import Lookup, OrgGateway
from sfsync.core.references.candidates import Unresolved
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.reports.results import Problem
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, record_id
from sfsync.engine.planning.matching import learn_references
from sfsync.engine.planning.reading import CheckedRow
from sfsync.engine.planning.role_accounts import answered


def name_accounts(rows: Iterable[CheckedRow], table: ReferenceTable, gateway: OrgGateway) -> list[Problem]:
    """Puts the names of the deals' accounts into the references to their contacts; notes what cannot be read."""
    of_account = [(row, each) for row in rows if (each := _contact(row)) is not None and each.account_id]
    picked = any(pick.sobject == CONTACT for pick in table.picks.picks)
    unnamed = {
        each.account_id: None
        for _, each in of_account
        if record_id(each.account_id, ACCOUNT)
        and not table.account_name(each.account_id)
        and (picked or isinstance(table.resolve(CONTACT, each, of=CONTACT_ROLE), Unresolved))
    }
    lookups = [Lookup(ACCOUNT, ("Id", "Name"), "Id", tuple(unnamed))] if unnamed else []
    answers, notes = answered(gateway, lookups, plain=[])
    learn_references(table, answers, gateway)
    names = _names({each.account_id for _, each in of_account}, table)
    for row, each in of_account:
        row.values["ContactId"] = replace(each, account_name=names[each.account_id])
    return notes


def _contact(row: CheckedRow) -> Reference | None:
    contact = row.values.get("ContactId")
    return contact if isinstance(contact, Reference) and not contact.account else None


def _names(accounts: Iterable[str], table: ReferenceTable) -> Mapping[str, str]:
    names = {each: table.account_name(each) for each in accounts}
    shared = Counter(name.casefold() for name in names.values())
    return {each: name if shared[name.casefold()] == 1 else "" for each, name in names.items()}
