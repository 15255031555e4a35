"""The job fence: without keys and receipts, rows go by bulk jobs, at most once each and all accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import ALAN, LEUNG, Bench, Ending, deal, org_document, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, Hold, Page, Redirect, Refuse, Truncate
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running

KEYS = ("D-1", "D-2", "D-3", "D-4")
JOBS = r"/jobs/ingest"
CREATE, FILL, CLOSE = ("POST", JOBS + "$"), ("PUT", "/batches$"), ("PATCH", r"/jobs/ingest/\w+$")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts, and a keyless job of four deals with two plain roles each."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path)
        roles = [role(key, contact, "Evaluator") for key in KEYS for contact in (LEUNG, ALAN)]
        made.write_job([deal(key) for key in KEYS], roles, has_key=False)
        made.admit()
        yield made


def strike(bench: Bench, call: tuple[str, str], action: object, **words: object) -> FaultScript:
    """Scripts a fault for the n-th such call of a bulk job."""
    method, path = call
    script = FaultScript(action, method=method, path=path, **words)  # type: ignore[arg-type]
    return bench.emulator.faults.add(script)


def assert_each_once(bench: Bench) -> None:
    """Every deal is there once with its two roles, and nothing was ever committed besides."""
    assert [len(bench.named(f"Deal {key}")) for key in KEYS] == [1] * 4
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (4, 8)


def test_the_plan_names_the_route_and_what_it_costs(bench: Bench) -> None:
    """Without keys and receipts the job fence is the best that the org gives."""
    made = bench.plan()
    assert {made.routes["Opportunity"].value, made.routes["OpportunityContactRole"].value} == {"job fence"}


NO_WORD_OF_THE_ORG = {
    "a redirect": (Redirect("https://elsewhere.example/"), 2),
    "a proxy's 403": (Refuse(403, "<html>", content_type="text/html"), 4),
    "a page of a network login": (Page(), 75),
    "a list": (Refuse(200, []), 75),
}
"""Answers to the question whether jobs are allowed, each with the exit code of the run."""


@pytest.mark.parametrize("way", NO_WORD_OF_THE_ORG)
def test_only_the_org_itself_can_say_that_jobs_are_not_allowed(bench: Bench, way: str) -> None:
    """T6, T9: what stands between never makes a route laxer: the run stops before it writes."""
    action, expected = NO_WORD_OF_THE_ORG[way]
    strike(bench, ("GET", JOBS + "$"), action, count=None)
    assert bench.run() == Ending(expected)
    assert bench.inserted()["Opportunity"] == 0
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert_each_once(bench)


def test_deals_and_then_their_roles_go_by_one_job_each(bench: Bench) -> None:
    """The roles wait for the ids of their deals; a second run finds all of them."""
    ending = bench.run()
    assert (ending.exit_code, ending.counts["OpportunityContactRole"]["created"]) == (0, 8)
    assert_each_once(bench)
    calls = len(bench.emulator.audit.requests)
    assert bench.run().exit_code == 0
    assert not [
        each for each in bench.emulator.audit.requests[calls:] if each.method != "GET" and "jobs" in each.path
    ]


WAYS = {
    "lost before it is read": (Drop(), BEFORE_READ),
    "lost after it was done": (Drop(), AFTER_COMMIT),
    "half an answer": (Truncate(), "mid_reply"),
    "a proxy's 502 before": (Refuse(502, "<html>", content_type="text/html"), BEFORE_READ),
    "a proxy's 502 after": (Refuse(502, "<html>", content_type="text/html"), AFTER_COMMIT),
    "an expired session": (Refuse(401, [{"errorCode": "INVALID_SESSION_ID", "message": "x"}]), BEFORE_READ),
}


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("call", [CREATE, FILL, CLOSE], ids=["create", "fill", "close"])
@pytest.mark.parametrize("way", WAYS)
def test_n5_a_lost_answer_at_any_step_makes_no_twin(
    bench: Bench, way: str, call: tuple[str, str], nth: int
) -> None:
    """Whatever becomes of one call of a job, this run or the next one ends with every row there once."""
    action, phase = WAYS[way]
    script = strike(bench, call, action, phase=phase, nth=nth)
    ending = bench.run()
    assert script.struck
    if ending.exit_code:
        bench.renew_token()
        ending = bench.run()
    assert ending.exit_code == 0
    assert_each_once(bench)


def test_a_job_whose_upload_is_in_doubt_is_never_closed(bench: Bench) -> None:
    """Nobody can say what such a job holds, so another one is made."""
    strike(bench, FILL, Drop(), phase=AFTER_COMMIT)
    assert bench.run().exit_code == 0
    closed = [
        each.path for each in bench.emulator.audit.requests if each.method == "PATCH" and "jobs" in each.path
    ]
    filled = [each.path for each in bench.emulator.audit.requests if each.method == "PUT"]
    assert len(filled) == 3
    assert filled[0].removesuffix("/batches") in closed  # aborted
    assert_each_once(bench)


def test_n6_a_close_that_arrives_late_finds_an_aborted_job(bench: Bench) -> None:
    """A run is cut off while its close is held; the next one aborts the job first, and the zombie does nothing."""
    strike(bench, CLOSE, Hold("zombie"))
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    bench.emulator.faults.add(FaultScript(Refuse(403, limit), method="GET", path=r"/jobs/ingest/\w+$"))
    bench.emulator.faults.add(
        FaultScript(Refuse(403, limit), method="PATCH", path=r"/jobs/ingest/\w+$", nth=2)
    )
    assert bench.run().exit_code == 75
    assert bench.run().exit_code == 0
    bench.emulator.faults.release("zombie")
    assert_each_once(bench)


def test_p1_a_run_cut_off_after_the_close_reads_the_results_later(bench: Bench) -> None:
    """The job's id is in the journal, so the results settle every row, and nothing is sent again."""
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    bench.emulator.faults.add(FaultScript(Refuse(403, limit), method="GET", path=r"/jobs/ingest/\w+$"))
    assert bench.run().exit_code == 75
    ending = bench.resume()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 4)
    assert_each_once(bench)


def test_a_change_of_primary_goes_by_no_job(bench: Bench) -> None:
    """Chunks of a job are not all or none, so a role that takes the flag goes in a graph of its own."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG, "Evaluator", "true")], has_key=False)
    assert bench.run().exit_code == 0
    [found] = bench.named("Deal D-1")
    rows = bench.emulator.org.storage.select("OpportunityContactRole", '"OpportunityId" = ?', found["Id"])
    assert [row["IsPrimary"] for row in rows] == [1]
    assert bench.write_count() == 1


def test_a_text_that_would_clear_a_field_is_not_sent(bench: Bench) -> None:
    """#N/A means null in a job, so a row that says just this is rejected by name."""
    bench.write_job([deal("D-1", next_step="#N/A"), deal("D-2")], [role("D-1", name="None")], has_key=False)
    ending = bench.run()
    assert ending.codes() == {"Opportunity:D-1": "NOT_SENDABLE"}
    assert ending.of(Outcome.CREATED) == {"Opportunity:D-2"}


def test_n10_records_that_match_no_row_are_named(bench: Bench) -> None:
    """A job that tells of a record which is no row of ours leaves our rows unknown, and the record is named."""
    stray = bench.find("Opportunity", Sfsync_Key__c="DEAL-1003")
    lines = (
        "sf__Id,sf__Created,Name,AccountId,StageName,CloseDate,Amount",
        f"{stray},true,Another,,Prospecting,,1",
    )
    told = Refuse(200, "\n".join(lines) + "\n", content_type="text/csv")
    bench.emulator.faults.add(FaultScript(told, method="GET", path="successfulResults", count=None))
    ending = bench.run()
    assert ending.counts["Opportunity"]["unknown"] == 4
    assert stray in next(each.message for each in ending.document.notes if each.code == "STRAY_RECORDS")


def test_n10_a_row_that_no_result_tells_of_is_unknown(bench: Bench) -> None:
    """A sent row that is in none of the three files goes to a person, and is never sent again."""
    bench.switch(result_row_missing=True)
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.counts["Opportunity"]["unknown"] == 1
    assert bench.run().counts["Opportunity"]["unknown"] == 1
    assert bench.inserted()["Opportunity"] == 4


def test_n10_rows_that_come_back_with_other_line_ends_are_known_again(bench: Bench) -> None:
    """The platform may trim what it echoes and change line ends; the rows are matched all the same."""
    bench.switch(result_echo_altered=True)
    rows = [deal(key, next_step=f" call\r\n{key} ") for key in KEYS]
    bench.write_job(rows, [role("D-1", name="None")], has_key=False)
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 4)
