"""Jobs whose rows have no key in the org: the journal tells them apart, receipts make their creates safe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import ALAN, BARE_ORG, LEUNG, ORG_FILE, Bench, deal, role

from sfsync.core.plans.plan import Action
from sfsync.core.reports.results import Outcome
from sfsync.core.sobject import OPPORTUNITY
from sfsync.emulator.fault_actions import Drop, FailRows, Hold, Redeliver, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.errors import ConfigError, GuardError

NAMES = ("Deal D-1", "Deal D-2", "Deal D-3")
ROLES = sorted([(ALAN, "Decision Maker", True), (LEUNG, "Evaluator", False)])


def ask_for_deals(bench: Bench, *keys: str) -> None:
    """Makes a keyless job ask for deals with two roles each."""
    roles = [role(key, LEUNG, "Evaluator") for key in keys]
    roles += [role(key, ALAN, "Decision Maker", "true") for key in keys]
    bench.write_job([deal(key) for key in keys], roles, has_key=False)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with receipts, and a job without a key that may begin."""
    with running(ORG_FILE) as emulator:
        made = Bench(emulator, tmp_path)
        ask_for_deals(made, "D-1", "D-2", "D-3")
        made.admit()
        yield made


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts where the user may not run bulk jobs, and a job without a key that may begin."""
    with running(BARE_ORG) as emulator:
        made = Bench(emulator, tmp_path)
        ask_for_deals(made, "D-1", "D-2", "D-3")
        made.admit()
        yield made


def roles_of(bench: Bench, name: str) -> list[tuple[str, str | None, bool]]:
    """The roles of the one deal of that name."""
    storage = bench.emulator.org.storage
    [found] = bench.named(name)
    people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
    rows = storage.select("OpportunityContactRole", '"OpportunityId" = ? AND "IsDeleted" = 0', found["Id"])
    return sorted((people[row["ContactId"]], row["Role"], bool(row["IsPrimary"])) for row in rows)


def assert_each_once(bench: Bench) -> None:
    """Three deals with their two roles, and no more were ever committed."""
    assert [roles_of(bench, name) for name in NAMES] == [ROLES] * 3
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (3, 6)


def test_a_journal_that_never_saw_the_job_refuses_it(tmp_path: Path) -> None:
    """With an unknown journal every row could be a second one, so nothing goes before a person has said a word."""
    with running(ORG_FILE) as emulator:
        bench = Bench(emulator, tmp_path)
        ask_for_deals(bench, "D-1")
        assert bench.run().exit_code == 6
        assert bench.named("Deal D-1") == []
        bench.admit()
        assert bench.run().exit_code == 0


def test_rows_are_created_once_and_known_again_by_the_journal(bench: Bench) -> None:
    """A second run finds every record by its remembered id; a changed row updates it; a new row is created."""
    assert bench.run().exit_code == 0
    assert_each_once(bench)
    writes = bench.write_count()
    assert bench.run().exit_code == 0
    assert bench.write_count() == writes
    bench.write_job([deal("D-1", amount="250.00"), deal("D-4")], [role("D-1")], has_key=False)
    ending = bench.run()
    counts = ending.counts["Opportunity"]
    assert (ending.exit_code, counts["updated"], counts["created"]) == (0, 1, 1)
    assert [row["Amount"] for row in bench.named("Deal D-1")] == [250.0]


def test_row_keys_that_differ_in_case_alone_are_two_rows(bench: Bench) -> None:
    """No field of the org compares row keys, so nothing folds their case."""
    bench.write_job([deal("k"), deal("K")], [role("k")], has_key=False)
    assert bench.run().counts["Opportunity"]["created"] == 2
    assert bench.run().counts["Opportunity"]["unchanged"] == 2


def test_a_record_that_was_deleted_is_never_silently_created_again(bench: Bench) -> None:
    """S16: what the journal remembers and the org has no more is a conflict."""
    assert bench.run().exit_code == 0
    bench.delete("Opportunity", str(bench.named("Deal D-2")[0]["Id"]))
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.codes()["Opportunity:D-2"] == "GONE_FROM_ORG"
    assert bench.named("Deal D-2") == []


LOST = {
    "before it is read": (Drop(), BEFORE_READ),
    "before the commit": (Drop(), BEFORE_COMMIT),
    "after the commit": (Drop(), AFTER_COMMIT),
    "unknown exception after the commit": (
        Refuse(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]),
        AFTER_COMMIT,
    ),
    "delivered twice": (Redeliver(), BEFORE_READ),
}


@pytest.mark.parametrize("way", LOST)
def test_n5_behind_receipts_a_lost_answer_costs_no_twin(bench: Bench, way: str) -> None:
    """Deals without a key and their roles are there once, and the run knows their ids."""
    action, phase = LOST[way]
    script = bench.strike(action, phase=phase)
    ending = bench.run()
    assert script.struck
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 3)
    assert_each_once(bench)
    assert bench.run().counts["Opportunity"]["unchanged"] == 3


def test_n6_a_zombie_of_deals_without_a_key_is_fenced(bench: Bench) -> None:
    """A request given up and released later meets its burned token."""
    bench.strike(Hold("zombie"))
    assert bench.run().exit_code == 0
    assert bench.emulator.faults.release("zombie") == 1
    assert_each_once(bench)


def test_p1_a_run_cut_off_is_resumed_without_twins(bench: Bench) -> None:
    """A run that ends after its commit and before its answer goes on with the ids that the receipts keep."""
    bench.strike(Drop(), phase=AFTER_COMMIT)
    bench.strike(Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]), nth=2)
    assert bench.run().exit_code == 75
    assert bench.resume().exit_code == 0
    assert_each_once(bench)


def test_two_jobs_with_the_same_row_keys_do_not_meet(bench: Bench) -> None:
    """Row keys belong to their job: another job's row 1 is another record."""
    assert bench.run().exit_code == 0
    (bench.folder / "deals.toml").rename(bench.folder / "others.toml")
    bench.job = str(bench.folder / "others.toml")
    bench.admit()
    assert bench.run().counts["Opportunity"]["created"] == 3


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_at_most_once_a_lost_answer_is_left_to_a_person(bare: Bench, phase: str) -> None:
    """Without a fence nothing is sent twice: the rows stay unknown, this run and the next, with look-alikes."""
    bare.strike(Drop(), phase=phase)
    ending = bare.run()
    assert ending.exit_code == 3
    assert ending.counts["Opportunity"]["unknown"] == 3
    hints = {
        change.change_id: result.problems[0].hint
        for change, result in ending.document.rows()
        if change.sobject == "Opportunity"
    }
    assert all(("look like it" in hint) == (phase == AFTER_COMMIT) for hint in hints.values())
    again = bare.run()
    assert again.of(Outcome.UNKNOWN) == {f"Opportunity:D-{number}" for number in (1, 2, 3)}
    assert len(bare.written()) == 1


def test_a_run_that_ends_between_deals_and_roles_remembers_its_deals(bench: Bench) -> None:
    """Which record a row became is known the moment it is saved, not when the run has read everything back."""
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    bench.emulator.faults.add(
        FaultScript(Refuse(403, limit), path="LastModifiedById|FROM\\+Opportunity", nth=1)
    )
    bench.emulator.faults.add(FaultScript(Refuse(403, limit), method="POST", path="/composite$", nth=3))
    assert bench.run().exit_code == 75
    bench.emulator.faults.clear()
    planned = [each.sobject for each in bench.plan().changes if each.action is Action.CREATE]
    assert OPPORTUNITY not in planned
    assert bench.run().exit_code == 0
    assert_each_once(bench)


def test_p1_a_plan_made_before_a_run_was_gone_on_with_is_stale(bench: Bench) -> None:
    """Deals that a resumed run has brought are never brought again by a plan that was saved while it lay open."""
    bench.emulator.faults.add(
        FaultScript(
            Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}]), path="/composite/graph"
        )
    )
    assert bench.run().exit_code == 75
    saved = bench.plan()
    assert bench.resume().exit_code == 0
    with pytest.raises(GuardError) as refused:
        bench.apply(saved)
    assert refused.value.code == "PLAN_STALE"
    assert_each_once(bench)


def refused_run(bench: Bench, name: str) -> str:
    """A run in which the org refused the deal of that name; from then on it accepts it."""
    refusal = FailRows(keys=(name,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    bench.emulator.faults.add(FaultScript(refusal, path="/composite", count=None))
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["rejected"]) == (3, 1)
    bench.emulator.faults.clear()
    return ending.document.run_id


@pytest.mark.parametrize("again", ["retry", "run"])
def test_a_row_that_another_run_has_brought_since_is_not_retried(bare: Bench, again: str) -> None:
    """A retry of an old run knows by the journal which of its rows are records by now."""
    run_id = refused_run(bare, "Deal D-1")
    ending = bare.retry(run_id=run_id) if again == "retry" else bare.run()
    assert ending.exit_code == 0
    assert_each_once(bare)
    with pytest.raises(ConfigError) as told:
        bare.retry(run_id=run_id)
    assert told.value.code == "NOTHING_TO_RETRY"
    assert_each_once(bare)


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_a_row_that_another_run_may_have_brought_since_is_not_retried(bare: Bench, phase: str) -> None:
    """What a later run sent and nobody can say of is not sent again by a retry of an earlier one."""
    run_id = refused_run(bare, "Deal D-1")
    bare.strike(Drop(), phase=phase)
    assert bare.run().of(Outcome.UNKNOWN) >= {"Opportunity:D-1"}
    writes = len(bare.written())
    with pytest.raises(ConfigError):
        bare.retry(run_id=run_id)
    assert len(bare.written()) == writes


def test_a_retry_brings_the_roles_of_a_deal_that_another_run_has_brought(bare: Bench) -> None:
    """Roles that had waited for the deal go to the record that it is by now, once."""
    run_id = refused_run(bare, "Deal D-1")
    bare.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-2")], has_key=False)
    assert bare.run().exit_code == 0
    ending = bare.retry(run_id=run_id)
    assert {each.code for each in ending.document.plan.notes} == {"BROUGHT_SINCE"}
    assert ending.counts["OpportunityContactRole"]["created"] == 2
    assert_each_once(bare)


def test_a_key_that_the_org_offers_by_now_makes_no_row_a_second_record(bare: Bench) -> None:
    """Rows that the journal knows are in conflict until their records have the key; then they go by it."""
    assert bare.run().exit_code == 0
    rows = [deal(key, amount="250.00") for key in ("D-1", "D-2", "D-3")], [role("D-1")]
    bare.write_job(*rows)
    ending = bare.run()
    assert (ending.exit_code, ending.codes()["Opportunity:D-1"]) == (3, "KEY_NOT_IN_ORG")
    assert_each_once(bare)
    bare.change("Opportunity", str(bare.named("Deal D-1")[0]["Id"]), Sfsync_Key__c="D-1", NextStep="mine")
    ending = bare.run()
    assert ending.counts["Opportunity"]["updated"] == 1
    assert_each_once(bare)


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_a_key_is_no_fence_for_rows_that_went_without_it(bare: Bench, phase: str) -> None:
    """A row whose keyless create may still arrive stays unknown though it would have a key now."""
    bare.strike(Drop(), phase=phase)
    assert bare.run().exit_code == 3
    bare.write_job([deal(key) for key in ("D-1", "D-2", "D-3")], [role("D-1")])
    ending = bare.run()
    assert ending.of(Outcome.UNKNOWN) == {f"Opportunity:D-{number}" for number in (1, 2, 3)}
    assert len(bare.written()) == 1


def test_a_key_that_the_job_drops_makes_no_row_a_second_record(bare: Bench) -> None:
    """What runs knew by key, the journal does not know by row: the job is refused until a person says so."""
    assert bare.run().exit_code == 0
    bare.write_job([deal("D-4"), deal("D-5")], [role("D-4")])
    assert bare.run().exit_code == 0
    bare.write_job([deal("D-4"), deal("D-5")], [role("D-4")], has_key=False)
    with pytest.raises(GuardError) as refused:
        bare.plan()
    assert refused.value.code == "KEY_DROPPED"
    assert len(bare.named("Deal D-4")) == 1
    bare.write_job([deal("D-6")], [role("D-6")], has_key=False)
    time.sleep(1.1)  # a word counts when it was said in a later second than that in which the run began
    bare.admit()
    assert bare.run().exit_code == 0
