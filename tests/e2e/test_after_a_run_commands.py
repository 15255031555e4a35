"""What a person types after a run: retry, undo, and the limits that stop one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from safety_desk import HEADER, ORG_FILE, SafetyDesk, desk_on, org_without_keys, row

from sfsync.app.past_runs import undoing
from sfsync.app.workplace import Surroundings
from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript

ROLES = """
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
"""
RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org and a job of two deals with keys."""
    with desk_on(ORG_FILE, tmp_path) as made:
        made.write(row("D-1") + row("D-2"))
        yield made


def refuse(desk: SafetyDesk, *keys: str) -> None:
    """Lets the org refuse rows that carry a value."""
    desk.emulator.faults.add(FaultScript(FailRows(keys=keys, code=RULE), path="/composite", count=None))


def test_retry_sends_what_failed_and_nothing_else(desk: SafetyDesk) -> None:
    """After the rule is gone, `sfsync retry` creates the refused deal; its document counts that one row."""
    refuse(desk, "D-1")
    assert desk.run(expected=3)["counts"]["Opportunity"]["rejected"] == 1
    desk.emulator.faults.clear()
    done = desk.command("retry", "--code", RULE, "--json")
    counts = done.document["counts"]["Opportunity"]
    assert (done.exit_code, counts["rows"], counts["created"]) == (0, 1, 1)
    assert len(desk.deals("Deal D-1")) == len(desk.deals("Deal D-2")) == 1
    assert desk.command("retry").exit_code == 2


def test_retry_dry_run_writes_nothing(desk: SafetyDesk) -> None:
    """The plan of a retry can be looked at first."""
    refuse(desk, "D-1")
    desk.run(expected=3)
    desk.emulator.faults.clear()
    done = desk.command("retry", "--dry-run")
    assert done.exit_code == 0
    assert "+ Deal D-1" in done.out
    assert desk.deals("Deal D-1") == []


def test_undo_shows_what_goes_and_what_stays_and_takes_it_back(desk: SafetyDesk) -> None:
    """Created deals are deleted, fields get their old values back, and what somebody touched stays and is named."""
    desk.run()
    desk.write(row("D-1", "Renamed") + row("D-2") + row("D-3") + row("D-4"))
    run = desk.run()["run"]
    desk.emulator.org.storage.connection.execute(
        "UPDATE Opportunity SET Description = 'by hand', Name = 'By hand' WHERE Name = 'Deal D-4'"
    )
    shown = desk.command("undo", run, "--dry-run")
    assert shown.exit_code == 0
    assert f"takes back run {run}" in shown.out
    assert re.search(r"- Deal D-3", shown.out)
    assert "Name: Renamed -> Deal D-1" in shown.out
    assert "somebody has touched it since" in shown.out
    assert len(desk.deals("Deal D-3")) == 1
    done = desk.command("undo", run, "--yes", "--json")
    assert (done.exit_code, done.document["undoes"]) == (0, run)
    assert done.document["changes"]["Opportunity"]["deleted"] == 1
    assert [each["code"] for each in done.document["notes"]] == ["NOT_UNDONE"]
    assert (desk.deals("Deal D-3"), len(desk.deals("Deal D-1"))) == ([], 1)
    assert len(desk.deals("By hand")) == 1


def test_an_undo_costs_what_its_plan_predicted(desk: SafetyDesk) -> None:
    """Deletions of deals and roles and updates are all predicted; an undo without writes costs nothing."""
    job = desk.folder / "job.toml"
    job.write_text(job.read_text() + ROLES)
    (desk.folder / "roles.csv").write_text("id,contact,role\nD-2,leung.chan@getcloudy.example,Evaluator\n")
    desk.run()
    (desk.folder / "deals.csv").write_text(
        HEADER + row("D-1", "Renamed") + row("D-2") + row("D-3") + row("D-4")
    )
    (desk.folder / "roles.csv").write_text("id,contact,role\nD-2,alan.johnson@getcloudy.example,Evaluator\n")
    run = desk.run("--updates", "fast")["run"]  # strict ones wait for the second to pass
    with undoing(run, Surroundings(environ=desk.environ)) as (place, plan):
        before = place.gateway.usage
        report = place.apply(plan, is_fresh=True)
    spent = (report.usage.reads - before.reads, report.usage.writes - before.writes)
    assert spent == (plan.predicted.reads, plan.predicted.writes)
    assert plan.predicted.writes == 3
    nothing = desk.command("undo", run, "--yes", "--json").document
    assert (nothing["api"]["predicted_calls"], nothing["api"]["writes"]) == (0, 0)


def test_a_run_that_writes_nothing_tells_what_is_true(desk: SafetyDesk) -> None:
    """A second run has its rows unchanged, not done; an undo has no rows in the org and names no such file."""
    run = desk.run()["run"]
    again = desk.command("run", "./job.toml")
    assert again.exit_code == 0
    assert "Finished: nothing had to be written; 2 rows unchanged." in again.out
    undone = desk.command("undo", run, "--yes", "--json").document
    assert undone["files"]["successes"] == ""
    assert not list((desk.folder / "state").rglob(f"{undone['run']}/successes.csv"))


def test_undo_without_anybody_to_ask_needs_yes(desk: SafetyDesk) -> None:
    """Off a terminal nothing is taken back before --yes is given: exit 2, and nothing is read or written."""
    run = desk.run()["run"]
    done = desk.command("undo", run)
    assert done.exit_code == 2
    assert "--yes" in done.err
    assert len(desk.deals("Deal D-1")) == 1
    text = desk.command("undo", run, "--yes").out
    assert "Deleted in the org: 2 deals." in text
    assert "Finished: 2 records done, none left." in text


def test_undo_says_when_nothing_is_left_to_take_back(desk: SafetyDesk) -> None:
    """Repeated after a complete undo it exits 0, sends no write, and says that nothing is left."""
    run = desk.run()["run"]
    assert desk.command("undo", run, "--yes").exit_code == 0
    done = desk.command("undo", run, "--yes")
    assert done.exit_code == 0
    assert "Finished: nothing is left to take back." in done.out
    assert "ALREADY_UNDONE" in done.out
    assert "leave alone" not in done.out
    assert desk.command("undo", run, "--yes", "--json").document["api"]["writes"] == 0


def test_a_limit_stops_the_run_and_the_plan_says_so_before(desk: SafetyDesk) -> None:
    """--max-changes stops a larger plan with exit 6; sfsync plan shows what would stop it, and writes nothing."""
    planned = desk.command("plan", "./job.toml", "--max-changes", "1")
    assert planned.exit_code == 0
    assert "Writing it would be stopped" in planned.out
    assert desk.run("--max-changes", "1", expected=6)["code"] == "TOO_MANY_CHANGES"
    assert desk.deals("Deal D-1") == []


def test_the_job_file_has_guards_and_the_command_line_wins(desk: SafetyDesk) -> None:
    """[guards] max_changes stops a run; a larger --max-changes lets it go."""
    desk.write(row("D-1") + row("D-2"), top="[guards]\nmax_changes = 1")
    assert desk.run(expected=6)["code"] == "TOO_MANY_CHANGES"
    assert desk.run("--max-changes", "2")["counts"]["Opportunity"]["created"] == 2


def test_a_canary_that_fails_keeps_the_rest_back(desk: SafetyDesk) -> None:
    """--canary 1: the first deal is refused, so the second is never sent; resume goes on once it is corrected."""
    refuse(desk, "D-1")
    document = desk.run("--canary", "1", expected=6)
    assert document["counts"]["Opportunity"]["unprocessed"] == 1
    assert "CANARY_FAILED" in {each["code"] for each in document["notes"]}
    assert desk.deals("Deal D-2") == []


def test_max_failures_ends_a_run_that_goes_wrong(desk: SafetyDesk) -> None:
    """--max-failures 0 stops at the first refused row with exit 6, and the report says why."""
    refuse(desk, "D-1", "D-2")
    document = desk.run("--max-failures", "0", expected=6)
    assert "TOO_MANY_FAILURES" in {each["code"] for each in document["notes"]}


def test_a_route_can_be_demanded(desk: SafetyDesk, tmp_path: Path) -> None:
    """--route receipt-fence raises the route; where the org has no receipts it is refused with what to do."""
    assert desk.run("--route", "receipt-fence")["guarantee"]["Opportunity"]["receipt fence"] == 2
    with desk_on(org_without_keys(), tmp_path) as bare:
        bare.write(row("D-1"), has_key=False)
        bare.command("state", "init", "./job.toml")
        done = bare.command("run", "./job.toml", "--route", "receipt-fence")
        assert done.exit_code == 2
        assert "sfsync org setup" in done.err
        assert bare.deals("Deal D-1") == []


def test_a_saved_plan_takes_no_words_that_belong_to_planning(desk: SafetyDesk, tmp_path: Path) -> None:
    """--route with --plan is a mistake of usage, as a saved plan goes as it is."""
    plan = str(tmp_path / "plan.json")
    assert desk.command("plan", "./job.toml", "--out", plan).exit_code == 0
    assert desk.command("run", "./job.toml", "--plan", plan, "--route", "key-fence").exit_code == 2
    assert desk.command("run", "./job.toml", "--plan", plan).exit_code == 0


def test_a_mirror_shows_what_it_deletes_and_needs_a_word(desk: SafetyDesk) -> None:
    """Without --allow-deletes exit 6 and nothing is gone; with it the plan and the report count the deletion."""
    roles = "id,contact,role\nD-1,leung.chan@getcloudy.example,Evaluator\n"
    more = "D-1,alan.johnson@getcloudy.example,Other\n"
    desk.write(row("D-1"), top='[roles]\npolicy = "mirror"' + ROLES)
    (desk.folder / "roles.csv").write_text(roles + more)
    desk.run()
    (desk.folder / "roles.csv").write_text(roles)
    assert desk.run(expected=6)["code"] == "DELETES_NOT_ALLOWED"
    done = desk.command("run", "./job.toml", "--allow-deletes")
    assert done.exit_code == 0
    assert "as Other is deleted: the source does not have it" in done.out
    assert "Deleted in the org: 1 contact role." in done.out
