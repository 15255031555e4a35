"""What a salesperson changes between two runs is a conflict, also where the first run never came to its end."""

from __future__ import annotations

import re

import pytest
from main_job_bench import WRITES, Before, Bench, deal, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, FailRows, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript

READS = r"/query|/composite$"
LIMIT = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]


def edit(bench: Bench, key: str, **values: object) -> None:
    """Changes a deal as a salesperson, who is another user than the job's."""
    somebody = bench.find("User", Username="maria.jimenez@cloudkicks.example")
    bench.change("Opportunity", str(bench.deal(key)["Id"]), by=somebody, **values)


@pytest.mark.parametrize("goes_on", ["run", "resume"])
def test_an_edit_after_a_run_that_a_guard_stopped_is_not_overwritten(bench: Bench, goes_on: str) -> None:
    """The run saved the deal and did not live to read it back: the edit is still told from the platform's doing."""
    bench.write_job([deal(f"D-{number}") for number in (1, 2, 3, 4)], [role("D-1")])
    bench.emulator.faults.add(
        FaultScript(FailRows(keys=("Deal D-4",), code="X"), path="/composite", count=None)
    )
    assert bench.run(max_failures=0).exit_code == 6
    bench.emulator.faults.clear()
    edit(bench, "D-1", Amount=5555)
    if goes_on == "resume":
        bench.resume()
    ending = bench.run()
    assert ending.codes()["Opportunity:D-1"] == "CHANGED_IN_ORG"
    [told] = [each.message for _, _, each in ending.document.problems() if each.code == "CHANGED_IN_ORG"]
    assert "Amount (now 5555" in told
    assert "in this row " in told
    assert bench.deal("D-1")["Amount"] == 5555


def test_an_edit_of_a_deal_whose_answer_was_lost_is_not_overwritten(bench: Bench) -> None:
    """Looked up after the edit, the record holds something else than was sent: it is left alone for good."""
    bench.write_job([deal("D-1")], [role("D-1")])
    bench.plan()
    reads = sum(re.search(READS, each.path) is not None for each in bench.emulator.audit.requests)
    bench.emulator.faults.add(FaultScript(Refuse(403, LIMIT), path=READS, nth=reads + 1, count=None))
    bench.strike(Drop(), phase=AFTER_COMMIT)
    assert bench.run().exit_code == 75
    bench.emulator.faults.clear()
    edit(bench, "D-1", Amount=5555)
    for _ in range(2):
        assert bench.run().of(Outcome.CONFLICT) == {"Opportunity:D-1"}
        assert bench.deal("D-1")["Amount"] == 5555


def test_an_update_of_a_run_that_was_cut_off_is_not_taken_for_an_edit(bench: Bench) -> None:
    """The next run finds the row as it wants it and remembers that; the one after it may change it."""
    bench.write_job([deal("D-1")], [role("D-1")])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1", amount="7.00")], [role("D-1")])
    bench.strike(Drop(), phase=AFTER_COMMIT)
    bench.emulator.faults.add(
        Before(Drop(), "before_read", path=WRITES, deed=bench.stop.set),
    )
    bench.run()
    bench.stop.clear()
    bench.emulator.faults.clear()
    assert bench.deal("D-1")["Amount"] == 7
    assert bench.run().counts["Opportunity"]["unchanged"] == 1
    bench.write_job([deal("D-1", amount="8.00")], [role("D-1")])
    assert bench.run().counts["Opportunity"]["updated"] == 1


def test_a_field_that_a_run_says_nothing_of_keeps_its_memory(bench: Bench) -> None:
    """An empty cell leaves the field alone; what a salesperson writes into it meanwhile is still an edit."""
    bench.write_job([deal("D-1", next_step="Call")], [role("D-1")])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1", next_step="", amount="7.00")], [role("D-1")])
    assert bench.run().counts["Opportunity"]["updated"] == 1
    edit(bench, "D-1", NextStep="Mine")
    bench.write_job([deal("D-1", next_step="Call", amount="7.00")], [role("D-1")])
    assert bench.run().codes()["Opportunity:D-1"] == "CHANGED_IN_ORG"
    assert bench.deal("D-1")["NextStep"] == "Mine"


def test_another_job_with_the_same_deals_takes_no_memory_away(bench: Bench) -> None:
    """Jobs share what is known of a record: one that maps fewer fields makes no other overwrite edits."""
    bench.write_job([deal("D-1")], [])
    job = bench.folder / "deals.toml"
    first = job.read_text().split("[contact_roles]")[0]
    job.write_text(first)
    assert bench.run().exit_code == 0
    fewer = first.replace('Amount = "amount"\n', "").replace(
        "[opportunities]\n", '[opportunities]\nignore = ["amount"]\n'
    )
    (bench.folder / "fewer.toml").write_text(fewer)
    bench.write_job([deal("D-1", next_step="Call")], [])
    job.write_text(first)
    bench.job = str(bench.folder / "fewer.toml")
    assert bench.run().counts["Opportunity"]["updated"] == 1
    edit(bench, "D-1", Amount=5555)
    bench.job = str(job)
    assert bench.run().codes()["Opportunity:D-1"] == "CHANGED_IN_ORG"
    assert bench.deal("D-1")["Amount"] == 5555


def test_a_field_that_a_job_maps_later_is_remembered_from_then_on(bench: Bench) -> None:
    """The org has the value already, so nothing is written; an edit after that run is an edit all the same."""
    bench.write_job([deal("D-1", next_step="")], [role("D-1")])
    assert bench.run().exit_code == 0
    edit(bench, "D-1", NextStep="Call")
    bench.write_job([deal("D-1", next_step="Call")], [role("D-1")])
    assert bench.run().counts["Opportunity"]["unchanged"] == 1
    edit(bench, "D-1", NextStep="Mine")
    assert bench.run().codes()["Opportunity:D-1"] == "CHANGED_IN_ORG"
    assert bench.deal("D-1")["NextStep"] == "Mine"


def test_a_role_whose_row_says_more_by_now_is_no_conflict(bench: Bench) -> None:
    """The first run said nothing of the primary flag, so nobody has changed what it said."""
    bench.write_job([deal("D-1")], [role("D-1")])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1")], [role("D-1", primary="true")])
    assert bench.run().counts["OpportunityContactRole"]["updated"] == 1
