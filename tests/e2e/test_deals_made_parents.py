"""A parent that a run makes for its rows is made once, whatever becomes of it, of its row and of its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parents_desk import ParentsDesk, org_with_lookups

import sfsync
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import running

DEALS = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
AccountId = { column = "customer", match = ["Sfsync_Key__c", "Name"], missing = "create"%s }
"""
KEYLESS = DEALS % ""
KEYED = DEALS % ', create_key = { field = "Sfsync_Key__c" }'
ACCOUNTS = """
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "no"
Name = "name"
NumberOfEmployees = "people"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ParentsDesk]:
    """An org with receipts and lookups, and an empty folder."""
    with running(org_with_lookups()) as emulator:
        yield ParentsDesk(emulator, tmp_path)


def somebody(desk: ParentsDesk, **table: Any) -> str:
    """Does something in the org as a person does; the id."""
    return str(change_org(desk.emulator.org, desk.emulator.audit, table)["id"])


def accounts(desk: ParentsDesk) -> list[str]:
    """The names of the accounts that are not the example org's."""
    return [str(each["Name"]) for each in desk.records("Account") if "Cloudy" not in str(each["Name"])]


def account_of(desk: ParentsDesk, deal: str) -> str:
    """The id of the account that a deal is in."""
    return str(desk.record("Opportunity", Sfsync_Key__c=deal)["AccountId"])


@pytest.mark.parametrize("named", ["A-9", "Hooli", "HOOLI"])
def test_a_deal_waits_for_the_account_row_that_was_rejected_and_no_other_account_is_made(
    desk: ParentsDesk, named: str
) -> None:
    """By key or by name: when the row is put right, there is one account, and the deal is in it."""
    job, deals = KEYLESS + ACCOUNTS, f"id,customer\nD-1,{named}\n"
    report = desk.sync(job, accounts="no,name,people\nA-9,Hooli,many\n", deals=deals)
    codes = {problem.code for _, _, problem in report.problems()}
    assert (codes, accounts(desk)) == ({"BAD_VALUE", "BLOCKED_BY"}, [])
    assert desk.sync(job, accounts="no,name,people\nA-9,Hooli,5\n").exit_code == 0
    assert accounts(desk) == ["Hooli"]
    assert account_of(desk, "D-1") == desk.record("Account", Name="Hooli")["Id"]


def test_a_rejected_row_whose_account_is_there_keeps_no_deal_from_it(desk: ParentsDesk) -> None:
    """What the org has under that name is meant."""
    job, row = KEYLESS + ACCOUNTS, "no,name,people\nA-9,Hooli,%s\n"
    assert desk.sync(job, accounts=row % "5", deals="id,customer\nD-0,\n").exit_code == 0
    report = desk.sync(job, accounts=row % "many", deals="id,customer\nD-1,Hooli\n")
    assert report.counts()["Opportunity"]["created"] == 1
    assert accounts(desk) == ["Hooli"]


@pytest.mark.parametrize("job", [KEYLESS, KEYED])
def test_an_account_that_a_person_makes_between_plan_and_apply_is_taken(desk: ParentsDesk, job: str) -> None:
    """The deals go to it, and the report says so."""
    made = desk.plan(job, deals="id,customer\nD-1,Hooli\nD-2,hooli\nD-3,Initech\n")
    own = somebody(desk, what="create", object="Account", values={"Name": "HOOLI"})
    report = sfsync.apply(made, desk.job(job), around=desk.around)
    assert (report.exit_code, report.counts()["Opportunity"]["created"]) == (0, 3)
    assert sorted(accounts(desk)) == ["HOOLI", "Initech"]
    assert {account_of(desk, "D-1"), account_of(desk, "D-2")} == {own}
    assert [each.code for each in report.notes] == ["MADE_MEANWHILE"]
    assert desk.plan(job).is_empty()


@pytest.mark.parametrize("job", [KEYLESS, KEYED])
def test_the_look_before_parents_are_made_is_predicted(desk: ParentsDesk, job: str) -> None:
    """One read for all of them, and none where the plan makes no parents."""
    further = set()
    for deals in ("id,customer\nD-1,Hooli\nD-2,Initech\n", "id,customer\nD-3,Hooli\n"):
        made = desk.plan(job, deals=deals)
        report = sfsync.apply(made, desk.job(job), around=desk.around)
        further.add(report.usage.reads - made.predicted.reads)  # what every apply reads before it begins
    assert len(further) == 1


def test_of_two_accounts_that_came_between_plan_and_apply_none_is_taken(desk: ParentsDesk) -> None:
    """The deal waits; nothing is made and nothing is guessed."""
    made = desk.plan(KEYLESS, deals="id,customer\nD-1,Hooli\n")
    for _ in range(2):
        somebody(desk, what="create", object="Account", values={"Name": "Hooli"})
    report = sfsync.apply(made, desk.job(KEYLESS), around=desk.around)
    assert (report.exit_code, report.counts()["Opportunity"]["blocked"]) == (3, 1)
    assert accounts(desk) == ["Hooli", "Hooli"]


def test_two_jobs_whose_plans_make_one_account_make_it_once(desk: ParentsDesk) -> None:
    """The plan that is applied later takes what the other has made."""
    first = desk.plan(KEYLESS, deals="id,customer\nD-1,Hooli\n")
    other = KEYLESS.replace("deals.csv", "others.csv")
    (desk.folder / "others.toml").write_text(other)
    (desk.folder / "others.csv").write_text("id,customer\nE-1,hooli\n")
    assert desk.command("run", "./others.toml", "--json").document["exit_code"] == 0
    assert sfsync.apply(first, desk.job(KEYLESS), around=desk.around).exit_code == 0
    assert accounts(desk) == ["hooli"]
    assert account_of(desk, "D-1") == account_of(desk, "E-1")


@pytest.mark.parametrize("job", [KEYLESS, KEYED])
def test_a_made_account_that_was_renamed_is_meant_by_every_spelling(desk: ParentsDesk, job: str) -> None:
    """The journal knows it by the name without letter case: no second one, and no deal moves."""
    assert desk.sync(job, deals="id,customer\nD-1,Hooli\n").exit_code == 0
    own = str(desk.record("Account", Name="Hooli")["Id"])
    somebody(desk, what="edit", object="Account", id=own, values={"Name": "Hooli Inc."})
    report = desk.sync(job, deals="id,customer\nD-1,Hooli\nD-2,HOOLI\nD-3,HOOLI\n")
    assert (report.exit_code, report.counts()["Opportunity"]["created"]) == (0, 2)
    assert accounts(desk) == ["Hooli Inc."]
    assert {account_of(desk, each) for each in ("D-1", "D-2", "D-3")} == {own}


@pytest.mark.parametrize("job", [KEYLESS, KEYED])
def test_a_made_account_that_was_renamed_and_merged_is_followed(desk: ParentsDesk, job: str) -> None:
    """Rows that name it go to the record that it was merged into."""
    assert desk.sync(job, deals="id,customer\nD-1,Hooli\n").exit_code == 0
    own = str(desk.record("Account", Name="Hooli")["Id"])
    somebody(desk, what="edit", object="Account", id=own, values={"Name": "Hooli Inc."})
    master = somebody(desk, what="create", object="Account", values={"Name": "Pied Piper"})
    somebody(desk, what="merge", object="Account", id=master, loser=own)
    assert desk.sync(job, deals="id,customer\nD-1,Hooli\nD-2,hooli\n").exit_code == 0
    assert accounts(desk) == ["Pied Piper"]
    assert {account_of(desk, "D-1"), account_of(desk, "D-2")} == {master}


@pytest.mark.parametrize("job", [KEYLESS, KEYED])
def test_a_made_account_that_was_forgotten_is_made_again(desk: ParentsDesk, job: str) -> None:
    """A person's word takes every memory of it, that of its name too."""
    assert desk.sync(job, deals="id,customer\nD-1,Hooli\n").exit_code == 0
    own = str(desk.record("Account", Name="Hooli")["Id"])
    desk.emulator.org.storage.update("Account", own, {"IsDeleted": 1})
    report = desk.sync(job, deals="id,customer\nD-2,HOOLI\n")
    [(_, _, problem)] = report.problems()
    _, _, command = problem.hint.replace(f"{desk.folder}/", "").partition("sfsync ")
    assert problem.code == "GONE_FROM_ORG"
    assert desk.command(*command.split()).exit_code == 0
    assert desk.sync(job).exit_code == 0
    assert accounts(desk) == ["HOOLI"]
