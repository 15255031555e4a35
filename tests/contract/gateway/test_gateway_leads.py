"""Converting leads by SOAP: what is sent, how each answer is read, and that the token shows nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from gateway_making import CONTACT_ID, DEAL_ID, TOKEN, Bench, client_profile, token_profile
from pydantic import SecretStr
from scripted_org import ScriptedOrg, raw_reply

from sfsync.core.deals.leads import LEAD_FIELDS
from sfsync.core.ports import Lookup
from sfsync.core.writes import Answer, ConvertCall, Node, Refused, Repeated, Unanswered, Written
from sfsync.emulator.fault_actions import ExpireSession
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.errors import AccessError, LimitReached, SyncError

ORG_FILE = Path(__file__).parents[3] / "config" / "emulator" / "org.toml"
LEAD_ID = "00Q000000000001EAA"
OTHER_ID = "00Q000000000002EAA"
STATUS = "Closed - Converted"
PARTNER = "{urn:partner.soap.sforce.com}"


def call(*ids: str, **values: Any) -> ConvertCall:
    """A call that converts leads."""
    return ConvertCall(
        tuple(
            Node("lead", f"Lead:{each}", "Lead", each, {"Status": STATUS, "Name": "Deal", **values})
            for each in ids
        )
    )


HEAD = (
    '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="urn:partner.soap.sforce.com"><soapenv:Body>'
)


def envelope(body: str) -> bytes:
    """An answer of the platform."""
    return f"{HEAD}{body}</soapenv:Body></soapenv:Envelope>".encode()


def result(
    lead: str = LEAD_ID, *, contact: str = CONTACT_ID, deal: str = DEAL_ID, success: str = "true"
) -> str:
    """One result of a conversion."""
    ids = f"<accountId>001000000000001AAA</accountId><contactId>{contact}</contactId>"
    rest = f"<leadId>{lead}</leadId><opportunityId>{deal}</opportunityId><success>{success}</success>"
    return f"<result>{ids}{rest}</result>"


def refusal(code: str, lead: str = LEAD_ID) -> str:
    """One result of a lead that was refused."""
    error = f"<errors><fields>LeadId</fields><message>no</message><statusCode>{code}</statusCode></errors>"
    return f"<result>{error}<leadId>{lead}</leadId><success>false</success></result>"


def answer(*results: str) -> bytes:
    """A whole reply with those results."""
    body = envelope(f"<convertLeadResponse>{''.join(results)}</convertLeadResponse>")
    return raw_reply(200, body, Content_Type="text/xml;charset=UTF-8")


def fault(code: str, message: str = "no", *, prefix: str = "sf") -> bytes:
    """The reply of a call that was refused as a whole."""
    text = f"<faultcode>{prefix}:{code}</faultcode><faultstring>{code}: {message}</faultstring>"
    return raw_reply(
        500, envelope(f'<soapenv:Fault xmlns="">{text}</soapenv:Fault>'), Content_Type="text/xml"
    )


@pytest.fixture
def bench(org: ScriptedOrg) -> Bench:
    """A gateway to the scripted org."""
    return Bench(token_profile(org.url))


def ask(org: ScriptedOrg, bench: Bench, *replies: bytes) -> Answer:
    """What the gateway makes of the replies to the conversion of one lead."""
    org.answers(*replies)
    return bench.gateway.write(call(LEAD_ID))[f"Lead:{LEAD_ID}"]


def test_the_request_is_the_one_of_the_wsdl(org: ScriptedOrg, bench: Bench) -> None:
    """All elements stand in the order of the schema, text is escaped, and what XML cannot hold becomes a blank."""
    org.answers(answer(result()))
    wishes = {
        "ConvertedAccountId": "001000000000001AAA",
        "ConvertedContactId": CONTACT_ID,
        "Name": "A & <B>\x0b",
    }
    bench.gateway.write(call(LEAD_ID, **wishes, OwnerId="005000000000001AAA"))
    [seen] = org.seen
    assert (seen.method, seen.target) == ("POST", "/services/Soap/u/66.0")
    assert seen.headers["Content-Type"].startswith("text/xml")
    assert seen.headers["SOAPAction"] == '""'
    assert "Authorization" not in seen.headers
    root = ET.fromstring(seen.body)  # our own request
    [wish] = root.iter(f"{PARTNER}leadConverts")
    assert root.findtext(f".//{PARTNER}sessionId") == TOKEN
    assert [(each.tag.removeprefix(PARTNER), each.text) for each in wish] == [
        ("accountId", "001000000000001AAA"),
        ("contactId", CONTACT_ID),
        ("convertedStatus", STATUS),
        ("doNotCreateOpportunity", "false"),
        ("leadId", LEAD_ID),
        ("opportunityName", "A & <B> "),
        ("overwriteLeadSource", "false"),
        ("ownerId", "005000000000001AAA"),
        ("sendNotificationEmail", "false"),
    ]


READ: dict[str, tuple[bytes, type[Answer]]] = {
    "whole": (answer(result()), Written),
    "refused": (answer(refusal("REQUIRED_FIELD_MISSING")), Refused),
    "converted already": (answer(refusal("CANNOT_UPDATE_CONVERTED_LEAD")), Repeated),
    "of another lead": (answer(result(OTHER_ID)), Unanswered),
    "without a deal": (answer(result(deal="")), Unanswered),
    "without a contact": (answer(result(contact="")), Unanswered),
    "too few": (answer(), Unanswered),
    "too many": (answer(result(), result()), Unanswered),
    "success in other words": (answer(result(success="maybe")), Unanswered),
    "cut": (raw_reply(200, envelope(result())[:80], Content_Type="text/xml"), Unanswered),
    "another operation": (raw_reply(200, envelope("<loginResponse/>"), Content_Type="text/xml"), Unanswered),
    "a page": (raw_reply(200, b"<html>Sign in</html>", Content_Type="text/html"), Unanswered),
    "a page said to be XML": (raw_reply(200, b"<html>Sign in</html>", Content_Type="text/xml"), Unanswered),
    "entities": (
        raw_reply(200, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', Content_Type="text/xml"),
        Unanswered,
    ),
    "a fault of no platform": (fault("Client", prefix="soapenv"), Unanswered),
    "a locked row": (fault("UNABLE_TO_LOCK_ROW"), Refused),
    "a missing argument": (fault("MISSING_ARGUMENT"), Refused),
}


@pytest.mark.parametrize(("reply", "kind"), READ.values(), ids=READ)
def test_each_answer_is_read_for_what_it_proves(
    org: ScriptedOrg, bench: Bench, reply: bytes, kind: type[Answer]
) -> None:
    """Success counts only where the body proves it for this lead; what proves nothing is looked up."""
    assert isinstance(ask(org, bench, reply), kind)


def test_the_id_of_a_conversion_is_that_of_its_contact(org: ScriptedOrg, bench: Bench) -> None:
    """A lead becomes a contact, so that is the record of its change."""
    assert ask(org, bench, answer(result())) == Written(CONTACT_ID)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("INSUFFICIENT_ACCESS", AccessError),
        ("REQUEST_LIMIT_EXCEEDED", LimitReached),
        ("SERVER_UNAVAILABLE", None),
    ],
)
def test_faults_go_through_the_one_table(
    org: ScriptedOrg, bench: Bench, code: str, error: type[SyncError] | None
) -> None:
    """A fault's code means over SOAP what it means over REST."""
    if error is None:
        assert ask(org, bench, fault(code), answer(result())) == Written(CONTACT_ID)
        return
    with pytest.raises(error):
        ask(org, bench, fault(code))


def test_a_token_that_a_fault_repeats_is_not_told(org: ScriptedOrg, bench: Bench) -> None:
    """The envelope carries the token; a fault that quotes the envelope does not bring it into an error."""
    org.answers(fault("MISSING_ARGUMENT", f"in {TOKEN}"))
    [said] = bench.gateway.write(call(LEAD_ID)).values()
    assert isinstance(said, Refused)
    assert TOKEN not in repr(said)
    org.answers(fault("SOMETHING_NEW", f"in {TOKEN}"))
    with pytest.raises(SyncError) as stopped:
        bench.gateway.write(call(LEAD_ID))
    assert TOKEN not in f"{stopped.value!r} {stopped.value} {stopped.value.hint}"


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """The shipped emulator org, fresh for each test."""
    with running(ORG_FILE) as started:
        yield started


def made(emulator: RunningEmulator) -> Bench:
    """A gateway that logs in to the emulator by client credentials."""
    return Bench(
        client_profile(
            emulator.instance_url,
            client_id=SecretStr(emulator.client_id),
            client_secret=SecretStr(emulator.client_secret),
        )
    )


def andy(bench: Bench) -> dict[str, Any]:
    """The lead of the shipped org."""
    [[found]] = bench.gateway.fetch([Lookup("Lead", LEAD_FIELDS)])
    return dict(found)


def test_a_lead_is_converted_once_and_a_repeat_is_told(emulator: RunningEmulator) -> None:
    """On the emulator: the first call converts, the second says that it was, and the lead tells what it became."""
    bench = made(emulator)
    lead_id = andy(bench)["Id"]
    wish = call(lead_id, OwnerId=emulator.org.api_user_id)
    [first] = bench.gateway.write(wish).values()
    [second] = bench.gateway.write(wish).values()
    after = andy(bench)
    assert isinstance(first, Written)
    assert first.record_id == after["ConvertedContactId"]
    assert isinstance(second, Repeated)
    assert after["IsConverted"] is True


def test_an_expired_session_is_renewed_inside_the_envelope(emulator: RunningEmulator) -> None:
    """The same request goes again with the new token in its header."""
    bench = made(emulator)
    lead_id = andy(bench)["Id"]
    emulator.faults.add(FaultScript(ExpireSession(), "before_read", path="/services/Soap/"))
    [said] = bench.gateway.write(call(lead_id, OwnerId=emulator.org.api_user_id)).values()
    assert isinstance(said, Written)
    assert bench.gateway.usage.logins == 2


def test_a_queue_owned_lead_without_an_owner_is_refused(emulator: RunningEmulator) -> None:
    """The platform's own word for it stands with the row."""
    bench = made(emulator)
    [said] = bench.gateway.write(call(andy(bench)["Id"])).values()
    assert isinstance(said, Refused)
    assert said.code == "INVALID_CROSS_REFERENCE_KEY"
