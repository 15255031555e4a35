"""What becomes of a row whose reference finds none: error, defer or skip, and never an emptied lookup."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from reference_desk import CANADA, CLOUDY, Desk, deals, ends, org_document, roles, said

from sfsync.core.plans.plan import Action
from sfsync.emulator.server import RunningEmulator, running
from sfsync.errors import ConfigError

NEW = "id,x\nD-1,New Firm\n"
ACCOUNTS = """
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "id"
"""


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """The example org with namesakes, leavers and packages."""
    with running(org_document()) as serving:
        yield serving


@pytest.fixture
def desk(tmp_path: Path, environ: dict[str, str]) -> Desk:
    """A desk with an empty folder."""
    return Desk(tmp_path, environ)


def of_account(missing: str) -> str:
    """A job whose deals have accounts, and what becomes of a deal without one."""
    policy = f', missing = "{missing}"' if missing else ""
    return deals(f'AccountId = {{ column = "x", match = "Name"{policy} }}')


def bring(desk: Desk, name: str) -> None:
    """Another job brings an account."""
    report = desk.sync(f'name = "parents"\norg = "local"\n{ACCOUNTS}', accounts=f"id\n{name}\n")
    assert report.exit_code == 0, said(report)


def somebody_chooses(emulator: RunningEmulator, account: str) -> None:
    """A person gives deal D-1 an account by hand."""
    url = f"{emulator.instance_url}/services/data/v66.0"
    headers = {"Authorization": f"Bearer {emulator.access_token}"}
    query = {"q": "SELECT Id FROM Opportunity WHERE Sfsync_Key__c = 'D-1'"}
    [deal] = requests.get(f"{url}/query", params=query, headers=headers, timeout=5).json()["records"]
    place = f"{url}/sobjects/Opportunity/{deal['Id']}"
    assert requests.patch(place, json={"AccountId": account}, headers=headers, timeout=5).ok


@pytest.mark.parametrize("missing", ["", "error"])
def test_by_default_a_row_whose_account_is_missing_is_rejected(desk: Desk, missing: str) -> None:
    """The row is not written, and the run ends with exit code 3."""
    report = desk.sync(of_account(missing), deals=NEW)
    assert ends(report) == [("rejected", "NOT_FOUND")]
    assert report.exit_code == 3


def test_a_deferred_account_is_left_out_said_so_and_set_by_the_next_run_that_finds_it(desk: Desk) -> None:
    """The deal goes now; its account follows without anything being done by hand."""
    first = desk.sync(of_account("defer"), deals=NEW)
    assert ends(first) == [("created", "DEFERRED")]
    assert first.exit_code == 0
    assert [(problem.code, problem.field) for _, _, problem in first.remarks()] == [("DEFERRED", "AccountId")]
    [change] = first.plan.changes
    assert "AccountId" not in change.values

    waiting = desk.sync(of_account("defer"), deals=NEW)
    assert ends(waiting) == [("unchanged", "DEFERRED")]
    assert waiting.usage.writes == 0

    bring(desk, "New Firm")
    last = desk.sync(of_account("defer"), deals=NEW)
    assert ends(last) == [("updated", "")]
    [account] = [each["Id"] for each in desk.fetch("Account", "Name") if each["Name"] == "New Firm"]
    assert desk.deals("AccountId")["D-1"] == account


def test_an_account_that_somebody_chose_while_it_was_deferred_is_a_conflict(
    desk: Desk, emulator: RunningEmulator
) -> None:
    """The run that finds the record does not write over it."""
    desk.sync(of_account("defer"), deals=NEW)
    somebody_chooses(emulator, desk.ids[CANADA])
    bring(desk, "New Firm")
    report = desk.sync(of_account("defer"), deals=NEW)
    assert ends(report) == [("conflicts", "CHANGED_IN_ORG")]
    assert desk.deals("AccountId")["D-1"] == desk.ids[CANADA]


def test_on_an_update_a_deferred_account_stays_as_it_is(desk: Desk) -> None:
    """The deal keeps the account that it has, and its other fields are written."""
    job = of_account("defer").replace('Name = "id"', 'Name = "name"')
    desk.sync(job, deals=f"id,x,name\nD-1,{CLOUDY},One\n")
    report = desk.sync(job, deals="id,x,name\nD-1,New Firm,Two\n")
    assert ends(report) == [("updated", "DEFERRED")]
    assert (desk.deals("AccountId")["D-1"], desk.deals("Name")["D-1"]) == (desk.ids[CLOUDY], "Two")


@pytest.mark.parametrize("missing", ["defer", "skip"])
def test_a_role_whose_contact_is_missing_waits_and_goes_when_the_contact_is_there(
    desk: Desk, missing: str
) -> None:
    """A role cannot be without its contact: it is skipped, the exit code is 0, and the next run brings it."""
    rule = f'{{ column = "x", match = "Email", missing = "{missing}" }}'
    files = {"deals": "id\nD-1\n", "roles": "id,x\nD-1,new@x.example\n"}
    first = desk.sync(deals() + roles(rule), **files)
    code = "WAITS_FOR_PARENT" if missing == "defer" else "LEFT_OUT"
    assert ends(first) == [("created", ""), ("skipped", code)]
    assert first.exit_code == 0

    contacts = """
name = "parents"
org = "local"
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "id"
Email = "email"
"""
    assert desk.sync(contacts, contacts="id,email\nC-1,new@x.example\n").exit_code == 0
    assert ends(desk.sync(deals() + roles(rule), **files)) == [("unchanged", ""), ("created", "")]


def test_a_role_whose_deal_is_missing_waits_too(desk: Desk) -> None:
    """By the rule of the deal's column."""
    job = 'org = "local"\n' + roles(
        '{ column = "x", match = "Email" }',
        deal='{ column = "id", match = "Sfsync_Key__c", missing = "defer" }',
    )
    report = desk.sync(job, roles="id,x\nNOT-YET,leung.chan@getcloudy.example\n")
    assert ends(report) == [("skipped", "WAITS_FOR_PARENT")]
    assert report.exit_code == 0


def test_a_deals_own_contact_that_is_missing_follows_the_deals_rule(desk: Desk) -> None:
    """The deal goes, and the primary contact waits; the problem names the deal's column."""
    job = deals('ContactId = { column = "x", match = "Email", missing = "defer" }')
    report = desk.sync(job, deals="id,x\nD-1,new@x.example\n")
    assert ends(report) == [("created", ""), ("skipped", "WAITS_FOR_PARENT")]
    assert [problem.column for _, _, problem in report.remarks()] == ["x"]


def test_a_skipped_deal_is_left_out_with_the_reason_and_its_roles_with_it(desk: Desk) -> None:
    """The exit code does not change."""
    report = desk.sync(
        of_account("skip") + roles('{ column = "x", match = "Email" }'),
        deals=NEW,
        roles="id,x\nD-1,leung.chan@getcloudy.example\n",
    )
    assert ends(report) == [("skipped", "LEFT_OUT"), ("skipped", "DEAL_LEFT_OUT")]
    assert report.exit_code == 0
    assert 'no Account with Name "New Firm"' in said(report)


@pytest.mark.parametrize("missing", ["error", "defer", "skip", "create"])
def test_several_hits_are_a_problem_under_every_policy(desk: Desk, missing: str) -> None:
    """Missing is about none; nobody but a person chooses among many."""
    report = desk.sync(of_account(missing), deals="id,x\nD-1,Twin Shoes\n")
    assert ends(report) == [("rejected", "AMBIGUOUS")]


@pytest.mark.parametrize("missing", ["error", "defer", "skip"])
@pytest.mark.parametrize("blank", ["", ', blank = "null"'])
def test_a_lookup_is_never_emptied_to_make_a_row_pass(desk: Desk, missing: str, blank: str) -> None:
    """No policy plans null for a lookup whose cell was filled, on a create or on an update."""
    rules = f"""
AccountId = {{ column = "a", match = "Name", missing = "{missing}"{blank} }}
OwnerId = {{ column = "o", match = "Email", missing = "{missing}", inactive = "skip" }}
CampaignId = {{ column = "c", match = "Name", missing = "{missing}"{blank} }}
"""
    rows = "id,a,o,c\nD-1,No Firm,nobody@x.example,No Campaign\nDEAL-1003,No Firm,former.rep@cloudkicks.example,\n"
    before = desk.deals("AccountId")["DEAL-1003"]
    report = desk.sync(deals(rules), deals=rows)
    for change in report.plan.changes:
        for values in (change.values, change.desired):
            assert all(values.get(name, "left alone") is not None for name in ("AccountId", "OwnerId"))
    new = next(each for each in report.plan.changes if each.key == "D-1")
    assert "CampaignId" not in new.desired
    assert desk.deals("AccountId")["DEAL-1003"] == before


def test_a_mirror_deletes_no_role_of_a_deal_whose_rows_wait_for_a_contact(desk: Desk) -> None:
    """The row that waits may be about a role that the deal has."""
    rule = '{ column = "x", match = "Email", missing = "skip" }'
    job = deals(top='[roles]\npolicy = "mirror"') + roles(rule)
    rows = "id,x\nDEAL-1003,gone@x.example\nDEAL-1003,alan.johnson@getcloudy.example\n"
    plan = desk.plan(job, deals="id\nDEAL-1003\n", roles=rows)
    assert not [each for each in plan.changes if each.action is Action.DELETE]


def test_a_deal_whose_record_type_is_missing_can_wait_too(desk: Desk) -> None:
    """A record type that is not there is a record that is not found."""
    job = deals('RecordTypeId = { column = "x", match = "DeveloperName", missing = "skip" }')
    assert ends(desk.sync(job, deals="id,x\nD-1,Wholesale\n")) == [("skipped", "LEFT_OUT")]


def test_a_rule_about_missing_records_belongs_to_references(desk: Desk) -> None:
    """A text cannot be missing in the org."""
    job = deals('NextStep = { column = "x", missing = "defer" }')
    with pytest.raises(ConfigError, match="NextStep is no reference"):
        desk.plan(job, deals="id,x\nD-1,Call\n")
