"""Single records on the emulator answer as the REST guide and recorded responses say."""

from urllib.parse import quote

import pytest
from emulator_client import DEAL, Client
from facts import fact

MISSING_ID = "006000000000001AAA"


@fact("4.4-create", "4.1-201", "4-trailing-slash")
def test_create_answers_201_with_location(org: Client):
    """A create answers 201 with id, success and no errors. Source: facts 4.4 [R]."""
    answer = org.call("POST", "/sobjects/Opportunity/", DEAL)
    body = answer.json()
    assert answer.status_code == 201
    assert body == {"id": body["id"], "success": True, "errors": []}
    assert answer.headers["Location"].endswith(body["id"])
    assert answer.headers["X-Sfsync-Emulator"] == "1"
    assert len(body["id"]) == 18
    assert body["id"].startswith("006")


@fact("4.2-single", "4-case", "4.1-400")
def test_required_fields_are_named_together(org: Client):
    """Missing required fields are one error that lists them all. Source: facts 1.2 [R]."""
    answer = org.call("POST", "/sobjects/opportunity", {"Name": "x"})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "Required fields are missing: [StageName, CloseDate]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["StageName", "CloseDate"],
        }
    ]


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ({"Name": "x" * 121}, "STRING_TOO_LONG", f"Name: data value too large: {'x' * 121} (max length=120)"),
        (
            {"Order_Kind__c": "Nope"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Order Kind: bad value for restricted picklist field: Nope",
        ),
        ({"AccountId": "0038d0000000001AAA"}, "MALFORMED_ID", None),
        ({"AccountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ({"IsClosed": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", None),
        ({"Id": MISSING_ID}, "INVALID_ID_FIELD", None),
        ({"Amount": 1e17}, "NUMBER_OUTSIDE_VALID_RANGE", None),
        ({"Probability": 120}, "NUMBER_OUTSIDE_VALID_RANGE", None),
        ({"RecordTypeId": "0128d0000000009AAA"}, "INVALID_CROSS_REFERENCE_KEY", None),
        ({"Account": {"Sfsync_Key__c": "nobody"}}, "INVALID_FIELD", None),
    ],
)
def test_row_errors_of_a_create(org: Client, values: dict, code: str, message: str | None):
    """Row errors of single calls are 400 with the platform's code and words. Source: facts 7.3 [R]."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, **values})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert message is None or answer.json()[0]["message"] == message


def test_email_is_checked(org: Client):
    """A bad address is INVALID_EMAIL_ADDRESS with the label. Source: facts 7.3 [R]."""
    answer = org.call("POST", "/sobjects/Contact", {"LastName": "x", "Email": "badone"})
    assert answer.json()[0]["message"] == "Email: invalid email address: badone"


@fact("12.3-text", "7.3-json-parser")
def test_an_unparsable_date_fails_with_its_place(org: Client):
    """A value the parser cannot read fails the request with line and column. Source: facts 12.3 [R]."""
    body = '{"Name":"x","StageName":"y",\n "CloseDate":"2017-05-30T-06:00:00X"}'
    headers = {"Content-Type": "application/json"}
    answer = org.call("POST", "/sobjects/Opportunity", data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert answer.json()[0]["message"] == (
        "Cannot deserialize instance of date from VALUE_STRING value 2017-05-30T-06:00:00X or request may be "
        "missing a required field at [line:2, column:14]"
    )


@fact("12.2-empty")
@pytest.mark.parametrize("value", ["", "tomorrow", "20261231", 20261231, True, ["2026-12-31"]])
def test_dates_take_only_iso_text(org: Client, value: object):
    """An empty or odd date is a parser error, not a clear. Source: facts 12.2 [D]."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "CloseDate": value})
    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


@fact("4.4-numeric-text", "12.1-numbers")
def test_numbers_as_simple_text_are_taken(org: Client):
    """Numeric strings are accepted for number fields. Source: facts 4.4 [R]."""
    assert org.get("Opportunity", org.deal(Amount="10000"))["Amount"] == 10000.0


@fact("12.4-trimmed", "12.4-never-empty", "12.4-newlines", "12.1-text")
def test_text_is_trimmed_and_never_empty(org: Client):
    """Blanks around text go, and empty text is null. Source: facts 12.4 [D]."""
    deal = org.get("Opportunity", org.deal(Name="  A\u00a0 ", NextStep="  ", Description="a\nb"))
    assert (deal["Name"], deal["NextStep"], deal["Description"]) == ("A\u00a0", None, "a\nb")


@fact("4.4-unknown-field", "4.3-unknown-object", "7.3-unknown-field", "7.3-invalid-type", "4.1-404")
def test_unknown_column_and_object(org: Client):
    """Unknown columns are INVALID_FIELD, unknown objects 404. Source: facts 4.4, 7.3 [R]."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "foo": 1})
    assert answer.json() == [
        {"message": "No such column 'foo' on sobject of type Opportunity", "errorCode": "INVALID_FIELD"}
    ]
    missing = org.call("GET", "/sobjects/Nope/describe")
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@fact("4.4-missing", "7.3-record-not-found")
def test_read_of_missing_and_deleted_is_404(org: Client):
    """A missing and a deleted record read the same. Source: facts 4.4 [R]."""
    deal = org.deal()
    assert org.call("DELETE", f"/sobjects/Opportunity/{deal}").status_code == 204
    for record_id in (deal, MISSING_ID):
        answer = org.call("GET", f"/sobjects/Opportunity/{record_id}")
        assert answer.status_code == 404
        assert answer.json() == [
            {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
        ]
    again = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "x"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


@fact("4.4-update", "4.1-204", "12.1-reference", "12.2-null")
def test_update_answers_204_and_refuses_an_id_in_the_body(org: Client):
    """An update has no body and takes none with an Id. Source: facts 4.4 [D]."""
    deal = org.deal()
    answer = org.call("PATCH", f"/sobjects/Opportunity/{deal[:15]}", {"nextstep": "call"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert org.get("Opportunity", deal)["NextStep"] == "call"
    refused = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Id": deal})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD"
    cleared = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"CloseDate": None})
    assert cleared.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"


def test_contact_id_cannot_be_updated(org: Client, contacts: dict[str, str]):
    """ContactId of a deal is create only. Source: facts 1.4 [I], updateable false [R]."""
    answer = org.call("PATCH", f"/sobjects/Opportunity/{org.deal()}", {"ContactId": contacts["Leung"]})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


@fact("4.7-created", "4.7-updated", "4.1-200", "11-46")
@pytest.mark.parametrize(("version", "created", "updated"), [("45.0", None, 204), ("46.0", True, 200)])
def test_upsert_by_version(org: Client, version: str, created: bool | None, updated: int):
    """Upserts answer by API version. Source: facts 4.7 [D]."""
    org.version = version
    path = f"/sobjects/Opportunity/Sfsync_Key__c/up%2Fsert%20{version}"
    first = org.call("PATCH", path, DEAL)
    second = org.call("PATCH", path, {"NextStep": "x"})
    assert (first.status_code, first.json().get("created")) == (201, created)
    assert second.status_code == updated
    assert org.get("Opportunity", first.json()["id"])["Sfsync_Key__c"] == f"up/sert {version}"


@fact("4.7-update-only", "4.7-no-key-field")
def test_upsert_update_only_and_unknown_key_field(org: Client):
    """UpdateOnly forbids creation; a field that is no key is a 404. Source: facts 4.7 [D], [R]."""
    only = org.call("PATCH", "/sobjects/Opportunity/Sfsync_Key__c/none?updateOnly=true", DEAL)
    assert only.status_code == 404
    wrong = org.call("PATCH", "/sobjects/Opportunity/NextStep/x", DEAL)
    message = "Provided external ID field does not exist or is not accessible: NextStep"
    assert wrong.json() == [{"message": message, "errorCode": "NOT_FOUND"}]


@fact("4.7-several", "4.1-300")
def test_key_on_several_records_is_300(org: Client):
    """A key that matches several records answers 300 with their addresses, writing nothing. Facts 4.7 [R]."""
    ids = {org.deal(Legacy_Id__c="twice"), org.deal(Legacy_Id__c="TWICE")}
    for method in ("GET", "PATCH", "DELETE"):
        answer = org.call(method, "/sobjects/Opportunity/Legacy_Id__c/twice", {"Name": "y"})
        assert answer.status_code == 300
        assert {address.rpartition("/")[2] for address in answer.json()} == ids


@fact("7.1-both")
def test_unique_key_names_its_owner(org: Client):
    """A second record with a unique key is DUPLICATE_VALUE naming the first. Source: facts 7.3 [R]."""
    first = org.deal(Sfsync_Key__c="unique-1")
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Sfsync_Key__c": "unique-1"})
    message = f"duplicate value found: Sfsync_Key__c duplicates value on record with id: {first}"
    assert answer.json() == [{"message": message, "errorCode": "DUPLICATE_VALUE", "fields": []}]
    assert org.call("POST", "/sobjects/Opportunity", {**DEAL, "Sfsync_Key__c": "UNIQUE-1"}).status_code == 201


def test_inactive_owner_is_refused(org: Client):
    """An inactive owner is INACTIVE_OWNER_OR_USER. Source: facts 7.3 [P]."""
    (former,) = org.query("SELECT Id FROM User WHERE IsActive = false")
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "OwnerId": former["Id"]})
    assert answer.json()[0]["errorCode"] == "INACTIVE_OWNER_OR_USER"
    assert former["Id"] in answer.json()[0]["message"]


@fact("4.4-read", "4.4-read-all", "4-case", "12.1-picklist")
def test_a_read_answers_attributes_and_the_fields_asked_for(org: Client):
    """Fields are asked for in any case and answered in their own; without a list all come."""
    deal = org.deal()
    body = org.call("GET", f"/sobjects/OPPORTUNITY/{deal}?fields=name,STAGENAME").json()
    url = f"/services/data/v66.0/sobjects/Opportunity/{deal}"
    assert list(body.items()) == [
        ("attributes", {"type": "Opportunity", "url": url}),
        ("Name", "Deal"),
        ("StageName", "Prospecting"),
    ]
    every = org.call("GET", f"/sobjects/Opportunity/{deal}").json()
    described = [
        field["name"] for field in org.call("GET", "/sobjects/Opportunity/describe").json()["fields"]
    ]
    assert list(every) == ["attributes", *described]
    unknown = org.call("GET", f"/sobjects/Opportunity/{deal}?fields=Name,Nope").json()
    message = "No such column 'Nope' on sobject of type Opportunity"
    assert unknown == [{"message": message, "errorCode": "INVALID_FIELD"}]


@fact("4.4-malformed-id", "7.3-malformed-id")
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("given", ["abc", "006000000000001AAB", "0060000000000-1"])
def test_text_that_is_no_id_is_malformed(org: Client, method: str, given: str):
    """Neither a wrong length nor a wrong checksum is an id."""
    answer = org.call(method, f"/sobjects/Opportunity/{given}", {"Name": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_ID")
    assert answer.json()[0]["message"] == f"malformed id {given}"


@fact("4.4-nested-lookup", "12.1-reference")
def test_a_parent_is_named_by_its_key(org: Client):
    """A nested object with an external id sets the lookup; no match and no such field are refused."""
    (account,) = org.query("SELECT Id FROM Account WHERE Sfsync_Key__c = 'ACC-1'")
    deal = org.deal(Account={"sfsync_key__c": "ACC-1"})
    assert org.get("Opportunity", deal)["AccountId"] == account["Id"]
    custom = org.deal(Shoe_Model__r={"Id": org.create("Shoe_Model__c", Name="Nested")})
    assert org.get("Opportunity", custom)["Shoe_Model__c"] is not None
    for parent, text in (
        ({"Sfsync_Key__c": "nobody"}, "Foreign key external ID: nobody not found"),
        ({"Site": "x"}, "Site"),
        ({"Nope": "x"}, "No such column 'Nope'"),
        ({}, "exactly one"),
    ):
        answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Account": parent})
        assert answer.status_code == 400
        assert text in answer.json()[0]["message"]
    assert org.call("POST", "/sobjects/Opportunity", {**DEAL, "Nope__r": {"Id": "x"}}).status_code == 400


@fact("4.7-body")
@pytest.mark.parametrize("name", ["Id", "Sfsync_Key__c", "sfsync_key__c"])
def test_an_upsert_by_key_takes_neither_id_nor_key_in_its_body(org: Client, name: str):
    """The body of an upsert must leave out what the address says."""
    answer = org.call("PATCH", "/sobjects/Opportunity/Sfsync_Key__c/body", {**DEAL, name: "body"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


@fact("4.7-matching")
def test_keys_match_by_the_case_rules_of_their_field(org: Client):
    """A loose key ignores case, a unique and case-sensitive one does not."""
    loose = org.deal(Legacy_Id__c="Case-1")
    assert org.call("GET", "/sobjects/Opportunity/legacy_id__C/cASE-1").json()["Id"] == loose
    org.deal(Sfsync_Key__c="Case-1")
    assert org.call("GET", "/sobjects/Opportunity/Sfsync_Key__c/cASE-1").status_code == 404


@pytest.mark.parametrize("key", ["a/b", "a+b", "a b", "..", "50%", "é", "?x=1", "#", "a%2Fb", "'"])
def test_any_key_survives_the_address(org: Client, key: str):
    """A key in the address is what was percent-encoded, whatever its characters."""
    path = f"/sobjects/Opportunity/Sfsync_Key__c/{quote(key, safe='').replace('.', '%2E')}"
    created = org.call("PATCH", path, DEAL).json()["id"]
    assert org.get("Opportunity", created)["Sfsync_Key__c"] == key
    assert org.call("GET", path).json()["Id"] == created


@fact("4.7-read", "4.1-404")
def test_a_read_by_key(org: Client):
    """A read by key answers the record, or 404; a field that is no key is named."""
    deal = org.deal(Sfsync_Key__c="read-me")
    answer = org.call("GET", "/sobjects/Opportunity/Sfsync_Key__c/read-me?fields=Id")
    assert (answer.status_code, answer.json()["Id"], len(answer.json())) == (200, deal, 2)
    missing = org.call("GET", "/sobjects/Opportunity/Sfsync_Key__c/nobody")
    assert missing.json() == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]
    assert org.call("GET", "/sobjects/Opportunity/NextStep/x").status_code == 404
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert org.call("GET", "/sobjects/Opportunity/Sfsync_Key__c/read-me").status_code == 404


@fact("4.7-not-reparentable")
def test_an_upsert_cannot_move_a_role_to_another_deal(org: Client, contacts: dict[str, str]):
    """The deal of a role is fixed: an upsert by Id that names one is refused."""
    role = org.create("OpportunityContactRole", OpportunityId=org.deal(), ContactId=contacts["Leung"])
    answer = org.call("PATCH", f"/sobjects/OpportunityContactRole/Id/{role}", {"OpportunityId": org.deal()})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@fact("4.7-post-id")
def test_a_post_to_the_id_path_creates(org: Client):
    """A POST to the path Id answers as a create does."""
    answer = org.call("POST", "/sobjects/Opportunity/Id/", DEAL)
    assert (answer.status_code, answer.json()["success"]) == (201, True)


@pytest.mark.parametrize(
    ("override", "status"), [("PATCH", 204), ("DELETE", 204), ("patch", 204), ("PUT", 404), ("GET", 404)]
)
def test_a_post_can_stand_for_another_method(org: Client, override: str, status: int):
    """A client that cannot send PATCH or DELETE names them in the address of a POST."""
    path = f"/sobjects/Opportunity/{org.deal()}?_HttpMethod={override}"
    assert org.call("POST", path, {"NextStep": "x"}).status_code == status


@fact("4.1-405")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/sobjects/Opportunity/006000000000001AAA", "DELETE,GET,PATCH"),
        ("PATCH", "/sobjects/Opportunity", "GET,POST"),
        ("POST", "/sobjects/Opportunity/006000000000001AAA", "DELETE,GET,PATCH"),
        ("GET", "/composite/graph", "POST"),
        ("PUT", "/composite/sobjects", "DELETE,PATCH,POST"),
        ("POST", "/limits", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(org: Client, method: str, path: str, allowed: str):
    """A method that a resource does not take is a 405 with the list of those it takes."""
    answer = org.call(method, path, {})
    names = ("HEAD," if "GET" in allowed else "") + allowed
    message = f"HTTP Method '{method}' not allowed. Allowed are {names}"
    assert (answer.status_code, answer.json()) == (
        405,
        [{"message": message, "errorCode": "METHOD_NOT_ALLOWED"}],
    )
