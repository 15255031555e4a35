"""What the platform derives on deals, under every switch, and what goes with a deal or account."""

import pytest
from emulator_client import DEAL, Client
from facts import fact, side
from switching import switched

from sfsync.emulator.server import running

RESTRICTED = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def refusal(org: Client, **values: object) -> str:
    """Return the code with which the create of a deal is refused."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, **values})
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


def change(org: Client, deal: str, **values: object) -> dict:
    """Change a deal and return it."""
    answer = org.call("PATCH", f"/sobjects/Opportunity/{deal}", values)
    assert answer.status_code == 204, answer.text
    return org.get("Opportunity", deal)


@fact("1.3-implied", "1.3-category", "1.3-expected-revenue", "1.3-fiscal", "1.6-unknown")
def test_stage_implies_the_rest(org: Client):
    """Stage sets probability, forecast and closed; amount sets the expected revenue. Facts 1.3 [D]."""
    deal = org.get("Opportunity", org.deal(StageName="closed won", Amount=200, CloseDate="2026-08-01"))
    shown = ("StageName", "Probability", "IsClosed", "IsWon", "ForecastCategory", "ForecastCategoryName")
    assert [deal[name] for name in shown] == ["Closed Won", 100.0, True, True, "Closed", "Closed"]
    fiscal = ("ExpectedRevenue", "Fiscal", "FiscalYear", "FiscalQuarter")
    assert [deal[name] for name in fiscal] == [200.0, "2026 3", 2026, 3]
    assert org.get("Opportunity", org.deal())["ExpectedRevenue"] is None


@fact("1.3-closed-won", "7.3-field-access")
@pytest.mark.parametrize("name", ["IsClosed", "IsWon", "ExpectedRevenue", "Fiscal", "HasOpportunityLineItem"])
def test_derived_fields_cannot_be_sent(org: Client, name: str):
    """What the platform derives is not writable, on create or later. Source: facts 1.2 [R], 1.3 [D]."""
    value = "2026 1" if name == "Fiscal" else 1 if name == "ExpectedRevenue" else True
    assert refusal(org, **{name: value}) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    answer = org.call("PATCH", f"/sobjects/Opportunity/{org.deal()}", {name: value})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


@fact("1.3-implied", "1.3-category")
def test_probability_and_category_can_be_overridden(org: Client):
    """Both may be given another value than the stage implies. Source: facts 1.3 [D]."""
    deal = change(org, org.deal(), Probability=33, ForecastCategoryName="Commit")
    shown = ("Probability", "ForecastCategoryName", "ForecastCategory", "StageName")
    assert [deal[name] for name in shown] == [33.0, "Commit", "Forecast", "Prospecting"]


@fact("1.3-stage-change", "1.3-stage-always")
def test_stage_change_recomputes(org: Client):
    """A new stage overwrites what was edited by hand, whoever may edit it. Source: facts 1.3 [D]."""
    deal = org.deal(Probability=33, Amount=100)
    assert org.get("Opportunity", deal)["Probability"] == 33.0
    changed = change(org, deal, StageName="Negotiation/Review")
    assert (changed["Probability"], changed["ExpectedRevenue"]) == (90.0, 90.0)
    assert changed["LastStageChangeDate"] is not None
    lost = change(org, deal, StageName="Closed Lost")
    assert [lost[name] for name in ("IsClosed", "IsWon", "Probability", "ForecastCategory")] == [
        True,
        False,
        0.0,
        "Omitted",
    ]


@fact("1.3-stage-always")
def test_stage_moves_a_probability_that_the_user_cannot_edit():
    """Even a read-only probability follows the stage. Source: Salesforce Help 000187810 [D]."""
    rights = {"object": "Opportunity", "field": "Probability", "user": "integration@cloudkicks.example"}
    users = [{"username": rights["user"], "last_name": "User"}]
    with running({"users": users, "field_permissions": [{**rights, "edit": False}]}) as emulator:
        org = Client(emulator)
        assert change(org, org.deal(), StageName="Closed Won")["Probability"] == 100.0
        assert refusal(org, Probability=1) == "INVALID_FIELD_FOR_INSERT_UPDATE"
        org.http.close()


@fact("1.6-unknown-stage")
@side("unknown_stage", "accept")
def test_unknown_stage_is_stored(org: Client):
    """A stage that the org lacks is stored; it counts as open, at 0 per cent. Source: facts 1.6 [R], 13 [I]."""
    deal = org.get("Opportunity", org.deal(StageName="In Progress"))
    shown = ("StageName", "Probability", "IsClosed", "ForecastCategory")
    assert [deal[name] for name in shown] == ["In Progress", 0.0, False, "Pipeline"]


@fact("1.6-restricted", "7.3-restricted")
@side("unknown_stage", "refuse")
def test_unknown_stage_is_refused_when_restricted(org: Client):
    """An org that restricts its stages refuses others; so does any restricted picklist. Facts 1.6 [R]."""
    with switched(org, unknown_stage="refuse"):
        assert refusal(org, StageName="Nope") == RESTRICTED
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Order_Kind__c": "Nope"}).json()[0]
    assert (answer["errorCode"], answer["fields"]) == (RESTRICTED, ["Order_Kind__c"])


@pytest.mark.parametrize(
    ("switch", "probability"),
    [
        pytest.param("explicit_wins", 33.0, marks=side("stage_with_probability", "explicit_wins")),
        pytest.param("stage_wins", 90.0, marks=side("stage_with_probability", "stage_wins")),
    ],
)
def test_stage_with_probability(org: Client, switch: str, probability: float):
    """Which of the two wins in one request follows the switch. Source: facts 13 [I]."""
    with switched(org, stage_with_probability=switch):
        deal = change(org, org.deal(), StageName="Negotiation/Review", Probability=33)
        assert deal["Probability"] == probability


@pytest.mark.parametrize(
    ("switch", "probability"),
    [
        pytest.param("keep", 33.0, marks=side("same_stage", "keep")),
        pytest.param("recompute", 10.0, marks=side("same_stage", "recompute")),
    ],
)
def test_same_stage_resent(org: Client, switch: str, probability: float):
    """Resending the stage keeps or recomputes what was edited by hand. Source: facts 13 [I]."""
    with switched(org, same_stage=switch):
        deal = change(org, org.deal(Probability=33), StageName="Prospecting")
        assert deal["Probability"] == probability


@side("stage_outside_process", "accept")
@side("stage_outside_process", "refuse")
def test_sales_process_switch(org: Client):
    """A stage outside the record type's process is taken or refused by switch. Source: facts 1.6, 13 [I]."""
    (kind,) = org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Custom_Order'")
    org.deal(RecordTypeId=kind["Id"], StageName="Qualification")
    with switched(org, stage_outside_process="refuse"):
        assert refusal(org, RecordTypeId=kind["Id"], StageName="Qualification") == RESTRICTED
        org.deal(RecordTypeId=kind["Id"], StageName="Needs Analysis")


@fact("1.3-fiscal")
@pytest.mark.parametrize(
    ("settings", "fiscal"),
    [
        ({}, "2026 1"),
        ({"fiscal_year_start_month": 4}, "2026 4"),
        ({"fiscal_year_start_month": 4, "fiscal_year_named_by_start": True}, "2025 4"),
    ],
)
def test_fiscal_period_follows_the_org(settings: dict, fiscal: str):
    """The fiscal year starts when the org says, and is named by its start or its end. Source: facts 1.3 [D]."""
    with running({"organization": settings}) as emulator:
        org = Client(emulator)
        assert org.get("Opportunity", org.deal(CloseDate="2026-02-10"))["Fiscal"] == fiscal
        (shown,) = org.query("SELECT FiscalYearStartMonth FROM Organization")
        assert shown["FiscalYearStartMonth"] == settings.get("fiscal_year_start_month", 1)
        org.http.close()


@fact("1.2-required-error", "7.3-required")
def test_missing_fields_are_named(org: Client):
    """All missing fields stand in one error. Source: facts 1.2 [R]."""
    answer = org.call("POST", "/sobjects/Opportunity", {"Amount": 1}).json()[0]
    assert (answer["errorCode"], set(answer["fields"])) == (
        "REQUIRED_FIELD_MISSING",
        {"Name", "StageName", "CloseDate"},
    )


@fact("1.5-api-name")
def test_stages_are_queried_by_api_name(org: Client):
    """What was written by API name is found by it. Source: facts 1.5 [D]."""
    deal = org.deal(StageName="Id. Decision Makers")
    found = org.query("SELECT Id FROM Opportunity WHERE StageName = 'Id. Decision Makers'")
    assert deal in {row["Id"] for row in found}


@fact("1.6-history", "1.7-cascade")
def test_history_is_written_by_the_platform_alone(org: Client):
    """A deal has a row of history for each change that matters; it cannot be inserted. Source: facts 1.6 [D]."""
    deal = org.deal(Amount=1)
    change(org, deal, NextStep="no history")
    changed = change(org, deal, Amount=2, CloseDate="2027-01-01")
    soql = f"SELECT Id, Amount FROM OpportunityHistory WHERE OpportunityId = '{deal}' ORDER BY Id"
    rows = org.query(soql)
    assert [row["Amount"] for row in rows] == [1.0, 2.0]
    pointers = ("LastAmountChangedHistoryId", "LastCloseDateChangedHistoryId")
    assert [changed[name] for name in pointers] == [rows[1]["Id"]] * 2
    answer = org.call("POST", "/sobjects/OpportunityHistory", {"OpportunityId": deal})
    assert answer.status_code == 400
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert org.query(soql) == []


@fact("1.7-cascade", "7.1-row-level")
def test_deleting_an_account_takes_its_deals_and_contacts(org: Client):
    """Deleting an account cascades to contacts and deals, and empties plain lookups. Facts 1.7 [R]."""
    account = org.create("Account", Name="Gone")
    child = org.create("Account", Name="Child", ParentId=account)
    contact = org.create("Contact", LastName="Gone", AccountId=account)
    deal = org.deal(AccountId=account)
    assert org.call("DELETE", f"/sobjects/Account/{account}").status_code == 204
    for path in (f"Opportunity/{deal}", f"Contact/{contact}"):
        assert org.call("GET", f"/sobjects/{path}").status_code == 404
    assert org.get("Account", child)["ParentId"] is None
    answer = org.call("PATCH", f"/sobjects/Account/{child}", {"ParentId": account})
    assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"
