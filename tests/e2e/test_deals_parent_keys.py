"""A parent's own key leads to the record made behind it, to no stranger, and to the same end in every run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parents_desk import ParentsDesk, org_with_lookups

from sfsync.core.report import Report
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
