"""A large run is written in portions, and to whoever types the commands it is one run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Done, warm_sfsync
from main_job_bench import ORG_FILE, Bench
from portioned import book_of, run_in_portions, write_families
from postgres_cluster import Cluster

from sfsync.app.books import apply_book
from sfsync.app.workplace import opened
from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.jobs import load_job

RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The example org and a job of accounts, contacts, deals and roles."""
    with running(ORG_FILE) as emulator:
        made = Bench(emulator, tmp_path)
        write_families(made, 5, bad={3})
        yield made


def command(bench: Bench, *arguments: str) -> Done:
    """Types a command."""
    return warm_sfsync(*arguments, environ=bench.environ, cwd=bench.folder)


def refuse(bench: Bench, *keys: str) -> None:
    """Lets the org refuse rows that carry a value."""
    bench.emulator.faults.add(FaultScript(FailRows(keys=keys, code=RULE), path="/composite", count=None))


def stopped_run(bench: Bench) -> str:
    """A run in twelve portions that too many failures have stopped in the middle; its name."""
    refuse(bench, "D-1-1", "D-2-1", "D-4-1")
    report = run_in_portions(bench, 12, max_failures=1).document
    assert report.stopped is not None
    bench.emulator.faults.clear()
    for file in bench.folder.glob("*.csv"):
        file.unlink()
    return report.run_id


def test_resume_goes_on_with_the_first_unfinished_portion_and_needs_no_source(bench: Bench) -> None:
    """One command ends the run; its document counts all rows, and its folder is one, named by the whole."""
    run = stopped_run(bench)
    done = command(bench, "resume", "--json")
    document = done.document
    assert (done.exit_code, document["run"]) == (3, run)
    counts = document["counts"]["Opportunity"]
    assert (counts["rows"], counts["unprocessed"]) == (10, 0)
    assert counts["created"] + counts["rejected"] == 10
    folder = Path(document["files"]["results"]).parent
    assert folder.name == run
    assert [each.name for each in folder.parent.iterdir()] == [run]
    rows = json.loads((folder / "run_results.json").read_text())["rows"]
    assert [each["line"] for each in rows if each["sobject"] == "Opportunity"] == list(range(2, 12))
    successes = (folder / "successes.csv").read_text().splitlines()
    assert len(successes) == 1 + sum(document["counts"][name]["created"] for name in document["counts"])
    rejects = (folder / "rejects-opportunities.csv").read_text().splitlines()
    assert [each.split(",")[0] for each in rejects[1:]] == sorted(each.split(",")[0] for each in rejects[1:])
    assert command(bench, "resume").exit_code == 2


def test_state_show_lists_a_run_in_portions_once(bench: Bench) -> None:
    """Its rows are added up, and it is interrupted until all portions have ended."""
    run = stopped_run(bench)
    shown = command(bench, "state", "show", "deals")
    assert f"{run}: 30 rows, interrupted; sfsync resume goes on" in shown.out
    assert "1 runs" in shown.out
    command(bench, "resume")
    assert f"{run}: 30 rows, exit code 3" in command(bench, "state", "show", "deals").out
    [told] = command(bench, "state", "show", "deals", "--json").document["runs"]
    assert (told["run_id"], told["portions"]) == (run, 12)


def test_retry_makes_one_plan_of_the_failed_rows_of_all_portions(bench: Bench) -> None:
    """What the org refused goes again in one plan, without the source."""
    refuse(bench, "D-1-1", "D-2-2", "Account 5")
    run = run_in_portions(bench, 12).document.run_id
    bench.emulator.faults.clear()
    done = command(bench, "retry", run, "--json")
    counts = done.document["counts"]
    assert done.exit_code == 0
    assert (counts["Account"]["created"], counts["Contact"]["created"], counts["Opportunity"]["created"]) == (
        1,
        1,
        4,
    )
    assert bench.inserted()["Opportunity"] == 9


def test_undo_shows_all_portions_and_takes_them_back_as_one(bench: Bench) -> None:
    """The numbers shown are those of the whole; the last portion goes first, so that accounts can go."""
    run = run_in_portions(bench, 12).document.run_id
    shown = command(bench, "undo", run, "--dry-run")
    assert shown.exit_code == 0
    assert re.search(r"In all 12 portions: .*delete 9 deals.*delete 5 accounts", shown.out)
    assert len(bench.named("Deal D-1-1")) == 1
    done = command(bench, "undo", run, "--yes", "--json")
    assert (done.exit_code, done.document["undoes"]) == (0, run)
    assert done.document["changes"]["Opportunity"]["deleted"] == 9
    assert bench.named("Deal D-1-1") == []
    accounts = bench.emulator.org.storage.select("Account", '"IsDeleted" = 0 AND "Name" LIKE ?', "Account %")
    assert accounts == []
    assert "2 runs" in command(bench, "state", "show", "deals").out


def test_another_host_goes_on_with_a_run_in_portions_by_the_shared_journal(
    bench: Bench, cluster: Cluster, tmp_path: Path
) -> None:
    """On PostgreSQL the pages are in the journal, so a host without the run's folder ends it, and takes it back."""
    with cluster.brief_schema() as database:
        here = replace(bench, database=database)
        run = stopped_run(here)
        there = replace(here, folder=tmp_path / "other host")
        there.folder.mkdir()
        done = command(there, "resume", "--json")
        assert (done.exit_code, done.document["run"]) == (3, run)
        assert done.document["counts"]["Opportunity"]["unprocessed"] == 0
        assert there.retry().counts["Opportunity"]["created"] == 2
        assert bench.inserted()["Opportunity"] == 9
        there.undo(run)
        assert bench.named("Deal D-5-1") == []


def test_what_reading_back_found_is_told_by_the_run_that_goes_on(bench: Bench) -> None:
    """An audit of portions that had ended before a run was stopped is in the report of its resume."""
    write_families(bench, 5)
    with opened(load_job(bench.job, environ=bench.environ), bench.around) as place, place.locked():
        plan = replace(place.plan(), is_audited=True)
        refuse(bench, "D-5-2")
        limits = replace(place.around.limits, max_failures=0)
        place.around = replace(place.around, limits=limits)
        stopped = apply_book(place, book_of(plan, 14), is_fresh=True)
    assert stopped.stopped is not None
    bench.emulator.faults.clear()
    audit = bench.resume().document.audit
    assert audit is not None
    filled_in = [each.key for each in audit.findings if each.field == "Probability"]
    assert filled_in == [f"D-{number}-{each}" for number in range(1, 6) for each in (1, 2)][:-1]
    assert audit.rows == 5 + 5 + 9 + 9
