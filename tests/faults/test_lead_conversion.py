"""Lost answers, late and doubled calls, edits and refusals around a conversion: one deal, never two, never lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lead_bench import (
    ALAN,
    BERTHA,
    CARL,
    CONVERT,
    conversions,
    convert_by_hand,
    deal,
    deals_of,
    lead,
    lead_bench,
    role,
    roles_of,
    strike,
    write_leads_job,
)
from main_job_bench import Before, Bench, assert_every_row_counts_once

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import (
    Action,
    Drop,
    ExpireSession,
    FailRows,
    Hold,
    Page,
    Redeliver,
    Refuse,
    Truncate,
)

ROLES = [role("D-1", primary="x"), role("D-1", ALAN, "Evaluator")]
WANTED = [(ALAN, "Evaluator", False), (BERTHA, "Decision Maker", True)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with open leads, and a job with one deal out of a lead and its roles."""
    with lead_bench(tmp_path) as made:
        write_leads_job(made, [deal("D-1")], ROLES)
        yield made


def assert_one_deal(bench: Bench) -> None:
    """The lead has become one deal, which is as the row wants it, with its roles once each."""
    [found] = deals_of(bench)
    assert (found["Sfsync_Key__c"], found["StageName"], found["Amount"]) == ("D-1", "Needs Analysis", 100.0)
    assert found["Id"] == lead(bench)["ConvertedOpportunityId"]
    assert roles_of(bench, found["Id"]) == WANTED


def assert_nothing_is_left(bench: Bench) -> None:
    """Another run finds all as it should be and writes nothing."""
    commits = len(bench.emulator.audit.commits)
    ending = bench.run()
    assert (ending.exit_code, len(bench.emulator.audit.commits)) == (0, commits)
    assert ending.of(Outcome.UNCHANGED) >= {"Opportunity:D-1"}


LOSSES = {
    "before_the_org_read_it": (Drop(), "before_read"),
    "before_it_committed": (Drop(), "before_commit"),
    "after_it_committed": (Drop(), "after_commit"),
    "in_the_middle_of_the_answer": (Truncate(), "mid_reply"),
    "a_page_in_its_place": (Page(), "before_read"),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_lost_answer_is_settled_by_reading_the_lead(bench: Bench, loss: tuple[Action, str]) -> None:
    """Whether the org converted the lead or not, the same run ends with its one deal."""
    strike(bench, loss[0], phase=loss[1])
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 1)
    assert_every_row_counts_once(ending.counts)
    is_committed = loss[1] in ("after_commit", "mid_reply")
    assert conversions(bench) == (1 if is_committed else 2)
    assert_one_deal(bench)
    assert_nothing_is_left(bench)


@pytest.mark.parametrize("later", [False, True], ids=["at_once", "later"])
def test_a_request_that_arrives_twice_converts_once(bench: Bench, later: bool) -> None:
    """The second delivery is refused by the platform, whichever of the two answers comes back."""
    strike(bench, Redeliver(later=later), phase="after_commit")
    ending = bench.run()
    bench.emulator.faults.release()
    assert ending.exit_code == 0
    assert_one_deal(bench)
    assert_nothing_is_left(bench)


@pytest.mark.parametrize("moment", ["before_the_next_run", "during_it", "after_it"])
def test_a_call_that_commits_late_makes_no_second_deal(bench: Bench, moment: str) -> None:
    """A conversion whose client was cut off commits when it likes: the next run's deal is that one."""
    strike(bench, Hold(), phase="before_read")
    rest = strike(bench, Drop(), phase="before_read", nth=2, count=None)
    assert bench.run().exit_code == 75
    assert bench.emulator.faults.held() == ["hold"]
    rest.count = 0
    release = bench.emulator.faults.release
    if moment == "before_the_next_run":
        release()
    elif moment == "during_it":
        bench.emulator.faults.add(Before(Drop(), path=CONVERT, deed=release))
    ending = bench.run()
    release()
    assert ending.exit_code == 0
    assert_one_deal(bench)
    assert_nothing_is_left(bench)


@pytest.mark.parametrize("phase", ["before_read", "after_commit"])
def test_an_org_that_says_it_is_unavailable_is_asked_again(bench: Bench, phase: str) -> None:
    """Whether it had converted the lead or not: a second conversion is refused, and then the lead is read."""
    strike(bench, Refuse(), phase=phase)
    assert bench.run().exit_code == 0
    assert_one_deal(bench)
    assert_nothing_is_left(bench)


def test_an_org_that_loses_every_answer_ends_the_run_with_the_lead_open(bench: Bench) -> None:
    """The run stops with 75 after some tries; resume goes on when the answers come again."""
    lost = strike(bench, Drop(), phase="before_commit", count=None)
    ending = bench.run()
    assert (ending.exit_code, ending.document.stopped is not None) == (75, True)
    assert not lead(bench)["IsConverted"]
    lost.count = 0
    assert bench.resume().exit_code == 0
    assert_one_deal(bench)


def test_a_session_that_expires_before_the_conversion_costs_nothing(tmp_path: Path) -> None:
    """The token in the envelope is the new session's when the call goes again."""
    with lead_bench(tmp_path) as bench:
        write_leads_job(bench, [deal("D-1")], ROLES)
        strike(bench, ExpireSession(), phase="before_read")
        ending = bench.run()
        assert ending.exit_code == 4, "a fixed token cannot be renewed"
        assert not lead(bench)["IsConverted"]
        bench.renew_token()
        assert bench.resume().exit_code == 0
        assert_one_deal(bench)


def test_a_locked_row_is_tried_again(bench: Bench) -> None:
    """UNABLE_TO_LOCK_ROW on a lead is waited out within the run."""
    strike(bench, FailRows(), phase="before_commit", count=2)
    ending = bench.run()
    assert (ending.exit_code, conversions(bench)) == (0, 3)
    assert_one_deal(bench)


def test_a_refused_lead_rejects_its_row_and_no_other(bench: Bench) -> None:
    """What the org says against one lead stands with its row; its roles wait, the neighbour is converted."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", CARL)], ROLES)
    refusal = FailRows(rows=(0,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="not yet")
    strike(bench, refusal, phase="before_commit")
    ending = bench.run()
    assert ending.codes()["Opportunity:D-1"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert ending.of(Outcome.REJECTED) == {"Opportunity:D-1"}
    assert len(ending.of(Outcome.BLOCKED)) == 2
    assert (lead(bench)["IsConverted"], lead(bench, CARL)["IsConverted"]) == (0, 1)
    assert bench.retry().exit_code == 0
    assert_one_deal(bench)


def test_a_retry_of_the_deal_alone_does_not_convert_again(bench: Bench) -> None:
    """When the conversion went well and the deal's update was refused, a retry only brings the update."""
    bench.strike(FailRows(code="STRING_TOO_LONG", message="too long"), phase="before_commit")
    assert bench.run().exit_code == 3
    assert lead(bench)["IsConverted"]
    assert bench.retry().exit_code == 0
    assert conversions(bench) == 1
    assert_one_deal(bench)
    assert_nothing_is_left(bench)


def test_a_lost_update_after_the_conversion_is_looked_up(bench: Bench) -> None:
    """The answer to the update of the new deal is lost: the run reads the deal and ends well."""
    bench.strike(Drop(), phase="after_commit", count=1)
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 1)
    assert_one_deal(bench)


def test_a_lead_that_somebody_converts_meanwhile_is_a_conflict(bench: Bench) -> None:
    """What the plan did not show is not taken; the next plan shows the deal that the lead has become."""
    made = bench.plan()
    convert_by_hand(bench)
    ending = bench.apply(made)
    assert ending.codes()["Opportunity:D-1"] == "LEAD_CONVERTED"
    assert len(deals_of(bench)) == 1
    assert bench.run().exit_code == 0
    assert_one_deal(bench)


def test_a_create_only_value_is_brought_by_the_run_after_a_death(bench: Bench) -> None:
    """The deal of an unfinished conversion counts as new: values that only a create may bring are brought."""
    job = Path(bench.job)
    text = job.read_text().replace(
        'Amount = "amount"', 'Amount = { column = "amount", policy = "create-only" }'
    )
    job.write_text(text)
    bench.strike(Drop(), phase="before_read", count=None)
    assert bench.run().exit_code == 3 or deals_of(bench)[0]["Amount"] is None
    bench.emulator.faults.clear()
    bench.run()
    assert_one_deal(bench)


def test_an_edit_between_two_runs_is_shown_before_it_is_written_over(bench: Bench) -> None:
    """A run dies after the conversion, somebody else edits the deal: a resume leaves it alone."""
    bench.strike(Drop(), phase="before_read", count=None)
    bench.run()
    [found] = deals_of(bench)
    bench.emulator.faults.clear()
    bench.change(
        "Opportunity",
        found["Id"],
        by=bench.find("User", Username="maria.jimenez@cloudkicks.example"),
        NextStep="call them",
    )
    ending = bench.run()
    assert ending.exit_code == 0
    assert deals_of(bench)[0]["NextStep"] == "call them"
    assert_one_deal(bench)
