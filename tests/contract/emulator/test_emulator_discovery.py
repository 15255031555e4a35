"""Versions, describe, queries, limits, logins and the wire on the emulator."""

import pytest
import requests
from emulator_client import Client
from facts import fact


@fact("4.3-versions", "11-labels", "11-served", "11-retired", "4.1-410", "7.3-version-gone")
def test_versions(org: Client):
    """31 to 68 are served, 21 to 30 are gone, others unknown; the list needs no session. Facts 11 [D]."""
    listed = requests.get(org.emulator.instance_url + "/services/data/", timeout=10).json()
    assert (listed[0]["version"], listed[-1]["version"]) == ("31.0", "68.0")
    assert {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"} in listed
    for version, status, code in (
        ("30.0", 410, "GONE"),
        ("69.0", 404, "NOT_FOUND"),
        ("20.0", 404, "NOT_FOUND"),
    ):
        org.version = version
        answer = org.call("GET", "/limits")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


def test_describe_shows_the_recorded_fields(org: Client):
    """Field flags are those of the recorded describe. Source: facts 1.2, 2.1 [R]."""
    describe = org.call("GET", "/sobjects/opportunity/describe/").json()
    fields = {field["name"]: field for field in describe["fields"]}
    assert len(fields["StageName"]) >= 52
    assert (fields["StageName"]["label"], fields["StageName"]["restrictedPicklist"]) == ("Stage", False)
    assert (fields["StageName"]["byteLength"], fields["Name"]["idLookup"]) == (765, True)
    assert (fields["ContactId"]["createable"], fields["ContactId"]["updateable"]) == (True, False)
    assert fields["ContactId"]["relationshipName"] is None
    assert (fields["Amount"]["precision"], fields["Amount"]["scale"]) == (18, 2)
    assert next(value["value"] for value in fields["StageName"]["picklistValues"]) == "Prospecting"
    key = fields["Sfsync_Key__c"]
    assert (key["externalId"], key["unique"], key["caseSensitive"], key["idLookup"]) == (
        True,
        True,
        True,
        True,
    )
    roles = next(c for c in describe["childRelationships"] if c["childSObject"] == "OpportunityContactRole")
    assert (roles["relationshipName"], roles["cascadeDelete"]) == ("OpportunityContactRoles", True)
    names = [info["developerName"] for info in describe["recordTypeInfos"]]
    assert names == ["Bulk_Retail", "Custom_Order", "Master"]
    role = org.call("GET", "/sobjects/OpportunityContactRole/describe").json()
    assert (role["undeletable"], role["searchable"]) == (False, False)
    assert not [field for field in role["fields"] if field["externalId"] or field["nameField"]]


def test_record_types_show_up_only_where_declared(org: Client):
    """RecordTypeId exists only on objects with record types. Source: facts 1.2 [D]."""
    account = org.call("GET", "/sobjects/Account/describe").json()
    assert "RecordTypeId" not in [field["name"] for field in account["fields"]]
    deal = org.get("Opportunity", org.deal())
    (default,) = org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Bulk_Retail'")
    assert deal["RecordTypeId"] == default["Id"]


def test_limits_and_usage_header(org: Client):
    """Every answer tells the usage; limits and recordCount answer. Source: facts 4.10 [R], [D]."""
    answer = org.call("GET", "/limits/")
    assert answer.headers["Sforce-Limit-Info"].startswith("api-usage=")
    assert answer.json()["DailyApiRequests"]["Max"] == 15000
    counts = org.call("GET", "/limits/recordCount?sObjects=Account,Nope").json()
    assert counts["sObjects"][0]["name"] == "Account"


@fact("4.1-405")
def test_what_is_not_played_is_404_and_wrong_methods_405(org: Client):
    """Unknown resources are NOT_FOUND, wrong methods name the allowed ones. Source: facts 4.1, 7.3 [P]."""
    assert org.call("GET", "/process/rules").json() == [
        {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    ]
    answer = org.call("DELETE", "/sobjects/Opportunity")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert "Allowed are HEAD,GET,POST" in answer.json()[0]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"Name": }', b"[1]"])
def test_bad_json_is_a_parser_error(org: Client, body: bytes):
    """Text that is no JSON object is JSON_PARSER_ERROR. Source: facts 12.3 [P]."""
    answer = org.call("POST", "/sobjects/Account", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
