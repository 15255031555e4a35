"""Converting a lead: an account and a contact, made or filled, a deal with its primary role, a closed lead.

Only empty fields of records that exist already are filled. Before triggers and validation rules run only
if the org enables it; required custom fields always count. A converted lead is never converted again.
Source: SOAP API Developer Guide, convertLead [D]; Apex Developer Guide, Triggers and Order of Execution and
Converting Leads [D]; the deal's stage, close date and empty amount [I].
"""

import calendar
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.rights import CONVERT_LEADS
from sfsync.emulator.org.standard import typed_field
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.field_checks import checked_value
from sfsync.emulator.rules.saving import Outcome, insert_row, update_row

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_MONTHS_IN_QUARTER: Final = 3
_LONGEST_NAME: Final = 80
_ROLE: Final = "OpportunityContactRole"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a client asks for one lead; ids as they were sent, None for what was not said."""

    lead_id: str | None = None
    converted_status: str | None = None
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    opportunity_name: str | None = None
    owner_id: str | None = None
    makes_deal: bool = True
    overwrites_lead_source: bool = False


@dataclass(frozen=True, slots=True)
class LeadOutcome(Outcome):
    """What became of one lead, and of it."""

    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None


def convert(call: "Call", wanted: Conversion) -> Outcome:
    """Convert one lead, or say why not; a refused one leaves nothing behind."""
    row = call.org.storage.get("Lead", normalised(wanted.lead_id or "") or "")
    draft = Draft(call.org.schema["Lead"], values=row) if row else None
    try:
        call.check_row_fault(draft, row["Id"] if row else None)
        with call.work.unit():
            return _LeadInProgress.of(call, wanted).convert()
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))


@dataclass(frozen=True, slots=True)
class _LeadInProgress:
    """A lead that may be converted, with who will own what it becomes."""

    call: "Call"
    wanted: Conversion
    lead: Row
    status: str
    owner_id: str

    @classmethod
    def of(cls, call: "Call", wanted: Conversion) -> "_LeadInProgress":
        """Return the lead when everything that can be said beforehand allows its conversion."""
        _check_permission(call)
        if wanted.lead_id is None:
            raise RowRefusedError("MISSING_ARGUMENT", "leadId not specified in a convertLead call", "LeadId")
        lead_id = _existing(call, "Lead", wanted.lead_id)
        lead = call.org.storage.get("Lead", lead_id) or {}
        if lead["IsConverted"]:
            raise RowRefusedError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", "LeadId")
        _check_wishes(wanted)
        return cls(call, wanted, lead, _converted_status(call, wanted), _owner(call, wanted, lead))

    def convert(self) -> LeadOutcome:
        """Make or fill the records that the lead becomes, and close it."""
        account = self._account()
        contact = self._contact(account)
        deal = self._deal(account, contact) if self.wanted.makes_deal else None
        values: Row = {
            "Status": self.status,
            "IsConverted": 1,
            "ConvertedDate": self._today.isoformat(),
            "ConvertedAccountId": account,
            "ConvertedContactId": contact,
            "ConvertedOpportunityId": deal,
        }
        update_row(self.call, self._draft("Lead", values), self.lead["Id"])
        return LeadOutcome(self.lead["Id"], account_id=account, contact_id=contact, opportunity_id=deal)

    @property
    def _today(self) -> date:
        return self.call.org.clock.now().date()

    def _draft(self, sobject: str, values: Row) -> Draft:
        automation = bool(self.call.org.definition.lead_conversion.get("automation", False))
        return Draft(self.call.org.schema[sobject], values=values, runs_automation=automation)

    def _mapped(self, sobject: str) -> Row:
        """Return what the lead has for an object; blank fields are left to the defaults of the target."""
        values = {name: self.lead[source] for name, source in self.call.org.lead_mapping[sobject].items()}
        return {name: value for name, value in values.items() if value is not None}

    def _make(self, sobject: str, **values: object) -> str:
        draft = self._draft(sobject, {**self._mapped(sobject), "OwnerId": self.owner_id, **values})
        draft.made_for = self.owner_id
        return insert_row(self.call, draft)

    def _fill(self, sobject: str, record_id: str, **values: object) -> None:
        """Give a record what its empty fields lack."""
        row = self.call.org.storage.get(sobject, record_id) or {}
        lacking = {
            name: value for name, value in {**self._mapped(sobject), **values}.items() if row[name] is None
        }
        if self.wanted.overwrites_lead_source and sobject == "Contact":
            lacking["LeadSource"] = self.lead["LeadSource"]
        if lacking:
            update_row(self.call, self._draft(sobject, lacking), record_id)

    def _account(self) -> str:
        if self.wanted.account_id is None:
            return self._make("Account")
        account = _existing(self.call, "Account", self.wanted.account_id)
        self._fill("Account", account)
        return account

    def _contact(self, account: str) -> str:
        if self.wanted.contact_id is None:
            return self._make("Contact", AccountId=account)
        contact = _existing(self.call, "Contact", self.wanted.contact_id)
        _check_account(self.call, "Contact", contact, account=account)
        self._fill("Contact", contact)
        return contact

    def _deal(self, account: str, contact: str) -> str:
        if self.wanted.opportunity_id is not None:
            return self._attached_deal(account, contact)
        name = self.wanted.opportunity_name or self.lead["Company"]
        if len(name) > _LONGEST_NAME:
            message = f"Opportunity Name: data value too large: {name} (max length={_LONGEST_NAME})"
            raise RowRefusedError("STRING_TOO_LONG", message, "OpportunityName")
        deal = self._make(
            "Opportunity",
            Name=name,
            AccountId=account,
            StageName=_first_stage(self.call, self.owner_id),
            CloseDate=_end_of_quarter(self._today, self.call.org.fiscal_year_start).isoformat(),
        )
        self._add_role(deal, contact, is_primary=True)
        return deal

    def _attached_deal(self, account: str, contact: str) -> str:
        deal = _existing(self.call, "Opportunity", self.wanted.opportunity_id or "")
        if self.call.org.storage.value("Opportunity", deal, "AccountId") is not None:
            _check_account(self.call, "Opportunity", deal, account=account)
        self._fill("Opportunity", deal, AccountId=account)
        where = '"OpportunityId" = ? AND "IsDeleted" = 0'
        roles = self.call.org.storage.select(_ROLE, where, deal)
        if not any(role["ContactId"] == contact for role in roles):
            self._add_role(deal, contact, is_primary=not any(role["IsPrimary"] for role in roles))
        return deal

    def _add_role(self, deal: str, contact: str, *, is_primary: bool) -> None:
        values: Row = {"OpportunityId": deal, "ContactId": contact, "IsPrimary": int(is_primary)}
        insert_row(self.call, self._draft(_ROLE, values))


def _check_permission(call: "Call") -> None:
    if not call.org.rights.may(call.user_id, CONVERT_LEADS):
        raise RowRefusedError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def _check_wishes(wanted: Conversion) -> None:
    """Refuse arguments that exclude or need each other.

    Source: SOAP API Developer Guide, convertLead, LeadConvert Properties [D].
    """
    names_deal = wanted.opportunity_id is not None or wanted.opportunity_name is not None
    if names_deal and not wanted.makes_deal:
        message = "opportunityName and opportunityId must be empty when doNotCreateOpportunity is true"
        raise RowRefusedError("FIELD_INTEGRITY_EXCEPTION", message)
    if wanted.opportunity_id is not None and wanted.opportunity_name is not None:
        message = "opportunityId and opportunityName exclude each other"
        raise RowRefusedError("FIELD_INTEGRITY_EXCEPTION", message)
    if wanted.contact_id is not None and wanted.account_id is None:
        raise RowRefusedError("REQUIRED_FIELD_MISSING", "contactId needs accountId", "AccountId")
    if wanted.overwrites_lead_source and wanted.contact_id is None:
        raise RowRefusedError("REQUIRED_FIELD_MISSING", "overwriteLeadSource needs contactId", "ContactId")


def _existing(call: "Call", sobject: str, given: str) -> str:
    reference = typed_field(f"{sobject}Id", f"ref:{sobject}", label=f"{sobject} ID")
    return str(checked_value(call, reference, given))


def _check_account(call: "Call", sobject: str, record_id: str, *, account: str) -> None:
    if call.org.storage.value(sobject, record_id, "AccountId") != account:
        message = f"the {sobject.lower()} {record_id} does not belong to account {account}"
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", message, f"{sobject}Id")


def _converted_status(call: "Call", wanted: Conversion) -> str:
    statuses = call.org.schema["LeadStatus"]
    name = wanted.converted_status or ""
    for found in call.org.storage.find(statuses, statuses.fields["apiname"], name):
        if call.org.storage.value("LeadStatus", found, "IsConverted"):
            return str(call.org.storage.value("LeadStatus", found, "ApiName"))
    raise RowRefusedError("INVALID_STATUS", f"invalid convertedStatus: {name}", "Status")


def _owner(call: "Call", wanted: Conversion, lead: Row) -> str:
    """Return the user who owns what is made: the one named, else the lead's owner."""
    if wanted.owner_id is not None:
        return _existing(call, "User", wanted.owner_id)
    if call.org.schema.by_prefix(lead["OwnerId"]) is not call.org.schema["User"]:
        message = (
            "Converted objects can only be owned by users.  If the lead is not owned by a user, you must "
            "specify a user for the Owner field."
        )
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", message, "OwnerId")
    return str(lead["OwnerId"])


def _first_stage(call: "Call", owner_id: str) -> str | None:
    """Return the first active stage, of the sales process that the owner's new deals get if there is one."""
    kinds = call.org.rights.record_types(call.org.schema["Opportunity"], owner_id)
    kind = next((each for each in kinds if each.default), None)
    process = kind.stages if kind else ()
    stages = (stage.name for stage in call.org.stages.values() if stage.active)
    return next((name for name in stages if not process or name in process), None)


def _end_of_quarter(today: date, first_month: int) -> date:
    left = _MONTHS_IN_QUARTER - 1 - (today.month - first_month) % _MONTHS_IN_QUARTER
    years, month = divmod(today.month - 1 + left, 12)
    last_day = calendar.monthrange(today.year + years, month + 1)[1]
    return date(today.year + years, month + 1, last_day)
