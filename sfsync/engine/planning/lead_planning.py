"""Plans which deals come out of leads: each row's lead is looked up, and what it says decides.

An open lead is converted, once. A converted one tells which deal it has become: that deal is the row's if nobody
else's key holds it, so a run that died between a conversion and the writing of the key goes on where it was. A lead
that was converted without a deal gives the new deal its account. Whatever else is the case is a problem of the row.
Source: SOAP API Developer Guide, convertLead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.deals.gone import Deleted
from sfsync.core.deals.lead_rule import LeadRule, LeadTarget, WhenConverted
from sfsync.core.deals.leads import LEAD_FIELDS, LONGEST_NAME, landed, lead_change_id
from sfsync.core.models import Reference
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Journal, Lookup, OrgGateway, Record
from sfsync.core.reading.checks import Invalid
from sfsync.core.records import full_id
from sfsync.core.references.candidates import BlockedBy, Resolved
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.references.strategies import ACCOUNT_ID, awaiting_account, takes_deals_account
from sfsync.core.reports.results import Problem
from sfsync.core.sobject import ACCOUNT, CONTACT, LEAD, OPPORTUNITY, record_id
from sfsync.core.values import Pending, PlannedValue, clean_key
from sfsync.core.wording import listed
from sfsync.engine.planning import lead_problems as say
from sfsync.engine.planning.matching import OwnRecords, compared_fields
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.engine.planning.row_references import ReferencePolicies
from sfsync.errors import ConfigError

STATUS: Final = "LeadStatus"

Planner = Callable[[CheckedRow, list[Record], str | None], Change]
"""Plans a row by the records that it may be, and the change of the lead that it comes out of."""


def converted_statuses(gateway: OrgGateway) -> list[str]:
    """The lead statuses that stand for converted, in the org's order, by API name."""
    lookup = Lookup(STATUS, ("ApiName", "SortOrder"), also={"IsConverted": True})
    [records] = gateway.fetch([lookup])
    return [str(each["ApiName"]) for each in sorted(records, key=lambda each: int(each["SortOrder"]))]


def status_of(rule: LeadRule, statuses: Sequence[str]) -> str:
    """The status that a converted lead gets.

    Raises:
        ConfigError: the job names one that does not stand for converted, or the org has none.
    """
    if rule.status in statuses or (rule.status is None and statuses):
        return rule.status or statuses[0]
    raise ConfigError(
        f"opportunities.lead.status: {rule.status or 'no status'} is no lead status of this org that stands for"
        " converted",
        code="LEAD_STATUS",
        hint=f"There are: {listed(statuses)}."
        if statuses
        else "Let an admin mark one as converted in Setup.",
    )


@dataclass(slots=True)
class LeadPlanner:
    """Plans the rows of one section that name leads; `prepare` first, then `changes` row by row."""

    rule: LeadRule
    policies: ReferencePolicies
    planned: dict[str, PlannedRecords]
    gateway: OrgGateway
    journal: Journal
    org_id: str
    job: str
    status: str = ""
    _leads: dict[str, Record] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    _deals: dict[str, Record] = field(default_factory=dict)
    _contacts: dict[str, Record] = field(default_factory=dict)
    _brought: dict[str, str] = field(default_factory=dict)
    _deleted: frozenset[str] = frozenset()
    _rivals: dict[str, list[CheckedRow]] = field(default_factory=dict)

    @property
    def table(self) -> ReferenceTable:
        """What the rows' references can mean."""
        return self.policies.table

    @property
    def deals(self) -> list[Record]:
        """The deals that the rows' leads have become already."""
        return list(self._deals.values())

    def references(self, rows: Iterable[CheckedRow]) -> Iterable[tuple[str, Reference]]:
        """What must be looked up of these rows besides what their fields refer to."""
        for row in rows:
            if row.lead:
                yield LEAD, self._reference(row)
                if row.lead_contact is not None:
                    yield CONTACT, awaiting_account(row.lead_contact)

    def prepare(self, read: ReadSection, own: OwnRecords, describe: SObjectDescribe) -> None:
        """Reads the leads of the rows, and the deals that those have become which are converted.

        Raises:
            ConfigError: the org has no such converted status.
        """
        rows = [each for each in read.rows if each.lead and not each.problems]
        if not rows:
            return
        for row in rows:
            found = self.table.resolve(LEAD, self._reference(row), of=OPPORTUNITY)
            if isinstance(found, str):
                self._ids[row.place] = found
            elif isinstance(found, Invalid) and not own.of(row):
                self.policies.keep_open([found])
                row.problems.append(say.not_resolved(self.rule, row, found))
        self.status = status_of(self.rule, converted_statuses(self.gateway))
        leads = Lookup(LEAD, LEAD_FIELDS, "Id", tuple(dict.fromkeys(self._ids.values())))
        self._leads = _by_id(self.gateway.fetch([leads])[0]) if leads.values else {}
        self._read_around(rows, compared_fields(read, describe))
        self._brought = {row.place: own.ledger[row.key].record_id for row in rows if row.key in own.ledger}
        self._deleted = self.journal.memory.deleted(self.org_id, self.job, OPPORTUNITY)
        for row in rows:
            if row.place in self._ids and not own.of(row):
                self._rivals.setdefault(self._ids[row.place], []).append(row)

    def _read_around(self, rows: Sequence[CheckedRow], of_deals: tuple[str, ...]) -> None:
        """Reads the deals and accounts that leads have become, and the contacts that leads are merged into."""
        became = [each for lead in self._leads.values() if (each := landed(lead)) is not None]
        contacts = (self._target(row) for row in rows)
        lookups = [
            Lookup(
                OPPORTUNITY,
                of_deals,
                "Id",
                tuple(each.deal_id for each in became if each.deal_id is not None),
            ),
            Lookup(
                CONTACT, ("Id", "AccountId"), "Id", tuple(each for each in contacts if isinstance(each, str))
            ),
            Lookup(
                ACCOUNT,
                ("Id", "Name"),
                "Id",
                tuple(each.account_id for each in became),
            ),
        ]
        asked = [each for each in lookups if each.values]
        found = dict(
            zip((each.sobject for each in asked), self.gateway.fetch(asked) if asked else [], strict=True)
        )
        self._deals = _by_id(found.get(OPPORTUNITY, ()))
        self._contacts = _by_id(found.get(CONTACT, ()))
        self.table.learn(lookups[-1], found.get(ACCOUNT, ()))

    def changes(
        self, read: ReadSection, row: CheckedRow, records: list[Record], plan: Planner
    ) -> list[Change]:
        """The change of the row, after that of its lead if that is converted."""
        lead = self._leads.get(self._ids.get(row.place, ""))
        if lead is None or row.problems:
            return [plan(row, records, None)]
        became = landed(lead)
        if records:
            if became is None or self._is_another(became.deal_id, records[0]):
                row.problems.append(say.not_this_deal(self.rule, row, lead, full_id(records[0])))
            return [plan(row, records, None)]
        rivals = self._rivals[full_id(lead)]
        if len(rivals) > 1:
            row.problems.append(say.named_twice(self.rule, row, lead, rivals))
        elif became is None:
            return self._of_open(row, lead, plan)
        elif self.rule.when_converted is WhenConverted.ERROR:
            row.problems.append(say.converted_already(self.rule, row, lead))
        elif became.deal_id is not None and not self._is_made_again(read, row, became.deal_id):
            return [self._of_landed(read, row, lead, became.deal_id, plan)]
        elif row.values.get("AccountId") is None:
            row.values["AccountId"] = Reference(became.account_id, ("Id",))
        return [plan(row, [], None)]

    def _is_another(self, deal_id: str | None, record: Record) -> bool:
        """Whether a lead has become another deal than the row's, and that one is in the org still."""
        return deal_id not in (full_id(record), None) and deal_id in self._deals

    def _is_made_again(self, read: ReadSection, row: CheckedRow, deal_id: str) -> bool:
        """Whether the deal that the lead has become was this row's, is deleted, and is to be created again.

        One that the job deleted itself, while the source had the row no more, comes back with it like any deal.
        """
        is_wanted = read.section.gone.deleted is Deleted.RECREATE and self._brought.get(row.place) == deal_id
        return (is_wanted or row.key in self._deleted) and deal_id not in self._deals

    def _of_landed(
        self, read: ReadSection, row: CheckedRow, lead: Record, deal_id: str, plan: Planner
    ) -> Change:
        """A row whose lead has become a deal: that one is the row's, unless it is another's."""
        deal = self._deals.get(deal_id)
        if deal is None:
            row.problems.append(say.deal_gone(self.rule, row, lead, deal_id))
            return plan(row, [], None)
        key_field = read.section.key
        if key_field is not None:
            key = deal.get(key_field)
            holders = [str(key)] if key is not None and clean_key(str(key)) != row.key else []
        else:
            holders = self.journal.ledger_keys(self.org_id, OPPORTUNITY, deal_id)
        if holders:
            row.problems.append(say.taken(self.rule, row, lead, deal_id, holders[0]))
        return plan(row, [deal], None)

    def _of_open(self, row: CheckedRow, lead: Record, plan: Planner) -> list[Change]:
        if self.rule.only_status and lead.get("Status") not in self.rule.only_status:
            row.problems.append(say.wrong_status(self.rule, row, lead))
            return [plan(row, [], None)]
        deal = plan(row, [], lead_change_id(full_id(lead)))
        if deal.action is not Action.CONVERT:
            return [deal]
        contact = self._target(row)
        own = self._account_of(contact)
        account = deal.desired.get(ACCOUNT_ID) or own
        if deal.account is None and own is not None:
            deal = replace(deal, account=own.change_id if isinstance(own, Pending) else str(own))
        problems = list(self._refusals(row, lead, deal, account=account, contact=contact))
        if problems:
            return [replace(deal, action=Action.REJECT, values={}, parent=None, problems=tuple(problems))]
        if contact is None:
            self._foresee(lead, account)
        return [self._conversion(lead, deal, account=account, contact=contact), deal]

    def _refusals(
        self, row: CheckedRow, lead: Record, deal: Change, *, account: PlannedValue, contact: Resolved | None
    ) -> Iterable[Problem]:
        """Why an open lead cannot be converted as the row wants it."""
        if isinstance(contact, Invalid | BlockedBy):
            yield say.no_contact(self.rule, row, contact)
            return
        if account is None and self.rule.account is LeadTarget.MATCH:
            yield say.lacks(self.rule, row, lead, "account")
        if contact is None and self.rule.contact is LeadTarget.MATCH:
            yield say.lacks(self.rule, row, lead, "contact")
        if contact is not None and (account is None or self._account_of(contact) != account):
            yield say.other_account(self.rule, row, lead)
        if record_id(str(lead.get("OwnerId")), "User") is None and deal.desired.get("OwnerId") is None:
            yield say.queue_owned(self.rule, row, lead)

    def _conversion(
        self, lead: Record, deal: Change, *, account: PlannedValue, contact: Resolved | None
    ) -> Change:
        """The change of the lead; what is named in its values is merged into, the rest is made."""
        name = deal.desired.get("Name") or lead.get("Company") or lead.get("Name")
        wishes: dict[str, PlannedValue] = {
            "Status": self.status,
            "Name": str(name)[:LONGEST_NAME],
            "OwnerId": deal.desired.get("OwnerId"),
            "ConvertedAccountId": account,
            "ConvertedContactId": contact if isinstance(contact, str | Pending) else None,
        }
        wanted = {name: value for name, value in wishes.items() if value is not None}
        lead_id = full_id(lead)
        return Change(
            change_id=lead_change_id(lead_id),
            sobject=LEAD,
            action=Action.CONVERT,
            key=lead_id,
            label=str(lead.get("Name") or lead_id),
            desired=wanted,
            values=wanted,
            before={name: str(lead.get(name) or "") for name in ("Status", "Company")},
            account=deal.account,
        )

    def _foresee(self, lead: Record, account: PlannedValue) -> None:
        """Makes the contact that the lead will become findable by what the lead says of itself."""
        name = lead_change_id(full_id(lead))
        known: dict[str, PlannedValue] = {
            each: str(lead[each]) for each in ("Email", "Name") if lead.get(each)
        }
        if account is not None:
            known[ACCOUNT_ID] = account
        expected = Change(name, CONTACT, Action.CONVERT, "", str(lead.get("Name")), desired=known)
        self.planned.setdefault(CONTACT, PlannedRecords("")).add(expected)

    def _target(self, row: CheckedRow) -> Resolved | None:
        """The contact that the row's lead is merged into, if it names one; by name, one of the row's account."""
        contact, account = row.lead_contact, row.values.get(ACCOUNT_ID)
        if contact is None:
            return None
        if takes_deals_account(contact) and isinstance(account, Reference):
            found = self.table.resolve(ACCOUNT, account, of=OPPORTUNITY)
            name = found.change_id if isinstance(found, Pending) else found
            known = name if isinstance(name, str) else ""
            contact = replace(contact, account_id=known, account_name=self.table.account_name(known))
        return self.table.resolve(CONTACT, contact, of=OPPORTUNITY)

    def _account_of(self, contact: Resolved | None) -> PlannedValue:
        """The account of a contact that is in the org, or that this plan creates first."""
        if isinstance(contact, Pending):
            planned = self.planned[CONTACT].changes.get(contact.change_id)
            return planned.desired.get("AccountId") if planned else None
        record = self._contacts.get(contact) if isinstance(contact, str) else None
        return record_id(str(record.get("AccountId"))) if record else None

    def _reference(self, row: CheckedRow) -> Reference:
        return Reference(row.lead, self.rule.match)


def _by_id(records: Iterable[Record]) -> dict[str, Record]:
    return {full_id(each): each for each in records}


def lead_planner(
    read: ReadSection,
    references: ReferencePolicies,
    planned: dict[str, PlannedRecords],
    gateway: OrgGateway,
    journal: Journal,
    org_id: str,
    job: str,
) -> LeadPlanner | None:
    """The planner of a section's rows that come out of leads, where the job has such rows."""
    rule = read.section.lead
    if rule is None or not any(each.lead for each in read.rows):
        return None
    planned.setdefault(LEAD, PlannedRecords("Id"))
    return LeadPlanner(rule, references, planned, gateway, journal, org_id, job)
