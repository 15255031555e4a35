"""Deals that were in the org before the job: candidates with scores, a person's word, and never a second record."""

from __future__ import annotations

import contextlib
import csv
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import PROGRAM, Done
from safety_desk import ORG_FILE, ROOT, SafetyDesk, desk_on, org_without_keys

HEADER = "id,name,stage,close,amount,account\n"
JOB = """
org = "local"
[opportunities]
file = "deals.csv"
{key}
[opportunities.fields]
{mapped}
Name = "name"
StageName = "stage"
CloseDate = "close"
Amount = "amount"
AccountId = {{ column = "account", match = "Name" }}
"""
CLOUDY = "Get Cloudy Consulting"


def write(desk: SafetyDesk, *rows: str, has_key: bool = True) -> None:
    """Makes these rows the job job.toml."""
    (desk.folder / "deals.csv").write_text(HEADER + "".join(f"{each}\n" for each in rows))
    key, mapped = 'key = "Sfsync_Key__c"', 'Sfsync_Key__c = "id"'
    text = JOB.format(key=key, mapped=mapped) if has_key else JOB.format(key='row_key = "id"', mapped="")
    (desk.folder / "job.toml").write_text(text)


def sneakers(key: str, name: str = "Get Cloudy - 40 Trail Sneakers", account: str = CLOUDY) -> str:
    """A row about sneakers."""
    return f"{key},{name},Prospecting,2027-01-31,3000.00,{account}"


def create(desk: SafetyDesk, **values: Any) -> str:
    """A deal that a salesperson made in the org by hand."""
    [account] = desk.emulator.org.storage.select("Account", '"Name" = ?', CLOUDY)
    deal = {
        "Name": "Get Cloudy: Trail Sneakers (40)",
        "StageName": "Prospecting",
        "CloseDate": "2027-02-03",
        "Amount": 3000,
        "AccountId": account["Id"],
    }
    return call(desk, "POST", "Opportunity", deal | values)["id"]


def call(desk: SafetyDesk, method: str, path: str, values: dict[str, Any]) -> Any:
    """One call of the REST API, as another tool makes it."""
    answer = requests.request(
        method,
        f"{desk.emulator.instance_url}/services/data/v66.0/sobjects/{path}",
        json=values,
        headers={"Authorization": f"Bearer {desk.emulator.access_token}"},
        timeout=10,
    )
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def listed(desk: SafetyDesk) -> list[dict[str, Any]]:
    """The candidates as the document has them."""
    done = desk.command("adopt", "./job.toml", "--candidates", "--json")
    assert done.exit_code == 0, done.out + done.err
    found: list[dict[str, Any]] = done.document["candidates"]
    return found


def save(desk: SafetyDesk) -> Path:
    """Saves the candidates to adopt.csv."""
    done = desk.command("adopt", "./job.toml", "--candidates", "--out", "adopt.csv")
    assert done.exit_code == 0, done.out + done.err
    return desk.folder / "adopt.csv"


def say_yes(path: Path, *numbers: int) -> None:
    """Fills in yes under adopt at those candidates, from 0; at all of them when none is named."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number in numbers or range(len(rows)):
        rows[number]["adopt"] = "yes"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def confirm(desk: SafetyDesk) -> Done:
    """Confirms adopt.csv."""
    return desk.command("adopt", "./job.toml", "--confirm", "adopt.csv", "--json")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org and a job of one deal that a salesperson has made by hand already."""
    with desk_on(ORG_FILE, tmp_path) as made:
        write(made, sneakers("D-1"))
        yield made


def test_a_deal_without_a_key_is_listed_with_a_score_and_its_reasons(desk: SafetyDesk) -> None:
    """Same account, equal amount, the same words and close dates three days apart; nothing is written."""
    found = create(desk)
    [candidate] = listed(desk)
    assert (candidate["change"], candidate["record_id"]) == ("Opportunity:D-1", found)
    assert candidate["standing"] == "match"
    assert candidate["score"] > 0.9
    assert candidate["reasons"][1:4] == ["same account", "amount equal", "close date 3 days apart"]
    assert desk.deals("Get Cloudy: Trail Sneakers (40)")[0]["Sfsync_Key__c"] is None


def test_a_confirmed_deal_gets_the_key_and_the_next_run_updates_it(desk: SafetyDesk) -> None:
    """The plan shows it as adopted, the run updates what differs, and there is no second record, ever."""
    found = create(desk)
    say_yes(save(desk))
    done = confirm(desk)
    assert done.exit_code == 0, done.out + done.err
    assert done.document["adopted"] == [{"change": "Opportunity:D-1", "record_id": found}]
    plan = desk.command("plan", "./job.toml", "--json").document
    assert (plan["counts"]["Opportunity"]["updated"], plan["changes"]["Opportunity"]["adopted"]) == (1, 1)
    assert desk.run()["counts"]["Opportunity"]["updated"] == 1
    [record] = desk.deals("Get Cloudy - 40 Trail Sneakers")
    assert (record["Id"], record["Sfsync_Key__c"]) == (found, "D-1")
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 1
    assert desk.emulator.org.storage.select("Opportunity", '"Name" LIKE ?', "%Trail%") == [record]


def test_nothing_is_adopted_without_a_persons_word(desk: SafetyDesk) -> None:
    """A file without a yes adopts nothing; off a terminal the bare command asks nobody and is refused."""
    create(desk)
    save(desk)
    done = confirm(desk)
    assert (done.exit_code, done.document["adopted"]) == (0, [])
    assert desk.command("adopt", "./job.toml").exit_code == 2


def test_a_tie_is_shown_and_only_a_person_chooses(desk: SafetyDesk) -> None:
    """Two deals that are as good: both are listed as a tie, and a yes at one of them is taken."""
    first, second = create(desk), create(desk)
    found = listed(desk)
    assert {each["standing"] for each in found} == {"tie"}
    assert {each["record_id"] for each in found} == {first, second}
    path = save(desk)
    say_yes(path)
    both = confirm(desk)
    assert (both.exit_code, both.document["code"]) == (2, "BAD_ADOPTION_FILE")
    say_yes(save(desk), 1)
    assert confirm(desk).document["adopted"][0]["record_id"] == found[1]["record_id"]


def test_one_record_goes_to_the_row_it_is_the_best_for(desk: SafetyDesk) -> None:
    """Two rows at one account: each gets the deal that is best for it, and neither the other's."""
    write(desk, sneakers("D-1"), sneakers("D-2", "Get Cloudy - 10 Rain Boots"))
    shoes, boots = create(desk), create(desk, Name="Get Cloudy 10 Rain Boots")
    pairs = {each["change"]: each["record_id"] for each in listed(desk)}
    assert pairs == {"Opportunity:D-1": shoes, "Opportunity:D-2": boots}


def test_deals_with_a_key_are_no_candidates(desk: SafetyDesk) -> None:
    """They are other rows' already."""
    create(desk, Sfsync_Key__c="D-77")
    assert listed(desk) == []


def test_a_row_without_an_account_is_looked_for_by_the_words_of_its_name(desk: SafetyDesk) -> None:
    """Its name alone makes no good score, and it is found all the same; a wildcard in a name is a letter."""
    write(desk, sneakers("D-1", "Summer_Run% 'Special' Sneakers", account=""))
    found = create(desk, Name="Summer_Run% 'Special' Sneakers")
    create(desk, Name="Something else altogether")
    [candidate] = listed(desk)
    assert candidate["record_id"] == found
    assert "no account to compare" in candidate["reasons"]


def test_confirming_twice_changes_nothing_more(desk: SafetyDesk) -> None:
    """What is adopted already is said again as adopted, and no write is made."""
    create(desk)
    say_yes(save(desk))
    first = confirm(desk).document
    commits = len(desk.emulator.audit.commits)
    again = confirm(desk).document
    assert again["adopted"] == first["adopted"]
    assert len(desk.emulator.audit.commits) == commits


def test_an_adoption_is_taken_back_by_undo(desk: SafetyDesk) -> None:
    """It was a run of the job: undo clears the key again, and touches nothing else."""
    create(desk)
    say_yes(save(desk))
    run = confirm(desk).document["run"]
    done = desk.command("undo", run, "--yes", "--json")
    assert done.exit_code == 0, done.out + done.err
    [record] = desk.deals("Get Cloudy: Trail Sneakers (40)")
    assert record["Sfsync_Key__c"] is None


def test_an_adoption_of_some_rows_counts_as_a_run_of_the_whole_source(desk: SafetyDesk) -> None:
    """Else the next run would seem to have grown out of proportion."""
    write(desk, sneakers("D-1"), sneakers("D-2", "Get Cloudy - 10 Rain Boots"))
    create(desk)
    say_yes(save(desk))
    assert len(confirm(desk).document["adopted"]) == 1
    assert ": 2 rows, exit code 0" in desk.command("state", "show", "job").out


def test_a_file_that_names_a_row_of_another_source_is_refused(desk: SafetyDesk) -> None:
    """The row is gone from the source since; nothing is adopted, and the refusal says to list again."""
    create(desk)
    say_yes(save(desk))
    write(desk, sneakers("D-2"))
    refused = confirm(desk)
    assert (refused.exit_code, refused.document["code"]) == (2, "NO_SUCH_ROW")


def test_a_row_without_a_key_in_the_org_is_remembered_by_the_journal(tmp_path: Path) -> None:
    """Nothing is written to the org; the next run updates the record where it differs."""
    with desk_on(org_without_keys(has_jobs=False), tmp_path) as desk:
        write(desk, sneakers("D-1"), has_key=False)
        assert desk.command("state", "init", "./job.toml").exit_code == 0
        found = create(desk)
        commits = len(desk.emulator.audit.commits)
        say_yes(save(desk))
        assert confirm(desk).document["adopted"] == [{"change": "Opportunity:D-1", "record_id": found}]
        assert len(desk.emulator.audit.commits) == commits
        assert listed(desk) == []
        assert desk.run()["counts"]["Opportunity"]["updated"] == 1
        assert desk.run()["counts"]["Opportunity"]["unchanged"] == 1


def test_on_a_terminal_each_match_is_asked_about_and_a_no_adopts_nothing(desk: SafetyDesk) -> None:
    """The bare command asks; an empty answer is no, y is yes."""
    found = create(desk)
    for answer, key in ((b"\n", None), (b"y\n", "D-1")):
        code, said = at_a_terminal(desk, answer, "adopt", "./job.toml")
        assert code == 0, said
        [record] = desk.deals("Get Cloudy: Trail Sneakers (40)")
        assert (record["Id"], record["Sfsync_Key__c"]) == (found, key)


def at_a_terminal(desk: SafetyDesk, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own, with that answer to its question; the exit code and what it said."""
    ours, theirs = pty.openpty()
    environ = desk.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*PROGRAM, *arguments], env=environ, cwd=desk.folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, answer)
        said = b""
        with contextlib.suppress(OSError):  # a terminal whose other side is gone cannot be read
            while block := os.read(ours, 4096):
                said += block
    os.close(ours)
    return process.returncode, said.decode()


def test_a_person_at_a_terminal_sees_scores_and_reasons(desk: SafetyDesk) -> None:
    """The list without --json: one line for the pair and one for why."""
    found = create(desk)
    done = desk.command("adopt", "./job.toml", "--candidates")
    assert "rows without a record by their key: 1; candidates in the org: 1" in done.out
    assert f'(Opportunity:D-1, line 2) is {found} "Get Cloudy: Trail Sneakers (40)"' in done.out
    assert "same account, amount equal, close date 3 days apart" in done.out


def test_on_a_terminal_adopting_names_the_run_and_says_what_was_adopted_already(desk: SafetyDesk) -> None:
    """The run's name is what undo takes; confirming the file again adopts nothing anew."""
    found = create(desk)
    say_yes(save(desk))
    first = desk.command("adopt", "./job.toml", "--confirm", "adopt.csv")
    assert f"Opportunity:D-1 is {found} from now on" in first.out
    [undo] = [line for line in first.out.splitlines() if "sfsync undo" in line]
    again = desk.command("adopt", "./job.toml", "--confirm", "adopt.csv")
    assert f"Opportunity:D-1 is {found} already." in again.out
    assert ("from now on" in again.out, "sfsync undo" in again.out) == (False, False)
    assert confirm(desk).document["already"] == ["Opportunity:D-1"]
    run = undo.partition("sfsync undo ")[2].split()[0]
    done = desk.command("undo", run, "--yes")
    assert done.exit_code == 0, done.out + done.err
    assert desk.deals("Get Cloudy: Trail Sneakers (40)")[0]["Sfsync_Key__c"] is None


def test_a_row_without_a_key_that_was_adopted_already_says_so(tmp_path: Path) -> None:
    """Nothing is written to the org, so there is no run to take back."""
    with desk_on(org_without_keys(), tmp_path) as desk:
        write(desk, sneakers("D-1"), has_key=False)
        assert desk.command("state", "init", "./job.toml").exit_code == 0
        found = create(desk)
        say_yes(save(desk))
        first = desk.command("adopt", "./job.toml", "--confirm", "adopt.csv")
        assert (f"is {found} from now on" in first.out, "sfsync undo" in first.out) == (True, False)
        assert f"is {found} already." in desk.command("adopt", "./job.toml", "--confirm", "adopt.csv").out
