"""Deals come back from the org into a file: ids, stage, amount, owner and roles; nothing is written to the org."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safety_desk import ORG_FILE, SafetyDesk, desk_on, row

from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org_changes import change_org

LATER = "2099-01-01T00:00:00.000Z"
LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org with three deals of the job in it."""
    with desk_on(ORG_FILE, tmp_path) as made:
        made.write(row("D-1") + row("D-2") + row("D-3"))
        made.run()
        yield made


def pull(desk: SafetyDesk, *arguments: str, expected: int = 0) -> Any:
    """Pulls the job's deals into pulled.csv; the document."""
    done = desk.command("pull", "./job.toml", "--out", "pulled.csv", "--json", *arguments)
    assert done.exit_code == expected, done.out + done.err
    return done.document


def rows(desk: SafetyDesk) -> dict[str, dict[str, str]]:
    """The rows of pulled.csv by key."""
    with (desk.folder / "pulled.csv").open(newline="") as file:
        return {each["Key"]: each for each in csv.DictReader(file)}


def somebody(desk: SafetyDesk, **table: Any) -> str:
    """Does something in the org as a person does; the id."""
    return str(change_org(desk.emulator.org, desk.emulator.audit, table)["id"])


def deal_id(desk: SafetyDesk, key: str) -> str:
    """The record of a deal."""
    [found] = desk.emulator.org.storage.select("Opportunity", '"Sfsync_Key__c" = ?', key)
    return str(found["Id"])


def long_ago(desk: SafetyDesk) -> None:
    """Lets all that is in the org be old, so that only what comes now is in a pull since the last one."""
    for sobject in ("Opportunity", "OpportunityContactRole"):
        desk.emulator.org.storage.connection.execute(f"UPDATE {sobject} SET SystemModstamp = '{LONG_AGO}'")


def a_contact(desk: SafetyDesk) -> str:
    """A contact of the example org."""
    return str(desk.emulator.org.storage.select("Contact", '"Email" IS NOT NULL')[0]["Id"])


def test_a_pull_brings_back_where_the_jobs_deals_stand(desk: SafetyDesk) -> None:
    """Key first, then id, stage, probability, amount, close date, owner and roles; the org is not written to."""
    found = deal_id(desk, "D-1")
    values = {"StageName": "Qualification", "Amount": 1234.5}
    somebody(desk, what="edit", object="Opportunity", id=found, values=values)
    contact = a_contact(desk)
    role = {"OpportunityId": found, "ContactId": contact, "Role": "Evaluator", "IsPrimary": True}
    somebody(desk, what="create", object="OpportunityContactRole", values=role)
    before = len(desk.emulator.audit.commits)
    document = pull(desk)
    assert document["counts"] | {"deals": 3, "new": 3} == document["counts"]
    assert len(desk.emulator.audit.commits) == before
    assert list(rows(desk)) == ["D-1", "D-2", "D-3"]
    one = rows(desk)["D-1"]
    assert next(iter(one)) == "Key"
    assert (one["Id"], one["StageName"], one["CloseDate"]) == (found, "Qualification", "2027-01-31")
    assert (float(one["Amount"]), float(one["Probability"]), one["IsDeleted"]) == (1234.5, 10.0, "false")
    assert one["OwnerId"].startswith("005")
    assert one["Owner.Name"]
    assert "@" in one["Owner.Email"]
    [member] = json.loads(one["Roles"])
    assert (member["ContactId"], member["Role"], member["IsPrimary"]) == (contact, "Evaluator", True)
    assert "@" in member["Contact.Email"]
    assert stat.S_IMODE((desk.folder / "pulled.csv").stat().st_mode) == 0o600


def test_an_unchanged_second_pull_writes_nothing_new(desk: SafetyDesk) -> None:
    """Neither a whole one nor one since the last; the file is not even touched."""
    pull(desk)
    first = (desk.folder / "pulled.csv").stat()
    for arguments in ((), ("--since", "last"), ("--since", "last")):
        document = pull(desk, *arguments)
        assert document["written"] is False
    again = (desk.folder / "pulled.csv").stat()
    assert (again.st_ino, again.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


def test_a_pull_since_the_last_reads_what_has_changed_and_keeps_the_rest(desk: SafetyDesk) -> None:
    """A moved deal, a deal whose role changed and a deleted one; the others stay as the file has them."""
    pull(desk)
    long_ago(desk)
    somebody(
        desk,
        what="edit",
        object="Opportunity",
        id=deal_id(desk, "D-1"),
        values={"StageName": "Qualification"},
    )
    role = {"OpportunityId": deal_id(desk, "D-2"), "ContactId": a_contact(desk), "Role": "Other"}
    somebody(desk, what="create", object="OpportunityContactRole", values=role)
    desk.emulator.org.storage.update("Opportunity", deal_id(desk, "D-2"), {"SystemModstamp": LONG_AGO})
    document = pull(desk, "--since", "last")
    assert document["since"] < document["watermark"]
    assert document["counts"] | {"deals": 3, "changed": 2, "unchanged": 1} == document["counts"]
    found = rows(desk)
    assert found["D-1"]["StageName"] == "Qualification"
    assert json.loads(found["D-2"]["Roles"])[0]["Role"] == "Other"
    somebody(desk, what="delete", object="Opportunity", id=deal_id(desk, "D-3"))
    document = pull(desk, "--since", "last")
    assert document["counts"]["deleted"] == 1
    assert {key: each["IsDeleted"] for key, each in rows(desk).items()} == {
        "D-1": "false",
        "D-2": "false",
        "D-3": "true",
    }


def test_a_deal_that_the_job_brought_since_the_last_pull_is_added(desk: SafetyDesk) -> None:
    """Also one that stood in the org long before the job met it."""
    values = {
        "Name": "Deal D-4",
        "StageName": "Prospecting",
        "CloseDate": "2027-01-31",
        "Sfsync_Key__c": "D-4",
    }
    somebody(desk, what="create", object="Opportunity", values=values)
    pull(desk)
    long_ago(desk)
    desk.write("".join(row(f"D-{number}") for number in range(1, 6)))
    desk.run()
    assert pull(desk, "--since", "last")["counts"]["new"] == 2
    assert sorted(rows(desk)) == ["D-1", "D-2", "D-3", "D-4", "D-5"]


def test_all_pulls_every_deal_of_the_org_that_has_a_key(desk: SafetyDesk) -> None:
    """Not only the job's own; a deal that loses its key leaves the file."""
    values = {"Name": "Theirs", "StageName": "Prospecting", "CloseDate": "2027-01-31", "Sfsync_Key__c": "X-1"}
    theirs = somebody(desk, what="create", object="Opportunity", values=values)
    pull(desk, "--all")
    assert rows(desk)["X-1"]["Name"] == "Theirs"
    assert {"D-1", "D-2", "D-3"} < set(rows(desk))
    somebody(desk, what="edit", object="Opportunity", id=theirs, values={"Sfsync_Key__c": None})
    assert pull(desk, "--all", "--since", "last")["counts"]["dropped"] == 1
    assert "X-1" not in rows(desk)


def test_a_pull_since_a_time_is_a_file_of_what_has_changed(desk: SafetyDesk) -> None:
    """It moves no watermark."""
    long_ago(desk)
    somebody(desk, what="edit", object="Opportunity", id=deal_id(desk, "D-2"), values={"Amount": 5})
    document = pull(desk, "--since", "2021-01-01T00:00:00Z")
    assert (list(rows(desk)), document["watermark"]) == (["D-2"], "")
    assert pull(desk, "--since", "last")["notes"] == ["there was no pull before, so all deals were read"]


def test_a_file_that_is_not_the_last_pulls_own_is_read_anew(desk: SafetyDesk) -> None:
    """An edited or missing file, and another scope, cost a whole pull and are said."""
    pull(desk)
    (desk.folder / "pulled.csv").write_text("edited")
    document = pull(desk, "--since", "last")
    assert document["notes"] == ["the file is not the one that the last pull wrote, so all deals were read"]
    assert len(rows(desk)) == 3
    assert "another scope" in pull(desk, "--all", "--since", "last")["notes"][0]


def test_a_pull_that_fails_leaves_the_old_file_and_the_old_time(desk: SafetyDesk) -> None:
    """An org that refuses in the middle: exit code, no half file, and the next pull brings all that was missed."""
    pull(desk)
    long_ago(desk)
    somebody(desk, what="edit", object="Opportunity", id=deal_id(desk, "D-1"), values={"Amount": 7})
    old = (desk.folder / "pulled.csv").read_bytes()
    script = FaultScript(
        Refuse(403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]), path="/query", nth=2
    )
    desk.emulator.faults.add(script)
    done = desk.command("pull", "./job.toml", "--out", "pulled.csv", "--since", "last")
    assert done.exit_code == 4
    desk.emulator.faults.clear()
    assert (desk.folder / "pulled.csv").read_bytes() == old
    assert list(desk.folder.glob(".pulled*")) == []
    assert pull(desk, "--since", "last")["counts"]["changed"] == 1


def test_cells_that_a_spreadsheet_would_take_for_a_formula_are_marked(desk: SafetyDesk) -> None:
    """In CSV by an apostrophe, as in the rejects; JSON Lines hold the text as it is."""
    name = "=HYPERLINK(1)"
    somebody(
        desk, what="edit", object="Opportunity", id=deal_id(desk, "D-1"), values={"Name": name, "Amount": -5}
    )
    pull(desk)
    assert (rows(desk)["D-1"]["Name"], float(rows(desk)["D-1"]["Amount"])) == (f"'{name}", -5.0)
    done = desk.command("pull", "./job.toml", "--format", "jsonl")
    assert "job.deals.jsonl: 3 deals (3 new)" in done.out
    lines = [json.loads(each) for each in (desk.folder / "job.deals.jsonl").read_text().splitlines()]
    assert (lines[0]["Key"], lines[0]["Name"], lines[0]["Amount"], lines[0]["Roles"]) == (
        "D-1",
        name,
        -5.0,
        [],
    )
    done = desk.command("pull", "./job.toml", "--format", "jsonl", "--since", "last")
    assert "unchanged, not written again" in done.out


def test_a_time_that_is_none_is_refused(desk: SafetyDesk) -> None:
    """The message has an example."""
    done = desk.command("pull", "./job.toml", "--since", "yesterday")
    assert done.exit_code == 2
    assert "2026-09-30T12:00:00Z" in done.err


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("nowhere/pulled.csv", "there is no folder {folder}/nowhere"),
        ("deals.csv/pulled.csv", "{folder}/deals.csv is no folder"),
        (".", "it is a folder"),
    ],
)
def test_a_pull_to_a_place_where_no_file_can_be_is_refused_before_any_call(
    desk: SafetyDesk, out: str, why: str
) -> None:
    """Exit 2, the folder by name, and nothing is made: a folder with a typing error is nobody's wish."""
    already = len(desk.emulator.audit.requests)
    place = f"{desk.folder}/{out}"
    done = desk.command("pull", "./job.toml", "--out", place, "--json")
    assert (done.exit_code, done.document["code"]) == (2, "UNWRITABLE")
    assert why.format(folder=desk.folder) in done.document["message"]
    assert "--out FILE" in done.document["hint"]
    assert len(desk.emulator.audit.requests) == already
    assert not (desk.folder / "nowhere").exists()
