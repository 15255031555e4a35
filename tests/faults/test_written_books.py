"""A run in portions keeps every promise of a run in one piece: order, guards, stops, retries, undo, memory."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from main_job_bench import Before, Bench, Ending, FreshBench
from portioned import book_of, run_and_watch, run_in_portions, write_families

from sfsync.app.books import apply_book, planned_report
from sfsync.app.memory import forget, remembered
from sfsync.app.workplace import opened
from sfsync.core.events import Event, PhaseStarted
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import FailRows, Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.errors import GuardError, Interrupted
from sfsync.jobs import load_job
from sfsync.journal import open_journal, state_place
from sfsync.report.document import run_document
from sfsync.report.files.folder import write_run_folder
from sfsync.report.files.kept_rows import KeptRows
from sfsync.report.pages.html_report import html_report

RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def refuse(bench: Bench, *keys: str) -> None:
    """Lets the org refuse rows that carry a value."""
    bench.emulator.faults.add(FaultScript(FailRows(keys=keys, code=RULE), path="/composite", count=None))


def document(ending: Ending) -> dict[str, object]:
    """The machine output but for names, seconds and calls."""
    found = run_document(ending.document, files={})
    for name in ("run", "confirm", "org", "api", "seconds"):
        found.pop(name)
    for problem in (*found["problems"], *found["notes"]):
        problem["file"] = Path(problem["file"]).name
    return found


def runs(bench: Bench) -> list[tuple[int | None, int, int]]:
    """Exit code, portions and rows of the runs that the journal knows, newest first."""
    with open_journal(state_place(bench.environ), clock=bench.around.clock) as journal:
        return [(each.exit_code, each.portions, each.rows) for each in journal.runs()]


def test_one_portion_and_seven_tell_the_same(fresh: FreshBench) -> None:
    """The same rows give the same org and the same document, also where the org refuses some."""
    told = []
    for portions in (0, 1, 7):
        with fresh() as bench:
            write_families(bench, 8, bad={2, 5})
            refuse(bench, "D-3-2", "C-7", "Account 6")
            ending = run_in_portions(bench, portions) if portions else bench.run()
            told.append((bench.picture(), document(ending)))
    assert told[0] == told[1] == told[2]


def test_the_files_of_a_run_in_portions_are_those_of_one_piece(fresh: FreshBench, tmp_path: Path) -> None:
    """Rejects, successes and all rows stand as one run writes them, in the order of their sources."""
    written = []
    for portions in (0, 7):
        with fresh() as bench, KeptRows() as kept:
            write_families(bench, 8, bad={2, 5})
            refuse(bench, "D-3-2", "C-7")
            folder = tmp_path / f"files-{portions}"
            folder.mkdir()
            if portions:
                report = run_and_watch(bench, portions, kept.add)
                files = write_run_folder(report, folder, kept=kept)
            else:
                files = write_run_folder(bench.run().document, folder)
            results = json.loads((folder / "run_results.json").read_text())
            rows = [
                {name: value for name, value in each.items() if name not in ("record_id", "file")}
                for each in results["rows"]
            ]
            tables = {
                path.name: path.read_bytes().replace(str(bench.folder).encode(), b"")
                for path in folder.glob("[ru]*-*.csv")
            }
            lists = {path.name: _without_ids(path) for path in folder.glob("successes-*.csv")}
            tables |= {name: "\n".join(lines).encode() for name, lines in lists.items()}
            tables["coverage"] = json.dumps(results["page"]["coverage"]).encode()
            written.append((rows, tables, sorted(path.name for path in folder.iterdir()), bool(files)))
    assert written[0][1]
    assert written[0] == written[1]


def _without_ids(path: Path) -> list[str]:
    """The lines of a list of successes without the records' ids, sorted: portions come one behind the other."""
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    return sorted(
        json.dumps({name: cell for name, cell in each.items() if name != "_sfsync_id"}) for each in lines
    )


def test_a_condensed_report_holds_the_undone_rows_alone(bench: Bench) -> None:
    """What is done is counted and, but for the first hundred that are shown, not held."""
    write_families(bench, 80, bad={7}, deals=2)
    report = run_in_portions(bench, 9).document
    assert report.counts()["Opportunity"]["created"] == 159
    held = [each for each in report.plan.changes if each.sobject == "Opportunity"]
    assert len(held) == 101
    assert report.plan.sources["opportunities"].rows.keys() == {13}
    page = html_report(report, {})
    assert "159 deals" in page


def test_a_parent_that_an_earlier_portion_could_not_bring_blocks_its_rows(bench: Bench) -> None:
    """The account is refused in one portion; its contact and deals, in others, are blocked by it."""
    write_families(bench, 3)
    refuse(bench, "Account 2")
    ending = run_in_portions(bench, 6)
    codes = ending.codes()
    assert codes["Account:A-2"] == RULE
    assert {name for name, code in codes.items() if code == "BLOCKED_BY"} >= {
        "Contact:C-2",
        "Opportunity:D-2-1",
        "Opportunity:D-2-2",
    }
    assert bench.named("Deal D-2-1") == []
    assert all(each["AccountId"] for each in bench.named("Deal D-1-1"))


def test_what_failed_in_several_portions_is_retried_as_one_plan(bench: Bench) -> None:
    """A refused account, what it blocked in later portions, and a refused deal go again and nothing else."""
    write_families(bench, 4)
    refuse(bench, "Account 2", "D-4-1")
    assert run_in_portions(bench, 7).exit_code == 3
    bench.emulator.faults.clear()
    ending = bench.retry()
    assert ending.exit_code == 0
    assert {each.change_id for each in ending.document.plan.changes if each.row} >= {
        "Account:A-2",
        "Contact:C-2",
        "Opportunity:D-2-1",
        "Opportunity:D-4-1",
    }
    assert ending.counts["Opportunity"]["rows"] == 3
    assert bench.inserted()["Opportunity"] == 8
    before = bench.write_count()
    assert (bench.run().exit_code, bench.write_count()) == (0, before)


def test_undo_takes_all_portions_back_as_one(fresh: FreshBench) -> None:
    """Accounts of the first portion go too, as what hung on them went before; the org is as it was."""
    for portions in (1, 7):
        with fresh() as bench:
            picture = _living(bench)
            write_families(bench, 4)
            run = run_in_portions(bench, portions).document.run_id
            ending = bench.undo(run)
            assert (ending.exit_code, _living(bench)) == (0, picture)
            assert ending.document.plan.undoes == run
            assert [each[0] for each in runs(bench)] == [0, 0]
            again = bench.run()
            assert again.counts["Opportunity"]["created"] == 8


def _living(bench: Bench) -> dict[str, int]:
    names = ("Account", "Contact", "Opportunity", "OpportunityContactRole")
    storage = bench.emulator.org.storage
    return {name: len(storage.select(name, '"IsDeleted" = 0')) for name in names}


def test_an_undo_in_portions_leaves_what_somebody_has_touched(bench: Bench) -> None:
    """A deal that was edited since stays, and so does the account that it hangs on; the rest goes."""
    write_families(bench, 3)
    run = run_in_portions(bench, 7).document.run_id
    deal = bench.deal("D-2-1")
    bench.change("Opportunity", deal["Id"], Amount=55)
    ending = bench.undo(run)
    assert ending.exit_code == 0
    assert [bool(bench.named(f"Deal {key}")) for key in ("D-1-1", "D-2-1", "D-2-2")] == [False, True, False]
    assert any("other records belong to it" in each.message for each in ending.document.plan.notes)


def test_an_older_run_is_not_undone_past_a_later_one_in_portions(bench: Bench) -> None:
    """What any portion of the later run wrote stays, and the note names that run."""
    write_families(bench, 3)
    first = bench.run().document.run_id
    write_families(bench, 3, amount="250.00")
    later = run_in_portions(bench, 5).document.run_id
    ending = bench.undo(first)
    assert bench.deal("D-2-1")["Amount"] == 250
    assert any(f"run {later} wrote to it since" in each.message for each in ending.document.plan.notes)
    bench.undo(later)
    assert bench.deal("D-2-1")["Amount"] == 100


def test_a_word_about_a_row_waits_for_an_interrupted_run_in_portions(bench: Bench) -> None:
    """Forgetting by the org's id names the run of the whole; with the org at hand it ends all of its portions."""
    write_families(bench, 2)
    refuse(bench, "D-1-1")
    run = run_in_portions(bench, 6, max_failures=0).document.run_id
    org_id = bench.emulator.org.id
    job = load_job(bench.job, environ=bench.environ)
    with pytest.raises(GuardError, match=run):
        forget(job, ["A-1"], org_id=org_id, around=bench.around)
    forget(job, ["A-1"], around=bench.around)
    assert runs(bench)[0][0] == GuardError.exit_code


def test_more_failures_than_allowed_stop_the_book_whatever_portion_they_are_in(bench: Bench) -> None:
    """Failures of portions add up; what was not reached is counted as unprocessed, and resume goes on with it."""
    write_families(bench, 6)
    refuse(bench, "D-1-1", "D-2-1", "D-3-1", "D-4-1")
    ending = run_in_portions(bench, 14, max_failures=2)
    assert ending.document.stopped is not None
    assert ending.document.stopped.code == "TOO_MANY_FAILURES"
    counts = ending.counts["Opportunity"]
    assert counts["rows"] == 12
    assert counts["unprocessed"] > 0
    assert counts["rejected"] == 3
    [note] = [each for each in ending.document.notes if each.code == "PORTIONS_NOT_REACHED"]
    assert "sfsync resume" in note.hint
    ended = bench.resume()
    assert (ended.exit_code, ended.counts["Opportunity"]["created"]) == (3, 8)


def test_the_canary_is_sent_in_the_first_portion_with_deals_alone(bench: Bench) -> None:
    """A first deal that the org refuses keeps all others back; when it goes well no later portion sends one."""
    write_families(bench, 3)
    refuse(bench, "D-1-1", "D-2-1", "D-3-1", "D-1-2", "D-2-2", "D-3-2")
    ending = run_in_portions(bench, 9, canary=1)
    assert ending.document.stopped is not None
    assert ending.document.stopped.code == "CANARY_FAILED"
    assert bench.inserted()["Opportunity"] == 0
    assert ending.counts["Opportunity"]["unprocessed"] == 5
    bench.emulator.faults.clear()
    ended = bench.resume()
    assert ended.counts["Opportunity"] | {"rejected": 1, "created": 5} == ended.counts["Opportunity"]


def test_guards_judge_the_whole_before_the_first_write(bench: Bench) -> None:
    """No portion is too large by itself; together they are, so nothing is written and no run begins."""
    write_families(bench, 5)
    assert run_in_portions(bench, 10, max_changes=20).exit_code == GuardError.exit_code
    assert (bench.write_count(), runs(bench)) == (0, [])
    assert run_in_portions(bench, 10, max_changes=30).exit_code == 0


def test_a_signal_stops_between_portions_and_loses_nothing(bench: Bench) -> None:
    """P2: what was not reached is told by its numbers; resume ends as an uninterrupted run."""
    write_families(bench, 4)
    deed = Before(
        None, "before_read", path="/composite/graph", nth=2, deed=lambda: bench.stop.set_by_signal(2)
    )  # type: ignore[arg-type]
    bench.emulator.faults.add(deed)
    ending = run_in_portions(bench, 12)
    assert isinstance(ending.document.stopped, Interrupted)
    counts = ending.counts
    assert sum(counts["Opportunity"][each] for each in ("created", "unprocessed")) == 8
    assert counts["Opportunity"]["unprocessed"] > 0
    bench.stop = type(bench.stop)()
    ended = bench.resume()
    assert (ended.exit_code, ended.counts["Opportunity"]["created"]) == (0, 8)
    assert bench.inserted()["Opportunity"] == 8


def test_a_saved_book_is_stale_once_another_run_has_begun(bench: Bench) -> None:
    """The serial is looked at once for the whole: between its own portions a book is never stale."""
    write_families(bench, 3)
    book = book_of(bench.plan(), 5)
    job = load_job(bench.job, environ=bench.environ)
    with opened(job, bench.around) as place, place.locked():
        assert apply_book(place, book, is_fresh=False).exit_code == 0
    with (
        opened(job, bench.around) as place,
        place.locked(),
        pytest.raises(GuardError) as refused,
    ):
        apply_book(place, book, is_fresh=False)
    assert refused.value.code == "PLAN_STALE"
    with (
        opened(job, bench.around) as place,
        place.locked(),
        pytest.raises(GuardError) as refused,
    ):
        apply_book(place, book, is_fresh=True)
    assert refused.value.code == "PLAN_CONSUMED"


def test_a_run_in_portions_is_one_run_to_everybody(bench: Bench) -> None:
    """The journal, its facts and `state show` have one run with all rows; the next run takes it over as one."""
    write_families(bench, 4)
    bench.strike(Refuse(503), nth=3, count=None)
    around = replace(bench.around, max_outage_s=0.0)
    with opened(load_job(bench.job, environ=bench.environ), around) as place, place.locked():
        report = apply_book(place, book_of(place.plan(), 8), is_fresh=True)
    assert report.exit_code == 75
    assert runs(bench) == [(None, 8, 24)]
    with open_journal(state_place(bench.environ), clock=bench.around.clock) as journal:
        facts = journal.facts()
    assert (facts.runs, facts.open_runs, facts.plans) == (1, (report.run_id,), 1)
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert [each[:2] for each in runs(bench)] == [(0, 0), (GuardError.exit_code, 8)]
    assert len(remembered("deals", around=bench.around).runs) == 2
    assert bench.inserted()["Opportunity"] == 8


def test_progress_says_which_portion_is_written(bench: Bench) -> None:
    """Each phase names the portion and how many there are."""
    heard: list[Event] = []
    write_families(bench, 3)
    around = replace(bench.around, listener=heard.append)
    with opened(load_job(bench.job, environ=bench.environ), around) as place, place.locked():
        apply_book(place, book_of(place.plan(), 4), is_fresh=True)
    phases = [(each.portion, each.phase) for each in heard if isinstance(each, PhaseStarted)]
    assert ("portion 1 of 4", "create Account") in phases
    assert any(of == "portion 4 of 4" and name.startswith("create Opportunity") for of, name in phases)


def test_an_update_in_portions_is_compared_as_in_one_piece(bench: Bench) -> None:
    """A second run of changed rows, in portions, updates what differs and leaves an edit of somebody's alone."""
    write_families(bench, 4)
    assert run_in_portions(bench, 5).exit_code == 0
    deal = bench.deal("D-3-1")
    bench.change("Opportunity", deal["Id"], Amount=55)
    write_families(bench, 4, amount="250.00")
    ending = run_in_portions(bench, 6, confirmed="")
    counts = ending.counts["Opportunity"]
    assert (counts["updated"], counts["conflicts"]) == (7, 1)
    assert bench.deal("D-3-1")["Amount"] == 55


def test_a_planned_book_is_told_like_a_plan(bench: Bench) -> None:
    """Its counts, predicted calls and forecast are those of all portions."""
    write_families(bench, 8, bad={2})
    plan = bench.plan()
    whole = Report(plan, False, "r", ApiUsage(), 0.0)
    told = planned_report(book_of(plan, 6))
    assert told.counts() == whole.counts()
    assert told.forecast() == whole.forecast()
    assert told.problems() == whole.problems()
    assert told.result(told.plan.changes[0]).outcome is Outcome.CREATED


def test_limits_hold_for_a_book_that_is_resumed(bench: Bench) -> None:
    """The limits of whoever resumes count, not those of the run that was stopped."""
    write_families(bench, 2)
    refuse(bench, "D-1-1", "D-2-1")
    assert run_in_portions(bench, 6, max_failures=0).document.stopped is not None
    bench.emulator.faults.clear()
    assert bench.resume().counts["Opportunity"]["created"] == 3
