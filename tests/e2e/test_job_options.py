"""What a job may say, each option shown on the emulated org: modes, role policies, parents, picks of a key."""

from pathlib import Path
from typing import Any

import pytest

import sfsync
from sfsync.app.workplace import Surroundings, opened
from sfsync.core.ports import Lookup
from sfsync.core.reports.report import Report
from sfsync.errors import ConfigError, GuardError, SourceError

DEALS = """
org = "local"
{top}
[opportunities]
file = "deals.csv"
key = "{key}"
[opportunities.fields]
{key} = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
AccountId = {{ column = "account", match = ["Sfsync_Key__c", "Name"] }}
"""
ROLES = """
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "email", match = "Email" }
Role = "role"
IsPrimary = "primary"
"""
HEADER = "id,name,stage,close,account\n"
LEUNG, ALAN = "leung.chan@getcloudy.example", "alan.johnson@getcloudy.example"


class Desk:
    """A folder with a job and its files, and the org behind it."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.around = Surroundings(environ=environ)

    def job(self, text: str, **files: str) -> sfsync.app.workplace.Job:
        """The job of this text, its files written beside it."""
        (self.folder / "job.toml").write_text(text, encoding="utf-8")
        for name, content in files.items():
            (self.folder / f"{name}.csv").write_text(content, encoding="utf-8")
        return sfsync.load_job(self.folder / "job.toml", environ=self.around.environ)

    def sync(self, text: str, **files: str) -> Report:
        """Plans and applies the job."""
        return sfsync.sync(self.job(text, **files), around=self.around)

    def fetch(self, sobject: str, *fields: str) -> list[dict[str, Any]]:
        """All records of an sObject."""
        job = self.job(DEALS.format(top="", key="Sfsync_Key__c"), deals=HEADER)
        with opened(job, self.around) as place:
            return [dict(each) for each in place.gateway.fetch([Lookup(sobject, fields)])[0]]


@pytest.fixture
def desk(tmp_path: Path, environ: dict[str, str]) -> Desk:
    """A desk with an empty folder."""
    return Desk(tmp_path, environ)


def outcomes(report: Report) -> list[tuple[str, str, str]]:
    """sObject, outcome and first problem code of every row."""
    return [
        (change.sobject, result.outcome.value, result.problems[0].code if result.problems else "")
        for change, result in report.rows()
    ]


def deals(*, top: str = "", key: str = "Sfsync_Key__c") -> str:
    """A job for deals only."""
    return DEALS.format(top=top, key=key)


def test_mode_insert_leaves_deals_that_exist_alone(desk: Desk) -> None:
    """With insert, a deal that is in the org is skipped and said so."""
    files = HEADER + "DEAL-1003,Renamed,Prospecting,2026-12-01,\nN-1,New,Prospecting,2026-12-01,\n"
    report = desk.sync(deals(top='mode = "insert"'), deals=files)
    assert outcomes(report) == [
        ("Opportunity", "skipped", "ALREADY_THERE"),
        ("Opportunity", "created", ""),
    ]


def test_mode_update_creates_nothing(desk: Desk) -> None:
    """With update, a deal that is not in the org is skipped and said so."""
    files = HEADER + "DEAL-1003,Renamed,Prospecting,2026-12-18,\nN-1,New,Prospecting,2026-12-01,\n"
    report = desk.sync(deals(top='mode = "update"'), deals=files)
    assert outcomes(report) == [("Opportunity", "updated", ""), ("Opportunity", "skipped", "NOT_THERE")]


def test_a_job_whose_key_is_not_unique_is_refused_with_what_to_do(desk: Desk) -> None:
    """An external id that is not Unique is no fence: exit 2, and the field that could serve is named."""
    with pytest.raises(ConfigError) as refusal:
        desk.sync(deals(key="Legacy_Id__c"), deals=HEADER + "1,a,Prospecting,2026-01-01,\n")
    assert refusal.value.exit_code == 2
    assert "not Unique" in refusal.value.message
    assert "Sfsync_Key__c" in refusal.value.message


def test_an_account_of_the_same_job_goes_first(desk: Desk) -> None:
    """A deal may name an account that the job brings; a deal whose account is rejected is blocked."""
    accounts = """
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
"""
    report = desk.sync(
        deals() + accounts,
        accounts="id,name\nA-9,Sunny Shoes\nA-8,\n",
        deals=HEADER + "N-1,New,Prospecting,2026-12-01,A-9\nN-2,New,Prospecting,2026-12-01,A-8\n",
    )
    assert outcomes(report) == [
        ("Account", "created", ""),
        ("Account", "rejected", "REQUIRED"),
        ("Opportunity", "created", ""),
        ("Opportunity", "blocked", "BLOCKED_BY"),
    ]
    accounts_by_id = {each["Id"]: each["Name"] for each in desk.fetch("Account", "Id", "Name")}
    [account] = [
        each["AccountId"] for each in desk.fetch("Opportunity", "Name", "AccountId") if each["Name"] == "New"
    ]
    assert accounts_by_id[account] == "Sunny Shoes"


def test_on_error_deal_holds_a_new_deal_back_with_its_bad_role(desk: Desk) -> None:
    """With on_error = "deal", one bad role keeps its deal and the deal's other roles out."""
    roles = f"id,email,role,primary\nN-1,{LEUNG},Evaluator,\nN-1,{ALAN},Boss,\n"
    report = desk.sync(
        deals(top='[roles]\non_error = "deal"') + ROLES,
        deals=HEADER + "N-1,New,Prospecting,2026-12-01,\n",
        roles=roles,
    )
    assert sorted(outcomes(report)) == [
        ("Opportunity", "rejected", "ROLE_REJECTED"),
        ("OpportunityContactRole", "blocked", "BLOCKED_BY"),
        ("OpportunityContactRole", "rejected", "UNKNOWN_ROLE"),
    ]
    assert report.usage.writes == 0


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("merge", {"Decision Maker"}), ("append", {"Evaluator", "Decision Maker"})],
)
def test_the_role_policy_decides_about_another_role_of_a_contact(
    desk: Desk, policy: str, expected: set[str]
) -> None:
    """Merge changes the role that the contact has, append adds a second one."""
    desk.sync(
        deals(top=f'[roles]\npolicy = "{policy}"') + ROLES,
        deals=HEADER + "DEAL-1003,Get Cloudy - 20 Running Shoes,Prospecting,2026-12-18,ACC-1\n",
        roles=f"id,email,role,primary\nDEAL-1003,{LEUNG},Decision Maker,\n",
    )
    assert {each["Role"] for each in desk.fetch("OpportunityContactRole", "Role")} == expected


def test_the_primary_contact_moves_and_stays_one(desk: Desk) -> None:
    """A new primary contact on a deal that exists takes the flag over: one call, one primary afterwards."""
    start = "DEAL-1003,Get Cloudy - 20 Running Shoes,Prospecting,2026-12-18,ACC-1\n"
    text = deals() + ROLES
    desk.sync(text, deals=HEADER + start, roles=f"id,email,role,primary\nDEAL-1003,{LEUNG},Evaluator,yes\n")
    report = desk.sync(
        text,
        deals=HEADER + start,
        roles=f"id,email,role,primary\nDEAL-1003,{LEUNG},Evaluator,no\nDEAL-1003,{ALAN},Other,yes\n",
    )
    assert report.exit_code == 0
    roles = desk.fetch("OpportunityContactRole", "Role", "IsPrimary")
    assert {(each["Role"], each["IsPrimary"]) for each in roles} == {("Evaluator", False), ("Other", True)}


def test_roles_alone_find_their_deals_in_the_org(desk: Desk) -> None:
    """A job of contact roles only names deals that exist by their key in the org."""
    text = 'org = "local"\n' + ROLES.replace('"id"', '{ column = "id", match = "Sfsync_Key__c" }')
    report = desk.sync(
        text, roles=f"id,email,role,primary\nDEAL-1003,{ALAN},Influencer,\nDEAL-7,{ALAN},Influencer,\n"
    )
    assert sorted(outcomes(report)) == [
        ("OpportunityContactRole", "created", ""),
        ("OpportunityContactRole", "rejected", "NOT_FOUND"),
    ]


def test_two_accounts_of_one_name_are_a_problem_with_both_ids(desk: Desk) -> None:
    """The first of two matches is never taken."""
    accounts = '[accounts]\nfile = "accounts.csv"\nkey = "Sfsync_Key__c"\n[accounts.fields]\n'
    accounts += 'Sfsync_Key__c = "id"\nName = "name"\n'
    desk.sync('org = "local"\n' + accounts, accounts="id,name\nA-1,Twin\nA-2,Twin\n")
    report = desk.sync(deals(), deals=HEADER + "N-1,New,Prospecting,2026-12-01,Twin\n")
    [(_, _, problem)] = report.problems()
    twins = [each["Id"] for each in desk.fetch("Account", "Id", "Name") if each["Name"] == "Twin"]
    assert problem.code == "AMBIGUOUS"
    assert all(each in problem.message for each in twins)


def test_c3_what_a_salesperson_changed_is_left_alone(desk: Desk, environ: dict[str, str]) -> None:
    """A field edited in the org after the last run is a conflict; the row's own later wish does not win."""
    first = HEADER + "N-1,New,Prospecting,2026-12-01,\n"
    desk.sync(deals(), deals=first)
    other = desk.folder / "other"
    other.mkdir()
    elsewhere = Desk(other, environ | {"SFSYNC_STATE": str(desk.folder / "elsewhere")})
    elsewhere.sync(deals(), deals=HEADER + "N-1,Edited by hand,Prospecting,2026-12-01,\n")
    report = desk.sync(deals(), deals=first)
    assert outcomes(report) == [("Opportunity", "conflicts", "CHANGED_IN_ORG")]
    assert "Edited by hand" in {each["Name"] for each in desk.fetch("Opportunity", "Name")}


def test_s16_a_deal_deleted_in_the_org_is_not_created_again(desk: Desk, emulator: Any) -> None:
    """What this job brought and somebody deleted is a conflict, never silently recreated."""
    import requests

    first = HEADER + "N-1,New,Prospecting,2026-12-01,\n"
    report = desk.sync(deals(), deals=first)
    [(_, result)] = report.rows()
    url = f"{emulator.instance_url}/services/data/v66.0/sobjects/Opportunity/{result.record_id}"
    deleted = requests.delete(url, headers={"Authorization": f"Bearer {emulator.access_token}"}, timeout=5)
    assert deleted.status_code == 204
    assert outcomes(desk.sync(deals(), deals=first)) == [("Opportunity", "conflicts", "GONE_FROM_ORG")]


def test_c5_a_saved_plan_is_refused_when_another_run_has_begun(desk: Desk) -> None:
    """A plan knows the journal it was made with; a run in between makes it stale, and nothing is written."""
    job = desk.job(deals(), deals=HEADER + "N-1,New,Prospecting,2026-12-01,\n")
    plan = sfsync.plan(job, around=desk.around)
    sfsync.sync(job, around=desk.around)
    with pytest.raises(GuardError) as refusal:
        sfsync.apply(plan, job, around=desk.around)
    assert (refusal.value.code, refusal.value.exit_code) == ("PLAN_STALE", 6)


def test_a_missing_column_stops_the_job_before_any_call(desk: Desk) -> None:
    """A mapped column that the file lacks is the source's fault, exit 5, with the nearest column named."""
    with pytest.raises(SourceError) as refusal:
        desk.sync(deals(), deals="id,nam,stage,close,account\n1,a,Prospecting,2026-01-01,\n")
    assert refusal.value.exit_code == 5
    assert '"nam"' in refusal.value.hint
