"""References to rows that come later, and parents that are made, under the rules that hold for every reference."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parents_desk import ORG_FILE, ParentsDesk, org_with_lookups

from sfsync.core.deals.forecast import effect_of
from sfsync.core.reports.report import Report
from sfsync.emulator.server import running
from sfsync.errors import ConfigError

ACCOUNTS = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "name"
Name = "name"
%s
"""
CONTACTS = """
[contacts]
file = "people.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "no"
FirstName = "first"
LastName = "last"
AccountId = { column = "firm", match = "Sfsync_Key__c" }
"""
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
%s
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ParentsDesk]:
    """An org with receipts and lookups, and an empty folder."""
    with running(org_with_lookups()) as emulator:
        yield ParentsDesk(emulator, tmp_path)


def codes(report: Report) -> list[str]:
    """The codes of the run's problems."""
    return [problem.code for _, _, problem in report.problems()]


@pytest.mark.parametrize(
    ("missing", "count", "exit_code", "code"),
    [
        ("error", "rejected", 3, "NOT_FOUND"),
        ("skip", "skipped", 0, "LEFT_OUT"),
        ("defer", "created", 0, None),
    ],
)
def test_a_reference_ahead_that_is_nowhere_follows_its_rule(
    desk: ParentsDesk, missing: str, count: str, exit_code: int, code: str | None
) -> None:
    """The row is rejected, left out, or goes without the lookup; the run that has the parent sets it."""
    job = ACCOUNTS % f'ParentId = {{ column = "parent", match = "Sfsync_Key__c", missing = "{missing}" }}'
    report = desk.sync(job, accounts="name,parent\nHooli,Massive\nInitech,\n")
    assert (report.exit_code, report.counts()["Account"][count]) == (exit_code, 1 + (count == "created"))
    said = [problem.code for change, end in report.ends() for problem in (*change.problems, *end.problems)]
    assert set(said) == {code or "DEFERRED"}
    assert desk.sync(job, accounts="name,parent\nHooli,Massive\nInitech,\nMassive,\n").exit_code == 0
    assert desk.record("Account", Name="Hooli")["ParentId"] == desk.record("Account", Name="Massive")["Id"]
    assert desk.plan(job).is_empty()


def test_a_deferred_reference_to_a_later_section_is_no_problem_of_the_run(desk: ParentsDesk) -> None:
    """The account is created without its contact, and the run that brings the contact sets it."""
    rule = 'Main_Contact__c = { column = "person", match = "Sfsync_Key__c", missing = "defer" }'
    job = ACCOUNTS % rule + CONTACTS
    accounts, people = "name,person\nHooli,P-1\n", "no,first,last,firm\n"
    first = desk.sync(job, accounts=accounts, people=people + "P-2,Nelson,Bighetti,Hooli\n")
    assert (first.exit_code, codes(first), first.counts()["Account"]["created"]) == (0, [], 1)
    second = desk.sync(job, people=people + "P-1,Gavin,Belson,Hooli\nP-2,Nelson,Bighetti,Hooli\n")
    assert (second.exit_code, second.counts()["Account"]["updated"]) == (0, 1)
    [hooli, gavin] = desk.record("Account", Name="Hooli"), desk.record("Contact", LastName="Belson")
    assert hooli["Main_Contact__c"] == gavin["Id"]
    assert desk.plan(job).is_empty()


def test_who_somebody_reports_to_is_found_among_namesakes_by_the_account_that_is_planned(
    desk: ParentsDesk,
) -> None:
    """Both Jane Does and their accounts are new rows of the same run, and one of them comes later in the file."""
    rule = 'ReportsToId = { column = "boss", match = "Name + Account.Name", account = "boss_firm" }\n'
    rows = (
        "no,first,last,firm,boss,boss_firm\n"
        "P-1,Jane,Doe,Hooli,,\nP-2,Al,Bo,Hooli,Jane Doe,Initech\nP-3,Jane,Doe,Initech,,\n"
    )
    job = ACCOUNTS % "" + CONTACTS + rule
    report = desk.sync(job, accounts="name\nHooli\nInitech\n", people=rows)
    assert (report.exit_code, codes(report)) == (0, [])
    wanted = desk.record("Contact", Sfsync_Key__c="P-3")["Id"]
    assert desk.record("Contact", Sfsync_Key__c="P-2")["ReportsToId"] == wanted
    assert desk.plan(job).is_empty()


def test_a_contact_that_is_made_is_no_reference_to_settle(desk: ParentsDesk) -> None:
    """A person settles what nobody makes: picks.csv has no line for it."""
    job = DEALS % "" + (
        '[contact_roles]\nfile = "roles.csv"\n[contact_roles.fields]\nOpportunityId = "id"\nRole = "role"\n'
        'ContactId = { column = "email", match = ["Email"], missing = "create", create = { LastName = "last" } }\n'
    )
    plan = desk.plan(
        job,
        deals="id\nD-1\n",
        roles="id,email,last,role\nD-1,jared@hooli.example,Dunn,Evaluator\nD-1,Nobody,Nobody,Evaluator\n",
    )
    assert [each.value for each in plan.open_references] == ["Nobody"]
    assert [each.label for each in plan.changes if each.made_for] == ["jared@hooli.example"]


@pytest.mark.parametrize("match", ['["Name + Account.Name"]', '["Id", "Name + AccountId"]'])
def test_a_name_and_an_account_alone_make_no_contact(desk: ParentsDesk, match: str) -> None:
    """A contact that is made has no account, so the next run would not find it by them."""
    rule = f'ContactId = {{ column = "buyer", match = {match}, missing = "create" }}'
    with pytest.raises(ConfigError, match="nothing that a parent is made with"):
        desk.job(DEALS % rule, deals="id,buyer\n")


def test_a_contact_found_by_name_and_account_is_not_made_by_its_address(desk: ParentsDesk) -> None:
    """All that match names is looked up first; what is nowhere is made by the field that stands alone."""
    rule = (
        'AccountId = { column = "firm", match = "Name" }\nContactId = { column = "buyer", missing = "create", '
        'match = ["Email", "Name + Account.Name"], create = { LastName = "buyer" } }'
    )
    before = len(desk.records("Contact"))
    deals = "id,firm,buyer\nD-1,Get Cloudy Consulting,Leung Chan\nD-2,,new@hooli.example\nD-3,,New Body\n"
    report = desk.sync(DEALS % rule, deals=deals)
    assert codes(report) == ["NOT_FOUND"]
    assert len(desk.records("Contact")) == before + 1
    assert desk.record("Contact", Email="new@hooli.example")["AccountId"] is None


def test_what_completes_a_deal_is_in_no_figure_of_the_forecast(desk: ParentsDesk) -> None:
    """Each new deal counts once, and none is said to be unseen."""
    job = DEALS % 'Renewal_Of__c = { column = "renews", match = "Sfsync_Key__c" }\nAmount = "amount"'
    plan = desk.plan(job, deals="id,renews,amount\nD-1,D-2,100\nD-2,D-1,50\n")
    effect = effect_of(plan)
    assert effect is not None
    assert (effect.unseen, [each.total.after.count for each in effect.currencies]) == (0, [2])


def test_a_deal_that_is_planned_anew_is_counted_once(desk: ParentsDesk) -> None:
    """What refers ahead is looked at twice; notes and the deals off their stage's probability count it once."""
    job = DEALS % 'Renewal_Of__c = { column = "renews", match = "Sfsync_Key__c" }\nProbability = "chance"'
    rows = "id,renews,chance\nDEAL-1003,D-1,35\nD-1,,35\n"
    key = 'key = "Sfsync_Key__c"\n'
    plan = desk.plan(job.replace(key, f'{key}probability = "default"\n', 1), deals=rows)
    [note] = [each.message for each in plan.notes if each.code == "PROBABILITY_NOT_SENT"]
    assert note.startswith("2 probabilities are not sent")
    override = job.replace(key, f'{key}probability = "override"\n', 1)
    assert desk.plan(override, deals=rows).off_stage_total == 2


def test_the_audit_knows_the_second_pass_as_the_runs_own_write(desk: ParentsDesk) -> None:
    """All values are as they were sent, with those that were set last among them."""
    job = ACCOUNTS % 'ParentId = { column = "parent", match = "Sfsync_Key__c" }'
    report = desk.sync(job + "[safety]\nverify = true\n", accounts="name,parent\nHooli,Initech\nInitech,\n")
    assert report.audit is not None
    assert (report.exit_code, report.audit.rows, report.audit.differences()) == (0, 2, ())


def test_a_mapping_test_counts_what_is_set_last_as_sent(desk: ParentsDesk) -> None:
    """And calls a parent that is made by the text that names it."""
    rules = (
        'ParentId = { column = "parent", match = "Sfsync_Key__c" }\n[opportunities]\nfile = "deals.csv"\n'
        'key = "Sfsync_Key__c"\n[opportunities.fields]\nSfsync_Key__c = "id"\nName = "id"\n'
        'StageName = { constant = "Prospecting" }\nCloseDate = { constant = "2027-01-31" }\n'
        'AccountId = { column = "firm", match = "Name", missing = "create", create = { Industry = "trade" } }'
    )
    desk.job(ACCOUNTS % rules)
    (desk.folder / "parents.test.toml").write_text(
        f"""
org = "{ORG_FILE}"
[[test]]
name = "a subsidiary before its parent, and a deal of nobody's account"
[test.given]
accounts = [ {{ name = "Hooli", parent = "Initech" }}, {{ name = "Initech" }} ]
opportunities = [ {{ id = "D-1", firm = "Aviato", trade = "Technology" }} ]
[[test.expect.accounts]]
sends = {{ Sfsync_Key__c = "Hooli", Name = "Hooli", ParentId = "Initech" }}
[[test.expect.accounts]]
action = "create"
[[test.expect.opportunities]]
includes = {{ AccountId = "Aviato" }}
"""
    )
    done = desk.command("test", "./parents.toml", "--json")
    assert (done.exit_code, done.document["passed"]) == (0, 1), done.out + done.err


def test_a_parent_that_was_made_is_no_row_that_has_vanished(desk: ParentsDesk) -> None:
    """It was in no file, so no file can lack it; the run that finds its own accounts all there says nothing."""
    rules = (
        'ParentId = { column = "parent", match = "Name", missing = "create", '
        'create_key = { field = "Sfsync_Key__c" } }'
    )
    job = (ACCOUNTS % rules).replace(
        'key = "Sfsync_Key__c"\n', 'key = "Sfsync_Key__c"\nvanished = "report"\n', 1
    )
    assert desk.sync(job, accounts="name,parent\nHooli,Gavin Group\nAviato,\n").exit_code == 0
    plan = desk.plan(job)
    assert (plan.is_empty(), plan.gone.vanished, list(plan.notes)) == (True, (), [])
    gone = desk.plan(job, accounts="name,parent\nHooli,Gavin Group\n").gone.vanished
    assert [each.key for each in gone] == ["Aviato"]
