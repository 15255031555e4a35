"""C3: what a salesperson does between plan and apply is never overwritten."""

from __future__ import annotations

from typing import Any

import pytest
from main_job_bench import ALAN, LEUNG, Bench, deal, role

from sfsync.core.reports.results import Outcome

DEAL = "DEAL-1003"
DEAL_CHANGE = f"Opportunity:{DEAL}"


def deal_id(bench: Bench) -> str:
    """The id of the deal that the example changes."""
    return bench.find("Opportunity", Sfsync_Key__c=DEAL)


@pytest.mark.parametrize(
    "edit",
    [{"StageName": "Qualification"}, {"NextStep": "Call back"}, {"LeadSource": "Other"}],
    ids=lambda edit: next(iter(edit)),
)
def test_C3_an_edit_of_a_planned_field_is_a_conflict(bench: Bench, edit: dict[str, Any]) -> None:
    """Nothing of that deal is touched, the other deals go on, and the run ends with 3."""
    plan = bench.plan()
    bench.change("Opportunity", deal_id(bench), **edit)
    before = bench.deal(DEAL)
    ending = bench.apply(plan)
    assert ending.exit_code == 3
    assert ending.of(Outcome.CONFLICT) >= {DEAL_CHANGE}
    assert ending.codes()[DEAL_CHANGE] == "CHANGED_IN_ORG"
    assert bench.deal(DEAL) == before
    assert ending.counts["Opportunity"]["created"] == 2


def test_C3_an_edit_of_an_unmapped_field_stays_and_the_run_goes_on(bench: Bench) -> None:
    """The deal is updated as planned, and what the salesperson wrote elsewhere stays."""
    plan = bench.plan()
    bench.change("Opportunity", deal_id(bench), Description="Likes blue", Order_Kind__c="Sample")
    ending = bench.apply(plan)
    assert ending.of(Outcome.UPDATED) >= {DEAL_CHANGE}
    found = bench.deal(DEAL)
    assert (found["StageName"], found["Description"]) == ("Needs Analysis", "Likes blue")
    assert found["Order_Kind__c"] == "Sample"


def test_C3_an_edit_of_a_mapped_field_that_is_not_planned_stays(bench: Bench) -> None:
    """The amount was the same when planned, so it is not sent, and the salesperson's new amount stays."""
    plan = bench.plan()
    bench.change("Opportunity", deal_id(bench), Amount=2000.0)
    bench.apply(plan)
    assert bench.deal(DEAL)["Amount"] == 2000.0


def test_C3_an_edit_that_says_the_same_as_the_row_is_done(bench: Bench) -> None:
    """A salesperson who typed exactly what the row wants has done its work; nothing is sent for it."""
    plan = bench.plan()
    same = {"StageName": "Needs Analysis", "NextStep": "Measure feet", "LeadSource": "Web"}
    bench.change("Opportunity", deal_id(bench), **same)
    before = bench.deal(DEAL)
    ending = bench.apply(plan)
    assert DEAL_CHANGE not in ending.codes()
    assert bench.deal(DEAL)["SystemModstamp"] == before["SystemModstamp"]


def test_S16_a_deal_that_is_deleted_between_plan_and_apply_is_a_conflict(bench: Bench) -> None:
    """It stays deleted, its role is not written, and nothing new is made in its place."""
    plan = bench.plan()
    bench.delete("Opportunity", deal_id(bench))
    ending = bench.apply(plan)
    assert ending.exit_code == 3
    assert ending.of(Outcome.CONFLICT) >= {DEAL_CHANGE}
    assert [each["IsDeleted"] for each in bench.deals(DEAL)] == [1]
    assert ending.counts["OpportunityContactRole"]["updated"] == 0


def test_C3_a_role_that_was_edited_is_a_conflict(bench: Bench) -> None:
    """Another word in the role that the example would change is left alone."""
    plan = bench.plan()
    held = bench.find("OpportunityContactRole", Role="Evaluator")
    bench.change("OpportunityContactRole", held, Role="Influencer", IsPrimary=True)
    roles = bench.roles(DEAL)
    ending = bench.apply(plan)
    assert bench.roles(DEAL) in (roles, [(LEUNG, "Decision Maker", True)])
    assert ending.exit_code == 3


def test_C3_a_role_that_was_deleted_is_not_made_again(bench: Bench) -> None:
    """A role leaves no trace when a person deletes it: the planned update becomes a conflict."""
    plan = bench.plan()
    bench.delete("OpportunityContactRole", bench.find("OpportunityContactRole", Role="Evaluator"))
    ending = bench.apply(plan)
    assert ending.counts["OpportunityContactRole"]["conflicts"] == 1
    assert bench.roles(DEAL) == []


def test_C3_a_new_primary_contact_is_not_dethroned(bench: Bench) -> None:
    """Somebody is made primary between plan and apply: the row that wants another one is a conflict."""
    bench.write_job([_unchanged()], [role(DEAL, ALAN, "Decision Maker", "yes")])
    plan = bench.plan()
    held = bench.find("OpportunityContactRole", Role="Evaluator")
    bench.change("OpportunityContactRole", held, IsPrimary=True)
    ending = bench.apply(plan)
    assert ending.counts["OpportunityContactRole"]["conflicts"] == 1
    assert bench.roles(DEAL) == [(LEUNG, "Evaluator", True)]


def test_S20_a_role_that_somebody_added_meanwhile_is_adopted(bench: Bench) -> None:
    """The very role that the plan would insert is there already: it is not inserted a second time."""
    bench.write_job([_unchanged()], [role(DEAL, ALAN, "Decision Maker")])
    plan = bench.plan()
    contact = bench.find("Contact", Email=ALAN)
    bench.create(
        "OpportunityContactRole", OpportunityId=deal_id(bench), ContactId=contact, Role="Decision Maker"
    )
    ending = bench.apply(plan)
    assert ending.exit_code == 0
    assert bench.roles(DEAL) == [(ALAN, "Decision Maker", False), (LEUNG, "Evaluator", False)]


def _unchanged() -> dict[str, str]:
    """The row of the deal that the org has, as it is there."""
    return deal(DEAL, deal="Get Cloudy - 20 Running Shoes", close_date="2026-12-18", amount="1780.00")
