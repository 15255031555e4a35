"""A run stays within its API calls: a person's number, or a reserve of the org's day; what cannot fit says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import warm_sfsync
from job_waits import UntilJobsEnd
from main_job_bench import LEUNG, Before, Bench, assert_every_row_counts_once, deal, org_document, role

from sfsync import load_job
from sfsync.app.books import sync
from sfsync.core.job import Limits
from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running

GRAPHS = "/composite/graph$"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A job of 450 deals with a role each, which takes four calls of graphs, in an org of 1,000 calls a day."""
    with running(org_document(has_receipts=True, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path, stop=UntilJobsEnd(emulator))
        keys = [f"D-{number}" for number in range(450)]
        made.write_job([deal(key) for key in keys], [role(key, LEUNG) for key in keys])
        emulator.org.usage.daily_limit = 1000
        yield made


def calls(bench: Bench) -> int:
    """How many calls the org has counted since the last look."""
    used, bench.emulator.org.usage.used = bench.emulator.org.usage.used, 0
    return used


def sfsync(bench: Bench, *arguments: str) -> tuple[int, dict[str, object]]:
    """Runs a command on the job; its exit code and document."""
    done = warm_sfsync(*arguments, "--json", environ=bench.environ, cwd=bench.folder)
    return done.exit_code, done.document


def test_the_plan_says_what_the_run_takes_of_the_calls_left_today(bench: Bench) -> None:
    """Predicted calls are held against the org's own estimate, which came with the answers and costs no call."""
    bench.emulator.org.usage.used = 101
    done = warm_sfsync("plan", bench.job, environ=bench.environ, cwd=bench.folder)
    [line] = [each for each in done.out.splitlines() if "left today" in each]
    assert line == (
        "This run takes about 3 of the 894 calls left today; 694 are left until the org has used 80 %."
    )
    assert not [each for each in bench.emulator.audit.requests if each.path.endswith("/limits")]


def test_a_run_that_would_not_fit_says_so_before_it_starts(bench: Bench) -> None:
    """Exit 75, as another day has calls enough, and what to say if it is meant; a budget lets it go at once."""
    bench.emulator.org.usage.used = 795
    ending, document = sfsync(bench, "run", bench.job)
    assert (ending, document["code"]) == (75, "API_RESERVE")
    assert "--api-budget 8 " in str(document["hint"])
    assert bench.inserted() == {}
    bench.emulator.org.usage.used = 795
    ending, document = sfsync(bench, "run", bench.job, "--api-budget", "8")
    assert ending == 0
    assert document["api"]["calls"] == 8  # type: ignore[index]
    assert document["api"]["budget"] == 8  # type: ignore[index]


def test_a_run_that_no_day_would_fit_is_for_a_person(bench: Bench) -> None:
    """Exit 6: trying again would not help."""
    bench.emulator.org.usage.daily_limit = 3
    ending, document = sfsync(bench, "run", bench.job)
    assert (ending, document["code"]) == (6, "OVER_BUDGET")
    assert bench.inserted() == {}


def test_a_budget_that_the_plan_would_pass_stops_it_before_it_starts(bench: Bench) -> None:
    """Planning counts too, so the message says what all of it takes."""
    ending, document = sfsync(bench, "run", bench.job, "--api-budget", "7")
    assert (ending, document["code"]) == (6, "OVER_BUDGET")
    assert "--api-budget 8 " in str(document["hint"])
    ending, document = sfsync(bench, "plan", bench.job, "--api-budget", "7")
    assert (ending, [each["code"] for each in document["notes"]]) == (0, ["OVER_BUDGET"])  # type: ignore[attr-defined]


def test_a_budget_that_not_even_planning_fits_stops_it_at_its_last_call(bench: Bench) -> None:
    """No call more than allowed leaves."""
    ending, document = sfsync(bench, "run", bench.job, "--api-budget", "2")
    assert (ending, document["code"], calls(bench)) == (75, "API_BUDGET", 2)


def test_retries_count_and_a_run_that_meets_its_budget_is_resumed(bench: Bench) -> None:
    """Every row is accounted for, nothing is there twice, and `sfsync resume` goes on."""
    busy = Refuse(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}])
    bench.emulator.faults.add(FaultScript(busy, path=GRAPHS, nth=2))
    ending = bench.run(api_budget=8)
    usage = ending.document.usage
    assert (ending.exit_code, usage.reads + usage.writes, usage.retries) == (75, 8, 1)
    assert ending.document.stopped is not None
    assert ending.document.stopped.code == "API_BUDGET"
    assert_every_row_counts_once(ending.counts)
    bench.emulator.faults.clear()
    assert bench.resume().exit_code == 0
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (450, 450)


def test_a_run_that_meets_the_reserve_stops_cleanly_and_goes_on_tomorrow(bench: Bench) -> None:
    """Others use the day's calls up meanwhile: exit 75, every row counted, and the rest comes later."""
    usage = bench.emulator.org.usage

    def others_work() -> None:
        usage.used = 900

    bench.emulator.faults.add(Before(Refuse(500, []), path=GRAPHS, nth=1, deed=others_work))
    ending = bench.run()
    assert ending.exit_code == 75
    stopped = ending.document.stopped
    assert stopped is not None
    assert (stopped.code, "sfsync resume" in stopped.hint) == ("API_RESERVE", True)
    assert_every_row_counts_once(ending.counts)
    assert 0 < ending.counts["Opportunity"]["unprocessed"] < 450
    bench.emulator.faults.clear()
    assert bench.resume().exit_code == 75  # still today
    usage.used = 0
    ending = bench.resume()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 450)
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (450, 450)


def test_a_run_in_portions_keeps_the_reserve_too(bench: Bench) -> None:
    """A job in portions is the one that could use a day up: it stops as any run does, and goes on tomorrow."""
    usage = bench.emulator.org.usage

    def others_work() -> None:
        usage.used = 900

    bench.emulator.faults.add(Before(Refuse(500, []), path=GRAPHS, nth=1, deed=others_work))
    job = load_job(bench.job, environ=bench.environ)
    report = sync(job, around=replace(bench.around, portion_rows=300))
    assert (report.exit_code, report.stopped and report.stopped.code) == (75, "API_RESERVE")
    assert_every_row_counts_once(report.counts())
    bench.emulator.faults.clear()
    usage.used = 0
    assert bench.resume().exit_code == 0
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (450, 450)


def test_a_run_in_portions_says_what_all_of_them_used(bench: Bench) -> None:
    """The calls that were predicted and those that applying took are both of all portions."""
    job = load_job(bench.job, environ=bench.environ)
    report = sync(job, around=replace(bench.around, portion_rows=300, limits=Limits(api_budget=90)))
    assert (report.exit_code, report.api_budget) == (0, 90)
    assert report.spent == report.plan.predicted


def test_the_job_file_may_say_the_budget_and_the_strategy(bench: Bench) -> None:
    """[guards] api_budget and strategy hold where the command says nothing."""
    file = Path(bench.job)
    file.write_text(f'strategy = "bulk"\n{file.read_text()}\n[guards]\napi_budget = 8\n')
    ending, document = sfsync(bench, "run", bench.job)
    assert (ending, document["code"]) == (6, "OVER_BUDGET")
    ending, document = sfsync(bench, "run", bench.job, "--strategy", "auto", "--api-budget", "20")
    assert ending == 0
    [choice] = document["api"]["strategies"]  # type: ignore[index]
    assert (choice["strategy"], choice["forced"]) == ("graphs", False)


def test_the_report_says_what_was_predicted_and_what_was_used(bench: Bench) -> None:
    """Reads and writes of applying alone stand beside each other."""
    ending, document = sfsync(bench, "run", bench.job)
    api = document["api"]
    assert isinstance(api, dict)
    assert ending == 0
    assert (api["predicted_reads"], api["predicted_writes"]) == (api["applied_reads"], api["applied_writes"])
    assert api["org_allowed"] == 1000


def test_a_saved_plan_takes_no_strategy(bench: Bench) -> None:
    """How it travels was decided when it was made."""
    done = warm_sfsync(
        "run", bench.job, "--plan", "x.json", "--strategy", "bulk", environ=bench.environ, cwd=bench.folder
    )
    assert done.exit_code == 2
    assert "--strategy" in done.err
