"""What the platform derives on deals and does to contact roles, under every switch."""

from dataclasses import replace

import pytest
from emulator_client import Client

from sfsync.emulator.switches import (
    PrimaryDuplicateDeleted,
    SameStage,
    SecondPrimary,
    StageOutsideProcess,
    StageWithProbability,
    Switches,
    UnknownStage,
)


def set_switches(org: Client, **values: object) -> None:
    """Set the switches of the running org."""
    org.emulator.org.switches = replace(Switches(), **values)


@pytest.fixture(autouse=True)
def _default_switches(org: Client):
    set_switches(org)
    yield
    set_switches(org)


def test_stage_implies_the_rest(org: Client):
    """Stage sets probability, forecast and closed; amount sets the expected revenue. Facts 1.3 [D]."""
    deal = org.get("Opportunity", org.deal(StageName="closed won", Amount=200, CloseDate="2026-08-01"))
    shown = ("StageName", "Probability", "IsClosed", "IsWon", "ForecastCategory", "ForecastCategoryName")
    assert [deal[name] for name in shown] == ["Closed Won", 100.0, True, True, "Closed", "Closed"]
    assert (deal["ExpectedRevenue"], deal["Fiscal"], deal["FiscalYear"], deal["FiscalQuarter"]) == (
        200.0,
        "2026 3",
        2026,
        3,
    )


def test_stage_change_recomputes_probability(org: Client):
    """A new stage overwrites a hand-edited probability; the same stage does not. Facts 1.3 [D], [I]."""
    deal = org.deal(Probability=33)
    assert org.get("Opportunity", deal)["Probability"] == 33.0
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Prospecting"})
    assert org.get("Opportunity", deal)["Probability"] == 33.0
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Negotiation/Review"})
    changed = org.get("Opportunity", deal)
    assert (changed["Probability"], changed["LastStageChangeDate"] is not None) == (90.0, True)


def test_stage_switches(org: Client):
    """The doubtful stage rules follow their switches. Source: facts 13 [I]."""
    unknown = org.get("Opportunity", org.deal(StageName="In Progress"))
    assert (unknown["Probability"], unknown["IsClosed"], unknown["ForecastCategory"]) == (
        0.0,
        False,
        "Pipeline",
    )
    set_switches(org, unknown_stage=UnknownStage.REFUSE, same_stage=SameStage.RECOMPUTE)
    answer = org.call(
        "POST", "/sobjects/Opportunity", {"Name": "x", "StageName": "Nope", "CloseDate": "2026-01-01"}
    )
    assert answer.json()[0]["message"] == "Stage: bad value for restricted picklist field: Nope"
    deal = org.deal(Probability=33)
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Prospecting"})
    assert org.get("Opportunity", deal)["Probability"] == 10.0
    set_switches(org, stage_with_probability=StageWithProbability.STAGE_WINS)
    assert org.get("Opportunity", org.deal(Probability=33))["Probability"] == 10.0


def test_sales_process_switch(org: Client):
    """A stage outside the record type's process is taken or refused by switch. Source: facts 1.6."""
    (kind,) = org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Custom_Order'")
    org.deal(RecordTypeId=kind["Id"], StageName="Qualification")
    set_switches(org, stage_outside_process=StageOutsideProcess.REFUSE)
    values = {
        "Name": "x",
        "StageName": "Qualification",
        "CloseDate": "2026-01-01",
        "RecordTypeId": kind["Id"],
    }
    answer = org.call("POST", "/sobjects/Opportunity", values)
    assert answer.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_contact_id_makes_a_primary_role(org: Client, contacts: dict[str, str]):
    """ContactId on create makes one primary role without a role name. Source: facts 1.4 [D]."""
    deal = org.deal(ContactId=contacts["Leung"])
    (role,) = org.roles(deal)
    assert (role["ContactId"], role["Role"], role["IsPrimary"]) == (contacts["Leung"], None, True)
    assert org.get("Opportunity", deal)["ContactId"] == contacts["Leung"]


def add_role(org: Client, deal: str, contact: str, **values: object) -> str:
    """Create a role and return its id."""
    return org.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, **values)


def test_duplicates_of_roles_are_accepted(org: Client, contacts: dict[str, str]):
    """Exact duplicates and unknown role names are stored. Source: facts 2.2 [D], 2.1 [P]."""
    deal = org.deal()
    for _ in range(2):
        add_role(org, deal, contacts["Leung"], Role="Sole Decider")
    assert [role["Role"] for role in org.roles(deal)] == ["Sole Decider", "Sole Decider"]


def test_role_fields_and_missing_ids(org: Client, contacts: dict[str, str]):
    """OpportunityId is fixed, ContactId may change, and both are required. Source: facts 2.1 [R]."""
    deal = org.deal()
    role = add_role(org, deal, contacts["Leung"])
    path = f"/sobjects/OpportunityContactRole/{role}"
    assert org.call("PATCH", path, {"ContactId": contacts["Alan"]}).status_code == 204
    fixed = org.call("PATCH", path, {"OpportunityId": deal})
    assert fixed.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    missing = org.call("POST", "/sobjects/OpportunityContactRole", {"Role": "Evaluator"})
    assert missing.json()[0]["fields"] == ["OpportunityId", "ContactId"]


@pytest.mark.parametrize(
    ("switch", "flags"),
    [(SecondPrimary.LAST_WINS, [False, True]), (SecondPrimary.SEVERAL_STAY, [True, True])],
)
def test_second_primary_s21(org: Client, contacts: dict[str, str], switch: SecondPrimary, flags: list[bool]):
    """A second primary contact demotes the first or stays beside it, by switch. Source: facts 2.4, 13 [I]."""
    set_switches(org, second_primary=switch)
    deal = org.deal()
    add_role(org, deal, contacts["Leung"], IsPrimary=True)
    add_role(org, deal, contacts["Alan"], IsPrimary=True)
    assert [role["IsPrimary"] for role in org.roles(deal)] == flags


def test_second_primary_refused_s21(org: Client, contacts: dict[str, str]):
    """A second primary contact is refused when the switch says so. Source: facts 13 [I]."""
    set_switches(org, second_primary=SecondPrimary.REFUSE)
    deal = org.deal()
    add_role(org, deal, contacts["Leung"], IsPrimary=True)
    values = {"OpportunityId": deal, "ContactId": contacts["Alan"], "IsPrimary": True}
    assert org.call("POST", "/sobjects/OpportunityContactRole", values).status_code == 400
    add_role(org, deal, contacts["Leung"], IsPrimary=True)
    assert len(org.roles(deal)) == 2


def test_rows_of_one_contact_share_the_flag(org: Client, contacts: dict[str, str]):
    """All rows of the primary contact are primary, and deleting one clears all. Source: facts 2.4 [P]."""
    deal = org.deal()
    first = add_role(org, deal, contacts["Leung"], Role="Evaluator")
    add_role(org, deal, contacts["Leung"], Role="Influencer", IsPrimary=True)
    assert [role["IsPrimary"] for role in org.roles(deal)] == [True, True]
    org.call("DELETE", f"/sobjects/OpportunityContactRole/{first}")
    assert [role["IsPrimary"] for role in org.roles(deal)] == [False]
    assert org.get("Opportunity", deal)["ContactId"] is None


def test_deleting_a_primary_duplicate_by_switch(org: Client, contacts: dict[str, str]):
    """The flag of the other duplicate stays when the switch says so. Source: facts 13 [I]."""
    set_switches(org, primary_duplicate_deleted=PrimaryDuplicateDeleted.LEAVE)
    deal = org.deal()
    first = add_role(org, deal, contacts["Leung"], IsPrimary=True)
    add_role(org, deal, contacts["Leung"], IsPrimary=True)
    org.call("DELETE", f"/sobjects/OpportunityContactRole/{first}")
    assert [role["IsPrimary"] for role in org.roles(deal)] == [True]


def test_deleted_roles_leave_no_trace_and_cascaded_ones_do(org: Client, contacts: dict[str, str]):
    """A role deleted directly is gone; one that went with its deal is in the bin. Source: facts 2.5 [D]."""
    deal = org.deal()
    gone = add_role(org, deal, contacts["Leung"])
    kept = add_role(org, deal, contacts["Alan"])
    org.call("DELETE", f"/sobjects/OpportunityContactRole/{gone}")
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    soql = f"SELECT Id, IsDeleted FROM OpportunityContactRole WHERE OpportunityId = '{deal}'"
    rows = org.call("GET", "/queryAll/", params={"q": soql}).json()["records"]
    assert [(row["Id"], row["IsDeleted"]) for row in rows] == [(kept, True)]
    assert org.roles(deal) == []


def test_deleting_an_account_takes_its_deals(org: Client):
    """Deleting an account cascades to contacts and deals, and empties plain lookups. Facts 1.7 [R]."""
    account = org.create("Account", Name="Gone")
    child = org.create("Account", Name="Child", ParentId=account)
    deal = org.deal(AccountId=account)
    assert org.call("DELETE", f"/sobjects/Account/{account}").status_code == 204
    assert org.call("GET", f"/sobjects/Opportunity/{deal}").status_code == 404
    assert org.get("Account", child)["ParentId"] is None
    answer = org.call("PATCH", f"/sobjects/Account/{child}", {"ParentId": account})
    assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"
