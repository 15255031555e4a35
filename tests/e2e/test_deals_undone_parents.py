"""Taking back a run that moved a deal to an account which it made: the account goes with the first undo."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parents_desk import ParentsDesk, org_with_lookups

from sfsync.app.past_runs import undoing
from sfsync.core.reports.report import Report
from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import running

JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
AccountId = { column = "customer", match = "Name", missing = "create" }
"""
FAST = JOB.replace("[opportunities]", '[safety]\nupdates = "fast"\n[opportunities]', 1)
CONTACTS = """
[contacts]
file = "people.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "no"
LastName = "no"
AccountId = { column = "firm", match = "Name", missing = "create" }
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ParentsDesk]:
    """An org with a deal in Acme, brought by a first run."""
    with running(org_with_lookups()) as emulator:
        made = ParentsDesk(emulator, tmp_path)
        assert made.sync(JOB, deals="id,customer\nD-1,Acme\n").exit_code == 0
        yield made


def moved(desk: ParentsDesk) -> str:
    """Lets the second run move the deal to Hooli, which it makes; the run."""
    report = desk.sync(JOB, deals="id,customer\nD-1,Hooli\n")
    assert (report.exit_code, accounts(desk)) == (0, ["Acme", "Hooli"])
    return report.run_id


def undo(desk: ParentsDesk, run_id: str, meanwhile: Any = None) -> Report:
    """Takes a run back; `meanwhile` happens between its plan and its first write."""
    with undoing(run_id, desk.around) as (place, made):
        if meanwhile is not None:
            meanwhile()
        return place.apply(made, is_fresh=True)


def somebody(desk: ParentsDesk, **table: Any) -> str:
    """Does something in the org as a person does; the id."""
    return str(change_org(desk.emulator.org, desk.emulator.audit, table)["id"])


def accounts(desk: ParentsDesk) -> list[str]:
    """The names of the accounts that are not the example org's."""
    return sorted(str(each["Name"]) for each in desk.records("Account") if "Cloudy" not in str(each["Name"]))


def account_of(desk: ParentsDesk, deal: str) -> str:
    """The name of the account that a deal is in."""
    found = desk.record("Opportunity", Sfsync_Key__c=deal)["AccountId"]
    return str(desk.record("Account", Id=found)["Name"])


def test_an_account_that_the_run_made_for_a_deal_goes_with_the_first_undo(desk: ParentsDesk) -> None:
    """The deal points back first; a second undo finds nothing left."""
    run = moved(desk)
    done = desk.command("undo", run, "--yes", "--json")
    assert done.exit_code == 0
    assert (account_of(desk, "D-1"), accounts(desk)) == ("Acme", ["Acme"])
    assert done.document["notes"] == []
    again = desk.command("undo", run, "--yes", "--json")
    assert {each["code"] for each in again.document["notes"]} == {"ALREADY_UNDONE"}
    assert moved(desk), "the same job makes it again"


def test_the_undo_costs_what_its_plan_predicted(desk: ParentsDesk) -> None:
    """The look whether something still belongs to the account is counted too."""
    assert desk.sync(FAST, deals="id,customer\nD-1,Hooli\n").exit_code == 0  # strict ones wait for the second
    run = desk.sync(FAST, deals="id,customer\nD-1,Pied Piper\n").run_id
    with undoing(run, desk.around) as (place, made):
        before = place.gateway.usage
        after = place.apply(made, is_fresh=True).usage
    assert accounts(desk) == ["Acme", "Hooli"]
    assert (after.reads - before.reads, after.writes - before.writes) == (
        made.predicted.reads,
        made.predicted.writes,
    )


def test_the_contact_of_a_made_account_takes_it_along_too(desk: ParentsDesk) -> None:
    """A contact that the run moved points back before its made account goes."""
    job, people = JOB + CONTACTS, "no,firm\nP-1,%s\n"
    assert desk.sync(job, people=people % "Acme", deals="id,customer\nD-1,Acme\n").exit_code == 0
    run = desk.sync(job, people=people % "Hooli").run_id
    assert accounts(desk) == ["Acme", "Hooli"]
    assert undo(desk, run).exit_code == 0
    assert accounts(desk) == ["Acme"]
    person = desk.record("Contact", Sfsync_Key__c="P-1")
    assert person["AccountId"] == desk.record("Account", Name="Acme")["Id"]


def test_an_account_whose_deal_does_not_go_back_stays(desk: ParentsDesk) -> None:
    """The org refuses the deal: the account is not deleted from under it, and the report says why."""
    run = moved(desk)
    found = desk.record("Opportunity", Sfsync_Key__c="D-1")["Id"]
    fault = FailRows(keys=(found,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    script = desk.emulator.faults.add(FaultScript(fault, path="/composite|/sobjects", count=None))
    report = undo(desk, run)
    assert script.struck
    assert (account_of(desk, "D-1"), accounts(desk)) == ("Hooli", ["Acme", "Hooli"])
    assert report.exit_code == 3
    codes = {change.sobject: problem.code for change, _, problem in report.problems()}
    assert codes == {"Opportunity": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Account": "HAS_DEPENDENTS"}


@pytest.mark.parametrize("sobject", ["Opportunity", "Contact"])
def test_what_somebody_adds_to_a_made_account_after_the_plan_keeps_it(
    desk: ParentsDesk, sobject: str
) -> None:
    """A deletion would take the stranger's record along, so there is one more look right before it."""
    run = moved(desk)
    account = str(desk.record("Account", Name="Hooli")["Id"])
    own = (
        {"LastName": "Belson"}
        if sobject == "Contact"
        else {"Name": "Theirs", "StageName": "Prospecting", "CloseDate": "2027-01-31"}
    )
    report = undo(
        desk, run, lambda: somebody(desk, what="create", object=sobject, values={"AccountId": account, **own})
    )
    assert (account_of(desk, "D-1"), accounts(desk)) == ("Acme", ["Acme", "Hooli"])
    assert [(change.sobject, problem.code) for change, _, problem in report.problems()] == [
        ("Account", "HAS_DEPENDENTS")
    ]


def test_a_record_of_another_that_was_there_at_the_plan_keeps_the_account_as_ever(desk: ParentsDesk) -> None:
    """The plan says by name that it stays."""
    run = moved(desk)
    account = str(desk.record("Account", Name="Hooli")["Id"])
    somebody(desk, what="create", object="Contact", values={"AccountId": account, "LastName": "Belson"})
    report = undo(desk, run)
    assert (report.exit_code, accounts(desk)) == (0, ["Acme", "Hooli"])
    assert [each.code for each in report.plan.notes] == ["NOT_UNDONE"]
    assert "other records belong to it" in report.plan.notes[0].message
