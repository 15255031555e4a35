"""Rules of single rows: text, numbers, keys, rights, record types, locks, maintenance and room."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact, side
from switching import switched

from sfsync.emulator.control import HEADER
from sfsync.emulator.server import running
from sfsync.emulator.switches import Switches

USER = "integration@cloudkicks.example"
ME = {"username": USER, "last_name": "User", "api_user": True}


@contextmanager
def org_with(**document: Any) -> Iterator[Client]:
    """Run an org of a document."""
    with running(document) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


def refusal(org: Client, sobject: str = "Opportunity", **values: Any) -> dict[str, Any]:
    """Return the error of a refused create."""
    body = {**DEAL, **values} if sobject == "Opportunity" else values
    answer = org.call("POST", f"/sobjects/{sobject}", body)
    assert answer.status_code in {400, 403}, answer.text
    return dict(answer.json()[0])


def change(org: Client, deal: str, **values: Any) -> Any:
    """Change a deal and return the answer."""
    return org.call("PATCH", f"/sobjects/Opportunity/{deal}", values)


@side("text_is_trimmed", "true")
def test_text_is_trimmed_and_never_empty(org: Client):
    """Blanks around a text go, an empty one is null, a no-break space and line ends stay. Facts 12.4 [D], [P]."""
    for sent, stored in [
        ("  x \t", "x"),
        ("   ", None),
        ("", None),
        ("\u00a0x\u00a0", "\u00a0x\u00a0"),
        ("a\nb\r\nc", "a\nb\r\nc"),
    ]:
        deal = org.deal(Description=sent)
        assert org.get("Opportunity", deal)["Description"] == stored
    assert refusal(org, Name="   ")["errorCode"] == "REQUIRED_FIELD_MISSING"


@side("text_is_trimmed", "false")
def test_text_as_sent_by_switch(org: Client):
    """By switch blanks are stored. Source: facts 13 [I]."""
    with switched(org, text_is_trimmed=False):
        assert org.get("Opportunity", org.deal(Description=" x "))["Description"] == " x "


@pytest.mark.parametrize(
    ("unit", "fits"),
    [
        pytest.param("utf16_units", 60, marks=side("text_length_unit", "utf16_units")),
        pytest.param("code_points", 120, marks=side("text_length_unit", "code_points")),
    ],
)
@fact("7.3-too-long")
def test_length_of_text(org: Client, unit: str, fits: int):
    """Emoji count as two or as one by switch; one more than fits is refused. Source: facts 12.4 [I], 7.3 [R]."""
    with switched(org, text_length_unit=unit):
        org.deal(Name="\N{GRINNING FACE}" * fits)
        error = refusal(org, Name="\N{GRINNING FACE}" * fits + "x")
        assert (error["errorCode"], error["fields"]) == ("STRING_TOO_LONG", ["Name"])
        org.deal(Name="é" * 120)


@pytest.mark.parametrize(
    "character", [pytest.param(char, id=f"{ord(char):02x}") for char in "\x00\x07\x0b\x1f"]
)
@side("control_characters", "refuse")
@side("control_characters", "accept")
def test_control_characters(org: Client, character: str):
    """Control characters are refused, or stored by switch; tab and line ends are text. Facts 12.4 [D] code."""
    text = f"a{character}b"
    assert refusal(org, Description=text)["errorCode"] == "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET"
    with switched(org, control_characters="accept"):
        assert org.get("Opportunity", org.deal(Description=text))["Description"] == text
    org.deal(Description="a\tb\nc")


@pytest.mark.parametrize("amount", [0.1, 1234567.89, 9999999999999.99, -9999999999999.99, 0.125, 12345.6789])
def test_money_survives_to_the_cent(org: Client, amount: float):
    """15 digits come back as sent, extra decimals included, and are found by value. Source: facts 12.1 [D]."""
    deal = org.deal(Amount=amount)
    assert org.get("Opportunity", deal)["Amount"] == amount
    found = org.query(f"SELECT Id FROM Opportunity WHERE Amount = {amount!r}")
    assert deal in {row["Id"] for row in found}


@pytest.mark.parametrize("amount", ["9999999999999999.99", "1e16", "-1e16"])
def test_money_out_of_range(org: Client, amount: str):
    """What has 17 digits before the point does not fit 18,2, nor does what a double rounds up to it. Facts 7.3."""
    body = json.dumps({**DEAL, "Amount": "?"}).replace('"?"', amount)
    headers = {"Content-Type": "application/json"}
    answer = org.call("POST", "/sobjects/Opportunity", data=body, headers=headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "NUMBER_OUTSIDE_VALID_RANGE")


@pytest.mark.parametrize("probability", [-1, 101])
def test_probability_out_of_range(org: Client, probability: int):
    """A probability is from 0 to 100. Source: facts 12.1 [I]."""
    assert refusal(org, Probability=probability)["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"


@fact("7.3-email", "7.3-id-on-create", "7.3-unknown-field")
def test_codes_of_bad_values(org: Client):
    """Addresses, ids on create and unknown columns have codes of their own. Source: facts 7.3 [R], [D]."""
    error = refusal(org, "Contact", LastName="x", Email="badone")
    assert (error["errorCode"], error["fields"]) == ("INVALID_EMAIL_ADDRESS", ["Email"])
    assert refusal(org, Id=org.deal())["errorCode"] == "INVALID_ID_FIELD"
    assert refusal(org, foo="x")["errorCode"] == "INVALID_FIELD"


@fact("7.3-too-many-values")
def test_too_many_values_of_a_multi_select_picklist():
    """100 values fit, 101 do not. Source: facts 12.1, 7.3 [D]."""
    values = [f"v{number}" for number in range(101)]
    field = {"object": "Opportunity", "name": "Tags__c", "type": "MultiselectPicklist", "values": values}
    with org_with(fields=[field]) as org:
        org.deal(Tags__c=";".join(values[:100]))
        assert refusal(org, Tags__c=";".join(values))["errorCode"] == "TOO_MANY_ENUM_VALUE"


@fact("1.6-custom", "1.6-unique", "7.3-duplicate-value")
def test_external_ids_and_unique_fields():
    """An external id of the right type is an id lookup; unique, with or without case, is asked for. Facts 1.6."""
    key = {"object": "Opportunity", "type": "Text", "length": 20}
    fields = [
        {**key, "name": "Loose__c", "external_id": True},
        {**key, "name": "Folded__c", "unique": True},
        {**key, "name": "Exact__c", "unique": True, "case_sensitive": True, "external_id": True},
        {"object": "Opportunity", "name": "Number__c", "type": "Number", "external_id": True},
        {"object": "Opportunity", "name": "Mail__c", "type": "Email", "external_id": True},
    ]
    with org_with(fields=fields) as org:
        shape = org.call("GET", "/sobjects/Opportunity/describe").json()["fields"]
        flags = {item["name"]: item for item in shape}
        assert [flags[f["name"]]["idLookup"] for f in fields] == [True, False, True, True, True]
        assert all(flags[f["name"]]["filterable"] for f in fields)
        first = org.deal(Loose__c="a", Folded__c="a", Exact__c="a")
        org.deal(Loose__c="a", Folded__c="b", Exact__c="A")
        error = refusal(org, Folded__c="A")
        assert error["errorCode"] == "DUPLICATE_VALUE"
        assert first in error["message"]
    for wrong in (
        {"object": "Opportunity", "name": "Key", "type": "Text", "length": 9},
        {"object": "Opportunity", "name": "Key__c", "type": "Date", "external_id": True},
    ):
        with pytest.raises(ValueError, match="Key"), org_with(fields=[wrong]):
            pass


@pytest.mark.parametrize(
    ("holds", "status"),
    [
        pytest.param(False, 201, marks=side("recycle_bin_holds_keys", "false")),
        pytest.param(True, 400, marks=side("recycle_bin_holds_keys", "true")),
    ],
)
def test_unique_values_of_deleted_records(holds: bool, status: int):
    """A unique value in the recycle bin is free, or held by switch. Source: reported both ways [I]."""
    with running(ORG_FILE, switches=Switches(recycle_bin_holds_keys=holds)) as emulator:
        org = Client(emulator)
        deal = org.deal(Sfsync_Key__c="binned")
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        again = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Sfsync_Key__c": "binned"})
        assert again.status_code == status, again.text
        assert status == 201 or again.json()[0]["errorCode"] == "DUPLICATE_VALUE"
        org.http.close()


@fact("7.3-duplicate-key")
def test_several_records_match_a_key(org: Client):
    """A row whose key is on two records is refused; a single call answers 300. Source: facts 4.7, 7.3 [D]."""
    for _ in range(2):
        org.deal(Legacy_Id__c="twice")
    row = {"attributes": {"type": "Opportunity"}, "Legacy_Id__c": "twice", "NextStep": "x"}
    (result,) = org.call("PATCH", "/composite/sobjects/Opportunity/Legacy_Id__c", {"records": [row]}).json()
    assert result["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"


@fact("7.3-field-access", "7.3-unknown-field")
def test_field_permissions_hide_and_lock():
    """A hidden field behaves as nonexistent, a locked one cannot be written. Facts 4.3 [D], 7.3 [R]."""
    rights = [
        {"object": "Opportunity", "field": "NextStep", "user": USER, "read": False},
        {"object": "Opportunity", "field": "Amount", "user": USER, "edit": False},
    ]
    with org_with(users=[ME], field_permissions=rights) as org:
        assert refusal(org, NextStep="x")["errorCode"] == "INVALID_FIELD"
        error = refusal(org, Amount=1)
        assert (error["errorCode"], error["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Amount"])
        assert "NextStep" not in org.get("Opportunity", org.deal())
        assert org.call("GET", "/query?q=SELECT+NextStep+FROM+Opportunity").status_code == 400


@fact("1.2-campaign-access")
def test_object_permissions():
    """What a user may not read does not exist for them; what they may not write is refused. Facts 7.3, 1.2."""
    rights = [
        {"object": "Campaign", "user": USER, "read": False},
        {"object": "Account", "user": USER, "edit": False, "delete": False},
    ]
    with org_with(users=[ME], object_permissions=rights) as org:
        assert org.call("GET", "/sobjects/Campaign/describe").status_code == 404
        assert org.call("GET", "/query?q=SELECT+Id+FROM+Campaign").json()[0]["errorCode"] == "INVALID_TYPE"
        campaign = org.emulator.org.next_id(org.emulator.org.schema["Campaign"])
        org.emulator.org.storage.insert("Campaign", {"Id": campaign, "Name": "Hidden", "IsDeleted": 0})
        code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        assert refusal(org, CampaignId=campaign)["errorCode"] == code
        account = org.create("Account", Name="Fixed")
        for method, body in (("PATCH", {"Name": "x"}), ("DELETE", None)):
            answer = org.call(method, f"/sobjects/Account/{account}", body)
            assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"


@fact("1.3-transfer", "7.3-transfer")
def test_a_transfer_takes_a_permission():
    """Another owner needs the permission, an active user, and one who may read deals. Source: facts 1.3, 7.3."""
    users = [
        {**ME, "local": "me"},
        {"username": "other@example.com", "last_name": "Other"},
        {"username": "gone@example.com", "last_name": "Gone", "active": False},
        {"username": "blind@example.com", "last_name": "Blind"},
    ]
    blind = {"object": "Opportunity", "user": "blind@example.com", "read": False}

    def codes(**mine: Any) -> list[str]:
        with org_with(users=[{**users[0], **mine}, *users[1:]], object_permissions=[blind]) as org:
            rows = {row["LastName"]: row["Id"] for row in org.query("SELECT Id, LastName FROM User")}
            answers = [
                change(org, org.deal(), OwnerId=rows[name]) for name in ("User", "Other", "Gone", "Blind")
            ]
            return ["" if answer.status_code == 204 else answer.json()[0]["errorCode"] for answer in answers]

    assert codes() == ["", "", "INACTIVE_OWNER_OR_USER", "TRANSFER_REQUIRES_READ"]
    assert codes(lacks=["TransferAnyEntity"])[:2] == ["", "INSUFFICIENT_ACCESS_OR_READONLY"]


@fact("1.6-audit")
def test_audit_fields_take_a_permission():
    """Only with the permission, and only on insert, can audit fields be set. Source: facts 1.6 [D]."""
    past = {"CreatedDate": "2020-01-02T03:04:05Z", "LastModifiedDate": "2020-01-02T03:04:06Z"}
    with org_with(users=[ME]) as org:
        assert refusal(org, **past)["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    with org_with(users=[{**ME, "has": ["CreateAuditFields"]}]) as org:
        deal = org.deal(**past, CreatedById=org.emulator.org.api_user_id)
        assert org.get("Opportunity", deal)["CreatedDate"].startswith("2020-01-02T03:04:05")
        assert change(org, deal, **past).json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


@fact("7.3-cross-reference", "1.6-record-types")
def test_record_types_of_a_user():
    """A record type is available to some users and the default of others. Source: facts 1.6 [R], code [P]."""
    kinds = [
        {"object": "Opportunity", "developer_name": "Everyone", "default": True},
        {"object": "Opportunity", "developer_name": "Mine", "default_for": [USER]},
        {"object": "Opportunity", "developer_name": "Theirs", "users": ["other@example.com"]},
    ]
    with org_with(users=[ME], record_types=kinds) as org:
        infos = org.call("GET", "/sobjects/Opportunity/describe").json()["recordTypeInfos"]
        shown = {info["developerName"]: info for info in infos}
        assert [shown[name]["available"] for name in ("Everyone", "Mine", "Theirs")] == [True, True, False]
        assert [shown[name]["defaultRecordTypeMapping"] for name in ("Everyone", "Mine")] == [False, True]
        ids = {name: info["recordTypeId"] for name, info in shown.items()}
        assert org.get("Opportunity", org.deal())["RecordTypeId"] == ids["Mine"]
        error = refusal(org, RecordTypeId=ids["Theirs"])
        assert (error["errorCode"], error["fields"]) == ("INVALID_CROSS_REFERENCE_KEY", ["RecordTypeId"])


@fact("7.3-restricted")
def test_picklists_limited_by_record_type():
    """A restricted picklist takes the values of the record type alone, on insert and update. Facts 1.6 [P]."""
    kind = {"object": "Opportunity", "developer_name": "New", "default": True}
    kinds = [{**kind, "picklists": {"Type": ["New Customer"]}}]
    with org_with(record_types=kinds, restricted=["Opportunity.Type"]) as org:
        deal = org.deal(Type="New Customer")
        other = "Existing Customer - Upgrade"
        assert refusal(org, Type=other)["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert change(org, deal, Type=other).status_code == 400


@fact("7.3-approval-lock")
def test_approval_locks():
    """A record in an approval process can be neither changed nor deleted until released. Facts 7.3 [D]."""
    locked = {"object": "Opportunity", "values": DEAL, "approval_locked": True}
    with org_with(records=[locked]) as org:
        (deal,) = (row["Id"] for row in org.query("SELECT Id FROM Opportunity"))
        assert change(org, deal, Name="x").json()[0]["errorCode"] == "ENTITY_IS_LOCKED"
        deleted = org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        assert deleted.json()[0]["errorCode"] == "ENTITY_IS_LOCKED"
        control(org, "approval_locks", id=deal, locked=False)
        assert change(org, deal, Name="x").status_code == 204
        control(org, "approval_locks", id=deal)
        assert change(org, deal, Name="y").status_code == 400


def control(org: Client, name: str, **body: Any) -> None:
    """Use the emulator's own resources."""
    headers = {HEADER: org.emulator.access_token}
    answer = org.call("POST", f"/_emulator/{name}", body, headers=headers)
    assert answer.status_code == 200, answer.text


def batch(org: Client, count: int, *, all_or_none: bool = False) -> list[str]:
    """Create deals in one call and return the codes, empty for success."""
    records = [{"attributes": {"type": "Opportunity"}, **DEAL} for _ in range(count)]
    rows = org.call("POST", "/composite/sobjects", {"allOrNone": all_or_none, "records": records}).json()
    return [row["errors"][0]["statusCode"] if row["errors"] else "" for row in rows]


@fact("7.3-maintenance")
@side("read_only", "false")
@side("read_only", "true")
def test_maintenance_may_begin_in_the_middle_of_a_call_s7(org: Client):
    """Rows before it are saved, later ones and other calls refused, until it ends. Source: facts 7.3 [D]."""
    code = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
    control(org, "maintenance", after_rows=2)
    assert batch(org, 4) == ["", "", code, code]
    assert batch(org, 1) == [code]
    assert org.query("SELECT Id FROM Opportunity LIMIT 1")
    control(org, "maintenance", after_rows=None)
    with switched(org, read_only=True):
        assert batch(org, 1) == [code]
    assert batch(org, 1) == [""]


@fact("7.3-storage", "7.3-rolled-back")
@side("storage_full", "true")
@side("storage_full", "false")
def test_a_full_org(org: Client):
    """A full org takes no new record, but changes and deletions. Source: facts 7.3 [D]."""
    code, halted = "STORAGE_LIMIT_EXCEEDED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    with org_with(limits={"storage_records": 3}) as small:
        assert batch(small, 4) == ["", "", "", code]
        deal = small.query("SELECT Id FROM Opportunity")[0]["Id"]
        assert change(small, deal, Name="x").status_code == 204
        small.call("DELETE", f"/sobjects/Opportunity/{deal}")
        assert batch(small, 2, all_or_none=True) == [halted, code]
        assert batch(small, 1) == [""]
    with switched(org, storage_full=True):
        assert batch(org, 1) == [code]


@side("api_limit", "soft")
@side("api_limit", "hard")
def test_the_daily_limit_s3():
    """Beyond the day's calls further ones are answered or refused, by switch. Source: facts 4.10 [D], 13."""
    with org_with(limits={"daily_api_requests": 2}) as org:
        for _ in range(3):
            org.deal()
        with switched(org, api_limit="hard"):
            answer = org.call("POST", "/sobjects/Opportunity", DEAL)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")


@fact("7.3-lock")
@pytest.mark.parametrize(
    ("switch", "status"),
    [
        pytest.param("400", 400, marks=side("lock_status", "400")),
        pytest.param("500", 500, marks=side("lock_status", "500")),
    ],
)
def test_two_writers_of_one_account_s8(org: Client, switch: str, status: int):
    """Deals of one account lock it, and a deal locks itself; the status of a single call is a switch."""
    account = org.create("Account", Name="Hot")
    deal = org.deal(AccountId=account)
    with switched(org, lock_status=switch):
        for held in (account, deal):
            org.emulator.org.locks.take([held], call=-1)
            refused = change(org, deal, Name="x")
            org.emulator.org.locks.release(-1)
            assert (refused.status_code, refused.json()[0]["errorCode"]) == (status, "UNABLE_TO_LOCK_ROW")
    assert change(org, deal, Name="x").status_code == 204
    assert org.get("Opportunity", deal)["Name"] == "x"


def test_users_have_aliases_and_federation_ids():
    """Both can be set in the org file and are queried as any field. Object Reference, User [D]."""
    with org_with(users=[{**ME, "alias": "intu", "federation_id": "F-1"}]) as org:
        (user,) = org.query("SELECT Alias, FederationIdentifier FROM User")
        assert (user["Alias"], user["FederationIdentifier"]) == ("intu", "F-1")


def test_the_namespace_of_a_record_type_is_told_by_soql_alone():
    """Describe has the bare developer name. Source: Object Reference, RecordType.NamespacePrefix."""
    kinds = [{"object": "Opportunity", "developer_name": "Default", "namespace": "npsp"}]
    with org_with(record_types=kinds) as org:
        infos = org.call("GET", "/sobjects/Opportunity/describe").json()["recordTypeInfos"]
        assert "Default" in {info["developerName"] for info in infos}
        (kind,) = org.query("SELECT NamespacePrefix FROM RecordType WHERE SobjectType = 'Opportunity'")
        assert kind["NamespacePrefix"] == "npsp"
