"""Jobs cut into parts, and results that come in part: every row once, and none of them believed too early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ALAN, LEUNG, Bench, deal, org_document, role

from sfsync.emulator.fault_actions import Action, Drop, FailJob, FailRows, Refuse, Truncate
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript
from sfsync.emulator.server import running
from sfsync.engine.applying.bulk_jobs import job_parts

KEYS = tuple(f"D-{number}" for number in range(1, 8))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts, and a keyless job of seven deals with two plain roles each."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path)
        roles = [role(key, contact, "Evaluator") for key in KEYS for contact in (LEUNG, ALAN)]
        made.write_job(
            [deal(key, next_step=f'say "{key}"\r\nand,\ncall') for key in KEYS], roles, has_key=False
        )
        made.admit()
        yield made


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a job take three rows, as it takes a million."""
    monkeypatch.setattr(job_parts, "MOST_ROWS", 3)


def calls(bench: Bench, method: str, ending: str) -> int:
    """How many such calls about jobs have come."""
    return sum(
        1
        for each in bench.emulator.audit.requests
        if each.method == method and "/jobs/ingest" in each.path and each.path.endswith(ending)
    )


def strike(bench: Bench, action: Action, method: str, path: str, **words: Any) -> FaultScript:
    """Scripts a fault for calls about jobs."""
    return bench.emulator.faults.add(FaultScript(action, method=method, path=path, **words))


def assert_each_once(bench: Bench) -> None:
    """Every deal is there once with its two roles, and nothing was ever committed besides."""
    assert [len(bench.named(f"Deal {key}")) for key in KEYS] == [1] * 7
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (7, 14)


def test_a_clean_job_costs_no_call_for_files_that_are_empty(bench: Bench) -> None:
    """To make, fill and close it, its polls, and the one file of results that holds something."""
    assert bench.run().exit_code == 0
    assert_each_once(bench)
    assert [calls(bench, "GET", each) for each in ("Results", "unprocessedrecords")] == [2, 0]
    assert (calls(bench, "PUT", "/batches"), calls(bench, "GET", "failedResults")) == (2, 0)


@pytest.mark.usefixtures("parts")
def test_rows_beyond_one_job_go_by_several(bench: Bench) -> None:
    """Three jobs for seven deals, five for fourteen roles, one after the other."""
    assert bench.run().exit_code == 0
    assert_each_once(bench)
    assert calls(bench, "PUT", "/batches") == 3 + 5


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("nth", range(1, 9))
@pytest.mark.parametrize(
    "call", [("POST", "/jobs/ingest$"), ("PUT", "/batches$"), ("PATCH", r"/ingest/\w+$")]
)
def test_n5_a_lost_answer_at_any_part_makes_no_twin(bench: Bench, call: tuple[str, str], nth: int) -> None:
    """The parts before are settled, the one in doubt is settled by the job, those behind go on."""
    script = strike(bench, Drop(), *call, phase=AFTER_COMMIT, nth=nth)
    assert bench.run().exit_code == 0
    assert script.struck
    assert_each_once(bench)


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_p1_a_run_cut_off_between_parts_goes_on(bench: Bench, nth: int) -> None:
    """What went by the jobs before is known, what went by none is sent."""
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    strike(bench, Refuse(403, limit), "GET", r"/ingest/\w+$", nth=nth)
    assert bench.run().exit_code == 75
    assert bench.resume().exit_code == 0
    assert_each_once(bench)


@pytest.mark.usefixtures("parts")
def test_locked_rows_of_a_part_go_again_in_a_job_of_their_own(bench: Bench) -> None:
    """The rows are taken from the disk again; the others of the part are done."""
    locked = FailRows(rows=(1, 3), code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access")
    strike(bench, locked, "JOB", "/ingest/")
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 7)
    assert_each_once(bench)


CUTS = {"half of the answer": Truncate(), "no answer": Drop()}


@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize("nth", [1, 2])
def test_n7_results_that_come_in_part_are_fetched_again(bench: Bench, way: str, nth: int) -> None:
    """Nothing of them is believed before they are whole."""
    script = strike(bench, CUTS[way], "GET", "successfulResults", nth=nth, phase="mid_reply")
    assert bench.run().exit_code == 0
    assert script.struck
    assert_each_once(bench)


def test_n10_results_that_always_end_within_a_row_settle_nothing(bench: Bench) -> None:
    """The run ends and the next one asks the job again; no row is taken for unknown by then."""
    half = 'sf__Id,sf__Created,Name\n"006000000000001AAA","true","De'
    told = Refuse(200, half, content_type="text/csv")
    strike(bench, told, "GET", "successfulResults", count=None)
    assert bench.run().exit_code == 75
    bench.emulator.faults.clear()
    ending = bench.resume()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 7)
    assert_each_once(bench)


def test_n10_unprocessed_and_refused_rows_are_told_apart(bench: Bench) -> None:
    """Of a job that fails midway, all three files are read: what it did not come to goes again, once."""
    strike(bench, FailJob(), "JOB", "/ingest/")
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 7)
    assert_each_once(bench)
    assert calls(bench, "GET", "unprocessedrecords") == 1
