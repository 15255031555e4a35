"""Merge, undelete and emptyRecycleBin over SOAP: what moves, what comes back, what is gone for good."""

from typing import Any

import pytest
from emulator_client import DEAL, Client
from facts import fact
from soap_client import Soap, code_of

from sfsync.emulator.server import RunningEmulator, running


@pytest.fixture
def soap(emulator: RunningEmulator) -> Soap:
    """Return a SOAP client of the org."""
    return Soap(emulator)


def request_of(sobject: str, master: str, *losers: str, values: str = "") -> str:
    """Return one merge request."""
    gone = "".join(f"<p:recordToMergeIds>{loser}</p:recordToMergeIds>" for loser in losers)
    record = f"<p:masterRecord><o:type>{sobject}</o:type><o:Id>{master}</o:Id>{values}</p:masterRecord>"
    return f"<p:request>{record}{gone}</p:request>"


def merge(soap: Soap, sobject: str, master: str, *losers: str, values: str = "") -> dict[str, Any]:
    """Merge records and return the result."""
    return soap.results(f"<p:merge>{request_of(sobject, master, *losers, values=values)}</p:merge>")[0]


def on_ids(soap: Soap, operation: str, *ids: str, headers: str = "") -> list[dict[str, Any]]:
    """Run undelete or emptyRecycleBin."""
    inside = "".join(f"<p:ids>{each}</p:ids>" for each in ids)
    return soap.results(f"<p:{operation}>{inside}</p:{operation}>", headers=headers)


def all_rows(org: Client, soql: str) -> list[dict[str, Any]]:
    """Return the rows of queryAll, which sees deleted ones."""
    return list(org.call("GET", "/queryAll", params={"q": soql}).json()["records"])


def role(org: Client, deal: str, contact: str, **values: Any) -> str:
    """Create a contact role."""
    return org.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, **values)


@fact("12.6-merge", "12.6-merged-losers")
def test_a_merged_account_is_deleted_and_names_the_kept_one(org: Client, soap: Soap):
    """The losers go with MasterRecordId, their deals and contacts move, the sent values are set."""
    kept, one, two = (org.create("Account", Name=name, Phone="1") for name in ("Kept", "One", "Two"))
    contact, deal = org.create("Contact", LastName="x", AccountId=one), org.deal(AccountId=two)
    child = org.create("Account", Name="Child", ParentId=two)
    org.call("PATCH", f"/sobjects/Account/{kept}", {"ParentId": one})
    values = "<o:fieldsToNull>Phone</o:fieldsToNull><o:Site>North</o:Site>"
    result = merge(soap, "Account", kept, one, two, values=values)
    assert (result["success"], result["id"], result["mergedRecordIds"]) == ("true", kept, [one, two])
    assert set(result["updatedRelatedIds"]) == {contact, deal, child, kept}
    account = org.get("Account", kept)
    assert (account["Name"], account["Phone"], account["Site"], account["ParentId"]) == (
        "Kept",
        None,
        "North",
        None,
    )
    assert org.get("Contact", contact)["AccountId"] == kept
    assert org.get("Opportunity", deal)["AccountId"] == kept
    assert org.get("Account", child)["ParentId"] == kept
    assert org.call("GET", f"/sobjects/Account/{one}").status_code == 404
    rows = all_rows(org, f"SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE MasterRecordId = '{kept}'")
    assert {(row["Id"], row["IsDeleted"]) for row in rows} == {(one, True), (two, True)}


@fact("12.6-deleted-otherwise")
def test_a_record_deleted_otherwise_has_no_master(org: Client):
    """MasterRecordId stays null when a record is simply deleted."""
    contact = org.create("Contact", LastName="x")
    org.call("DELETE", f"/sobjects/Contact/{contact}")
    (row,) = all_rows(org, f"SELECT IsDeleted, MasterRecordId FROM Contact WHERE Id = '{contact}'")
    assert (row["IsDeleted"], row["MasterRecordId"]) == (True, None)


@fact("12.6-merge")
def test_roles_of_a_merged_contact_move_and_stay_two_rows(org: Client, soap: Soap):
    """Two roles that coincide after a merge stay two rows, and the deal shows the kept contact."""
    deal = org.deal()
    kept, loser = org.create("Contact", LastName="Kept"), org.create("Contact", LastName="Loser")
    role(org, deal, kept, Role="Evaluator")
    role(org, deal, loser, Role="Evaluator", IsPrimary=True)
    assert merge(soap, "Contact", kept, loser)["success"] == "true"
    assert [(each["ContactId"], each["Role"]) for each in org.roles(deal)] == [(kept, "Evaluator")] * 2
    assert org.get("Opportunity", deal)["ContactId"] == kept


def test_leads_merge_unless_they_are_converted(org: Client, soap: Soap):
    """Leads merge like contacts; a converted one is refused."""
    kept, loser, closed = (org.create("Lead", LastName=name, Company="x") for name in ("a", "b", "c"))
    assert merge(soap, "Lead", kept, loser)["success"] == "true"
    soap.convert(closed)
    assert merge(soap, "Lead", kept, closed)["errors"]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert merge(soap, "Lead", closed, kept)["errors"]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_row_errors_of_a_merge(org: Client, soap: Soap):
    """Too many losers, the kept record itself, a deleted or foreign record are refused by the row."""
    kept, *others = (org.create("Account", Name=f"Merge {number}") for number in range(4))
    contact = org.create("Contact", LastName="x")
    org.call("DELETE", f"/sobjects/Account/{others[2]}")

    def code(*losers: str, values: str = "") -> str:
        result = merge(soap, "Account", kept, *losers, values=values)
        assert (result["success"], result["id"]) == ("false", None)
        return str(result["errors"]["statusCode"])

    assert code() == "LIMIT_EXCEEDED"
    assert code(*others) == "LIMIT_EXCEEDED"
    assert code(kept) == "INVALID_CROSS_REFERENCE_KEY"
    assert code(others[0], others[0][:15]) == "INVALID_CROSS_REFERENCE_KEY"
    assert code(others[2]) == "ENTITY_IS_DELETED"
    assert code(contact) == "MALFORMED_ID"
    assert (
        code(others[0], values="<o:AnnualRevenue>much</o:AnnualRevenue>") == "INVALID_TYPE_ON_FIELD_IN_RECORD"
    )
    assert code(others[0], values=f"<o:Name>{'x' * 256}</o:Name>") == "STRING_TOO_LONG"
    assert org.get("Account", others[0])["Name"] == "Merge 1"


def test_faults_of_a_merge(org: Client, soap: Soap):
    """An object that does not merge and an unknown field fail the whole call."""
    deal, account = org.deal(), org.create("Account", Name="x")
    other = org.create("Account", Name="y")
    request = request_of("Opportunity", deal, deal)
    assert code_of(soap.post(f"<p:merge>{request}</p:merge>")) == "INVALID_TYPE"
    request = request_of("Account", account, other, values="<o:Nope>x</o:Nope>")
    assert code_of(soap.post(f"<p:merge>{request}</p:merge>")) == "INVALID_FIELD"
    assert code_of(soap.post(f"<p:merge>{request * 201}</p:merge>")) == "EXCEEDED_ID_LIMIT"


@fact("1.7-cascade-deal", "1.7-undelete", "2.5-cascade")
def test_a_deal_comes_back_with_the_roles_that_went_with_it(
    org: Client, soap: Soap, contacts: dict[str, str]
):
    """Undelete restores the deal and its roles, but not a role that was deleted before."""
    deal = org.deal()
    kept, dropped = role(org, deal, contacts["Leung"], IsPrimary=True), role(org, deal, contacts["Alan"])
    org.call("DELETE", f"/sobjects/OpportunityContactRole/{dropped}")
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert org.roles(deal) == []
    (row,) = all_rows(org, f"SELECT Id, IsDeleted FROM OpportunityContactRole WHERE OpportunityId = '{deal}'")
    assert (row["Id"], row["IsDeleted"]) == (kept, True)
    (result,) = on_ids(soap, "undelete", deal)
    assert (result["success"], result["id"]) == ("true", deal)
    assert [(each["Id"], each["IsPrimary"]) for each in org.roles(deal)] == [(kept, True)]
    assert org.get("Opportunity", deal)["ContactId"] == contacts["Leung"]


@fact("1.7-cascade-account", "1.7-undelete")
def test_an_account_comes_back_with_what_went_with_it(org: Client, soap: Soap):
    """Deals, contacts and roles return with the account; what was deleted before stays in the bin."""
    account = org.create("Account", Name="Whole")
    contact = org.create("Contact", LastName="x", AccountId=account)
    deal, earlier = org.deal(AccountId=account), org.deal(AccountId=account)
    elsewhere = org.deal()
    kept, lost = role(org, deal, contact), role(org, elsewhere, contact)
    org.call("DELETE", f"/sobjects/Opportunity/{earlier}")
    org.call("DELETE", f"/sobjects/Account/{account}")
    assert org.call("GET", f"/sobjects/Contact/{contact}").status_code == 404
    assert org.call("GET", f"/sobjects/Opportunity/{deal}").status_code == 404
    assert on_ids(soap, "undelete", contact)[0]["errors"]["statusCode"] == "UNDELETE_FAILED"
    assert on_ids(soap, "undelete", account)[0]["success"] == "true"
    assert org.get("Contact", contact)["AccountId"] == account
    assert [each["Id"] for each in org.roles(deal)] == [kept]
    assert org.roles(elsewhere) == [], f"{lost} belongs to a deal that was never deleted"
    assert org.call("GET", f"/sobjects/Opportunity/{earlier}").status_code == 404
    assert on_ids(soap, "undelete", earlier)[0]["success"] == "true"


@fact("2.5-cascade")
def test_a_contact_comes_back_without_its_roles(org: Client, soap: Soap):
    """Deleting a contact takes its roles along, and undelete leaves them out. Source: NPSP issue 2747."""
    deal, contact = org.deal(), org.create("Contact", LastName="x")
    role(org, deal, contact, IsPrimary=True)
    org.call("DELETE", f"/sobjects/Contact/{contact}")
    assert org.roles(deal) == []
    assert on_ids(soap, "undelete", contact)[0]["success"] == "true"
    assert org.roles(deal) == []


@fact("2.5-direct-delete")
def test_a_role_deleted_directly_is_gone(org: Client, soap: Soap, contacts: dict[str, str]):
    """A directly deleted role is in no recycle bin and cannot be undeleted."""
    deal = org.deal()
    gone, with_deal = role(org, deal, contacts["Leung"]), role(org, deal, contacts["Alan"])
    org.call("DELETE", f"/sobjects/OpportunityContactRole/{gone}")
    assert all_rows(org, f"SELECT Id FROM OpportunityContactRole WHERE Id = '{gone}'") == []
    assert on_ids(soap, "undelete", gone)[0]["success"] == "false"
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert on_ids(soap, "undelete", with_deal)[0]["errors"]["statusCode"] == "UNDELETE_FAILED"


def test_a_merged_record_may_come_back_without_its_children(org: Client, soap: Soap):
    """Undelete of a loser clears MasterRecordId; what moved stays with the kept record."""
    kept, loser = org.create("Account", Name="Kept"), org.create("Account", Name="Loser")
    deal = org.deal(AccountId=loser)
    merge(soap, "Account", kept, loser)
    assert on_ids(soap, "undelete", loser)[0]["success"] == "true"
    assert org.get("Account", loser)["MasterRecordId"] is None
    assert org.get("Opportunity", deal)["AccountId"] == kept


def test_undelete_answers_each_id(org: Client, soap: Soap):
    """Ids that live, never lived or are none are refused one by one; more than 200 fail the call."""
    living, deleted = org.deal(), org.deal()
    org.call("DELETE", f"/sobjects/Opportunity/{deleted}")
    results = on_ids(soap, "undelete", living, "006000000000001AAA", "nonsense", deleted[:15])
    codes = [row["errors"]["statusCode"] if "errors" in row else row["id"] for row in results]
    assert codes == ["UNDELETE_FAILED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", deleted]
    ids = f"<p:ids>{living}</p:ids>" * 201
    assert code_of(soap.post(f"<p:undelete>{ids}</p:undelete>")) == "EXCEEDED_ID_LIMIT"


def test_undelete_of_all_or_none(org: Client, soap: Soap):
    """With AllOrNoneHeader one id that cannot come back keeps the others in the bin."""
    living, deleted = org.deal(), org.deal()
    org.call("DELETE", f"/sobjects/Opportunity/{deleted}")
    header = "<p:AllOrNoneHeader><p:allOrNone>true</p:allOrNone></p:AllOrNoneHeader>"
    results = on_ids(soap, "undelete", deleted, living, headers=header)
    assert [row["errors"]["statusCode"] for row in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "UNDELETE_FAILED",
    ]
    assert org.call("GET", f"/sobjects/Opportunity/{deleted}").status_code == 404
    assert on_ids(soap, "undelete", deleted)[0]["success"] == "true"


def test_a_key_taken_in_between_stops_an_undelete(org: Client, soap: Soap):
    """A record whose unique key another one took cannot come back."""
    first = org.deal(Sfsync_Key__c="TAKEN-1")
    org.call("DELETE", f"/sobjects/Opportunity/{first}")
    org.deal(Sfsync_Key__c="TAKEN-1")
    (result,) = on_ids(soap, "undelete", first)
    assert result["errors"]["statusCode"] == "DUPLICATE_VALUE"
    assert org.call("GET", f"/sobjects/Opportunity/{first}").status_code == 404


def test_an_emptied_recycle_bin_gives_nothing_back(org: Client, soap: Soap, contacts: dict[str, str]):
    """An emptyRecycleBin removes the record and what went with it, and refuses what is not in the bin."""
    deal = org.deal()
    role(org, deal, contacts["Leung"])
    assert on_ids(soap, "emptyRecycleBin", deal)[0]["success"] == "false"
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert on_ids(soap, "emptyRecycleBin", deal)[0]["success"] == "true"
    assert all_rows(org, f"SELECT Id FROM Opportunity WHERE Id = '{deal}'") == []
    assert all_rows(org, f"SELECT Id FROM OpportunityContactRole WHERE OpportunityId = '{deal}'") == []
    assert on_ids(soap, "undelete", deal)[0]["errors"]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"


def test_triggers_run_after_an_undelete():
    """An after trigger on undelete acts on the deal that came back."""
    trigger = {
        "object": "Opportunity",
        "hook": "lead_hooks:mark_undeleted",
        "action": "after",
        "on": ["undelete"],
    }
    with running({"triggers": [trigger]}) as emulator:
        org = Client(emulator)
        deal = org.deal()
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        assert on_ids(Soap(emulator), "undelete", deal)[0]["success"] == "true"
        assert org.get("Opportunity", deal)["NextStep"] == "it is back"


def test_the_recycle_bin_outlives_a_restart(tmp_path):
    """With a database file what went with a record is known after a restart."""
    database = tmp_path / "org.sqlite"
    with running(database=database) as emulator:
        org = Client(emulator)
        contact, deal = org.create("Contact", LastName="x"), org.create("Opportunity", **DEAL)
        kept = role(org, deal, contact)
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    with running(database=database) as emulator:
        assert on_ids(Soap(emulator), "undelete", deal)[0]["success"] == "true"
        assert [each["Id"] for each in Client(emulator).roles(deal)] == [kept]
