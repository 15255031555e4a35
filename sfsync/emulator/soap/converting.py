"""The convertLead operation: LeadConvert elements in, one result for each in the same order.

Lenient on the order and absence of elements, strict on their names. Records given along for internal use
are not played and refused as a feature that the org lacks.
Source: SOAP API Developer Guide, convertLead; Partner WSDL, LeadConvert and LeadConvertResult [D].
"""

from functools import partial
from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.rules.batch import save_all
from sfsync.emulator.rules.lead_conversion import Conversion, LeadOutcome, convert
from sfsync.emulator.rules.saving import Outcome
from sfsync.emulator.soap.envelope import Envelope
from sfsync.emulator.soap.faults import SoapFaultError, UnusableEnvelopeError
from sfsync.emulator.soap.results import error_elements, rows_of
from sfsync.emulator.soap.xml_reading import Node
from sfsync.emulator.soap.xml_writing import Elements

_MOST_LEADS: Final = 100
_PERSON_ACCOUNTS_SINCE: Final = 51.0
_PLAYED: Final = frozenset(
    {
        "accountId",
        "contactId",
        "convertedStatus",
        "doNotCreateOpportunity",
        "leadId",
        "opportunityId",
        "opportunityName",
        "overwriteLeadSource",
        "ownerId",
        "sendNotificationEmail",
    }
)
_INTERNAL: Final = frozenset(
    {
        "accountRecord",
        "bypassAccountDedupeCheck",
        "bypassContactDedupeCheck",
        "contactRecord",
        "opportunityRecord",
        "relatedPersonAccountId",
        "relatedPersonAccountRecord",
    }
)


def convert_lead(call: Call, read: Envelope) -> Elements:
    """Convert leads; each is converted or refused by itself unless the AllOrNoneHeader says otherwise.

    The guide offers that header, the WSDL does not list it for this operation: a switch decides.
    """
    rows = rows_of(read.operation, "leadConverts", most=_MOST_LEADS, code="EXCEEDED_LEAD_CONVERT_LIMIT")
    wishes = [_conversion(row) for row in rows]
    call.counted.rows["Lead"] = len(wishes)
    steps = [partial(convert, call, wish) for wish in wishes]
    all_or_none = read.flag("AllOrNoneHeader", "allOrNone") and call.org.switches.convert_lead_all_or_none
    outcomes = save_all(call, steps, all_or_none=all_or_none)
    return [("result", _result(call, outcome)) for outcome in outcomes]


def _conversion(row: Node) -> Conversion:
    for node in row.children:
        if node.name in _INTERNAL and (node.children or node.text.strip() not in {"", "false"}):
            message = f"{node.name} is not enabled for this organization"
            raise SoapFaultError("FUNCTIONALITY_NOT_ENABLED", message)
        if node.name not in _PLAYED | _INTERNAL:
            raise UnusableEnvelopeError(f"Element {{{node.namespace}}}{node.name} invalid at this location")
    return Conversion(
        lead_id=row.value("leadId"),
        converted_status=row.value("convertedStatus"),
        account_id=row.value("accountId"),
        contact_id=row.value("contactId"),
        opportunity_id=row.value("opportunityId"),
        opportunity_name=row.value("opportunityName"),
        owner_id=row.value("ownerId"),
        makes_deal=not row.flag("doNotCreateOpportunity"),
        overwrites_lead_source=row.flag("overwriteLeadSource"),
    )


def _result(call: Call, outcome: Outcome) -> Elements:
    made = outcome if isinstance(outcome, LeadOutcome) else LeadOutcome(errors=outcome.errors)
    person: Elements = [("relatedPersonAccountId", None)]
    return [
        ("accountId", made.account_id),
        ("contactId", made.contact_id),
        *error_elements(made),
        ("leadId", made.id),
        ("opportunityId", made.opportunity_id),
        *(person if float(call.version) >= _PERSON_ACCOUNTS_SINCE else ()),
        ("success", made.success),
    ]
