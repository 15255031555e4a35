"""sObject Collections on the emulator: positions, partial success, all or none, limits."""

from typing import Any

from emulator_client import DEAL, Client
from facts import fact


def rows(*records: dict[str, Any], sobject: str = "Opportunity") -> list[dict[str, Any]]:
    """Return records with their type."""
    return [{"attributes": {"type": sobject}, **record} for record in records]


def post(org: Client, records: list[dict[str, Any]], **body: Any) -> Any:
    """Create records and return the results."""
    answer = org.call("POST", "/composite/sobjects", {"records": records, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@fact("4.15-create", "4.15-failed-no-id", "4.15-position", "4.15-default", "4.2-rows", "7.1-row-level")
def test_partial_success_keeps_the_good_rows_s9(org: Client):
    """Failed rows have no id and stay in place among the good ones. Source: facts 4.15 [R]."""
    good, bad, last = post(org, rows(DEAL, {**DEAL, "Name": None}, DEAL))
    assert good["success"]
    assert last["success"]
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    assert org.get("Opportunity", good["id"])["Name"] == "Deal"


@fact("4.15-all-or-none", "7.3-rolled-back")
def test_all_or_none_rolls_innocent_rows_back_s10(org: Client):
    """With allOrNone the good rows say that they were rolled back. Source: facts 4.15 [R]."""
    before = org.query("SELECT count(Id) n FROM Opportunity")[0]["n"]
    commits = len(org.emulator.audit.commits)
    innocent, culprit = post(org, rows(DEAL, {**DEAL, "Name": None}), allOrNone=True)
    assert innocent["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert culprit["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert org.query("SELECT count(Id) n FROM Opportunity")[0]["n"] == before
    assert len(org.emulator.audit.commits) == commits


@fact("7.1-request-level")
def test_one_bad_value_fails_the_whole_call(org: Client):
    """A value the parser cannot read refuses all rows. Source: facts 12.3 [R]."""
    before = org.query("SELECT count(Id) n FROM Opportunity")[0]["n"]
    answer = org.call("POST", "/composite/sobjects", {"records": rows(DEAL, {**DEAL, "CloseDate": "x"})})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert org.query("SELECT count(Id) n FROM Opportunity")[0]["n"] == before


@fact("4.15-update")
def test_update_by_id_in_either_case(org: Client):
    """Updates take `id` or `Id`; a row without one is MISSING_ARGUMENT. Source: facts 4.15 [R], 7.3 [P]."""
    first, second = org.deal(), org.deal()
    records = rows({"id": first, "Name": "a"}, {"Id": second, "Name": "b"}, {"Name": "c"}, {"id": "abc"})
    answer = org.call("PATCH", "/composite/sobjects", {"records": records}).json()
    assert answer[0] == {"id": first, "success": True, "errors": []}
    assert answer[1]["id"] == second
    assert [row["errors"][0]["statusCode"] for row in answer[2:]] == ["MISSING_ARGUMENT", "MALFORMED_ID"]


@fact("4.15-upsert", "4.7-same-key-twice")
def test_upsert_tells_created_and_refuses_repeated_keys(org: Client):
    """Upsert rows carry `created`, and rows with the same key fail. Source: facts 4.7 [D], clients [R]."""
    org.deal(Sfsync_Key__c="cu-1")
    records = rows(
        {"Sfsync_Key__c": "cu-1", "NextStep": "n"},
        {**DEAL, "Sfsync_Key__c": "cu-2"},
        {**DEAL, "Sfsync_Key__c": "cu-3"},
        {**DEAL, "Sfsync_Key__c": "cu-3"},
    )
    answer = org.call("PATCH", "/composite/sobjects/Opportunity/Sfsync_Key__c", {"records": records}).json()
    assert [row["success"] for row in answer] == [True, True, False, False]
    assert [row["created"] for row in answer[:2]] == [False, True]
    assert answer[2]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


@fact("4.15-id-lookup", "4.15-null-id")
def test_upsert_by_email_and_by_empty_id(org: Client):
    """Id lookup fields address upserts too, and an empty Id creates. Source: facts 4.15 [R]."""
    records = rows({"Email": "leung.chan@getcloudy.example", "Title": "Chief"}, sobject="Contact")
    answer = org.call("PATCH", "/composite/sobjects/Contact/Email", {"records": records}).json()
    assert (answer[0]["success"], answer[0]["created"]) == (True, False)
    records = rows({"Id": None, "Name": "New"}, sobject="Account")
    answer = org.call("PATCH", "/composite/sobjects/Account/Id", {"records": records}).json()
    assert (answer[0]["success"], answer[0]["created"]) == (True, True)


@fact("4.15-delete", "4.15-retrieve")
def test_delete_and_retrieve_keep_the_order(org: Client):
    """Retrieve answers null for ids not found, delete answers row by row. Source: facts 4.15 [D]."""
    first, second = org.deal(Name="first"), org.deal(Name="second")
    assert org.call("DELETE", f"/composite/sobjects?ids={first}&allOrNone=false").json()[0]["id"] == first
    body = {"ids": [first, second], "fields": ["name"]}
    found = org.call("POST", "/composite/sobjects/Opportunity", body).json()
    assert [row and row["Name"] for row in found] == [None, "second"]
    path = f"/composite/sobjects/Opportunity?ids={second}&fields=Id"
    assert org.call("GET", path).json()[0]["Id"] == second
    again = org.call("DELETE", f"/composite/sobjects?ids={first},{second}&allOrNone=true").json()
    assert [row["errors"][0]["statusCode"] for row in again] == [
        "ENTITY_IS_DELETED",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]


def test_unknown_type_is_refused(org: Client):
    """An unknown attributes.type refuses the request. Source: facts 12.3 [P]."""
    answer = org.call("POST", "/composite/sobjects", {"records": rows(DEAL, sobject="Nope")})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")


@fact("4.15-rolled-back-id", "4.15-failed-no-id", "4.15-position")
def test_rolled_back_updates_show_their_ids(org: Client):
    """Of updates that were undone together the innocent rows show their ids, the culprit none."""
    first, second = org.deal(Name="first"), org.deal(Name="second")
    records = rows({"id": first, "Name": "x"}, {"id": second, "Name": None})
    innocent, culprit = org.call(
        "PATCH", "/composite/sobjects", {"allOrNone": True, "records": records}
    ).json()
    assert (innocent["id"], innocent["success"]) == (first, False)
    assert innocent["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert "id" not in culprit
    assert org.get("Opportunity", first)["Name"] == "first"


@fact("4.15-created-on-failure")
def test_upserts_say_created_even_when_refused(org: Client):
    """A refused or undone row of an upsert says whether it would have created."""
    org.deal(Sfsync_Key__c="cf-1")
    records = rows(
        {"Sfsync_Key__c": "cf-1", "Name": "kept"},
        {**DEAL, "Sfsync_Key__c": "cf-2"},
        {**DEAL, "Sfsync_Key__c": "cf-3", "Name": None},
    )
    path = "/composite/sobjects/Opportunity/Sfsync_Key__c"
    answer = org.call("PATCH", path, {"allOrNone": True, "records": records}).json()
    assert [(row["success"], row["created"]) for row in answer] == [
        (False, False),
        (False, True),
        (False, True),
    ]


@fact("7.3-duplicate-key")
def test_an_upsert_key_on_several_records_refuses_its_row(org: Client):
    """A key that two records hold refuses the row; the others go on."""
    for _ in range(2):
        org.deal(Legacy_Id__c="double")
    records = rows({**DEAL, "Legacy_Id__c": "double"}, {**DEAL, "Legacy_Id__c": "single"})
    bad, good = org.call("PATCH", "/composite/sobjects/Opportunity/Legacy_Id__c", {"records": records}).json()
    assert (bad["errors"][0]["statusCode"], good["success"]) == ("DUPLICATE_EXTERNAL_ID", True)


@fact("4.15-create", "4.15-position")
def test_mixed_objects_keep_their_places(org: Client):
    """Rows of several objects are answered in their order, each with an id of its object."""
    mixed = rows({"Name": "A"}, sobject="account") + rows(DEAL) + rows({"LastName": "C"}, sobject="Contact")
    assert [row["id"][:3] for row in post(org, mixed)] == ["001", "006", "003"]


@fact("7.1-both", "7.1-row-level")
def test_a_duplicate_value_inside_one_call(org: Client):
    """The second of two rows with one unique key is refused and names the first."""
    first, second = post(org, rows(*[{**DEAL, "Sfsync_Key__c": "inside"}] * 2))
    error = second["errors"][0]
    assert error["statusCode"] == "DUPLICATE_VALUE"
    assert first["id"] in error["message"]
