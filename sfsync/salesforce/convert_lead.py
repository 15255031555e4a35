"""convertLead: the request of a `ConvertCall`, and what its answer says of every lead.

Results stand in the order of the leads and name them, and both must agree. Invariants: a lead is `Written`, with
the contact that it became, only where its result says success and names a contact, a deal and the lead itself; one
that is converted already is `Repeated`, which only a look at the lead settles; whatever proves nothing is
`Unanswered`, so that it is looked up too.
Source: SOAP API Developer Guide, convertLead; Partner WSDL (order of the elements).
"""

from __future__ import annotations

from typing import Any, Final
from xml.etree.ElementTree import Element

from sfsync.core.sending.verdict import CallKind
from sfsync.core.sobject import ACCOUNT, CONTACT, LEAD, OPPORTUNITY, record_id
from sfsync.core.writes import Answer, ConvertCall, Node, Refused, Repeated, Unanswered, Written
from sfsync.salesforce.session import Request
from sfsync.salesforce.soap import PARTNER, XML, child_text, element, envelope, parsed
from sfsync.salesforce.writing import MISFIT, NO_PROOF, refused

_CONVERTED_ALREADY: Final = "CANNOT_UPDATE_CONVERTED_LEAD"


def convert_request(call: ConvertCall, api_version: str, kind: CallKind) -> Request:
    """The request that converts the leads of the call.

    Raises:
        ValueError: an id in it is none.
    """
    body = envelope("convertLead", "".join(_wish(node) for node in call.rows))
    return Request(
        "POST",
        f"/services/Soap/u/{api_version}",
        kind,
        body,
        content_type="text/xml; charset=UTF-8",
        headers={"SOAPAction": '""'},
        accept=XML,
        has_token_inside=True,
    )


def _wish(node: Node) -> str:
    """One lead in the order of the schema; where no contact or account is named, new ones are made."""
    parts = [
        _id("accountId", node.body.get("ConvertedAccountId"), ACCOUNT),
        _id("contactId", node.body.get("ConvertedContactId"), CONTACT),
        element("convertedStatus", str(node.body.get("Status") or "")),
        element("doNotCreateOpportunity", "false"),
        _id("leadId", node.record_id, LEAD),
        element("opportunityName", str(node.body.get("Name") or "")),
        element("overwriteLeadSource", "false"),
        _id("ownerId", node.body.get("OwnerId"), "User"),
        element("sendNotificationEmail", "false"),
    ]
    return f"<p:leadConverts>{''.join(parts)}</p:leadConverts>"


def _id(name: str, value: object, sobject: str) -> str:
    if value is None:
        return ""
    found = record_id(str(value), sobject)
    if found is None:
        raise ValueError(f"{value!r} is no id of {sobject}")
    return element(name, found)


def read_converted(call: ConvertCall, document: Any) -> dict[str, Answer]:
    """What a whole answer says of the leads; nothing of any where it does not fit the request."""
    try:
        answer = parsed(str(document))
    except ValueError:
        return {}
    results = answer.findall(f"{{{PARTNER}}}result")
    if answer.tag != f"{{{PARTNER}}}convertLeadResponse" or len(results) != len(call.rows):
        return {}
    answers = {node.change_id: _answer(node, each) for node, each in zip(call.rows, results, strict=True)}
    # One result that does not fit its lead shows that the places cannot be trusted, for the others either.
    is_whole = not any(isinstance(each, Unanswered) for each in answers.values())
    return answers if is_whole else {}


def _answer(node: Node, result: Element) -> Answer:
    named = child_text(result, "leadId")
    if named and record_id(named, LEAD) != node.record_id:
        return Unanswered(MISFIT)
    if child_text(result, "success") == "true":
        contact = record_id(child_text(result, "contactId"), CONTACT)
        deal = record_id(child_text(result, "opportunityId"), OPPORTUNITY)
        return Written(contact) if named and contact and deal else Unanswered(NO_PROOF)
    error = result.find(f"{{{PARTNER}}}errors")
    if child_text(result, "success") != "false" or error is None:
        return Unanswered(NO_PROOF)
    if child_text(error, "statusCode") == _CONVERTED_ALREADY:
        return Repeated()
    names = [(each.text or "").strip() for each in error.findall(f"{{{PARTNER}}}fields")]
    said = {"statusCode": child_text(error, "statusCode"), "message": child_text(error, "message")}
    answer = refused({**said, "fields": names})
    # Leads do not halt each other: this code of a single one is a refusal like any.
    return answer if isinstance(answer, Refused) else Refused(said["statusCode"], said["message"])
