"""The SOAP endpoint reads strangers' XML safely, and faults, audit, usage and locks work there as in REST."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import zeep
from emulator_client import Client
from facts import fact
from soap_client import PARTNER, Soap, as_dict, code_of, convert_row, fault_of

from sfsync.emulator.fault_actions import Delay, Drop, ExpireSession, FailRows, Hold, Reshape
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, FaultScript
from sfsync.emulator.server import RunningEmulator, running

WSDL = Path(__file__).with_name("partner.wsdl")
CONVERTED = "Closed - Converted"


@pytest.fixture
def soap(emulator: RunningEmulator) -> Iterator[Soap]:
    """Return a SOAP client of the org, without faults in force."""
    emulator.faults.clear()
    yield Soap(emulator)
    emulator.faults.clear()


def new_lead(org: Client, name: str = "Lead") -> str:
    """Create a lead."""
    return org.create("Lead", LastName=name, Company=f"{name} Ltd")


def is_converted(org: Client, lead: str) -> bool:
    """Return whether a lead is converted."""
    return bool(org.get("Lead", lead)["IsConverted"])


@fact("3.2-soap-action")
def test_a_missing_soap_action_is_refused(soap: Soap):
    """SOAPAction must be there; its value does not matter."""
    answer = soap.post("<p:getUserInfo/>", SOAPAction="")
    assert fault_of(answer)["faultcode"] == "soapenv:Client"
    assert soap.post("<p:getUserInfo/>", SOAPAction="whatever").status_code == 200


@fact("3.2-fault")
def test_a_call_without_a_live_session_is_a_fault(soap: Soap):
    """A wrong session id is HTTP 500 with sf:INVALID_SESSION_ID in faultcode and detail."""
    soap.session_id = "00Dnonsense!x"
    fault = fault_of(soap.post("<p:getUserInfo/>"))
    assert (fault["faultcode"], set(fault)) == (
        "sf:INVALID_SESSION_ID",
        {"faultcode", "faultstring", "detail"},
    )
    (detail,) = fault["detail"].values()
    assert (detail["exceptionCode"], set(detail)) == (
        "INVALID_SESSION_ID",
        {"exceptionCode", "exceptionMessage"},
    )


@pytest.mark.parametrize(
    "operation", ["<p:query><p:queryString>SELECT Id FROM Lead</p:queryString></p:query>", "<p:nonsense/>"]
)
def test_other_operations_are_unknown(soap: Soap, operation: str):
    """What is not played is answered as an operation that does not exist, session or not."""
    fault = fault_of(soap.post(operation))
    assert fault["faultcode"] == "soapenv:Client"
    assert fault["faultstring"].startswith(f"No operation available for request {{{PARTNER}}}")
    assert "detail" not in fault


def test_the_namespace_of_the_operation_counts(soap: Soap):
    """The enterprise namespace is no partner call."""
    fault = fault_of(soap.post('<getUserInfo xmlns="urn:enterprise.soap.sforce.com"/>'))
    assert "urn:enterprise.soap.sforce.com" in fault["faultstring"]


def test_the_address_may_end_in_the_organization(soap: Soap, emulator: RunningEmulator):
    """serverUrl, with the 15-character organization id behind the version, is the same endpoint."""
    soap.version = f"64.0/{emulator.org_id[:15]}"
    assert soap.results("<p:getUserInfo/>")[0]["organizationId"] == emulator.org_id


SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        "<a/>",
        "<a><b></a>",
        '<?xml version="1.0" encoding="nonsense"?><a/>',
        f'<e:Envelope xmlns:e="{SOAP_11}"/>',
        f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body/></e:Envelope>',
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><a/></e:Body></e:Envelope>',
        f'<!DOCTYPE x [<!ENTITY a "b">]><e:Envelope xmlns:e="{SOAP_11}"><e:Body><a>&a;</a></e:Body></e:Envelope>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        "<a>" * 100 + "</a>" * 100,
        "<a>" + "<b/>" * 60_000 + "</a>",
        "<a>" + "x" * 6_000_000 + "</a>",
    ],
    ids=[
        "empty",
        "no XML",
        "no envelope",
        "not well-formed",
        "unknown encoding",
        "no body",
        "no operation",
        "SOAP 1.2",
        "entities",
        "external",
        "deep",
        "many",
        "long",
    ],
)
def test_xml_that_is_no_call_is_refused(soap: Soap, body: str):
    """Broken, foreign, hostile or huge documents are faults, and the emulator lives on."""
    answer = soap.send(body)
    assert fault_of(answer)["faultcode"].startswith("soapenv:")
    assert "X-Sfsync-Emulator-Bug" not in answer.headers
    assert soap.post("<p:getUserInfo/>").status_code == 200


def test_a_wrong_content_type_is_refused(soap: Soap):
    """SOAP 1.1 is text/xml."""
    assert (
        fault_of(soap.post("<p:getUserInfo/>", Content_Type="application/json"))["faultcode"]
        == "soapenv:Client"
    )


def test_another_encoding_is_read(soap: Soap, org: Client, emulator: RunningEmulator):
    """A document may come in UTF-16, and names keep their characters."""
    lead = new_lead(org)
    body = (
        '<?xml version="1.0" encoding="UTF-16"?>'
        f'<e:Envelope xmlns:e="{SOAP_11}" xmlns:p="{PARTNER}"><e:Header><p:SessionHeader><p:sessionId>'
        f"{emulator.access_token}</p:sessionId></p:SessionHeader></e:Header><e:Body><p:convertLead>"
        f"{convert_row(lead, opportunityName='Żółć &amp; Co')}</p:convertLead></e:Body></e:Envelope>"
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    url = f"{emulator.instance_url}/services/Soap/u/64.0"
    assert requests.post(url, body.encode("utf-16"), headers=headers, timeout=10).status_code == 200
    deal = org.get("Lead", lead)["ConvertedOpportunityId"]
    assert org.get("Opportunity", deal)["Name"] == "Żółć & Co"


def test_calls_are_counted_and_said(soap: Soap, emulator: RunningEmulator):
    """A call with a session counts as one API call and says so in LimitInfoHeader; the last one is refused."""
    before = emulator.org.usage.used
    answer = soap.post("<p:getServerTimestamp/>")
    assert emulator.org.usage.used == before + 1
    assert f"<current>{before + 1}</current>" in answer.text
    document = {"limits": {"daily_api_requests": 1}, "switches": {"api_limit": "hard"}}
    with running(document) as small:
        assert Soap(small).post("<p:getUserInfo/>").status_code == 200
        assert code_of(Soap(small).post("<p:getUserInfo/>")) == "REQUEST_LIMIT_EXCEEDED"


def test_the_audit_tells_what_a_conversion_did(soap: Soap, org: Client, emulator: RunningEmulator):
    """Request and committed effects are listed as for REST."""
    lead = new_lead(org)
    made = soap.convert(lead)
    entry = emulator.audit.requests[-1]
    assert (entry.status, entry.sobjects) == (200, {"Lead": 1})
    effects = [(each.sobject, each.op) for each in emulator.audit.commits if each.request == entry.n]
    assert effects == [
        ("Account", "insert"),
        ("Contact", "insert"),
        ("Opportunity", "insert"),
        ("OpportunityContactRole", "insert"),
        ("Lead", "update"),
    ]
    assert made["success"] == "true"


@pytest.mark.parametrize(("phase", "done"), [(BEFORE_COMMIT, False), (AFTER_COMMIT, True)])
def test_a_lost_answer_may_or_may_not_have_converted(
    soap: Soap, org: Client, emulator: RunningEmulator, phase: str, done: bool
):
    """A connection that breaks before or after the commit looks the same to the client."""
    lead = new_lead(org)
    emulator.faults.add(FaultScript(Drop(), phase=phase, sobject="lead", path="Soap"))
    with pytest.raises(requests.ConnectionError):
        soap.convert(lead)
    assert is_converted(org, lead) is done


def test_a_held_conversion_commits_late(soap: Soap, org: Client, emulator: RunningEmulator):
    """A call whose client is gone may convert the lead later."""
    lead = new_lead(org)
    emulator.faults.add(FaultScript(Hold(), phase=BEFORE_COMMIT, sobject="Lead", path="Soap"))
    with pytest.raises(requests.ConnectionError):
        soap.convert(lead)
    assert is_converted(org, lead) is False
    assert emulator.faults.release() == 1
    assert is_converted(org, lead) is True


def test_rows_are_refused_by_what_they_carry(soap: Soap, org: Client, emulator: RunningEmulator):
    """A scripted refusal meant for a value strikes the lead that holds it, and no other."""
    struck, spared = new_lead(org, "Struck"), new_lead(org, "Spared")
    emulator.faults.add(FaultScript(FailRows(keys=("Struck",)), sobject="Lead", path="Soap"))
    rows = soap.results(f"<p:convertLead>{convert_row(struck)}{convert_row(spared)}</p:convertLead>")
    assert rows[0]["errors"]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert (rows[1]["success"], rows[1]["leadId"]) == ("true", spared)
    assert is_converted(org, struck) is False


def test_results_may_be_fewer_or_in_another_order(soap: Soap, org: Client, emulator: RunningEmulator):
    """A scripted fault spoils the list of results as it does in REST; the leads are converted all the same."""
    first, second = new_lead(org, "First"), new_lead(org, "Second")
    emulator.faults.add(FaultScript(Reshape("reversed"), sobject="Lead", path="Soap"))
    rows = soap.results(f"<p:convertLead>{convert_row(first)}{convert_row(second)}</p:convertLead>")
    assert [row["leadId"] for row in rows] == [second, first]
    emulator.faults.add(FaultScript(Reshape("empty"), sobject="Lead", path="Soap"))
    third = new_lead(org, "Third")
    assert soap.results(f"<p:convertLead>{convert_row(third)}</p:convertLead>") == []
    assert is_converted(org, third) is True


def test_scripts_tell_objects_of_soap_calls_apart(soap: Soap, org: Client, emulator: RunningEmulator):
    """A script for accounts strikes a merge of accounts and no lead conversion."""
    script = emulator.faults.add(FaultScript(FailRows(), sobject="Account", path="Soap"))
    assert soap.convert(new_lead(org))["success"] == "true"
    assert script.seen == 0
    kept, loser = org.create("Account", Name="Kept"), org.create("Account", Name="Loser")
    record = f"<p:masterRecord><o:type>Account</o:type><o:Id>{kept}</o:Id></p:masterRecord>"
    request = f"<p:request>{record}<p:recordToMergeIds>{loser}</p:recordToMergeIds></p:request>"
    assert soap.results(f"<p:merge>{request}</p:merge>")[0]["errors"]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_an_expired_session_is_a_soap_fault(emulator: RunningEmulator):
    """A fault that ends the session answers in XML and ends the one in the SessionHeader."""
    own = Soap(emulator, session_id=emulator.org.sessions.open(emulator.org.api_user_id))
    emulator.faults.clear()
    emulator.faults.add(FaultScript(ExpireSession(), path="Soap"))
    assert code_of(own.post("<p:getUserInfo/>")) == "INVALID_SESSION_ID"
    assert code_of(own.post("<p:getUserInfo/>")) == "INVALID_SESSION_ID"
    assert Soap(emulator).post("<p:getUserInfo/>").status_code == 200


def test_a_slow_rest_call_locks_the_account_against_a_conversion(
    soap: Soap, org: Client, emulator: RunningEmulator
):
    """A conversion into an account that another call holds is refused with UNABLE_TO_LOCK_ROW."""
    account, lead = org.create("Account", Name="Busy"), new_lead(org)
    emulator.faults.add(FaultScript(Delay(30.0), phase=AFTER_COMMIT, method="PATCH"))
    slow = threading.Thread(
        target=Client(emulator).call, args=("PATCH", f"/sobjects/Account/{account}", {"Site": "slow"})
    )
    slow.start()
    while not org.query(f"SELECT Id FROM Account WHERE Id = '{account}' AND Site = 'slow'"):
        pass
    result = soap.convert(lead, accountId=account)
    emulator.faults.clear()
    slow.join()
    assert result["errors"]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert soap.convert(lead, accountId=account)["success"] == "true"


@pytest.fixture
def with_password() -> Iterator[RunningEmulator]:
    """Run an org whose user has a password."""
    user = {"username": "zeep@soap.example", "last_name": "Zeep", "password": "secret"}
    with running({"users": [user]}) as offered:
        yield offered


def test_zeep_converts_a_lead(with_password: RunningEmulator):
    """A client that is generated from a WSDL logs in, converts a lead and reads the fault of a bad call."""
    emulator, org = with_password, Client(with_password)
    client = zeep.Client(str(WSDL))
    binding = "{urn:partner.soap.sforce.com}SoapBinding"
    door = client.create_service(binding, f"{emulator.instance_url}/services/Soap/u/64.0")
    session = door.login("zeep@soap.example", "secret")
    assert (session.passwordExpired, session.userInfo.organizationId) == (False, emulator.org_id)
    service = client.create_service(binding, session.serverUrl)
    header = client.get_element("{urn:partner.soap.sforce.com}SessionHeader")(sessionId=session.sessionId)
    lead = new_lead(org)
    wish = {
        "convertedStatus": CONVERTED,
        "doNotCreateOpportunity": False,
        "leadId": lead,
        "overwriteLeadSource": False,
        "sendNotificationEmail": False,
    }
    ((result,), (again,)) = (service.convertLead([wish], _soapheaders=[header]).body.result for _ in range(2))
    assert (result.success, result.leadId, result.errors) == (True, lead, [])
    assert (again.success, again.accountId) == (False, None)
    assert again.errors[0].statusCode == "CANNOT_UPDATE_CONVERTED_LEAD"
    with pytest.raises(zeep.exceptions.Fault) as refused:
        service.convertLead([wish])
    assert refused.value.code == "sf:INVALID_SESSION_ID"
    (detail,) = [as_dict(each) for each in refused.value.detail]
    assert detail["exceptionCode"] == "INVALID_SESSION_ID"
