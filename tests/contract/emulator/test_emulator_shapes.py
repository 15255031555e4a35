"""What describe says about deals, roles, stages and ids, field by field as recorded."""

import pytest
from emulator_client import Client
from facts import fact

FLAGS = {
    "C": "createable",
    "U": "updateable",
    "N": "nillable",
    "D": "defaultedOnCreate",
    "L": "idLookup",
    "R": "restrictedPicklist",
    "f": "filterable",
    "s": "sortable",
    "g": "groupable",
}
AUDIT = """
CreatedDate | datetime | | Dfs
CreatedById | reference User | 18 | Dfsg
LastModifiedDate | datetime | | Dfs
LastModifiedById | reference User | 18 | Dfsg
SystemModstamp | datetime | | Dfs
Id | id | 18 | DLfsg
IsDeleted | boolean | | Dfsg
"""
DEAL = (
    """
AccountId | reference Account | 18 | CUNfsg
IsPrivate | boolean | | CUDfsg
Name | string | 120 | CULfsg
Description | textarea | 32000 | CUN
StageName | picklist | 255 | CUfsg
Amount | currency | 18,2 | CUNfs
Probability | percent | 3,0 | CUNDfs
ExpectedRevenue | currency | 18,2 | Nfs
TotalOpportunityQuantity | double | 18,2 | CUNfs
CloseDate | date | | CUfsg
Type | picklist | 255 | CUNfsg
NextStep | string | 255 | CUNfsg
LeadSource | picklist | 255 | CUNfsg
IsClosed | boolean | | Dfsg
IsWon | boolean | | Dfsg
ForecastCategory | picklist | 40 | Rfsg
ForecastCategoryName | picklist | 255 | CUNDRfsg
CampaignId | reference Campaign | 18 | CUNfsg
HasOpportunityLineItem | boolean | | Dfsg
Pricebook2Id | reference Pricebook2 | 18 | CUNDfsg
OwnerId | reference User | 18 | CUDfsg
LastActivityDate | date | | Nfsg
LastStageChangeDate | datetime | | Nfs
FiscalQuarter | int | 8 | Nfsg
FiscalYear | int | 8 | Nfsg
Fiscal | string | 6 | Nfsg
ContactId | reference Contact | 18 | CNfsg
LastViewedDate | datetime | | Nfs
LastReferencedDate | datetime | | Nfs
HasOpenActivity | boolean | | Dg
HasOverdueTask | boolean | | Dg
LastAmountChangedHistoryId | reference OpportunityHistory | 18 | Nfsg
LastCloseDateChangedHistoryId | reference OpportunityHistory | 18 | Nfsg
"""
    + AUDIT
)
ROLE = (
    """
OpportunityId | reference Opportunity | 18 | Cfsg
ContactId | reference Contact | 18 | CUfsg
Role | picklist | 40 | CUNfsg
IsPrimary | boolean | | CUDfsg
"""
    + AUDIT
)


def described(org: Client, sobject: str) -> dict:
    """Return the describe of an object with its fields by name."""
    shape = org.call("GET", f"/sobjects/{sobject}/describe").json()
    return {**shape, "fields": {item["name"]: item for item in shape["fields"]}}


def line(item: dict) -> str:
    """Return a described field in the notation of the tables above."""
    size = {"currency", "percent", "double"} & {item["type"]} and f"{item['precision']},{item['scale']}"
    shown = size or (item["digits"] if item["type"] == "int" else item["length"]) or ""
    kind = " ".join([item["type"], *item["referenceTo"]])
    flags = "".join(letter for letter, name in FLAGS.items() if item[name])
    return f"{item['name']} | {kind} | {shown} | {flags}".replace("|  |", "| |")


@pytest.mark.parametrize(
    ("sobject", "table"),
    [
        pytest.param("Opportunity", DEAL, marks=fact("1.2-fields", "1.2-contact-id")),
        pytest.param("OpportunityContactRole", ROLE, marks=fact("2.1-fields")),
    ],
)
def test_fields_are_as_recorded(org: Client, sobject: str, table: str):
    """Types, lengths and flags of every standard field, and no field more. Source: facts 1.2, 2.1 [R]."""
    lines = {line(item) for item in described(org, sobject)["fields"].values() if not item["custom"]}
    expected = set(filter(None, table.split("\n")))
    extra = {text for text in lines - expected if text.startswith("RecordTypeId |")}
    assert lines - extra == expected


@fact("1.1-flags", "2.1-flags", "2.1-calls")
def test_objects_can_do_what_was_recorded(org: Client):
    """A role can be neither undeleted nor searched, a deal can. Source: facts 1.1, 2.1 [R]."""
    deal, role = described(org, "Opportunity"), described(org, "OpportunityContactRole")
    both = ("createable", "updateable", "deletable", "queryable", "retrieveable", "replicateable")
    both += ("triggerable", "layoutable")
    assert all(shape[name] for shape in (deal, role) for name in both)
    assert [
        (deal[name], role[name]) for name in ("undeletable", "searchable", "mruEnabled", "feedEnabled")
    ] == [(True, False)] * 4
    assert (deal["mergeable"], deal["deepCloneable"]) == (False, True)
    assert (deal["keyPrefix"], role["keyPrefix"]) == ("006", "00K")
    assert "Name" not in role["fields"]
    assert [info["master"] for info in role["recordTypeInfos"]] == [True]


@fact("1.2-byte-length", "1.2-contact-id", "1.2-required", "1.2-territory", "1.2-feature-fields")
def test_what_describe_adds_to_the_deal(org: Client):
    """Bytes, the special contact field, the three required fields, and what only features bring. Facts 1.2."""
    fields = described(org, "Opportunity")["fields"]
    assert (fields["StageName"]["byteLength"], fields["Id"]["byteLength"]) == (765, 18)
    contact = fields["ContactId"]
    assert (contact["relationshipName"], contact["permissionable"]) == (None, False)
    required = [
        name
        for name, item in fields.items()
        if item["createable"] and not item["nillable"] and not item["defaultedOnCreate"]
    ]
    assert sorted(required) == ["CloseDate", "Name", "StageName"]
    absent = "TerritoryId Territory2Id ContractId SyncedQuoteId PartnerAccountId IsSplit CurrencyIsoCode"
    assert set(absent.split()) & set(fields) == set()


@fact("1.2-values", "1.5-vocabularies", "1.5-no-default", "1.5-stages", "2.1-values")
def test_value_sets_of_a_new_org(org: Client):
    """Stages, types, sources, categories and roles as recorded. Source: facts 1.2, 1.5, 2.1 [R]."""
    deal = described(org, "Opportunity")["fields"]
    role = described(org, "OpportunityContactRole")["fields"]

    def values(item: dict) -> str:
        return "; ".join(value["value"] for value in item["picklistValues"])

    assert values(deal["StageName"]) == (
        "Prospecting; Qualification; Needs Analysis; Value Proposition; Id. Decision Makers; "
        "Perception Analysis; Proposal/Price Quote; Negotiation/Review; Closed Won; Closed Lost"
    )
    assert not any(value["defaultValue"] for value in deal["StageName"]["picklistValues"])
    assert values(deal["Type"]) == (
        "Existing Customer - Upgrade; Existing Customer - Replacement; Existing Customer - Downgrade; "
        "New Customer"
    )
    assert values(deal["LeadSource"]) == "Web; Phone Inquiry; Partner Referral; Purchased List; Other"
    assert values(deal["ForecastCategory"]) == "Omitted; Pipeline; BestCase; MostLikely; Forecast; Closed"
    assert values(deal["ForecastCategoryName"]) == "Omitted; Pipeline; Best Case; Commit; Closed"
    assert values(role["Role"]) == (
        "Business User; Decision Maker; Economic Buyer; Economic Decision Maker; Evaluator; "
        "Executive Sponsor; Influencer; Technical Buyer; Other"
    )


@fact("1.5-stages", "1.5-object")
def test_stages_are_records_that_cannot_be_written(org: Client):
    """OpportunityStage lists the ten stages in order with what they imply. Source: facts 1.5 [R], [D]."""
    fields = "ApiName, MasterLabel, DefaultProbability, ForecastCategoryName, IsActive, IsClosed, IsWon"
    rows = org.query(f"SELECT Id, {fields} FROM OpportunityStage ORDER BY SortOrder")
    assert [(row["ApiName"], row["DefaultProbability"], row["ForecastCategoryName"]) for row in rows] == [
        ("Prospecting", 10.0, "Pipeline"),
        ("Qualification", 10.0, "Pipeline"),
        ("Needs Analysis", 20.0, "Pipeline"),
        ("Value Proposition", 50.0, "Pipeline"),
        ("Id. Decision Makers", 60.0, "Pipeline"),
        ("Perception Analysis", 70.0, "Pipeline"),
        ("Proposal/Price Quote", 75.0, "Pipeline"),
        ("Negotiation/Review", 90.0, "Pipeline"),
        ("Closed Won", 100.0, "Closed"),
        ("Closed Lost", 0.0, "Omitted"),
    ]
    assert [(row["IsClosed"], row["IsWon"]) for row in rows[-2:]] == [(True, True), (True, False)]
    shape = described(org, "OpportunityStage")
    assert [shape[name] for name in ("createable", "updateable", "deletable")] == [False] * 3
    lengths = {
        name: shape["fields"][name]["length"] for name in ("ApiName", "MasterLabel", "ForecastCategory")
    }
    assert lengths == {"ApiName": 255, "MasterLabel": 255, "ForecastCategory": 40}
    assert shape["fields"]["ApiName"]["idLookup"] is True
    refused = org.call("POST", "/sobjects/OpportunityStage", {"ApiName": "x"})
    written = org.call("PATCH", f"/sobjects/OpportunityStage/{rows[0]['Id']}", {"Description": "x"})
    assert [answer.status_code for answer in (refused, written)] == [400, 400]


@fact("1.6-record-types", "1.2-record-type")
def test_record_types_of_the_org(org: Client):
    """RecordTypeInfos names the org's types and the master type; only then is there RecordTypeId. Facts 1.6."""
    shape = described(org, "Opportunity")
    infos = {info["developerName"]: info for info in shape["recordTypeInfos"]}
    assert set(infos) == {"Bulk_Retail", "Custom_Order", "Master"}
    assert infos["Bulk_Retail"]["defaultRecordTypeMapping"] is True
    assert (infos["Master"]["recordTypeId"], infos["Master"]["master"]) == ("012000000000000AAA", True)
    assert "RecordTypeId" in shape["fields"]
    assert "RecordTypeId" not in described(org, "Contact")["fields"]


@fact("10-prefixes")
def test_key_prefixes(org: Client):
    """The recorded prefixes, and that those of roles and line items differ in case alone. Facts 10 [R], [P]."""
    shapes = {item["name"]: item["keyPrefix"] for item in org.call("GET", "/sobjects/").json()["sobjects"]}
    recorded = {
        "Account": "001",
        "Contact": "003",
        "User": "005",
        "Opportunity": "006",
        "Organization": "00D",
        "OpportunityContactRole": "00K",
        "Lead": "00Q",
        "Campaign": "701",
    }
    reported = {
        "OpportunityLineItem": "00k",
        "OpportunityHistory": "008",
        "RecordType": "012",
        "Pricebook2": "01s",
        "Product2": "01t",
        "PricebookEntry": "01u",
    }
    assert {name: shapes[name] for name in (*recorded, *reported)} == {**recorded, **reported}


@fact("10-checksum", "10-answers", "10-case", "10-wrong-object", "7.3-malformed-id", "7.3-cross-reference")
def test_ids_in_both_forms_and_in_the_wrong_case(org: Client):
    """Both forms address a record; another case, another object or nonsense does not. Source: facts 10 [R]."""
    account = org.create("Account", Name="Ids")
    assert len(account) == 18
    deal = org.deal(AccountId=account[:15])
    assert org.get("Opportunity", deal[:15])["AccountId"] == account

    def code(account_id: str) -> str:
        body = {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-01-01", "AccountId": account_id}
        return org.call("POST", "/sobjects/Opportunity", body).json()[0]["errorCode"]

    assert code(deal) == "MALFORMED_ID"
    assert code(account[:15].swapcase()) in {"MALFORMED_ID", "INVALID_CROSS_REFERENCE_KEY"}
    assert code(account[:-3] + "zzz") == "MALFORMED_ID"
    assert code("nonsense") == "MALFORMED_ID"
    missing = account[:12] + ("999" if account[12:15] != "999" else "998")
    assert code(missing) == "INVALID_CROSS_REFERENCE_KEY"
