"""Rows without a key in the org, as a person meets them: import, state, adopt, and sending again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from safety_desk import GRAPHS, HEADER, SafetyDesk, desk_on, org_without_keys, row

from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """An org without key fields, without receipts and without bulk jobs, and a job of one deal."""
    with desk_on(org_without_keys(has_jobs=False), tmp_path) as made:
        made.write(row("D-1"), has_key=False)
        yield made


def lose_an_answer(desk: SafetyDesk, phase: str) -> None:
    """Lets the answer to the next write of deals get lost."""
    desk.emulator.faults.add(FaultScript(Drop(), phase, path=GRAPHS))


def typed_in(hint: str, start: str) -> list[str]:
    """The command that a hint tells to type, from its first words on, as the shell takes it apart."""
    command, *_ = re.split(r"[.;] ", hint[hint.index(start) :])
    return shlex.split(command)[1:]


def test_an_import_without_a_key_field_names_the_command_that_lets_it_begin(desk: SafetyDesk) -> None:
    """The refusal is exit 6 and its command works as it stands; then the plan says what the import rests on."""
    (desk.folder / "my deals.csv").write_text(HEADER.replace("id", "deal no") + row("D-1"))
    words = ("import", "my deals.csv", "--key", "deal no", "-o", "local")
    mapped = ("--map", "name=Name", "--map", "close=CloseDate")
    refused = desk.command(*words, *mapped, "--json")
    assert (refused.exit_code, refused.document["code"]) == (6, "JOURNAL_NEW")
    command = typed_in(refused.document["hint"], "sfsync state init")
    assert command == ["state", "init", "import-my deals", "-o", "local"]
    assert desk.command(*command).exit_code == 0
    done = desk.command(*words, *mapped)
    assert done.exit_code == 0, done.out + done.err
    assert "1 deal by at most once" in done.out
    assert "Deals have no key in the org: rows are known again by this journal alone" in done.out
    again = desk.command(*words, *mapped, "--json").document
    assert again["counts"]["Opportunity"]["unchanged"] == 1
    assert len(desk.deals("Deal D-1")) == 1


def test_roles_of_an_import_find_their_deals_by_the_row_key(desk: SafetyDesk) -> None:
    """A file of roles names its deals by the key column although no field of the org holds it."""
    (desk.folder / "roles.csv").write_text("id,contact,role\nD-1,leung.chan@getcloudy.example,Evaluator\n")
    assert desk.command("state", "init", "import-deals", "-o", "local").exit_code == 0
    words = ("import", "deals.csv", "--roles", "roles.csv", "--key", "id", "-o", "local")
    document = desk.command(*words, "--map", "close=CloseDate", "--json").document
    assert document["counts"]["OpportunityContactRole"]["created"] == 1


def test_an_unknown_row_is_adopted_by_the_command_that_the_report_names(desk: SafetyDesk) -> None:
    """N5: saved, but nobody can say; the report names the look-alike and the command, and the next run knows it."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, AFTER_COMMIT)
    document = desk.run(expected=3)
    [problem] = document["problems"]
    [found] = desk.deals("Deal D-1")
    assert document["guarantee"]["Opportunity"]["at most once"] == 1
    command = typed_in(problem["hint"], "sfsync adopt")
    assert command == ["adopt", "job", "D-1", found["Id"], "-o", "local"]
    assert desk.command(*command).exit_code == 0
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 1


def test_a_record_of_one_row_is_not_adopted_for_another(desk: SafetyDesk) -> None:
    """A slip in the id would let two rows overwrite one record; the refusal names the row that has it."""
    desk.write(row("D-1") + row("D-2"), has_key=False)
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    desk.run()
    [first] = desk.deals("Deal D-1")
    assert desk.command("adopt", "./job.toml", "D-1", first["Id"]).exit_code == 0
    refused = desk.command("adopt", "./job.toml", "D-2", first["Id"], "--json")
    assert (refused.exit_code, refused.document["code"]) == (2, "ADOPTED_ALREADY")
    assert '"D-1"' in refused.document["message"]
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 2
    words = refused.document["hint"].partition("sfsync ")[2].partition(", then")[0]
    assert words == "state forget job D-1 -o local"
    assert desk.command("state", "forget", "./job.toml", "D-1").exit_code == 0
    assert desk.command("adopt", "./job.toml", "D-2", first["Id"]).exit_code == 0


def test_a_row_that_never_arrived_is_forgotten_and_sent_again(desk: SafetyDesk) -> None:
    """After `sfsync state forget` the row goes like a new one; before it every run leaves it unknown."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, BEFORE_READ)
    desk.run(expected=3)
    left = desk.run(expected=3)
    assert left["counts"]["Opportunity"]["unknown"] == 1
    command = typed_in(left["problems"][0]["hint"], "sfsync state forget")
    assert desk.command(*command, "--json").document["forgotten"] == ["Opportunity:D-1"]
    assert desk.run()["counts"]["Opportunity"]["created"] == 1
    assert len(desk.deals("Deal D-1")) == 1


def test_accept_duplicates_sends_again_what_never_arrived_and_says_so(desk: SafetyDesk) -> None:
    """The wait is kept, the row goes, and both the words and the document name it."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, BEFORE_READ)
    desk.run(expected=3)
    shown = desk.command("run", "./job.toml", "--dry-run", "--json").document
    assert shown["counts"]["Opportunity"]["unknown"] == 1
    done = desk.command("run", "./job.toml", "--accept-duplicates", "--wait-for-zombies", "1s", "--json")
    assert (done.exit_code, done.document["counts"]["Opportunity"]["created"]) == (0, 1)
    [note] = [each for each in done.document["notes"] if each["code"] == "SENT_AGAIN"]
    assert (note["line"], note["value"]) == (2, "D-1")
    assert len(desk.deals("Deal D-1")) == 1
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 1


def test_a_retry_can_accept_duplicates_too(desk: SafetyDesk) -> None:
    """Rows of the newest run of which nobody can say go again without their source, and are settled by that."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, BEFORE_READ)
    desk.run(expected=3)
    done = desk.command("retry", "--accept-duplicates", "--wait-for-zombies", "0s", "--json")
    assert (done.exit_code, done.document["counts"]["Opportunity"]["created"]) == (0, 1)
    assert [each["code"] for each in done.document["notes"]] == ["SENT_AGAIN"]
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 1


def test_accept_duplicates_does_not_send_what_a_record_looks_like(desk: SafetyDesk) -> None:
    """Never twice: a row whose look-alike is in the org stays unknown, even at one's word."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, AFTER_COMMIT)
    desk.run(expected=3)
    desk.run("--accept-duplicates", "--wait-for-zombies", "1s", expected=3)
    assert len(desk.deals("Deal D-1")) == 1


def test_a_plan_that_is_stopped_accepts_nothing(desk: SafetyDesk) -> None:
    """A guard that stops the run leaves the rows as unknown as they were."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, BEFORE_READ)
    desk.run(expected=3)
    desk.run("--accept-duplicates", "--wait-for-zombies", "0s", "--max-changes", "0", expected=6)
    assert desk.run(expected=3)["counts"]["Opportunity"]["unknown"] == 1


def test_state_show_needs_no_org(desk: SafetyDesk) -> None:
    """Runs, open rows and known records are shown with the org gone and no login given."""
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    lose_an_answer(desk, BEFORE_READ)
    run = desk.run(expected=3)["run"]
    offline = {
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": "http://127.0.0.1:1",
        "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": "",
    }
    done = desk.command("state", "show", "./job.toml", "--json", **offline)
    document = done.document
    assert (done.exit_code, document["may_begin"], document["runs"][0]["run_id"]) == (0, True, run)
    assert [each["change"] for each in document["open"]] == ["Opportunity:D-1"]
    text = desk.command("state", "show", "job", **offline).out
    assert "Opportunity:D-1 (unknown)" in text
    assert "sfsync adopt job KEY RECORD_ID" in text
    org = document["org_id"]
    forgotten = desk.command("state", "forget", "job", "D-1", "--org-id", org, **offline)
    assert forgotten.exit_code == 0, forgotten.err
    assert desk.command("state", "show", "nobody", "--json").document["org_id"] == ""


def test_check_says_what_a_keyless_job_rests_on_and_what_would_be_better(desk: SafetyDesk) -> None:
    """Words and data name the route, its conditions, the missing key and the missing receipts."""
    document = desk.command("check", "./job.toml", "--json").document
    found = document["guarantees"]["Opportunity"]
    assert found["route"] == document["routes"]["Opportunity"] == "at most once"
    assert any("journal alone" in each for each in found["rests_on"])
    assert any("Sfsync_Receipt__c" in each for each in found["better"])
    assert any("add a key field to Opportunity" in each for each in found["better"])
    text = desk.command("check", "./job.toml").out
    assert "better: let an administrator add the object Sfsync_Receipt__c" in text


def test_with_bulk_jobs_a_keyless_import_goes_by_the_job_fence(tmp_path: Path) -> None:
    """The plan counts the route and says on what it rests; so does the document."""
    with desk_on(org_without_keys(), tmp_path) as desk:
        desk.write(row("D-1") + row("D-2"), has_key=False)
        assert desk.command("state", "init", "./job.toml").exit_code == 0
        assert "2 deals by job fence: safe with one journal" in desk.command("plan", "./job.toml").out
        document = desk.run()
        assert document["guarantee"]["Opportunity"]["job fence"] == 2
        assert document["counts"]["Opportunity"]["created"] == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", ""), ("a.csv", HEADER), ("a.jsonl", ""), ("a.json", "[]")],
    ids=["empty csv", "header alone", "empty jsonl", "empty list"],
)
def test_i2_an_empty_source_stops_the_run(desk: SafetyDesk, name: str, content: str) -> None:
    """Exit 5 for every reader: an export that failed must not look like a day without deals."""
    (desk.folder / name).write_text(content)
    text = (desk.folder / "job.toml").read_text().replace("deals.csv", name)
    (desk.folder / "job.toml").write_text(text)
    assert desk.command("state", "init", "./job.toml").exit_code == 0
    done = desk.command("run", "./job.toml", "--json")
    assert (done.exit_code, done.document["code"]) == (5, "SOURCE_EMPTY")
