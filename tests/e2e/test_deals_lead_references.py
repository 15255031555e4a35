"""References between deals that come out of leads, what a lead becomes, and the other rows of the same job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lead_bench import BERTHA, CARL, LEUNG, conversions, lead, lead_bench, lead_row, strike
from main_job_bench import Before, Bench
from parents_desk import LOOKUPS, org_with_lookups

from sfsync.core.plans.plan import WRITES
from sfsync.emulator.fault_actions import Drop, FailRows

JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.lead]
column = "lead"
match = ["Id", "Email"]
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Needs Analysis" }
CloseDate = { constant = "2027-01-31" }
"""
RENEWAL = 'Renewal_Of__c = { column = "of", match = "Sfsync_Key__c" }\n'


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with open leads, and lookups from deal to deal and from deal to contact."""
    document = org_with_lookups()
    buyer = {"name": "Buyer__c", "label": "Buyer", "reference_to": "Contact", "relationship_name": "Buyer__r"}
    [renewal] = [each for each in document["fields"] if each.get("name") == LOOKUPS[0][1]]
    document["fields"].append({**renewal, **buyer, "child_relationship": "Buyer_Of__r"})
    document["records"] += [lead_row(BERTHA), lead_row(CARL)]
    with lead_bench(tmp_path, document) as made:
        yield made


def write(bench: Bench, job: str, **files: str) -> None:
    """Makes this the job, with these files beside it."""
    (bench.folder / "leads.toml").write_text(job)
    bench.job = str(bench.folder / "leads.toml")
    for name, content in files.items():
        (bench.folder / f"{name}.csv").write_text(content)


def test_a_deal_in_the_org_may_refer_to_the_contact_of_a_lead_of_the_same_run(bench: Bench) -> None:
    """The lead is converted first, and the deal's own update names the contact that it became."""
    job = JOB + 'Buyer__c = { column = "buyer", match = "Email" }\n'
    write(bench, job, deals="id,lead,buyer\nD-2,,\n")
    assert bench.run().exit_code == 0
    write(bench, job, deals=f"id,lead,buyer\nD-1,{BERTHA},\nD-2,,{BERTHA}\n")
    assert bench.run().exit_code == 0
    assert bench.deal("D-2")["Buyer__c"] == lead(bench)["ConvertedContactId"]
    assert (bench.plan().is_empty(), conversions(bench)) == (True, 1)


def renewals(bench: Bench) -> dict[str, str | None]:
    """Which deal each deal of the job renews, by key."""
    found = bench.emulator.org.storage.select("Opportunity", '"IsDeleted" = 0')
    keys = {each["Id"]: each["Sfsync_Key__c"] for each in found}
    own = [each for each in found if str(each["Sfsync_Key__c"]).startswith("D-")]
    return {each["Sfsync_Key__c"]: keys.get(each["Renewal_Of__c"]) for each in own}


REFUSAL = FailRows(rows=(0,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="not yet")


def test_references_from_and_to_deals_out_of_leads_are_set_when_all_are_there(bench: Bench) -> None:
    """Whichever of the two comes out of a lead, in one run; the next one writes nothing."""
    deals = f"id,lead,of\nD-1,{BERTHA},D-2\nD-2,,\nD-3,,D-1\nD-4,{CARL},D-1\n"
    write(bench, JOB + RENEWAL, deals=deals)
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 4)
    assert renewals(bench) == {"D-1": "D-2", "D-2": None, "D-3": "D-1", "D-4": "D-1"}
    assert bench.plan().is_empty()


def test_a_deal_in_the_org_may_refer_to_one_that_comes_out_of_a_lead(bench: Bench) -> None:
    """Its row is not held back: the deal out of the lead is there before it is written."""
    write(bench, JOB + RENEWAL, deals="id,lead,of\nD-3,,\n")
    assert bench.run().exit_code == 0
    write(bench, JOB + RENEWAL, deals=f"id,lead,of\nD-3,,D-1\nD-1,{BERTHA},\n")
    assert bench.run().exit_code == 0
    assert renewals(bench) == {"D-1": None, "D-3": "D-1"}


def test_a_reference_to_a_deal_whose_lead_the_org_refuses_is_said_and_set_later(bench: Bench) -> None:
    """The new deal goes without it, with exit code 3; the run that converts the lead sets it."""
    write(bench, JOB + RENEWAL, deals=f"id,lead,of\nD-1,{BERTHA},\nD-2,,D-1\n")
    strike(bench, REFUSAL, phase="before_commit")
    ending = bench.run()
    assert ending.exit_code == 3
    assert {each.code for _, _, each in ending.document.problems()} == {REFUSAL.code, "SELF_REFERENCE_OPEN"}
    assert renewals(bench) == {"D-2": None}
    assert bench.run().exit_code == 0
    assert renewals(bench) == {"D-1": None, "D-2": "D-1"}


def test_a_reference_of_a_deal_out_of_a_lead_to_one_that_the_org_refuses_is_said(bench: Bench) -> None:
    """The lead is converted all the same, and its deal goes without the reference, with exit code 3."""
    write(bench, JOB + RENEWAL, deals=f"id,lead,of\nD-1,{BERTHA},D-2\nD-2,,\n")
    wrong = FailRows(keys=("D-2",), code=REFUSAL.code, message="no")
    bench.strike(wrong, phase="before_commit", count=None)
    ending = bench.run()
    assert ending.exit_code == 3
    assert "SELF_REFERENCE_OPEN" in {each.code for _, _, each in ending.document.problems()}
    assert (renewals(bench), conversions(bench)) == ({"D-1": None}, 1)
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert renewals(bench) == {"D-1": "D-2", "D-2": None}


def test_a_deal_that_is_anothers_after_its_lead_was_converted_gets_no_reference(bench: Bench) -> None:
    """Somebody gives the new deal a key before it is written: it is a conflict, and nothing is set on it."""
    write(bench, JOB + RENEWAL, deals=f"id,lead,of\nD-1,{BERTHA},D-2\nD-2,,\n")
    bench.emulator.faults.add(
        Before(
            Drop(),
            path="/composite|/query",
            deed=lambda: take_deal(bench),
            count=None,
        )
    )
    ending = bench.run()
    assert ending.codes()["Opportunity:D-1"] == "KEY_TAKEN"
    assert bench.deal("D-9")["Renewal_Of__c"] is None


def take_deal(bench: Bench) -> None:
    """Gives the deal of the lead another key as soon as there is one."""
    found = lead(bench)["ConvertedOpportunityId"]
    if (
        found
        and bench.emulator.org.storage.select("Opportunity", '"Id" = ?', found)[0]["Sfsync_Key__c"] is None
    ):
        bench.change("Opportunity", found, Sfsync_Key__c="D-9")


ROLES = """
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
[roles]
on_error = "deal"
"""
MADE_ACCOUNT = 'AccountId = { column = "account", match = "Name", missing = "create" }\n'


def test_no_account_is_made_for_a_lead_that_stays_open(bench: Bench) -> None:
    """A bad role takes the deal and its lead down, and nothing else waits for the account."""
    write(
        bench,
        JOB + MADE_ACCOUNT + ROLES,
        deals=f"id,lead,account\nD-1,{BERTHA},Hooli\n",
        roles="id,contact,role\nD-1,nobody@x.example,Evaluator\n",
    )
    assert [each.sobject for each in bench.plan().changes if each.action in WRITES] == []
    assert (bench.run().exit_code, bench.inserted()["Account"], conversions(bench)) == (3, 0, 0)


def test_what_refers_to_the_contact_of_a_lead_that_stays_open_is_blocked_in_the_plan(bench: Bench) -> None:
    """A bad role keeps the lead open; the deal in the org that names its contact is told so."""
    buyer = 'Buyer__c = { column = "buyer", match = "Email" }\n'
    write(bench, JOB + buyer, deals="id,lead,buyer\nD-2,,\n")
    assert bench.run().exit_code == 0
    write(
        bench,
        JOB + buyer + ROLES,
        deals=f"id,lead,buyer\nD-1,{BERTHA},\nD-2,,{BERTHA}\n",
        roles="id,contact,role\nD-1,nobody@x.example,Evaluator\n",
    )
    ending = bench.run()
    assert (ending.exit_code, ending.codes()["Opportunity:D-2"], conversions(bench)) == (3, "BLOCKED_BY", 0)


def test_an_account_that_is_made_says_for_how_many_rows(bench: Bench) -> None:
    """A lead and its deal are one row."""
    deals = f"id,lead,account\nD-1,{BERTHA},Hooli\nD-2,{CARL},Hooli\nD-3,,Hooli\n"
    write(bench, JOB + MADE_ACCOUNT, deals=deals)
    assert [each.made_for for each in bench.plan().changes if each.sobject == "Account"] == [3]


def test_no_account_is_made_beside_the_one_of_that_name_that_a_lead_becomes(bench: Bench) -> None:
    """The row that names it waits, which is said, and the next run finds the lead's account; there is one."""
    deals = f"id,lead,account\nD-1,{BERTHA},\nD-2,,farmers coop\n"
    roles = f"id,contact,role\nD-2,{LEUNG},Evaluator\n"
    write(bench, JOB + MADE_ACCOUNT + ROLES, deals=deals, roles=roles)
    first = bench.run()
    assert (first.exit_code, first.codes()["Opportunity:D-2"]) == (3, "LEAD_MAKES_ACCOUNT")
    assert first.counts["OpportunityContactRole"]["blocked"] == 1
    assert bench.run().exit_code == 0
    assert bench.deal("D-2")["AccountId"] == lead(bench)["ConvertedAccountId"]
    assert [
        each["Name"]
        for each in bench.emulator.org.storage.select("Account", "1 = 1")
        if "armers" in each["Name"]
    ] == ["Farmers Coop"]
