"""Rows that are gone from the source, and records that are gone from the org: told, closed, deleted, followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safety_desk import HEADER, ORG_FILE, SafetyDesk, desk_on, row

from sfsync.emulator.org_changes import change_org

DEALS = """
org = "local"
{top}
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
{policy}
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
"""
ACCOUNTS = """
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
{policy}
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
Phone = "phone"
"""
KEYS = [f"D-{number}" for number in range(1, 9)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org, and no job yet."""
    with desk_on(ORG_FILE, tmp_path) as made:
        yield made


def write(
    desk: SafetyDesk, keys: Iterable[str], policy: str = "", *, name: str = "job", top: str = ""
) -> None:
    """Makes a job of deals with those keys."""
    (desk.folder / "deals.csv").write_text(HEADER + "".join(row(each) for each in keys))
    (desk.folder / f"{name}.toml").write_text(DEALS.format(policy=policy, top=top))


def after(desk: SafetyDesk, policy: str, *, left: int = 1) -> None:
    """Brings eight deals, then lets the source lose the last ones."""
    write(desk, KEYS, policy)
    desk.run()
    write(desk, KEYS[: len(KEYS) - left], policy)


def record(desk: SafetyDesk, key: str) -> dict[str, Any]:
    """The one deal with that key, in the recycle bin or not."""
    [found] = desk.emulator.org.storage.select("Opportunity", '"Sfsync_Key__c" = ?', key)
    return found


def somebody(desk: SafetyDesk, **table: Any) -> str:
    """Does something in the org as a person does; the id."""
    return str(change_org(desk.emulator.org, desk.emulator.audit, table)["id"])


def move(desk: SafetyDesk, key: str, stage: str) -> None:
    """Moves a deal to a stage, as a salesperson does."""
    somebody(desk, what="edit", object="Opportunity", id=record(desk, key)["Id"], values={"StageName": stage})


def codes(document: Any) -> list[str]:
    """The codes of a document's notes."""
    return [each["code"] for each in document["notes"]]


def vanished(document: Any) -> list[tuple[str, str, str]]:
    """The vanished rows of a document."""
    return [(each["key"], each["fate"], each["outcome"]) for each in document["gone"]["vanished"]]


def commits(desk: SafetyDesk) -> int:
    """How many record effects the org has seen."""
    return len(desk.emulator.audit.commits)


def test_a_deal_that_the_source_has_no_more_is_told_and_left_alone(desk: SafetyDesk) -> None:
    """By default a vanished row is a note with its key, and stands in the document; nothing is written."""
    after(desk, "")
    before = commits(desk)
    told = desk.run()
    assert codes(told) == ["ROWS_VANISHED"]
    [note] = told["notes"]
    assert (
        note["message"] == 'opportunities: 1 deal that the source has no more is left alone in the org: "D-8"'
    )
    assert vanished(told) == [("D-8", "reported", "")]
    assert (told["counts"]["Opportunity"]["rows"], commits(desk)) == (7, before)


def test_a_job_that_ignores_vanished_rows_says_nothing(desk: SafetyDesk) -> None:
    """Vanished = "ignore" is silence."""
    after(desk, 'vanished = "ignore"')
    told = desk.run()
    assert (codes(told), vanished(told)) == ([], [])


def test_a_vanished_deal_is_closed_once_and_its_row_is_taken_up_again(desk: SafetyDesk) -> None:
    """The plan shows it, the run closes it, the next run leaves it; the row that comes back moves it again."""
    closing = 'allow = ["reopen"]\nvanished = "close"'
    after(desk, closing)
    shown = desk.command("plan", "./job.toml")
    assert "~ Deal D-8: gone from the source (D-8)" in shown.out
    assert "StageName: Prospecting -> Closed Lost" in shown.out
    assert vanished(desk.run()) == [("D-8", "close", "updated")]
    assert record(desk, "D-8")["StageName"] == "Closed Lost"
    move(desk, "D-8", "Qualification")
    before = commits(desk)
    assert vanished(desk.run()) == []
    assert commits(desk) == before, "a deal is closed once; who opens it again has the say"
    move(desk, "D-8", "Closed Lost")
    write(desk, KEYS, closing)
    back = desk.run()
    assert back["counts"]["Opportunity"]["updated"] == 1
    assert record(desk, "D-8")["StageName"] == "Prospecting"
    write(desk, KEYS[:7], closing)
    assert vanished(desk.run()) == [("D-8", "close", "updated")]


def test_a_deal_that_is_closed_already_is_left_alone(desk: SafetyDesk) -> None:
    """A won deal whose row vanishes stays won."""
    after(desk, 'vanished = "close"')
    move(desk, "D-8", "Closed Won")
    before = commits(desk)
    assert vanished(desk.run()) == [("D-8", "closed already", "")]
    assert commits(desk) == before


def test_a_vanished_deal_that_somebody_changed_is_a_conflict_and_left_alone(desk: SafetyDesk) -> None:
    """Also where the change is in a field that the job does not write."""
    after(desk, 'vanished = "close"', left=1)
    later = {"NextStep": "call on Monday", "LastModifiedDate": "2099-01-01T00:00:00.000Z"}
    desk.emulator.org.storage.update("Opportunity", record(desk, "D-8")["Id"], later)
    before = commits(desk)
    told = desk.run()
    assert codes(told) == ["VANISHED_CHANGED_IN_ORG"]
    assert (vanished(told), commits(desk)) == ([("D-8", "changed in the org", "")], before)


def test_a_closing_stage_must_be_a_closed_stage_of_the_org(desk: SafetyDesk) -> None:
    """An open stage stops the job and names the closed ones."""
    write(desk, KEYS, 'vanished = "close"\nvanished_stage = "Closed Losd"')
    done = desk.command("run", "./job.toml")
    assert done.exit_code == 2
    assert 'vanished_stage: "Closed Losd" is no active closed stage' in done.err
    assert 'Did you mean "Closed Lost"' in done.err


def test_a_vanished_deal_is_deleted_only_with_allow_deletes(desk: SafetyDesk) -> None:
    """Without the option the run stops before it writes; with it the deal goes, and comes back as a new one."""
    after(desk, 'vanished = "delete"')
    assert desk.run(expected=6)["code"] == "DELETES_NOT_ALLOWED"
    assert record(desk, "D-8")["IsDeleted"] == 0
    assert vanished(desk.run("--allow-deletes")) == [("D-8", "delete", "deleted")]
    assert record(desk, "D-8")["IsDeleted"] == 1
    assert vanished(desk.run("--allow-deletes")) == []
    write(desk, KEYS, 'vanished = "delete"')
    assert desk.run()["counts"]["Opportunity"]["created"] == 1


def test_a_deal_that_the_job_did_not_create_is_never_deleted(desk: SafetyDesk) -> None:
    """A record that the job only met in the org is left alone and told."""
    values = {
        "Name": "Deal D-8",
        "StageName": "Prospecting",
        "CloseDate": "2027-01-31",
        "Sfsync_Key__c": "D-8",
    }
    somebody(desk, what="create", object="Opportunity", values=values)
    after(desk, 'vanished = "delete"')
    told = desk.run("--allow-deletes")
    assert codes(told) == ["VANISHED_NOT_OURS"]
    assert record(desk, "D-8")["IsDeleted"] == 0


@pytest.mark.parametrize("policy", ["close", "delete"])
def test_a_source_that_lost_most_of_its_rows_waits_for_a_person(desk: SafetyDesk, policy: str) -> None:
    """More than a fifth of the job's deals goes only when the plan's digest is given back."""
    after(desk, f'vanished = "{policy}"', left=5)
    before = commits(desk)
    done = desk.command("run", "./job.toml", "--json", "--allow-deletes")
    assert (done.exit_code, done.document["code"]) == (6, "OUT_OF_PROPORTION")
    assert "5 of the 8 rows of Opportunity" in done.document["message"]
    assert commits(desk) == before
    digest = done.document["hint"].rpartition("--confirm ")[2].rstrip(".")
    told = desk.run("--allow-deletes", "--confirm", digest)
    assert len(vanished(told)) == 5


def test_max_changes_counts_vanished_deals(desk: SafetyDesk) -> None:
    """A limit on changes is one on closings too."""
    after(desk, 'vanished = "close"')
    assert desk.run("--max-changes", "0", expected=6)["code"] == "TOO_MANY_CHANGES"


def test_an_empty_source_closes_nothing(desk: SafetyDesk) -> None:
    """A file without rows is exit 5, as ever."""
    after(desk, 'vanished = "close"')
    (desk.folder / "deals.csv").write_text(HEADER)
    before = commits(desk)
    desk.run(expected=5)
    assert commits(desk) == before


def test_while_one_key_cannot_be_read_nothing_has_vanished(desk: SafetyDesk) -> None:
    """A row without a key, or with too few cells, may be any row; a row with another problem has its key."""
    after(desk, 'vanished = "close"')
    file = desk.folder / "deals.csv"
    whole = file.read_text()
    for bad in (",Deal,Prospecting,2027-01-31\n", "D-8,Deal\n"):
        file.write_text(whole + bad)
        told = desk.run(expected=3)
        assert "VANISHED_UNSURE" in codes(told)
        assert vanished(told) == []
    file.write_text(whole + "D-8,Deal,No such stage,2027-01-31\n")
    told = desk.run(expected=3)
    assert (codes(told), vanished(told)) == ([], [])
    assert record(desk, "D-8")["StageName"] == "Prospecting"


def test_a_deal_that_another_job_still_brings_has_not_vanished(desk: SafetyDesk) -> None:
    """The first job lets it be; once the second has lost it too, it is closed."""
    after(desk, 'vanished = "close"', left=0)
    write(desk, KEYS, 'vanished = "close"', name="other")
    assert desk.command("run", "./other.toml").exit_code == 0
    write(desk, KEYS[:7], 'vanished = "close"')
    told = desk.run()
    assert codes(told) == ["VANISHED_SHARED"]
    assert vanished(told) == [("D-8", "brought by another job", "")]
    done = desk.command("run", "./other.toml", "--json")
    assert vanished(done.document) == [("D-8", "close", "updated")]


def test_an_undo_opens_closed_deals_again_and_names_deleted_ones(desk: SafetyDesk) -> None:
    """What the run closed gets its stage back; what it deleted is for the recycle bin."""
    after(desk, 'vanished = "close"')
    run = desk.run()["run"]
    assert desk.command("undo", run, "--yes").exit_code == 0
    assert record(desk, "D-8")["StageName"] == "Prospecting"
    assert vanished(desk.run()) == []
    write(desk, KEYS[:6], 'vanished = "delete"')
    run = desk.run("--allow-deletes")["run"]
    undone = desk.command("undo", run, "--yes", "--json")
    assert "take it out of the org's recycle bin" in str(undone.document["notes"])


def test_policies_that_do_not_fit_their_section_are_refused(desk: SafetyDesk) -> None:
    """Accounts are never deleted with all that hangs on them; deals are not merged."""
    write(desk, KEYS, 'merged = "follow"\nvanished_stage = "Closed Lost"')
    (desk.folder / "job.toml").write_text(
        (desk.folder / "job.toml").read_text() + ACCOUNTS.format(policy='vanished = "delete"')
    )
    (desk.folder / "accounts.csv").write_text("id,name,phone\nA-1,Acme,1\n")
    done = desk.command("check", "./job.toml")
    assert done.exit_code == 2
    for words in ("is for accounts and contacts", "means nothing without vanished", "is for deals"):
        assert words in done.err


def test_a_deal_that_somebody_deleted_is_parked_with_who_did_it_and_followed_when_it_is_back(
    desk: SafetyDesk,
) -> None:
    """By default nothing is created again; out of the recycle bin it is the row's record as before."""
    write(desk, KEYS)
    desk.run()
    found = record(desk, "D-8")["Id"]
    somebody(desk, what="delete", object="Opportunity", id=found)
    told = desk.run(expected=3)
    [problem] = told["problems"]
    assert (problem["code"], told["counts"]["Opportunity"]["conflicts"]) == ("GONE_FROM_ORG", 1)
    assert "it was deleted by " in problem["message"]
    assert "it is in the recycle bin" in problem["message"]
    somebody(desk, what="undelete", object="Opportunity", id=found)
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 8


def test_a_deleted_deal_is_created_again_once(desk: SafetyDesk) -> None:
    """Deleted = "recreate" makes a new record; when that is deleted too, the row is parked."""
    write(desk, KEYS, 'deleted = "recreate"')
    desk.run()
    somebody(desk, what="delete", object="Opportunity", id=record(desk, "D-8")["Id"])
    assert desk.run()["counts"]["Opportunity"]["created"] == 1
    [again] = desk.deals("Deal D-8")
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 8
    somebody(desk, what="delete", object="Opportunity", id=again["Id"])
    told = desk.run(expected=3)
    assert "was created again at" in told["problems"][0]["message"]
    assert desk.deals("Deal D-8") == []


PEOPLE = """
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
Email = "mail"
AccountId = { column = "account", match = "Sfsync_Key__c" }
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
AccountId = { column = "account", match = "Sfsync_Key__c" }
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "deal"
ContactId = { column = "contact", match = "Email" }
Role = "role"
"""


def write_people(desk: SafetyDesk, accounts: str, policy: str = "", *, own_accounts: bool = True) -> None:
    """A job of accounts, one contact and one deal with a role."""
    head = ACCOUNTS.format(policy=policy) if own_accounts else ""
    (desk.folder / "job.toml").write_text('org = "local"\n' + head + PEOPLE)
    (desk.folder / "accounts.csv").write_text("id,name,phone\n" + accounts)
    (desk.folder / "contacts.csv").write_text("id,name,mail,account\nP-1,Ada,ada@acme.example,A-1\n")
    (desk.folder / "deals.csv").write_text(
        "id,name,stage,close,account\nD-1,Deal,Prospecting,2027-01-31,A-1\n"
    )
    (desk.folder / "roles.csv").write_text("deal,contact,role\nD-1,ada@acme.example,Evaluator\n")


def one(desk: SafetyDesk, sobject: str, key: str) -> dict[str, Any]:
    """The living record with that key."""
    [found] = desk.emulator.org.storage.select(sobject, '"Sfsync_Key__c" = ? AND "IsDeleted" = 0', key)
    return found


def merged_into(desk: SafetyDesk, sobject: str, key: str, **values: Any) -> str:
    """Merges the record with that key into a new one of those values; the id of the new one."""
    loser = one(desk, sobject, key)["Id"]
    master = somebody(desk, what="create", object=sobject, values=values)
    somebody(desk, what="merge", object=sobject, id=master, loser=loser)
    return master


def test_an_account_that_was_merged_is_followed_and_the_master_keeps_its_values(desk: SafetyDesk) -> None:
    """The key is written into the master, whose other values stay until the row changes."""
    write_people(desk, "A-1,Acme,1\n")
    desk.run()
    master = merged_into(desk, "Account", "A-1", Name="Acme International", Phone="900")
    shown = desk.command("plan", "./job.toml").out
    assert "Sfsync_Key__c: (empty) -> A-1" in shown
    assert "Name:" not in shown
    told = desk.run()
    assert told["gone"]["followed"][0]["record_id"] == master
    assert told["notes"] == []
    kept = one(desk, "Account", "A-1")
    assert (kept["Id"], kept["Name"], kept["Phone"]) == (master, "Acme International", "900")
    assert one(desk, "Opportunity", "D-1")["AccountId"] == master
    before = commits(desk)
    assert desk.run()["counts"]["Account"]["unchanged"] == 1
    assert commits(desk) == before
    write_people(desk, "A-1,Acme,2\n")
    desk.run()
    kept = one(desk, "Account", "A-1")
    assert (kept["Name"], kept["Phone"]) == ("Acme International", "2")
    somebody(desk, what="edit", object="Account", id=master, values={"Phone": "999"})
    write_people(desk, "A-1,Acme,3\n")
    assert desk.run(expected=3)["problems"][0]["code"] == "CHANGED_IN_ORG"


def test_two_rows_whose_accounts_became_one_are_a_conflict(desk: SafetyDesk) -> None:
    """The merged row is left alone; the deals that name it go to the master."""
    write_people(desk, "A-1,Acme,1\nA-2,Beta,2\n")
    desk.run()
    master, loser = one(desk, "Account", "A-2")["Id"], one(desk, "Account", "A-1")["Id"]
    somebody(desk, what="merge", object="Account", id=master, loser=loser)
    before = commits(desk)
    told = desk.run(expected=3)
    assert [each["code"] for each in told["problems"]] == ["MERGED_ROWS"]
    assert 'has the key "A-2"' in told["problems"][0]["message"]
    assert told["counts"]["Opportunity"]["unchanged"] == 1
    assert (one(desk, "Opportunity", "D-1")["AccountId"], commits(desk)) == (master, before)


def test_two_merged_rows_never_share_a_new_master(desk: SafetyDesk) -> None:
    """Both were merged into a record that no row is: neither takes it."""
    write_people(desk, "A-1,Acme,1\nA-2,Beta,2\n")
    desk.run()
    master = merged_into(desk, "Account", "A-1", Name="Acme International")
    somebody(desk, what="merge", object="Account", id=master, loser=one(desk, "Account", "A-2")["Id"])
    told = desk.run(expected=3)
    assert [each["code"] for each in told["problems"]] == ["MERGED_ROWS", "MERGED_ROWS"]
    assert told["gone"]["followed"] == []


def test_a_merged_account_is_parked_or_created_again_where_the_job_says_so(desk: SafetyDesk) -> None:
    """With park it is left alone and its master named; recreate makes a new account, once."""
    write_people(desk, "A-1,Acme,1\n", 'merged = "park"')
    desk.run()
    master = merged_into(desk, "Account", "A-1", Name="Acme International")
    told = desk.run(expected=3)
    assert [each["code"] for each in told["problems"]] == ["MERGED_IN_ORG"]
    assert master in told["problems"][0]["message"]
    write_people(desk, "A-1,Acme,1\n", 'merged = "recreate"')
    assert desk.run()["counts"]["Account"]["created"] == 1
    assert one(desk, "Account", "A-1")["Id"] != master
    merged_into(desk, "Account", "A-1", Name="Acme Again")
    assert desk.run(expected=3)["counts"]["Account"]["conflicts"] == 1


def test_deals_that_name_a_merged_account_by_its_old_key_go_to_the_master(desk: SafetyDesk) -> None:
    """Also where accounts are no rows of the job."""
    write_people(desk, "A-1,Acme,1\n")
    desk.run()
    master = merged_into(desk, "Account", "A-1", Name="Acme International")
    write_people(desk, "", own_accounts=False)
    with (desk.folder / "deals.csv").open("a") as file:
        file.write("D-2,Deal 2,Prospecting,2027-01-31,A-1\n")
    counts = desk.run()["counts"]["Opportunity"]
    assert (counts["created"], counts["unchanged"]) == (1, 1)
    assert one(desk, "Opportunity", "D-2")["AccountId"] == master


def test_the_roles_of_a_merged_contact_follow_it(desk: SafetyDesk) -> None:
    """The row is the master now, and so is the deal's role; nothing is written twice."""
    write_people(desk, "A-1,Acme,1\n")
    desk.run()
    master = merged_into(desk, "Contact", "P-1", LastName="Lovelace", Email="lovelace@acme.example")
    told = desk.run()
    assert told["counts"]["OpportunityContactRole"]["unchanged"] == 1
    assert one(desk, "Contact", "P-1")["Id"] == master
    roles = desk.emulator.org.storage.select("OpportunityContactRole", '"IsDeleted" = 0')
    deal = one(desk, "Opportunity", "D-1")["Id"]
    assert [each["ContactId"] for each in roles if each["OpportunityId"] == deal] == [master]
    before = commits(desk)
    desk.run()
    assert commits(desk) == before


def test_a_merge_of_a_merge_is_followed_to_its_end(desk: SafetyDesk) -> None:
    """The last record of the chain is the row's."""
    write_people(desk, "A-1,Acme,1\n")
    desk.run()
    first = merged_into(desk, "Account", "A-1", Name="First")
    last = somebody(desk, what="create", object="Account", values={"Name": "Last"})
    somebody(desk, what="merge", object="Account", id=last, loser=first)
    desk.run()
    assert one(desk, "Account", "A-1")["Id"] == last


def test_a_saved_plan_closes_what_it_shows_and_older_plans_stay_good(desk: SafetyDesk) -> None:
    """A plan says something of gone rows only where there are some, so that earlier ones keep their digest."""
    write(desk, KEYS, 'vanished = "close"')
    assert desk.command("plan", "./job.toml", "--out", "first.json").exit_code == 0
    assert b'"gone":' not in (desk.folder / "first.json").read_bytes()
    assert desk.command("run", "./job.toml", "--plan", "first.json").exit_code == 0
    write(desk, KEYS[:7], 'vanished = "close"')
    assert desk.command("plan", "./job.toml", "--out", "second.json").exit_code == 0
    assert b'"gone":' in (desk.folder / "second.json").read_bytes()
    assert desk.command("run", "./job.toml", "--plan", "second.json").exit_code == 0
    assert record(desk, "D-8")["StageName"] == "Closed Lost"
