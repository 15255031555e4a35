"""Single records on the emulator answer as the REST guide and recorded responses say."""

import pytest
from emulator_client import DEAL, Client

MISSING_ID = "006000000000001AAA"


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


@pytest.mark.parametrize("value", ["", "tomorrow", "20261231", 20261231, True, ["2026-12-31"]])
def test_dates_take_only_iso_text(org: Client, value: object):
    """An empty or odd date is a parser error, not a clear. Source: facts 12.2 [D]."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "CloseDate": value})
    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_numbers_as_simple_text_are_taken(org: Client):
    """Numeric strings are accepted for number fields. Source: facts 4.4 [R]."""
    assert org.get("Opportunity", org.deal(Amount="10000"))["Amount"] == 10000.0


def test_text_is_trimmed_and_never_empty(org: Client):
    """Blanks around text go, and empty text is null. Source: facts 12.4 [D]."""
    deal = org.get("Opportunity", org.deal(Name="  A\u00a0 ", NextStep="  ", Description="a\nb"))
    assert (deal["Name"], deal["NextStep"], deal["Description"]) == ("A\u00a0", None, "a\nb")


def test_unknown_column_and_object(org: Client):
    """Unknown columns are INVALID_FIELD, unknown objects 404. Source: facts 4.4, 7.3 [R]."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "foo": 1})
    assert answer.json() == [
        {"message": "No such column 'foo' on sobject of type Opportunity", "errorCode": "INVALID_FIELD"}
    ]
    missing = org.call("GET", "/sobjects/Nope/describe")
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")


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


def test_upsert_update_only_and_unknown_key_field(org: Client):
    """UpdateOnly forbids creation; a field that is no key is a 404. Source: facts 4.7 [D], [R]."""
    only = org.call("PATCH", "/sobjects/Opportunity/Sfsync_Key__c/none?updateOnly=true", DEAL)
    assert only.status_code == 404
    wrong = org.call("PATCH", "/sobjects/Opportunity/NextStep/x", DEAL)
    message = "Provided external ID field does not exist or is not accessible: NextStep"
    assert wrong.json() == [{"message": message, "errorCode": "NOT_FOUND"}]


def test_key_on_several_records_is_300(org: Client):
    """A key that matches several records answers 300 with their addresses, writing nothing. Facts 4.7 [R]."""
    ids = {org.deal(Legacy_Id__c="twice"), org.deal(Legacy_Id__c="TWICE")}
    for method in ("GET", "PATCH", "DELETE"):
        answer = org.call(method, "/sobjects/Opportunity/Legacy_Id__c/twice", {"Name": "y"})
        assert answer.status_code == 300
        assert {address.rpartition("/")[2] for address in answer.json()} == ids


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


def test_conditional_headers(org: Client):
    """If-Unmodified-Since guards a write, If-Modified-Since a read, tags serve Account. Facts 4.16 [D]."""
    deal = org.deal()
    old = {"If-Unmodified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}
    assert org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "x"}, headers=old).status_code == 412
    answer = org.call("GET", f"/sobjects/Opportunity/{deal}")
    now = {"If-Unmodified-Since": answer.headers["Last-Modified"]}
    assert org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "x"}, headers=now).status_code == 204
    since = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert org.call("GET", f"/sobjects/Opportunity/{deal}", headers=since).status_code == 304
    (account,) = org.query("SELECT Id FROM Account WHERE Sfsync_Key__c = 'ACC-1'")
    path = f"/sobjects/Account/{account['Id']}"
    tag = org.call("GET", path).headers["ETag"]
    assert org.call("GET", path, headers={"If-None-Match": tag}).status_code == 304
    assert org.call("PATCH", path, {"Site": "x"}, headers={"If-Match": '"other"'}).status_code == 412
    assert org.call("PATCH", path, {"Site": "x"}, headers={"If-Match": tag}).status_code == 204
