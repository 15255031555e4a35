"""Lead conversion over SOAP: what is made, what is filled, what is refused."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from emulator_client import Client
from facts import fact, side
from soap_client import Soap, code_of, convert_row, fault_of

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.definition import DefinitionError
from sfsync.emulator.server import RunningEmulator, running

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
TEXT = {"type": "Text", "length": 40}
ORG: dict[str, Any] = {
    "users": [
        {"local": "api", "username": "api@leads.example", "last_name": "Api", "api_user": True},
        {"local": "maria", "username": "maria@leads.example", "last_name": "Maria"},
        {
            "local": "guest",
            "username": "guest@leads.example",
            "last_name": "Guest",
            "lacks": ["ConvertLeads"],
        },
        {"local": "gone", "username": "gone@leads.example", "last_name": "Gone", "active": False},
    ],
    "queues": [
        {"local": "inbound", "name": "Inbound", "objects": ["Lead"]},
        {"local": "cases", "name": "Cases", "objects": ["Case"]},
    ],
    "fields": [
        {"object": "Lead", "name": "Origin__c", **TEXT},
        {"object": "Account", "name": "Origin__c", **TEXT},
        {"object": "Lead", "name": "Kind__c", "type": "Picklist", "values": ["New", "Repeat"]},
        {
            "object": "Opportunity",
            "name": "Kind__c",
            "type": "Picklist",
            "values": ["New", "Repeat"],
            "default": "New",
        },
    ],
    "lead_mappings": [
        {"lead_field": "Origin__c", "object": "Account", "field": "Origin__c"},
        {"lead_field": "Kind__c", "object": "Opportunity", "field": "Kind__c"},
    ],
    "record_types": [
        {"object": "Opportunity", "developer_name": "Retail", "default": True},
        {"object": "Opportunity", "developer_name": "Wholesale", "default_for": ["maria@leads.example"]},
    ],
    "duplicate_rules": [
        {"object": "Account", "name": "Same_Account", "fields": ["Name"], "action": "alert"},
        {"object": "Contact", "name": "Same_Mail", "fields": ["Email"], "action": "block"},
    ],
}
ALL_OR_NONE = "<p:AllOrNoneHeader><p:allOrNone>true</p:allOrNone></p:AllOrNoneHeader>"
COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """Run an org with queues, mapped lead fields and a clock that stands still."""
    with running(ORG, clock=VirtualClock(NOW)) as offered:
        yield offered


@pytest.fixture
def soap(emulator: RunningEmulator) -> Soap:
    """Return a SOAP client of the org."""
    return Soap(emulator)


def new_lead(org: Client, **values: Any) -> str:
    """Create a lead with a company of its own."""
    number = next(COUNTER)
    return org.create("Lead", **{"LastName": f"Lead {number}", "Company": f"Company {number}", **values})


def user(org: Client, name: str) -> str:
    """Return the id of a user."""
    return str(org.query(f"SELECT Id FROM User WHERE Username = '{name}@leads.example'")[0]["Id"])


def queue(org: Client, name: str) -> str:
    """Return the id of a queue."""
    return str(org.query(f"SELECT Id FROM Group WHERE Type = 'Queue' AND Name = '{name}'")[0]["Id"])


def error(result: dict[str, Any]) -> str:
    """Return the code of the only error of a refused row."""
    assert result["success"] == "false"
    assert (result["accountId"], result["contactId"], result["opportunityId"]) == (None, None, None)
    return str(result["errors"]["statusCode"])


@fact("3-required", "3-status-default", "3-status-values")
def test_a_lead_needs_a_name_and_a_company_and_starts_open(org: Client):
    """LastName and Company are required, Status starts at the first of four values."""
    answer = org.call("POST", "/sobjects/Lead", {"FirstName": "x"})
    assert answer.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert answer.json()[0]["fields"] == ["LastName", "Company"]
    lead = org.get("Lead", new_lead(org, FirstName="Ada"))
    assert (lead["Status"], lead["IsConverted"]) == ("Open - Not Contacted", False)
    assert lead["Name"].startswith("Ada Lead ")
    for name, length in (("LastName", 80), ("Company", 255)):
        answer = org.call(
            "POST", "/sobjects/Lead", {"LastName": "x", "Company": "y", name: "z" * (length + 1)}
        )
        assert answer.json()[0]["errorCode"] == "STRING_TOO_LONG"
    statuses = org.query("SELECT ApiName, IsConverted FROM LeadStatus ORDER BY SortOrder")
    assert [row["ApiName"] for row in statuses if not row["IsConverted"]] == [
        "Open - Not Contacted",
        "Working - Contacted",
        "Closed - Not Converted",
    ]
    assert [row["ApiName"] for row in statuses if row["IsConverted"]] == ["Closed - Converted"]


@fact("3-is-converted", "3-converted-read-only")
def test_what_became_of_a_lead_is_not_written_by_hand(org: Client):
    """IsConverted may be said on create only, the converted ids and date never."""
    fields = {each["name"]: each for each in org.call("GET", "/sobjects/Lead/describe").json()["fields"]}
    assert (fields["IsConverted"]["createable"], fields["IsConverted"]["updateable"]) == (True, False)
    for name in ("ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"):
        assert (fields[name]["createable"], fields[name]["updateable"]) == (False, False)
    lead = new_lead(org)
    for values in ({"IsConverted": True}, {"ConvertedDate": "2026-01-01"}):
        answer = org.call("PATCH", f"/sobjects/Lead/{lead}", values)
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


@fact("3-owner")
def test_a_lead_belongs_to_a_user_or_to_a_queue(org: Client):
    """OwnerId takes users and queues for leads, and no queue for other objects."""
    fields = {each["name"]: each for each in org.call("GET", "/sobjects/Lead/describe").json()["fields"]}
    assert fields["OwnerId"]["referenceTo"] == ["Group", "User"]
    inbound = queue(org, "Inbound")
    assert org.get("Lead", new_lead(org, OwnerId=inbound))["OwnerId"] == inbound
    maria = user(org, "maria")
    owned = new_lead(org, OwnerId=maria)
    assert org.query(f"SELECT Owner.Name FROM Lead WHERE Id = '{owned}'")[0]["Owner"]["Name"] == "Maria"
    lead = {"LastName": "x", "Company": "y"}
    assert org.call("POST", "/sobjects/Lead", {**lead, "OwnerId": queue(org, "Cases")}).status_code == 400
    assert org.call("POST", "/sobjects/Account", {"Name": "x", "OwnerId": inbound}).status_code == 400


@fact("3-no-rest")
def test_rest_converts_no_lead(org: Client):
    """No standard action converts leads."""
    for action in ("convertLead", "convert-lead"):
        assert org.call("POST", f"/actions/standard/{action}", {"inputs": []}).status_code == 404


@fact("2.9-conversion", "3.1-lead-id", "3.1-converted-status", "3.2-response", "3.2-http-200")
def test_a_conversion_makes_account_contact_deal_and_primary_role(org: Client, soap: Soap):
    """A lead becomes an account, a contact and a deal with one primary role without a Role."""
    lead = new_lead(org, FirstName="Ada", Email="ada@x.example", Phone="1", City="Paris", LeadSource="Web")
    result = soap.convert(lead, opportunityName="First order")
    assert list(result) == [
        "accountId",
        "contactId",
        "leadId",
        "opportunityId",
        "relatedPersonAccountId",
        "success",
    ]
    assert (result["success"], result["leadId"], result["relatedPersonAccountId"]) == ("true", lead, None)
    closed = org.get("Lead", lead)
    account = org.get("Account", result["accountId"])
    contact = org.get("Contact", result["contactId"])
    deal = org.get("Opportunity", result["opportunityId"])
    assert (account["Name"], account["BillingCity"], account["AccountSource"]) == (
        closed["Company"],
        "Paris",
        "Web",
    )
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == (
        closed["Name"],
        "ada@x.example",
        account["Id"],
    )
    assert (deal["Name"], deal["AccountId"], deal["LeadSource"]) == ("First order", account["Id"], "Web")
    assert (deal["StageName"], deal["CloseDate"], deal["Amount"]) == ("Prospecting", "2026-12-31", None)
    (role,) = org.roles(deal["Id"])
    assert (role["ContactId"], role["IsPrimary"], role["Role"]) == (contact["Id"], True, None)
    assert (closed["Status"], closed["IsConverted"], closed["ConvertedDate"]) == (
        "Closed - Converted",
        True,
        "2026-11-05",
    )
    assert (closed["ConvertedAccountId"], closed["ConvertedContactId"], closed["ConvertedOpportunityId"]) == (
        account["Id"],
        contact["Id"],
        deal["Id"],
    )


@pytest.mark.parametrize(
    ("version", "expected"), [("50.0", False), ("51.0", True)], ids=["before person accounts", "since"]
)
@fact("11-51")
def test_the_person_account_appears_with_version_51(
    emulator: RunningEmulator, org: Client, version: str, expected: bool
):
    """A result carries relatedPersonAccountId from version 51 on."""
    result = Soap(emulator, version).convert(new_lead(org))
    assert ("relatedPersonAccountId" in result) is expected


@fact("3.2-address", "3.2-namespaces", "3.2-element-order")
def test_the_envelope_of_the_guide_is_understood(org: Client, soap: Soap, emulator: RunningEmulator):
    """The envelope with its own prefixes and the schema's order of elements converts a lead."""
    lead = new_lead(org)
    body = f"""<env:Envelope
 xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com">
 <env:Header><p:SessionHeader><p:sessionId>{emulator.access_token}</p:sessionId></p:SessionHeader></env:Header>
 <env:Body><p:convertLead><p:leadConverts>
   <p:convertedStatus>Closed - Converted</p:convertedStatus>
   <p:doNotCreateOpportunity>false</p:doNotCreateOpportunity><p:leadId>{lead}</p:leadId>
   <p:opportunityName>Acme</p:opportunityName><p:overwriteLeadSource>false</p:overwriteLeadSource>
   <p:sendNotificationEmail>false</p:sendNotificationEmail>
 </p:leadConverts></p:convertLead></env:Body></env:Envelope>"""
    assert soap.send(body).status_code == 200
    deal = org.get("Lead", lead)["ConvertedOpportunityId"]
    assert org.get("Opportunity", deal)["Name"] == "Acme"


def test_three_elements_in_any_order_are_enough(org: Client, soap: Soap):
    """django-salesforce sends three elements in another order than the schema's."""
    lead = new_lead(org)
    (result,) = soap.results(
        f"<p:convertLead><p:leadConverts><p:doNotCreateOpportunity>true</p:doNotCreateOpportunity><p:leadId>{lead[:15]}"
        "</p:leadId><p:convertedStatus>Closed - Converted</p:convertedStatus></p:leadConverts></p:convertLead>"
    )
    assert (result["success"], result["leadId"], result["opportunityId"]) == ("true", lead, None)


@fact("3.1-account-id", "3.1-contact-id", "3.1-fills-empty")
def test_a_merge_fills_only_what_is_empty(org: Client, soap: Soap):
    """An account and a contact that exist keep what they have and take what they lack."""
    account = org.create("Account", Name="Kept", Phone="111")
    contact = org.create("Contact", LastName="Kept", AccountId=account, Title="Boss")
    lead = new_lead(org, Phone="222", Title="Clerk", Website="https://x.example", Email="new@x.example")
    result = soap.convert(lead, accountId=account, contactId=contact)
    assert (result["accountId"], result["contactId"]) == (account, contact)
    kept = org.get("Account", account)
    assert (kept["Name"], kept["Phone"], kept["Website"]) == ("Kept", "111", "https://x.example")
    person = org.get("Contact", contact)
    assert (person["LastName"], person["Title"], person["Email"]) == ("Kept", "Boss", "new@x.example")
    assert person["Phone"] == "222"


def test_a_contact_needs_its_own_account(org: Client, soap: Soap):
    """A contactId without accountId, or with another account, is refused."""
    account, other = org.create("Account", Name="One"), org.create("Account", Name="Two")
    contact = org.create("Contact", LastName="x", AccountId=account)
    assert error(soap.convert(new_lead(org), contactId=contact)) == "REQUIRED_FIELD_MISSING"
    assert (
        error(soap.convert(new_lead(org), contactId=contact, accountId=other))
        == "INVALID_CROSS_REFERENCE_KEY"
    )


@fact("3.1-overwrite-lead-source")
def test_the_lead_source_is_overwritten_only_when_asked(org: Client, soap: Soap):
    """With overwriteLeadSource the lead replaces the contact's source and needs a contact."""
    account = org.create("Account", Name="Sourced")
    contact = org.create("Contact", LastName="x", AccountId=account, LeadSource="Other")
    into = {"accountId": account, "contactId": contact}
    soap.convert(new_lead(org, LeadSource="Web"), **into)
    assert org.get("Contact", contact)["LeadSource"] == "Other"
    soap.convert(new_lead(org, LeadSource="Web"), overwriteLeadSource="true", **into)
    assert org.get("Contact", contact)["LeadSource"] == "Web"
    assert error(soap.convert(new_lead(org), overwriteLeadSource="true")) == "REQUIRED_FIELD_MISSING"


@fact("3.1-opportunity-name")
def test_the_deal_is_named_after_the_company_unless_said(org: Client, soap: Soap):
    """The name is the company by default and has at most 80 characters."""
    lead = new_lead(org, Company="Default Name Ltd")
    assert org.get("Opportunity", soap.convert(lead)["opportunityId"])["Name"] == "Default Name Ltd"
    assert error(soap.convert(new_lead(org), opportunityName="x" * 81)) == "STRING_TOO_LONG"
    assert soap.convert(new_lead(org), opportunityName="x" * 80)["success"] == "true"


@fact("3.1-no-opportunity")
def test_no_deal_is_made_when_none_is_wanted(org: Client, soap: Soap):
    """With doNotCreateOpportunity a conversion makes no deal and excludes naming one."""
    result = soap.convert(new_lead(org), doNotCreateOpportunity="true")
    assert (result["success"], result["opportunityId"]) == ("true", None)
    lead = new_lead(org)
    refused = soap.convert(lead, doNotCreateOpportunity="true", opportunityName="x")
    assert error(refused) == "FIELD_INTEGRITY_EXCEPTION"
    assert org.get("Lead", lead)["IsConverted"] is False


@fact("3.1-opportunity-id")
def test_a_lead_is_attached_to_a_deal_that_exists(org: Client, soap: Soap):
    """An opportunityId attaches the contact to that deal, and excludes opportunityName."""
    account = org.create("Account", Name="Attached")
    deal = org.deal(AccountId=account, Name="Running deal")
    result = soap.convert(new_lead(org), accountId=account, opportunityId=deal)
    assert result["opportunityId"] == deal
    assert org.get("Opportunity", deal)["Name"] == "Running deal"
    (role,) = org.roles(deal)
    assert (role["ContactId"], role["IsPrimary"]) == (result["contactId"], True)
    second = soap.convert(new_lead(org), accountId=account, opportunityId=deal)
    assert [each["IsPrimary"] for each in org.roles(deal)] == [True, False]
    assert org.roles(deal)[1]["ContactId"] == second["contactId"]
    both = soap.convert(new_lead(org), accountId=account, opportunityId=deal, opportunityName="x")
    assert error(both) == "FIELD_INTEGRITY_EXCEPTION"
    assert error(soap.convert(new_lead(org), opportunityId=deal)) == "INVALID_CROSS_REFERENCE_KEY"


@fact("3.1-owner-id")
def test_a_lead_of_a_queue_needs_an_owner(org: Client, soap: Soap):
    """What is made belongs to ownerId, else to the lead's owner, who must be a user."""
    lead, maria = new_lead(org, OwnerId=queue(org, "Inbound")), user(org, "maria")
    error(soap.convert(lead))
    assert org.get("Lead", lead)["IsConverted"] is False
    result = soap.convert(lead, ownerId=maria)
    for sobject, name in (
        ("Account", "accountId"),
        ("Contact", "contactId"),
        ("Opportunity", "opportunityId"),
    ):
        assert org.get(sobject, result[name])["OwnerId"] == maria
    own = soap.convert(new_lead(org, OwnerId=maria))
    assert org.get("Account", own["accountId"])["OwnerId"] == maria
    assert error(soap.convert(new_lead(org), ownerId=user(org, "gone"))) == "INACTIVE_OWNER_OR_USER"


@fact("3.1-blank-picklists", "3.1-record-type")
def test_blank_picklists_and_record_types_take_the_target_s_defaults(org: Client, soap: Soap):
    """A blank lead picklist becomes the default of the mapped field; the record type is the default one."""
    blank, filled = (
        soap.convert(new_lead(org)),
        soap.convert(new_lead(org, Kind__c="Repeat", Origin__c="fair")),
    )
    types = {row["Id"]: row["DeveloperName"] for row in org.query("SELECT Id, DeveloperName FROM RecordType")}
    deal = org.get("Opportunity", blank["opportunityId"])
    assert (deal["Kind__c"], types[deal["RecordTypeId"]]) == ("New", "Retail")
    assert org.get("Opportunity", filled["opportunityId"])["Kind__c"] == "Repeat"
    other = org.get("Opportunity", soap.convert(new_lead(org), ownerId=user(org, "maria"))["opportunityId"])
    assert types[other["RecordTypeId"]] == "Wholesale"
    assert org.get("Account", filled["accountId"])["Origin__c"] == "fair"


def test_a_converted_lead_is_not_written_again(org: Client, soap: Soap):
    """Conversion is not idempotent, and a converted lead refuses updates by every route. Source: 7.3 [R]."""
    lead = new_lead(org)
    first = soap.convert(lead)
    again = soap.convert(lead)
    assert error(again) == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert again["errors"]["message"] == "cannot reference converted lead"
    assert org.get("Lead", lead)["ConvertedAccountId"] == first["accountId"]
    answer = org.call("PATCH", f"/sobjects/Lead/{lead}", {"Title": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    row = {"attributes": {"type": "Lead"}, "Id": lead, "Title": "x"}
    answer = org.call("PATCH", "/composite/sobjects", {"records": [row]})
    assert answer.json()[0]["errors"][0]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


@pytest.mark.parametrize(
    ("lead", "arguments", "code"),
    [
        ("00Q000000000001EAA", {}, "INVALID_CROSS_REFERENCE_KEY"),
        ("003000000000001AAA", {}, "MALFORMED_ID"),
        ("nonsense", {}, "MALFORMED_ID"),
        ("", {}, "MISSING_ARGUMENT"),
        (None, {"convertedStatus": "Closed - Not Converted"}, "INVALID_STATUS"),
        (None, {"convertedStatus": "Nope"}, "INVALID_STATUS"),
        (None, {"convertedStatus": ""}, "INVALID_STATUS"),
        (None, {"accountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_row_errors_of_a_conversion(org: Client, soap: Soap, lead: str | None, arguments: dict, code: str):
    """A row that cannot be converted is listed with its code in a 200."""
    assert error(soap.convert(new_lead(org) if lead is None else lead, **arguments)) == code


def test_a_deleted_lead_is_not_converted(org: Client, soap: Soap):
    """A lead in the recycle bin is ENTITY_IS_DELETED."""
    lead = new_lead(org)
    org.call("DELETE", f"/sobjects/Lead/{lead}")
    assert error(soap.convert(lead)) == "ENTITY_IS_DELETED"


@fact("3.1-one-by-one", "3.2-all-or-none")
@side("convert_lead_all_or_none", "true")
def test_rows_stand_alone_unless_all_or_none_is_asked(org: Client, soap: Soap):
    """A bad lead leaves the others converted, in the order of the input; AllOrNoneHeader undoes them."""
    good, bad, last = new_lead(org), "00Q000000000001EAA", new_lead(org)
    operation = f"<p:convertLead>{''.join(map(convert_row, (good, bad, last)))}</p:convertLead>"
    together = soap.results(operation, headers=ALL_OR_NONE)
    assert [error(row) for row in together] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_CROSS_REFERENCE_KEY",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert org.get("Lead", good)["IsConverted"] is False
    alone = soap.results(operation)
    assert [row["leadId"] for row in alone] == [good, None, last]
    assert [row["success"] for row in alone] == ["true", "false", "true"]


@side("convert_lead_all_or_none", "false")
def test_all_or_none_may_mean_nothing_to_a_conversion():
    """With the switch off the header changes nothing, as the WSDL does not list it for convertLead."""
    with running({"switches": {"convert_lead_all_or_none": False}}) as emulator:
        org = Client(emulator)
        rows = convert_row(new_lead(org)) + convert_row("00Q000000000001EAA")
        results = Soap(emulator).results(f"<p:convertLead>{rows}</p:convertLead>", headers=ALL_OR_NONE)
    assert [row["success"] for row in results] == ["true", "false"]


@fact("3.1-limit")
@fact("8-convert-lead")
def test_a_call_carries_at_most_a_hundred_leads(org: Client, soap: Soap):
    """101 leads fail the call, whatever they are; 100 are judged one by one."""
    row = convert_row("00Q000000000001EAA")
    assert code_of(soap.post(f"<p:convertLead>{row * 101}</p:convertLead>")) == "EXCEEDED_LEAD_CONVERT_LIMIT"
    assert len(soap.results(f"<p:convertLead>{row * 100}</p:convertLead>")) == 100


@fact("3.2-duplicate-rule")
def test_duplicate_rules_guard_what_a_conversion_makes(org: Client, soap: Soap):
    """An alert rule lets the row through with DuplicateRuleHeader, a block rule does not."""
    org.create("Account", Name="Twin Ltd")
    lead = new_lead(org, Company="Twin Ltd")
    assert error(soap.convert(lead)) == "DUPLICATES_DETECTED"
    header = "<p:DuplicateRuleHeader><p:allowSave>true</p:allowSave></p:DuplicateRuleHeader>"
    assert soap.convert(lead, headers=header)["success"] == "true"
    org.create("Contact", LastName="x", Email="twin@x.example")
    assert error(soap.convert(new_lead(org, Email="twin@x.example"), headers=header)) == "DUPLICATES_DETECTED"


@fact("3.1-permission")
def test_converting_needs_the_permission(org: Client, emulator: RunningEmulator):
    """A user without "Convert Leads" converts nothing."""
    guest = Soap(emulator, session_id=emulator.org.sessions.open(user(org, "guest")))
    assert error(guest.convert(new_lead(org))) == "INSUFFICIENT_ACCESS_OR_READONLY"


@fact("3.1-send-notification-email", "3.2-call-options")
def test_what_changes_nothing_is_accepted(org: Client, soap: Soap):
    """Both sendNotificationEmail and CallOptions are taken and change nothing that the API shows."""
    header = "<p:CallOptions><p:client>a client</p:client></p:CallOptions>"
    assert soap.convert(new_lead(org), headers=header, sendNotificationEmail="true")["success"] == "true"


@fact("3.1-internal", "3.1-person-accounts")
def test_arguments_for_internal_use_are_refused(org: Client, soap: Soap):
    """Records given along and person accounts fail the call and convert nothing; so does what the schema lacks."""
    lead = new_lead(org)
    for name, value in (
        ("accountRecord", "x"),
        ("bypassAccountDedupeCheck", "true"),
        ("relatedPersonAccountId", "x"),
    ):
        answer = soap.post(f"<p:convertLead>{convert_row(lead, **{name: value})}</p:convertLead>")
        assert code_of(answer) == "FUNCTIONALITY_NOT_ENABLED"
    for name, value in (("leadid", "x"), ("doNotCreateOpportunity", "yes")):
        answer = soap.post(f"<p:convertLead>{convert_row(lead, **{name: value})}</p:convertLead>")
        assert fault_of(answer)["faultcode"] == "soapenv:Client"
    assert org.get("Lead", lead)["IsConverted"] is False


def test_a_required_custom_field_must_be_mapped():
    """A required custom field of a target makes conversions fail until a lead field is mapped to it."""
    required = {"object": "Opportunity", "name": "Region__c", "required": True, **TEXT}
    document = {"fields": [required, {"object": "Lead", "name": "Region__c", **TEXT}]}
    with running(document) as emulator:
        org = Client(emulator)
        assert error(Soap(emulator).convert(new_lead(org, Region__c="North"))) == "REQUIRED_FIELD_MISSING"
    mapping = {"lead_field": "region__c", "object": "Opportunity", "field": "region__c"}
    with running({**document, "lead_mappings": [mapping]}) as emulator:
        org, soap = Client(emulator), Soap(emulator)
        made = soap.convert(new_lead(org, Region__c="North"))
        assert org.get("Opportunity", made["opportunityId"])["Region__c"] == "North"
        assert error(soap.convert(new_lead(org))) == "REQUIRED_FIELD_MISSING"


@fact("3.1-automation")
@pytest.mark.parametrize("automation", [False, True])
def test_before_triggers_and_validation_run_only_if_the_org_enables_it(automation: bool):
    """The org decides whether before triggers and validation rules see a conversion."""
    document = {
        "lead_conversion": {"automation": automation},
        "triggers": [{"object": "Account", "name": "Shout", "hook": "lead_hooks:shout"}],
        "validation_rules": [{"object": "Opportunity", "hook": "lead_hooks:refuse_deals"}],
    }
    with running(document) as emulator:
        org, soap = Client(emulator), Soap(emulator)
        made = soap.convert(new_lead(org, Company="quiet"), doNotCreateOpportunity="true")
        assert org.get("Account", made["accountId"])["Name"] == ("QUIET" if automation else "quiet")
        lead = new_lead(org)
        result = soap.convert(lead)
        assert result["success"] == str(not automation).lower()
        assert org.get("Lead", lead)["IsConverted"] is not automation
        if automation:
            assert error(result) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
            assert org.query("SELECT Id FROM Contact WHERE Name LIKE 'Lead%'") == [
                {
                    "attributes": {"type": "Contact", "url": org_url(made["contactId"])},
                    "Id": made["contactId"],
                }
            ]


def org_url(contact: str) -> str:
    """Return the address of a contact."""
    return f"/services/data/v66.0/sobjects/Contact/{contact}"


def test_the_first_stage_is_active_and_of_the_default_process():
    """The deal starts in the first active stage that its record type's process has."""
    stage = {"probability": 10, "forecast_category": "Pipeline"}
    document = {
        "stages": [
            {"name": "Old", "active": False, **stage},
            {"name": "Hidden", **stage},
            {"name": "Start", **stage},
        ],
        "record_types": [
            {"object": "Opportunity", "developer_name": "One", "default": True, "stages": ["Old", "Start"]}
        ],
    }
    with running(document) as emulator:
        org = Client(emulator)
        made = Soap(emulator).convert(new_lead(org))
        assert org.get("Opportunity", made["opportunityId"])["StageName"] == "Start"


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"lead_field": "Nope__c", "object": "Account", "field": "Name"}, "no such field"),
        ({"lead_field": "Title", "object": "Campaign", "field": "Name"}, "object is one of"),
        ({"lead_field": "Title", "object": "Account", "field": "Nope__c"}, "has no field"),
    ],
)
def test_a_mapping_between_unknown_fields_is_refused_at_the_start(mapping: dict, text: str):
    """The org file's lead mappings are checked against the org."""
    with pytest.raises(DefinitionError, match=text), running({"lead_mappings": [mapping]}):
        pass
