"""A deleted record takes the lookups to it along: what pointed at it points at the one that takes its place."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safety_desk import ORG_FILE, SafetyDesk, desk_on

from sfsync.emulator.org_changes import change_org

PEOPLE = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
deleted = "recreate"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
deleted = "recreate"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
AccountId = { constant = "A-1", match = "Sfsync_Key__c" }
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
deleted = "recreate"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
AccountId = { constant = "A-1", match = "Sfsync_Key__c" }
[contact_roles]
file = "deals.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { constant = "P-1", match = "Sfsync_Key__c" }
Role = { constant = "Evaluator" }
"""
JOB = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
{policy}
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
ParentId = {{ column = "parent", match = "Sfsync_Key__c" }}
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
{policy}
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
ReportsToId = {{ column = "boss", match = "Sfsync_Key__c" }}
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = {{ constant = "Prospecting" }}
CloseDate = {{ constant = "2027-01-31" }}
Partner__c = {{ column = "partner", match = "Sfsync_Key__c" }}
"""
RECREATE = 'deleted = "recreate"'


def org_with_partners() -> dict[str, Any]:
    """The example org with a lookup from a deal to a second account, which does not cascade."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    partner = {
        "object": "Opportunity",
        "name": "Partner__c",
        "label": "Partner",
        "type": "Lookup",
        "reference_to": "Account",
        "relationship_name": "Partner__r",
        "child_relationship": "Partner_Of__r",
    }
    document["fields"].append(partner)
    return document


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """An org that a job has brought two accounts, two contacts and a deal, all of which point to the first ones."""
    with desk_on(org_with_partners(), tmp_path) as made:
        write(made)
        made.run()
        yield made


def write(desk: SafetyDesk, *, partner: str = "A-1", policy: str = RECREATE) -> None:
    """Makes the job: A-2 below A-1, P-2 reports to P-1, and a deal with a partner."""
    (desk.folder / "job.toml").write_text(JOB.format(policy=policy))
    (desk.folder / "accounts.csv").write_text("id,name,parent\nA-2,Beta,A-1\nA-1,Acme,\nA-3,Gamma,\n")
    (desk.folder / "contacts.csv").write_text("id,name,boss\nP-1,Ada,\nP-2,Bob,P-1\n")
    (desk.folder / "deals.csv").write_text(f"id,partner\nD-1,{partner}\n")


def one(desk: SafetyDesk, sobject: str, key: str) -> dict[str, Any]:
    """The living record with that key."""
    [found] = desk.emulator.org.storage.select(sobject, '"Sfsync_Key__c" = ? AND "IsDeleted" = 0', key)
    return found


def somebody(desk: SafetyDesk, **table: Any) -> None:
    """Does something in the org as a person does."""
    change_org(desk.emulator.org, desk.emulator.audit, table)


def delete(desk: SafetyDesk, sobject: str, key: str, *, is_purged: bool = False) -> None:
    """Deletes a record as a person does; purged, it is gone from the recycle bin too."""
    found = one(desk, sobject, key)["Id"]
    somebody(desk, what="delete", object=sobject, id=found)
    if is_purged:
        desk.emulator.org.storage.remove(sobject, found)
        desk.emulator.org.recycle_bin.take_out(found)


BIN = pytest.mark.parametrize("is_purged", [False, True], ids=["in the bin", "out of the bin"])


@BIN
def test_what_pointed_to_a_deleted_account_points_to_the_one_that_is_created_again(
    desk: SafetyDesk, is_purged: bool
) -> None:
    """In the run that creates it, whether the child comes before it in the file or in a later section."""
    delete(desk, "Account", "A-1", is_purged=is_purged)
    assert (one(desk, "Opportunity", "D-1")["Partner__c"], one(desk, "Account", "A-2")["ParentId"]) == (
        None,
        None,
    )
    told = desk.run()
    assert (told["counts"]["Account"]["created"], told["counts"]["Account"]["updated"]) == (1, 1)
    again = one(desk, "Account", "A-1")["Id"]
    assert one(desk, "Opportunity", "D-1")["Partner__c"] == again
    assert one(desk, "Account", "A-2")["ParentId"] == again
    before = len(desk.emulator.audit.commits)
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 1
    assert len(desk.emulator.audit.commits) == before


@BIN
def test_who_reported_to_a_deleted_contact_reports_to_the_one_that_is_created_again(
    desk: SafetyDesk, is_purged: bool
) -> None:
    """Contacts are no other than accounts."""
    delete(desk, "Contact", "P-1", is_purged=is_purged)
    told = desk.run()
    assert (told["counts"]["Contact"]["created"], told["counts"]["Contact"]["updated"]) == (1, 1)
    assert one(desk, "Contact", "P-2")["ReportsToId"] == one(desk, "Contact", "P-1")["Id"]


@BIN
def test_a_lookup_that_the_run_which_created_it_again_did_not_set_is_set_by_a_later_run(
    desk: SafetyDesk, is_purged: bool
) -> None:
    """Also by a run of another job, or one after a row was corrected: the journal or the bin still knows."""
    delete(desk, "Account", "A-1", is_purged=is_purged)
    deals = (desk.folder / "deals.csv").read_text()
    (desk.folder / "deals.csv").write_text("id,partner\nD-1,A-9\n")
    desk.run(expected=3)
    assert one(desk, "Opportunity", "D-1")["Partner__c"] is None
    (desk.folder / "deals.csv").write_text(deals)
    assert desk.run()["counts"]["Opportunity"]["updated"] == 1
    assert one(desk, "Opportunity", "D-1")["Partner__c"] == one(desk, "Account", "A-1")["Id"]


def test_the_plan_shows_that_the_lookup_is_empty_and_whom_it_will_mean(desk: SafetyDesk) -> None:
    """Nothing is written that was not shown."""
    delete(desk, "Account", "A-1")
    shown = desk.command("plan", "./job.toml")
    assert shown.exit_code == 0, shown.out
    assert "Partner__c: (empty) ->" in shown.out


def test_a_lookup_that_somebody_emptied_stays_a_conflict(desk: SafetyDesk) -> None:
    """The record that it pointed to is there, so nobody but a person has emptied it."""
    found = one(desk, "Opportunity", "D-1")["Id"]
    somebody(desk, what="edit", object="Opportunity", id=found, values={"Partner__c": None})
    told = desk.run(expected=3)
    assert [each["code"] for each in told["problems"]] == ["CHANGED_IN_ORG"]


def test_a_lookup_that_somebody_set_to_another_record_stays_a_conflict(desk: SafetyDesk) -> None:
    """Who chose another account after the deletion has the say."""
    delete(desk, "Account", "A-1")
    other = one(desk, "Account", "A-3")["Id"]
    found = one(desk, "Opportunity", "D-1")["Id"]
    somebody(desk, what="edit", object="Opportunity", id=found, values={"Partner__c": other})
    told = desk.run(expected=3)
    assert [(each["code"], each["value"]) for each in told["problems"]] == [("CHANGED_IN_ORG", "D-1")]
    assert one(desk, "Opportunity", "D-1")["Partner__c"] == other


def test_an_edit_of_another_field_keeps_the_record_a_conflict(desk: SafetyDesk) -> None:
    """The lookup alone is the deletion's doing."""
    delete(desk, "Account", "A-1")
    found = one(desk, "Opportunity", "D-1")["Id"]
    somebody(desk, what="edit", object="Opportunity", id=found, values={"StageName": "Qualification"})
    told = desk.run(expected=3)
    assert [(each["code"], each["value"]) for each in told["problems"]] == [("CHANGED_IN_ORG", "D-1")]


def test_a_parked_account_leaves_what_pointed_to_it_alone(desk: SafetyDesk) -> None:
    """Without recreate the children wait for their account; nothing is written."""
    write(desk, policy="")
    delete(desk, "Account", "A-1")
    before = len(desk.emulator.audit.commits)
    told = desk.run(expected=3)
    assert told["counts"]["Account"]["conflicts"] == 1
    assert told["counts"]["Opportunity"]["blocked"] == 1
    assert len(desk.emulator.audit.commits) == before


def test_only_what_the_org_has_emptied_is_asked_for_among_deleted_records(desk: SafetyDesk) -> None:
    """A run in which no lookup was emptied makes no call more; one that asks makes one, for all of them."""
    already = len(desk.emulator.audit.requests)
    desk.run()
    assert not deleted_asked_for(desk, already)
    delete(desk, "Account", "A-1")
    already = len(desk.emulator.audit.requests)
    assert desk.command("plan", "./job.toml").exit_code == 0
    asked = deleted_asked_for(desk, already)
    assert len(asked) == 3, "by key, by the row's old id, and by the lookup: the deal's is known by then"


def deleted_asked_for(desk: SafetyDesk, already: int) -> list[str]:
    """The calls since then that asked for deleted records too."""
    return [each.path for each in desk.emulator.audit.requests[already:] if "queryAll" in each.path]


def people(desk: SafetyDesk) -> list[tuple[str, str]]:
    """Account of the deal and contact of its role, by their keys' records; the test's deal has one role."""
    deal = one(desk, "Opportunity", "D-1")
    roles = desk.emulator.org.storage.select(
        "OpportunityContactRole", '"OpportunityId" = ? AND "IsDeleted" = 0', deal["Id"]
    )
    return [(deal["AccountId"], each["ContactId"]) for each in roles]


@pytest.mark.parametrize("sobject", ["Account", "Contact", "Opportunity"])
def test_what_a_deletion_takes_along_is_created_again_with_it(desk: SafetyDesk, sobject: str) -> None:
    """Deals and contacts of an account, roles of a contact or a deal: once each, and referring to what is there."""
    (desk.folder / "job.toml").write_text(PEOPLE)
    desk.run()
    key = {"Account": "A-1", "Contact": "P-1", "Opportunity": "D-1"}[sobject]
    delete(desk, sobject, key)
    desk.run()
    assert people(desk) == [(one(desk, "Account", "A-1")["Id"], one(desk, "Contact", "P-1")["Id"])]
    before = len(desk.emulator.audit.commits)
    desk.run()
    assert len(desk.emulator.audit.commits) == before
