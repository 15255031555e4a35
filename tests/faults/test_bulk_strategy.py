"""Keyed deals, their roles and updates that travel by bulk jobs: never twice, never lost, whatever a call meets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from client_processes import Nursery
from job_waits import UntilJobsEnd
from main_job_bench import ALAN, LEUNG, Bench, Ending, deal, org_document, role
from test_job_fence import CLOSE, CREATE, FILL, WAYS, strike
from test_main_job_kills import KILLED, run_and_kill

from sfsync.app.books import sync
from sfsync.core.job import UpdateMode
from sfsync.core.reports.results import Outcome
from sfsync.core.sending.strategy import Strategy
from sfsync.emulator.fault_actions import Drop, FailJob, Hold, Kill, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.errors import SyncError
from sfsync.jobs import load_job

KEYS = ("D-1", "D-2", "D-3", "D-4")
STEPS = pytest.mark.parametrize("call", [CREATE, FILL, CLOSE], ids=["create", "fill", "close"])
LIMIT = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
POLL = r"/jobs/ingest/\w+$"
EMPTY = Refuse(200, "sf__Id,sf__Created\n", content_type="text/csv")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts, and a job of four keyed deals with two plain roles each."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path, stop=UntilJobsEnd(emulator))
        ask(made)
        yield made


def ask(bench: Bench, *, step: str = "call", keys: tuple[str, ...] = KEYS) -> None:
    """Makes the job ask for the deals, each with that next step, and for their roles."""
    roles = [role(key, contact, "Evaluator") for key in keys for contact in (LEUNG, ALAN)]
    bench.write_job([deal(key, next_step=step) for key in keys], roles)


def run(bench: Bench) -> Ending:
    """Plans and applies the job by bulk jobs, its updates without conditions."""
    job = replace(
        load_job(bench.job, environ=bench.environ), strategy=Strategy.BULK, update_mode=UpdateMode.FAST
    )
    try:
        report = sync(job, around=bench.around)
    except SyncError as error:
        return Ending(error.exit_code)
    return Ending(report.exit_code, report)


def assert_each_once(bench: Bench) -> None:
    """Every deal is there once with its two roles, and nothing was ever committed besides."""
    assert [len(bench.deals(key)) for key in KEYS] == [1] * 4
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (4, 8)


@pytest.mark.parametrize("nth", [1, 2])
@STEPS
@pytest.mark.parametrize("way", WAYS)
def test_n5_a_lost_answer_at_any_step_makes_no_twin(
    bench: Bench, way: str, call: tuple[str, str], nth: int
) -> None:
    """Whatever becomes of one call of a job of keyed deals or of their roles, every row ends there once."""
    action, phase = WAYS[way]
    script = strike(bench, call, action, phase=phase, nth=nth)
    ending = run(bench)
    assert script.struck
    if ending.exit_code:
        bench.renew_token()
        ending = run(bench)
    assert ending.exit_code == 0
    assert_each_once(bench)


@STEPS
@pytest.mark.parametrize("way", WAYS)
def test_n5_a_lost_answer_of_an_update_job_leaves_each_record_as_the_row_wants_it(
    bench: Bench, way: str, call: tuple[str, str]
) -> None:
    """The same values twice are the same values, and no row is unknown for long."""
    assert run(bench).exit_code == 0
    ask(bench, step="visit")
    action, phase = WAYS[way]
    script = strike(bench, call, action, phase=phase)
    ending = run(bench)
    assert script.struck
    if ending.exit_code:
        bench.renew_token()
        ending = run(bench)
    assert ending.exit_code == 0
    assert [bench.deal(key)["NextStep"] for key in KEYS] == ["visit"] * 4
    assert run(bench).document.usage.writes == 0


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("call", [FILL, CLOSE], ids=["fill", "close"])
@pytest.mark.parametrize("phase", [BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT])
def test_p1_a_run_killed_at_a_job_ends_as_if_nothing_had_happened(
    bench: Bench, nursery: Nursery, call: tuple[str, str], phase: str, nth: int
) -> None:
    """The next process finds the job in the journal, asks it, and sends what it did not save."""
    method, path = call
    script = FaultScript(Kill(0), phase, method=method, path=path, nth=nth)
    ended, struck = run_and_kill(
        bench, nursery, ("run", bench.job, "--strategy", "bulk", "--yes", "--json"), script
    )
    assert (ended, struck) == (KILLED, True)
    ending = bench.resume()
    assert ending.exit_code == 0
    assert ending.counts["Opportunity"]["created"] == 4
    assert_each_once(bench)


def test_p1_a_run_cut_off_after_the_close_of_an_update_reads_the_results_later(bench: Bench) -> None:
    """Nothing is sent again that the job tells of."""
    assert run(bench).exit_code == 0
    ask(bench, step="visit")
    bench.emulator.faults.add(FaultScript(Refuse(403, LIMIT), method="GET", path=POLL))
    assert run(bench).exit_code == 75
    before = len(bench.emulator.audit.requests)
    ending = bench.resume()
    assert (ending.exit_code, ending.counts["Opportunity"]["updated"]) == (0, 4)
    later = bench.emulator.audit.requests[before:]
    assert not [each for each in later if each.method in ("PUT", "PATCH") and "jobs" in each.path]


def test_n6_a_close_that_arrives_late_is_refused_by_the_key_as_well(bench: Bench) -> None:
    """The zombie's job was aborted, and its deals have gone by another one meanwhile."""
    strike(bench, CLOSE, Hold("zombie"))
    bench.emulator.faults.add(FaultScript(Refuse(403, LIMIT), method="GET", path=POLL))
    bench.emulator.faults.add(FaultScript(Refuse(403, LIMIT), method="PATCH", path=POLL, nth=2))
    assert run(bench).exit_code == 75
    assert run(bench).exit_code == 0
    bench.emulator.faults.release("zombie")
    assert_each_once(bench)


def test_n10_a_keyed_row_in_none_of_the_results_is_found_by_its_key(bench: Bench) -> None:
    """The job never names what it saved; the key does, and no person is asked."""
    strike(bench, ("GET", "successfulResults"), EMPTY, count=None)
    ending = run(bench)
    assert ending.counts["Opportunity"]["created"] == 4
    assert ending.counts["OpportunityContactRole"]["unknown"] == 8  # roles have no key
    assert bench.inserted()["Opportunity"] == 4


def test_n10_an_update_in_none_of_the_results_is_found_by_its_record(bench: Bench) -> None:
    """What the record holds says whether the update was saved."""
    assert run(bench).exit_code == 0
    ask(bench, step="visit")
    strike(bench, ("GET", "successfulResults"), EMPTY, count=None)
    ending = run(bench)
    assert (ending.exit_code, ending.counts["Opportunity"]["updated"]) == (0, 4)


def test_a_key_that_somebody_takes_before_the_job_is_a_conflict_and_no_second_deal(bench: Bench) -> None:
    """The org refuses the row by its key; it is looked up, and its roles wait."""
    made = bench.planned_with(strategy=Strategy.BULK)
    bench.create(
        "Opportunity",
        Name="Theirs",
        StageName="Prospecting",
        CloseDate="2027-05-05",
        Sfsync_Key__c="D-2",
    )
    ending = bench.apply(made)
    assert ending.codes()["Opportunity:D-2"] == "KEY_TAKEN"
    assert ending.counts["Opportunity"]["created"] == 3
    assert len(bench.deals("D-2")) == 1
    assert (
        ending.counts["OpportunityContactRole"] | {"created": 6, "blocked": 2}
        == (ending.counts["OpportunityContactRole"])
    )


def test_a_text_that_no_job_can_carry_goes_by_the_usual_calls(bench: Bench) -> None:
    """#N/A means null in a job, so that deal goes in a graph; how rows travel rejects none of them."""
    bench.write_job([deal("D-1", next_step="#N/A"), deal("D-2")], [role("D-1"), role("D-2")])
    ending = run(bench)
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 2)
    assert bench.deal("D-1")["NextStep"] == "#N/A"
    assert bench.inserted()["OpportunityContactRole"] == 2


def test_n5_rows_that_a_job_did_not_come_to_go_by_another(bench: Bench) -> None:
    """A job that fails in the queue saves nothing; its rows are sent once more and are there once."""
    script = bench.emulator.faults.add(FaultScript(FailJob(), BEFORE_READ, method="JOB"))
    assert run(bench).exit_code == 0
    assert script.struck
    assert_each_once(bench)


def test_what_somebody_edits_between_two_tries_of_an_update_job_is_kept(bench: Bench) -> None:
    """Rows that go once more are compared with their records once more."""
    assert run(bench).exit_code == 0
    ask(bench, step="visit")
    script = bench.emulator.faults.add(FaultScript(FailJob(), BEFORE_READ, method="JOB"))
    flag = bench.stop

    class Editing(UntilJobsEnd):
        """Somebody edits a deal while the run waits to send its rows again."""

        def wait(self, timeout: float | None = None) -> bool:
            ended = super().wait(timeout)
            if script.struck and bench.deal("D-3")["NextStep"] == "call":
                bench.edit("Opportunity", bench.deal("D-3")["Id"], NextStep="mine")
            return ended

    bench.stop = Editing(bench.emulator)
    ending = run(bench)
    bench.stop = flag
    assert bench.deal("D-3")["NextStep"] == "mine"
    assert ending.of(Outcome.CONFLICT) == {"Opportunity:D-3"}
    assert [bench.deal(key)["NextStep"] for key in ("D-1", "D-2", "D-4")] == ["visit"] * 3


def test_n5_a_lost_answer_to_what_was_asked_ahead_is_asked_again(bench: Bench) -> None:
    """The first call of a run is a reading like any other."""
    script = bench.emulator.faults.add(FaultScript(Drop(), AFTER_COMMIT, path="/composite$"))
    assert run(bench).exit_code == 0
    assert script.struck
    assert_each_once(bench)


def test_where_the_org_refuses_to_be_asked_ahead_each_question_is_asked_alone(bench: Bench) -> None:
    """A refused composite costs calls and nothing else."""
    refusal = Refuse(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "no"}])
    bench.emulator.faults.add(FaultScript(refusal, path="/composite$"))
    assert run(bench).exit_code == 0
    paths = [each.path for each in bench.emulator.audit.requests]
    assert sum(each.endswith("/describe") for each in paths) >= 2
    assert_each_once(bench)
