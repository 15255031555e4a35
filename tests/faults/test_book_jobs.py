"""Jobs that carry the rows of all portions of a book: never twice, never lost, whatever a call meets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from job_waits import UntilJobsEnd
from main_job_bench import ALAN, LEUNG, Bench, Ending, assert_every_row_counts_once, deal, org_document, role
from test_job_fence import CLOSE, CREATE, FILL, WAYS, strike

from sfsync.app.books import sync
from sfsync.core.job import Limits, UpdateMode
from sfsync.core.sending.strategy import Strategy
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.emulator.fault_actions import FailJob, FailRows, Refuse, Truncate
from sfsync.emulator.faults import BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.errors import SyncError
from sfsync.jobs import load_job

KEYS = tuple(f"D-{number}" for number in range(9))
STEPS = pytest.mark.parametrize("call", [CREATE, FILL, CLOSE], ids=["create", "fill", "close"])
LIMIT = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
POLL = r"/jobs/ingest/\w+$"
EMPTY = Refuse(200, "sf__Id,sf__Created\n", content_type="text/csv")
QUERY = r"/jobs/query"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts, and a job of nine keyed deals with two plain roles each."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path, stop=UntilJobsEnd(emulator))
        ask(made, len(KEYS))
        yield made


def ask(bench: Bench, count: int) -> None:
    """Makes the job ask for so many deals."""
    keys = [f"D-{number}" for number in range(count)]
    roles = [role(key, contact, "Evaluator") for key in keys for contact in (LEUNG, ALAN)]
    bench.write_job([deal(key) for key in keys], roles)


def run(bench: Bench, *, update_mode: UpdateMode = UpdateMode.AUTO, **limits: int) -> Ending:
    """Plans the job in portions of about three deals with their roles, and writes it by jobs."""
    job = replace(load_job(bench.job, environ=bench.environ), strategy=Strategy.BULK, update_mode=update_mode)
    try:
        report = sync(job, around=replace(bench.around, portion_rows=9, limits=Limits(**limits)))
    except SyncError as error:
        return Ending(error.exit_code)
    return Ending(report.exit_code, report)


def assert_each_once(bench: Bench) -> None:
    """Every deal is there once, with its two roles once each."""
    for key in KEYS:
        assert len(bench.deals(key)) == 1
        assert bench.roles(key) == sorted([(LEUNG, "Evaluator", False), (ALAN, "Evaluator", False)])


def gone_on(bench: Bench, ending: Ending) -> Ending:
    """The ending when the run has been gone on with as often as it takes."""
    for _ in range(5):
        if ending.exit_code in (0, 3):
            break
        ending = bench.resume()
    return ending


@pytest.mark.parametrize("nth", [1, 2], ids=["deals", "roles"])
@STEPS
@pytest.mark.parametrize("way", WAYS)
def test_n5_a_lost_answer_of_either_job_brings_every_row_once(
    bench: Bench, way: str, call: tuple[str, str], nth: int
) -> None:
    """Wherever the answer of a call is lost, all rows of all portions are in the org once."""
    action, phase = WAYS[way]
    script = strike(bench, call, action, phase=phase, nth=nth)
    ending = run(bench)
    assert script.struck
    if ending.exit_code:
        bench.renew_token()
        ending = run(bench)
    assert ending.exit_code == 0
    assert_each_once(bench)


def test_what_somebody_edits_between_two_tries_of_an_update_job_is_kept(bench: Bench) -> None:
    """Rows that go again are read again, whichever portion they are of."""
    assert run(bench).exit_code == 0
    bench.write_job([deal(key, next_step="visit") for key in KEYS], [role(KEYS[0])])
    script = bench.emulator.faults.add(FaultScript(FailJob(), BEFORE_READ, method="JOB"))
    flag = bench.stop

    class Editing(UntilJobsEnd):
        """Somebody edits a deal while the run waits to send its rows again."""

        def wait(self, timeout: float | None = None) -> bool:
            ended = super().wait(timeout)
            if script.struck and bench.deal("D-3")["NextStep"] is None:
                bench.edit("Opportunity", bench.deal("D-3")["Id"], NextStep="mine")
            return ended

    bench.stop = Editing(bench.emulator)
    ending = run(bench, update_mode=UpdateMode.FAST)
    bench.stop = flag
    assert script.struck
    assert bench.deal("D-3")["NextStep"] == "mine"
    assert (ending.counts[OPPORTUNITY]["updated"], ending.counts[OPPORTUNITY]["conflicts"]) == (8, 1)


def test_results_that_are_cut_off_are_read_again(bench: Bench) -> None:
    """A file that breaks off is not believed."""
    strike(bench, ("GET", "successfulResults"), Truncate(60), phase="mid_reply")
    assert run(bench).exit_code == 0
    assert_each_once(bench)


def test_keyed_deals_that_no_result_tells_of_are_found_by_their_keys(bench: Bench) -> None:
    """Each portion looks its own deals up, and their roles follow."""
    strike(bench, ("GET", "successfulResults"), EMPTY, count=8)
    ending = gone_on(bench, run(bench))
    assert all(len(bench.deals(key)) == 1 for key in KEYS)
    assert ending.counts[OPPORTUNITY]["rejected"] == 0
    assert_every_row_counts_once(ending.counts)


def test_a_refused_deal_takes_its_roles_along_and_no_others(bench: Bench) -> None:
    """Its portion tells why, and the roles that wait for it are blocked."""
    refusal = FailRows(rows=(2,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")
    bench.emulator.faults.add(FaultScript(refusal, method="JOB"))
    ending = run(bench)
    assert ending.exit_code == 3
    assert (ending.counts[OPPORTUNITY]["created"], ending.counts[OPPORTUNITY]["rejected"]) == (8, 1)
    assert (ending.counts[CONTACT_ROLE]["created"], ending.counts[CONTACT_ROLE]["blocked"]) == (16, 2)


def test_too_many_refused_rows_of_a_job_stop_the_book(bench: Bench) -> None:
    """The limit counts over all portions; what the job did is on record, and resume goes on."""
    refusal = FailRows(rows=(0, 1, 2), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")
    bench.emulator.faults.add(FaultScript(refusal, method="JOB"))
    ending = run(bench, max_failures=2)
    assert (ending.document.stopped.code if ending.document.stopped else "") == "TOO_MANY_FAILURES"
    assert_every_row_counts_once(ending.counts)
    assert ending.counts[OPPORTUNITY]["created"] == 6
    assert ending.counts[CONTACT_ROLE]["unprocessed"] == 18


def test_a_job_that_cannot_be_asked_stops_the_book_with_every_row_accounted_for(bench: Bench) -> None:
    """What was sent is unknown for now; resume asks the job, and no row goes twice."""
    bench.emulator.faults.add(FaultScript(Refuse(403, LIMIT), method="GET", path=POLL))
    ending = run(bench)
    assert ending.exit_code not in (0, 3)
    assert_every_row_counts_once(ending.counts)
    assert ending.counts[OPPORTUNITY]["unknown"] == 9
    assert gone_on(bench, ending).exit_code == 0
    assert_each_once(bench)


@pytest.mark.parametrize("action", [Refuse(403, LIMIT), EMPTY], ids=["refused", "empty"])
def test_a_read_back_by_job_that_fails_is_done_by_ids(bench: Bench, action: Refuse) -> None:
    """What a query job does not bring is read by ids, and the next run has nothing to do."""
    ask(bench, 14)
    job = replace(load_job(bench.job, environ=bench.environ), strategy=Strategy.BULK)
    script = bench.emulator.faults.add(FaultScript(action, BEFORE_READ, path=QUERY, count=None))
    assert sync(job, around=replace(bench.around, portion_rows=1)).exit_code == 0
    assert script.struck
    bench.emulator.faults.clear()
    before = bench.write_count()
    assert run(bench).exit_code == 0
    assert bench.write_count() == before
    assert_each_once(bench)
