"""The commands below runs: past runs are listed, shown, reported; old files go and what is open stays."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deal_desk import DealDesk, deal_desk, row

from sfsync.app.books import sync
from sfsync.app.job_locks import lock_name
from sfsync.app.run_history import known_runs, old_folders
from sfsync.cli import main
from sfsync.core.ports import ChangeRecord, ChangeState, RunRecord
from sfsync.jobs import load_job
from sfsync.journal import open_journal

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory):
    """A desk whose journal knows three runs: one that left a row undone, one that is good, one of a plan alone."""
    with deal_desk(tmp_path_factory.mktemp("past")) as made:
        made.write(row("D-1"), row("D-2", stage="Nowhere"))
        with environment(made):
            assert main.run(["run", made.job, "--json"]) == 3
            made.write(row("D-1"))
            assert main.run(["run", made.job, "--json"]) == 0
            assert main.run(["plan", made.job, "--json"]) == 0
        yield made


@contextmanager
def environment(desk: DealDesk) -> Iterator[None]:
    """The desk's environment in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in desk.environ.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def typed(desk: DealDesk, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Types a command line and returns exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main.run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    with environment(desk):
        yield run


def test_runs_are_listed_with_their_ends_and_counts(desk: DealDesk, typed: Typed) -> None:
    """Newest first, of all jobs or of one; a plan that was not applied is no run."""
    code, out, _ = typed("runs", "list", "--json")
    document = json.loads(out)
    assert (code, document["schema"], document["known"]) == (0, "sfsync.runs/1", 2)
    good, bad = document["runs"]
    assert [good["exit_code"], bad["exit_code"]] == [0, 3]
    assert bad["counts"]["Opportunity"]["rejected"] == 1
    assert good["started_at"] <= good["ended_at"]
    assert good["org_id"] == desk.emulator.org.id
    code, out, _ = typed("runs", "list", "--limit", "1")
    assert out.splitlines()[0].startswith(f"{good['run']}  deals in {good['org_id']}: exit 0, 1 row, ")
    assert out.splitlines()[1] == "... and 1 older ones; --limit shows more"
    assert typed("runs", "list", "--job", "other")[1] == "the journal knows no run of job other\n"


def test_a_run_is_shown_and_its_report_is_found(desk: DealDesk, typed: Typed) -> None:
    """What became of it, its files, and what to type next; a run that nobody knows is exit 2 with the newest."""
    bad = json.loads(typed("runs", "list", "--json")[1])["runs"][1]["run"]
    code, out, _ = typed("runs", "show", bad)
    assert code == 0
    assert "  Opportunity: rows 2, created 1, rejected 1\n" in out
    assert f"  next: look at its report, then sfsync retry {bad}" in out
    code, out, _ = typed("runs", "report", bad)
    page = Path(out.strip())
    told = page.read_text()
    assert (code, told[:15].lower()) == (0, "<!doctype html>")
    page.unlink()
    assert (typed("runs", "report", bad)[1], page.read_text()) == (out, told)  # made again from the results
    code, _, err = typed("runs", "show", "20200101T000000Z-000000")
    assert (code, "The newest runs: 2" in err) == (2, True)


def test_old_files_go_and_what_is_open_stays(desk: DealDesk, typed: Typed) -> None:
    """By age, plans that nobody applied too; a dry run says what would go, and the journal still knows the runs."""
    later = replace(desk.around, clock=lambda: datetime.now(UTC) + timedelta(days=90, seconds=-30))
    assert old_folders(later, older_than=timedelta(days=90)) == []
    code, out, _ = typed("runs", "prune", "--older-than", "90d", "--dry-run")
    assert (code, out) == (0, "0 folders to go, 0.0 kB\n")
    assert len(list((desk.folder / "state" / "runs" / "deals").iterdir())) == 3
    good, bad = known_runs(desk.around)
    left_open(desk, bad.record.run_id)
    document = json.loads(typed("runs", "prune", "--older-than", "0d", "--json")[1])
    gone = {each["run"] for each in document["folders"]}
    assert good.record.run_id in gone
    assert bad.record.run_id not in gone
    assert (len(gone), document["plans"], document["not_removed"]) == (2, 1, 0)
    assert document["bytes"] > 1000
    assert [each.has_files for each in known_runs(desk.around)] == [False, True]
    code, _, err = typed("runs", "report", good.record.run_id)
    assert (code, "its files were pruned" in err) == (2, True)
    code, _, err = typed("undo", good.record.run_id, "--yes")
    assert code == 6
    assert err.startswith(
        f"error: the plan of run {good.record.run_id} is gone: its files were pruned, or they are "
    )
    assert "can be neither undone nor retried; what it brought stays in the org" in err
    assert "Correct the path" not in err


def left_open(desk: DealDesk, run_id: str) -> None:
    """Somebody pulled the plug: nobody can say of one change of the run."""
    with open_journal(desk.folder / "state", clock=lambda: datetime.now(UTC)) as journal:
        journal.record(run_id, [ChangeRecord("Opportunity:D-1", ChangeState.UNKNOWN)])


def test_what_a_link_leads_to_is_never_pruned(desk: DealDesk, typed: Typed, tmp_path: Path) -> None:
    """A job's folder that is a link is somebody else's."""
    kept = tmp_path / "elsewhere" / "old"
    kept.mkdir(parents=True)
    os.utime(kept, (0, 0))
    link = desk.folder / "state" / "runs" / "linked"
    link.symlink_to(kept.parent)
    try:
        code, _, _ = typed("runs", "prune", "--older-than", "3650d")
        assert (code, kept.is_dir()) == (0, True)
    finally:
        link.unlink()


@pytest.mark.parametrize("age", ["90", "d", "-1d", "1.5d", "90m", ""])
def test_an_age_that_is_none_is_refused(typed: Typed, age: str) -> None:
    """Days or weeks in whole numbers; anything else is exit 2 with examples."""
    code, _, err = typed("runs", "prune", "--older-than", age)
    assert code == 2
    assert "examples are 90d, 12w" in err


def test_without_a_journal_none_is_made(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking at runs where there never was one is exit 2, and leaves nothing behind."""
    monkeypatch.setenv("SFSYNC_STATE", str(tmp_path / "state"))
    assert typed("runs", "list")[0] == 2
    assert not (tmp_path / "state").exists()


def test_a_run_that_is_under_way_is_not_called_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While its process lives it is under way, with who is at it; an open run that is older than the lock waits for
    that process; once the lock is free, it is interrupted.
    """
    run_id = "20260930T080005Z-abcdef"
    with deal_desk(tmp_path) as desk, environment(desk):
        org_id, at = desk.emulator.org.id, "2026-09-30T08:00:05+00:00"
        begun = RunRecord(run_id, "deals", org_id, "digest", "plan.json", at)

        def line(*arguments: str) -> list[str]:
            assert main.run(["runs", *arguments]) == 0
            return capsys.readouterr().out.splitlines()

        clock = datetime(2026, 9, 30, 8, 0, 5, 900, tzinfo=UTC)
        with open_journal(desk.folder / "state", clock=lambda: clock) as journal:
            with journal.locked(lock_name("deals", "", org_id)):
                journal.begin_run(begun, b"{}")
                assert f": under way by process {os.getpid()} on " in line("list")[0]
                assert line("show", run_id)[-1] == "  next: nothing; wait for it to end"
                assert main.run(["state", "show", "deals"]) == 0
                assert "0 rows, not ended; its job is being run by process " in capsys.readouterr().out
                assert main.run(["runs", "show", run_id, "--json"]) == 0
                [entry] = json.loads(capsys.readouterr().out)["runs"]
                assert (entry["under_way"], entry["exit_code"]) == (True, None)
            clock += timedelta(hours=1)
            with journal.locked(lock_name("deals", "", org_id)):
                assert ": interrupted, and its job is being run by process " in line("list")[0]
                assert "wait until that process has ended" in line("show", run_id)[-1]
        assert main.run(["state", "show", "deals"]) == 0
        assert "0 rows, interrupted; sfsync resume goes on" in capsys.readouterr().out
        assert ": interrupted, 0 rows" in line("list")[0]
        assert line("show", run_id)[-1] == f"  next: sfsync resume {run_id}"


def test_C6_the_hour_that_comes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two starts at 02:30 of the night in which clocks go back are two runs in their order, an hour apart; by age,
    a day is 24 hours.
    """
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        with deal_desk(tmp_path) as desk:
            for hour, amount in ((0, "1.00"), (1, "2.00")):
                desk.write(row("D-1", amount=amount))
                at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
                around = replace(desk.around, clock=lambda at=at: at)
                assert sync(load_job(desk.job, environ=desk.environ), around=around).exit_code == 0
            second, first = known_runs(desk.around)
            assert first.record.run_id < second.record.run_id
            assert [each.record.ended_at for each in (first, second)] == [
                "2026-10-25T00:30:00+00:00",
                "2026-10-25T01:30:00+00:00",
            ]
            a_day_later = datetime(2026, 10, 26, 0, 30, tzinfo=UTC)
            old = old_folders(replace(desk.around, clock=lambda: a_day_later), older_than=timedelta(days=1))
            assert [each.name for each in old] == [first.record.run_id]
    finally:
        monkeypatch.undo()
        time.tzset()
