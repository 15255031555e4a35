"""A parent's own key leads to the record made behind it, to no stranger, and to the same end in every run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parents_desk import ParentsDesk, org_with_lookups

from sfsync.core.reports.report import Report
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
AccountId = { column = "customer", match = ["Name"], missing = "create", create = { Industry = "ind" }, \
create_key = { field = "Sfsync_Key__c", from = "custno" } }
"""
ROLES = """
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
Role = { constant = "Evaluator" }
ContactId = { column = "who", match = ["Name"], missing = "create", \
create_key = { field = "Sfsync_Key__c", from = "no" } }
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ParentsDesk]:
    """An org whose own accounts and contacts have no key, and an empty folder."""
    with running(org_with_lookups()) as emulator:
        yield ParentsDesk(emulator, tmp_path)


def codes(report: Report) -> dict[str, str]:
    """The code of each problem, by the key of its row."""
    return {change.key: problem.code for change, _, problem in report.problems()}


def test_a_row_without_the_key_of_its_new_account_is_a_problem_and_gets_no_stranger(
    desk: ParentsDesk,
) -> None:
    """Records of the org without a key are not what an empty cell means."""
    report = desk.sync(JOB, deals="id,customer,custno,ind\nC-2,Yak GmbH,,\nC-3,Xenon,X-3,\n")
    assert (report.exit_code, codes(report)) == (3, {"C-2": "NO_KEY_VALUE"})
    assert [each["Name"] for each in desk.records("Opportunity") if each["Name"].startswith("C-")] == ["C-3"]


def test_a_row_without_the_key_of_an_account_that_the_org_has_gets_that_account(desk: ParentsDesk) -> None:
    """The key is needed for what is made alone."""
    report = desk.sync(
        JOB, deals="id,customer,custno,ind\nC-1,Get Cloudy Canada,,\nC-2,Xenon,X-3,\nC-4,Xenon,,\n"
    )
    assert (report.exit_code, codes(report)) == (0, {})
    canada = desk.record("Account", Name="Get Cloudy Canada")
    assert desk.record("Opportunity", Name="C-1")["AccountId"] == canada["Id"]


def test_a_role_without_the_key_of_its_new_contact_is_a_problem_and_gets_no_stranger(
    desk: ParentsDesk,
) -> None:
    """As for accounts."""
    report = desk.sync(
        JOB + ROLES,
        deals="id,customer,custno,ind\nC-1,Xenon,X-1,\n",
        roles="id,who,no\nC-1,Rick Deckard,\nC-1,Roy Batty,P-2\n",
    )
    assert [problem.code for _, _, problem in report.problems()] == ["NO_KEY_VALUE"]
    deal = desk.record("Opportunity", Name="C-1")["Id"]
    [role] = [each for each in desk.records("OpportunityContactRole") if each["OpportunityId"] == deal]
    assert role["ContactId"] == desk.record("Contact", LastName="Batty")["Id"]


TWO_NAMES = "id,customer,custno,ind\nDD-1,Wayne,W-1,\nDD-2,Stark,W-1,\n"


def test_a_row_that_names_another_parent_under_one_key_is_rejected_in_every_run(desk: ParentsDesk) -> None:
    """That the key is found by now does not make it the other name's."""
    for report in (desk.sync(JOB, deals=TWO_NAMES), desk.sync(JOB)):
        assert (report.exit_code, codes(report)) == (3, {"DD-2": "DUPLICATE_KEY"})
        [(_, _, problem)] = report.problems()
        assert '"Wayne"' in problem.message
        assert '"Stark"' in problem.message
    assert [each["Name"] for each in desk.records("Opportunity") if each["Name"].startswith("DD-")] == [
        "DD-1"
    ]


def test_a_row_alone_that_names_another_parent_than_its_key_is_rejected(desk: ParentsDesk) -> None:
    """The rows of an earlier file are compared through the record: its name and the row's are both told."""
    assert desk.sync(JOB, deals="id,customer,custno,ind\nDD-1,Wayne,W-1,\n").exit_code == 0
    report = desk.sync(JOB, deals="id,customer,custno,ind\nDD-2,Stark,W-1,\n")
    [(_, _, problem)] = report.problems()
    assert problem.code == "DUPLICATE_KEY"
    assert '"Wayne"' in problem.message
    assert '"Stark"' in problem.message


def test_two_names_under_one_key_are_a_problem_where_the_org_has_one_of_them(desk: ParentsDesk) -> None:
    """Neither run gives the number of the one to the other."""
    rows = "id,customer,custno,ind\nDD-1,Get Cloudy Canada,W-1,\nDD-2,Stark,W-1,\n"
    for report in (desk.sync(JOB, deals=rows), desk.sync(JOB)):
        assert codes(report) == {"DD-2": "DUPLICATE_KEY"}


def test_a_parent_that_was_renamed_is_still_the_one_its_key_was_made_for(desk: ParentsDesk) -> None:
    """Under the old name, which the journal knows, and under the new one, which the org has."""
    assert desk.sync(JOB, deals="id,customer,custno,ind\nDD-1,Wayne,W-1,\n").exit_code == 0
    account = str(desk.record("Account", Sfsync_Key__c="W-1")["Id"])
    desk.emulator.org.storage.update("Account", account, {"Name": "Wayne Inc."})
    report = desk.sync(
        JOB, deals="id,customer,custno,ind\nDD-1,Wayne,W-1,\nDD-2,Wayne Inc.,W-1,\nDD-3,WAYNE,W-1,\n"
    )
    assert (report.exit_code, codes(report)) == (0, {})
    assert {each["AccountId"] for each in desk.records("Opportunity") if "DD-" in each["Name"]} == {account}


def test_a_parent_whose_name_comes_from_another_column_is_found_by_its_key_again(desk: ParentsDesk) -> None:
    """What the row gives it as its name is its name too."""
    job = JOB.replace("Industry =", "Name =")
    rows = "id,customer,custno,ind\nDD-1,Wayne,W-1,Wayne Enterprises\n"
    assert desk.sync(job, deals=rows).exit_code == 0
    report = desk.sync(job, deals=rows + "DD-2,Wayne,W-1,Wayne Enterprises\n")
    assert (report.exit_code, codes(report)) == (0, {})


@pytest.mark.parametrize("further", ["DD-2,Hooli,H-1,Banking", "DD-2,Hooli,H-2,Media"])
def test_rows_that_disagree_about_a_parent_are_rejected_in_every_run(desk: ParentsDesk, further: str) -> None:
    """That the parent was made by the first run settles nothing."""
    rows = f"id,customer,custno,ind\nDD-1,Hooli,H-1,Media\n{further}\n"
    for report in (desk.sync(JOB, deals=rows), desk.sync(JOB)):
        assert (report.exit_code, codes(report)) == (3, {"DD-2": "PARENT_DISAGREES"})


def test_rows_that_disagree_about_a_parent_account_of_their_own_section_are_rejected_in_every_run(
    desk: ParentsDesk,
) -> None:
    """A reference to rows of the same kind is judged like any other."""
    job = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "no"
Name = "name"
ParentId = { column = "parent", match = ["Name"], missing = "create", create = { Industry = "ind" }, \
create_key = { from = "pno" } }
"""
    rows = "no,name,parent,ind,pno\nA-1,A,Holding,Media,H\nA-2,B,Holding,Banking,H\n"
    for report in (desk.sync(job, accounts=rows), desk.sync(job)):
        assert codes(report) == {"A-2": "PARENT_DISAGREES"}


def test_what_rows_say_of_an_account_that_the_org_had_before_does_not_count(desk: ParentsDesk) -> None:
    """It is never changed by `create`, so nobody has to decide which row is right."""
    rows = "id,customer,custno,ind\nDD-1,Get Cloudy Canada,,Media\nDD-2,Get Cloudy Canada,,Banking\n"
    for report in (desk.sync(JOB, deals=rows), desk.sync(JOB)):
        assert codes(report) == {}
