"""Guards: a run stops before it does more than it was allowed, and the rest can still be done afterwards."""

from __future__ import annotations

from pathlib import Path

from main_job_bench import Bench, deal, role

from sfsync.core.plans.guards import changes_digest
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import ChangeOrg, Drop, FailRows, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript

MANY = [deal(f"D-{number}") for number in range(60)]


def test_more_changes_than_allowed_stop_the_plan(bench: Bench) -> None:
    """Nothing is written when the plan is larger than --max-changes."""
    bench.write_job([deal("D-1"), deal("D-2")], [role("D-1")])
    assert bench.run(max_changes=2).exit_code == 6
    assert bench.write_count() == 0
    assert bench.run(max_changes=3).exit_code == 0


def test_more_failures_than_allowed_stop_the_run_and_lose_nothing(bench: Bench) -> None:
    """The run ends with exit 6 when too many rows fail; what was saved is known and the rest can be resumed."""
    bench.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-1", name="None")])
    bench.emulator.faults.add(
        FaultScript(FailRows(keys=("D-1", "D-2"), code="FIELD_CUSTOM_VALIDATION_EXCEPTION"), count=None)
    )
    assert bench.run(max_failures=1).exit_code == 6
    bench.emulator.faults.clear()
    ending = bench.resume()
    assert ending.exit_code == 3
    assert ending.counts["Opportunity"]["rejected"] == 2
    assert len(bench.deals("D-3")) == 1


def test_a_canary_that_fails_keeps_the_rest_back(bench: Bench) -> None:
    """The first deal goes alone; when the org refuses it, the others are not sent."""
    bench.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-2"), role("D-1")])
    bench.emulator.faults.add(
        FaultScript(FailRows(keys=("D-1",), code="FIELD_CUSTOM_VALIDATION_EXCEPTION"), count=None)
    )
    assert bench.run(canary=1).exit_code == 6
    assert bench.inserted()["Opportunity"] == 0


def test_s19_a_canary_that_the_org_rewrites_keeps_the_rest_back(bench: Bench) -> None:
    """The first deal is saved, but not as it was written: a person looks before the others go."""
    bench.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-1", name="None")])
    somebody = {"what": "edit", "object": "Opportunity", "id": "@Opportunity", "values": {"Amount": 7}}
    bench.strike(ChangeOrg(somebody), phase=AFTER_COMMIT)
    assert bench.run(canary=1).exit_code == 6
    assert bench.inserted()["Opportunity"] == 1


def test_a_canary_that_sings_lets_the_rest_go(bench: Bench) -> None:
    """The first deals with their roles are written and read back, then all others."""
    bench.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-1"), role("D-3")])
    ending = bench.run(canary=1)
    assert ending.exit_code == 0
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (3, 2)


def test_a_plan_out_of_proportion_waits_for_a_person(bench: Bench) -> None:
    """A plan that changes more than a fifth of what is known stops until its digest is given back."""
    bench.write_job(MANY, [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    changed = [{**row, "amount": "1.00"} if place < 20 else row for place, row in enumerate(MANY)]
    bench.write_job(changed, [role("D-1", name="None")])
    writes = bench.write_count()
    assert bench.run().exit_code == 6
    assert bench.write_count() == writes
    assert bench.run(confirmed="0123456789ab").exit_code == 6
    assert bench.write_count() == writes
    digest = changes_digest(bench.plan().changes)
    assert bench.run(confirmed=digest).exit_code == 0


def test_i15_a_field_cleared_on_many_records_waits_for_a_person(bench: Bench) -> None:
    """A column that came out empty clears a field on more than one record in a hundred: it is shown first."""
    bench.amount_rule = '{ column = "amount", blank = "null" }'
    bench.write_job(MANY, [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    cleared = [{**row, "amount": ""} if place < 2 else row for place, row in enumerate(MANY)]
    bench.write_job(cleared, [role("D-1", name="None")])
    assert bench.run().exit_code == 6
    assert bench.deal("D-0")["Amount"] == 100.0
    assert bench.run(confirmed=changes_digest(bench.plan().changes)).exit_code == 0
    assert bench.deal("D-0")["Amount"] is None


def test_a_source_that_grew_threefold_waits_for_a_person(bench: Bench) -> None:
    """More than three times the rows of the last run look like a mistake of the source."""
    bench.write_job(MANY, [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    bench.write_job([deal(f"D-{number}") for number in range(200)], [role("D-1", name="None")])
    assert bench.run().exit_code == 6
    assert bench.run(confirmed=changes_digest(bench.plan().changes)).exit_code == 0


def test_rows_in_doubt_when_a_guard_stops_the_run_are_unknown(bench: Bench) -> None:
    """They were sent and may be in the org: the report does not say that the run ended before they were."""
    bench.write_job([deal(f"D-{number}") for number in (1, 2, 3, 4)], [role("D-1")], has_key=False)
    bench.admit()
    bench.strike(Drop(), phase=AFTER_COMMIT)
    ending = bench.run(max_failures=0)
    assert ending.exit_code == 6
    assert ending.of(Outcome.UNPROCESSED) == set()
    assert len(ending.of(Outcome.UNKNOWN)) == 5


def test_rows_that_were_rolled_back_when_a_guard_stops_the_run_are_not_in_doubt(bench: Bench) -> None:
    """The innocent of a refused transaction go when the run is resumed, also where nothing fences them."""
    bench.write_job([deal(f"D-{number}") for number in (1, 2, 3, 4)], [role("D-1")], has_key=False)
    bench.admit()
    bench.emulator.faults.add(
        FaultScript(FailRows(keys=("Deal D-1",), code="FIELD_CUSTOM_VALIDATION_EXCEPTION"), count=None)
    )
    stopped = bench.run(max_failures=0)
    assert (stopped.exit_code, stopped.counts["Opportunity"]["unprocessed"]) == (6, 2)
    bench.emulator.faults.clear()
    ending = bench.resume()
    assert (ending.counts["Opportunity"]["created"], ending.of(Outcome.UNKNOWN)) == (3, set())


def test_the_guards_of_the_job_file_hold_when_the_run_is_resumed(bench: Bench) -> None:
    """A run that an outage stopped goes on under the job's own limits, not without any."""
    bench.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-1")])
    job = Path(bench.job)
    job.write_text(f"{job.read_text()}\n[guards]\nmax_failures = 0\n")
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    bench.strike(Refuse(403, limit), count=None)
    assert bench.run().exit_code == 75
    bench.emulator.faults.clear()
    bench.emulator.faults.add(
        FaultScript(FailRows(keys=("Deal D-2",), code="FIELD_CUSTOM_VALIDATION_EXCEPTION"), count=None)
    )
    assert bench.resume().exit_code == 6
