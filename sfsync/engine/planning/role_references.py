"""Finds the deal and the contact of each role row, and what becomes of the row where there is none.

A contact that is looked up by name and account is one of the deal's account, unless the row says another. A role
cannot be without either of the two: where its rule defers a missing one, the role itself waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.job import FieldRule, Missing, Section
from sfsync.core.models import Reference
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import OrgGateway
from sfsync.core.reading.checks import Invalid, row_problem
from sfsync.core.references.candidates import BlockedBy
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.strategies import ACCOUNT_ID, awaiting_account, takes_deals_account
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, record_id
from sfsync.core.values import Pending
from sfsync.engine.planning.account_names import name_accounts
from sfsync.engine.planning.matching import learn_references, learn_what_tells_apart
from sfsync.engine.planning.parent_problems import stopped_by
from sfsync.engine.planning.reading import CheckedRow
from sfsync.engine.planning.role_accounts import ACCOUNT_FIELDS, answered
from sfsync.engine.planning.row_references import ReferencePolicies, without_parent

_GOALS: Final = (("ContactId", CONTACT), ("OpportunityId", OPPORTUNITY))


@dataclass(slots=True)
class RoleReferences:
    """The deals and contacts of a job's role rows; `deals` are the job's own."""

    sections: Mapping[str, Section]
    policies: ReferencePolicies
    deals: PlannedRecords | None

    def learn(self, rows: Sequence[CheckedRow], gateway: OrgGateway) -> list[Problem]:
        """Asks the org for everything that the rows refer to; notes what it does not tell."""
        table = self.policies.table
        readable = [row for row in rows if not row.problems]
        pairs = [_awaiting(pair) for row in readable for pair in _references(row)]
        needed = {OPPORTUNITY: (ACCOUNT_ID,)} if any(map(_takes_deals_account, readable)) else {}
        lookups = table.lookups(pairs, of=CONTACT_ROLE, further=ACCOUNT_FIELDS)
        plain = table.lookups(pairs, of=CONTACT_ROLE, further=needed)
        answers, notes = answered(gateway, lookups, plain=plain)
        learn_references(table, answers, gateway)
        for row in readable:
            self._take_deals_account(row)
        notes += name_accounts(readable, table, gateway)
        pairs = [pair for row in readable for pair in _references(row)]
        learn_what_tells_apart(table, pairs, gateway, of=CONTACT_ROLE)
        return notes

    def keep_open(self, rows: Iterable[CheckedRow]) -> None:
        """Remembers the contacts that a person has to settle, when those that are made are known.

        Also of rows that go no further for another reason: a person settles everything at once.
        """
        pairs = (pair for row in rows if not row.problems for pair in _references(row))
        contacts = dict.fromkeys(reference for sobject, reference in pairs if sobject == CONTACT)
        table = self.policies.table
        self.policies.keep_open(table.resolve(CONTACT, each, of=CONTACT_ROLE) for each in contacts)

    def _take_deals_account(self, row: CheckedRow) -> None:
        """Completes a contact's reference by the account of the row's deal."""
        contact = row.values.get("ContactId")
        if not isinstance(contact, Reference) or not _takes_deals_account(row):
            return
        deal = self.deal(row)
        if isinstance(deal, Change):
            row.values["ContactId"] = replace(contact, account_id=self._account_of(deal))

    def _account_of(self, deal: Change) -> str:
        """The id of a deal's account, or the change that creates it; "" where it has none."""
        wanted = deal.desired.get(ACCOUNT_ID)
        if isinstance(wanted, Pending):
            return wanted.change_id
        held = self.policies.table.record(deal.record_id or "").get(ACCOUNT_ID)
        known = wanted or record_id(deal.account or "", ACCOUNT) or held
        return known if isinstance(known, str) else ""

    def deal(self, row: CheckedRow) -> Change | Invalid:
        """The change of the row's deal; of a deal that only the org has, one that leaves it alone."""
        reference = row.values.get("OpportunityId")
        if not isinstance(reference, Reference):
            return Invalid("NO_DEAL", "the row names no deal", "Fill in the deal's key.")
        deals = self.deals
        for name in reference.match if deals else ():
            hits = deals.find(name, reference.value) if deals else []
            # Rows that share a key are all refused: the role waits for whichever of them is corrected.
            is_only = len(hits) == 1 and deals is not None and deals.covers(name, reference.value)
            if is_only or (hits and all(each.action is Action.REJECT for each in hits)):
                return hits[0]
        resolved = self.policies.table.resolve(OPPORTUNITY, reference, of=CONTACT_ROLE)
        if isinstance(resolved, Invalid):
            return resolved
        if not isinstance(resolved, str):
            return deals.changes[resolved.change_id] if deals else _no_deal(reference)
        known = deals.with_record(resolved) if deals else None
        change_id = f"{OPPORTUNITY}:{reference.value}"
        label = f"deal {reference.value}"
        return known or Change(
            change_id, OPPORTUNITY, Action.NOOP, reference.value, label, record_id=resolved
        )

    def contact(self, row: CheckedRow) -> str | Pending | BlockedBy | Invalid:
        """The row's contact; one that had to be made is settled by then."""
        reference = row.values.get("ContactId")
        if isinstance(reference, str | Pending | BlockedBy | Invalid):
            return reference
        if not isinstance(reference, Reference):
            return Invalid("NO_CONTACT", "the row names no contact", "Fill in the contact.")
        return self.policies.table.resolve(CONTACT, reference, of=CONTACT_ROLE)

    def stopped(self, row: CheckedRow, name: str, invalid: Invalid) -> tuple[Action, Problem]:
        """What becomes of a row whose deal or contact is not to be had, by the rule of that field."""
        self.policies.keep_open([invalid])
        section, rule = self._rule(row, name)
        place, said = without_parent(rule, invalid, is_required=True)
        value = row.values.get(name)
        text = value.value if isinstance(value, Reference) else row.texts.get(name, "")
        problem = replace(row_problem(section, row.ref, name, said, value=text), stage=Stage.MATCH)
        return Action.SKIP if place is Missing.SKIP else stopped_by(said), problem

    def _rule(self, row: CheckedRow, name: str) -> tuple[Section, FieldRule | None]:
        """The rule that the row's field comes from; a deal's own contact has its rule among the deals'."""
        place = "opportunities" if row.is_derived else "contact_roles"
        section = self.sections.get(place) or self.sections[row.ref.source]
        return section, section.rule(name)


def _references(row: CheckedRow) -> Iterable[tuple[str, Reference]]:
    for name, sobject in _GOALS:
        value = row.values.get(name)
        if isinstance(value, Reference):
            yield sobject, value


def _awaiting(pair: tuple[str, Reference]) -> tuple[str, Reference]:
    """The reference as it is looked up before the deal's account is known."""
    sobject, reference = pair
    return sobject, awaiting_account(reference) if sobject == CONTACT else reference


def _takes_deals_account(row: CheckedRow) -> bool:
    contact = row.values.get("ContactId")
    return isinstance(contact, Reference) and takes_deals_account(contact)


def _no_deal(reference: Reference) -> Invalid:
    message = f'the deal "{reference.value}" is neither in this job nor in the org'
    return Invalid("NO_DEAL", message, "Correct the deal's key, or bring the deal first.")
