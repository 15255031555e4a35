"""A parent that a run makes for its rows is made once, whatever becomes of it, of its row and of its name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parents_desk import ParentsDesk, org_with_lookups

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
