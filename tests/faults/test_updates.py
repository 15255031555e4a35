"""Updates: edits made between the plan and the write are never overwritten, and policies say who has the say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from main_job_bench import BARE_ORG, Before, Bench, deal, role

from sfsync.core.job import UpdateMode
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.hooks import Event
from sfsync.emulator.server import running

UPDATES = r"/composite$|/sobjects/\w+/\w{18}$"
NO_ROLE = [role("D-1", name="None")]


def move_on(bench: Bench, *keys: str) -> None:
    """Brings deals to the org a day ago, and makes the job ask for another amount."""
    bench.write_job([deal(key) for key in keys], NO_ROLE)
    assert bench.run().exit_code == 0
    long_ago = stamp(datetime.now(UTC) - timedelta(days=1))
    bench.emulator.org.storage.restamp(long_ago)
    bench.write_job([deal(key, amount="250.00") for key in keys], NO_ROLE)


def edit(bench: Bench, key: str) -> None:
    """Writes to a deal as somebody else does at this moment, inside the org."""
    org = bench.emulator.org
    now = stamp(org.clock.now())
    changes = {"NextStep": "call them", "LastModifiedDate": now, "SystemModstamp": now}
    org.storage.update("Opportunity", bench.deal(key)["Id"], changes)


@pytest.mark.parametrize("keys", [("D-1",), ("D-1", "D-2", "D-3")])
def test_c4_an_edit_between_the_reading_and_the_write_is_kept(bench: Bench, keys: tuple[str, ...]) -> None:
    """The org refuses an update of a record that somebody modified a moment before; the others go."""
    move_on(bench, *keys)
    bench.emulator.faults.add(
        Before(
            Drop(),
            method="PATCH" if len(keys) == 1 else None,
            path=UPDATES,
            nth=1 if len(keys) == 1 else 5,  # four calls ask what changed and what is there
            deed=lambda: edit(bench, "D-1"),
        )
    )
    ending = bench.run()
    assert ending.of(Outcome.CONFLICT) == {"Opportunity:D-1"}
    assert bench.deal("D-1")["Amount"] == 100.0
    assert all(bench.deal(key)["Amount"] == 250.0 for key in keys[1:])


def test_a_record_modified_this_second_is_read_again_first(bench: Bench) -> None:
    """The platform's stamps have a grain of a second, so a fresh one is waited out."""
    move_on(bench, "D-1")
    edit(bench, "D-1")
    reads = len(bench.emulator.audit.requests)
    assert bench.run().exit_code == 0
    assert bench.deal("D-1")["Amount"] == 250.0
    queries = [each.path for each in bench.emulator.audit.requests[reads:] if "LastModifiedDate" in each.path]
    assert len(queries) > 1


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_n5_a_lost_answer_to_an_update_is_no_conflict_with_ourselves(bench: Bench, phase: str) -> None:
    """An update that was saved and is sent again meets its own edit; the run sees that the values are there."""
    move_on(bench, "D-1")
    script = bench.emulator.faults.add(FaultScript(Drop(), phase, method="PATCH", path=UPDATES))
    ending = bench.run()
    assert script.struck
    assert (ending.exit_code, ending.counts["Opportunity"]["updated"]) == (0, 1)
    assert bench.deal("D-1")["Amount"] == 250.0


def test_n5_an_update_that_nobody_can_say_of_is_sent_by_the_next_run(bench: Bench) -> None:
    """What was last brought moves on over saved rows only, so the value is not taken for sent."""
    move_on(bench, "D-1")
    broken = Refuse(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}])
    bench.emulator.faults.add(FaultScript(broken, method="PATCH", path=UPDATES, count=None))
    ending = bench.run()
    assert ending.of(Outcome.UNKNOWN) == {"Opportunity:D-1"}
    assert ending.exit_code == 3
    bench.emulator.faults.clear()
    assert bench.run().counts["Opportunity"]["updated"] == 1
    assert bench.deal("D-1")["Amount"] == 250.0


def test_a_condition_answered_without_a_body_is_a_conflict_too(bench: Bench) -> None:
    """412 says that nothing was written, whatever else the answer holds."""
    move_on(bench, "D-1")
    bench.emulator.faults.add(FaultScript(Refuse(412, ""), method="PATCH", path=UPDATES))
    assert bench.run().of(Outcome.CONFLICT) == {"Opportunity:D-1"}


def test_many_updates_go_fast_and_few_go_strict(bench: Bench) -> None:
    """A job may force either; by itself it is strict for up to five hundred updates."""
    move_on(bench, "D-1", "D-2")
    assert bench.plan().is_strict
    fast = bench.planned_with(update_mode=UpdateMode.FAST)
    assert not fast.is_strict
    assert fast.predicted.writes == 1


POLICIES = {
    "guard": (100.0, "conflicts"),
    "source": (250.0, "updated"),
    "org": (175.0, "unchanged"),
    "create-only": (175.0, "unchanged"),
    "fill-empty": (175.0, "unchanged"),
}


@pytest.mark.parametrize("policy", ["guard", "source", "org", "create-only", "fill-empty"])
def test_a_policy_says_who_has_the_say_over_a_field(bench: Bench, policy: str) -> None:
    """Source and org both changed the amount since the last run."""
    rule = '"amount"' if policy == "guard" else f'{{ column = "amount", policy = "{policy}" }}'
    bench.amount_rule = rule
    move_on(bench, "D-1")
    bench.change("Opportunity", bench.deal("D-1")["Id"], Amount=175)
    ending = bench.run()
    amount, outcome = POLICIES[policy]
    assert ending.counts["Opportunity"][outcome] == 1
    assert bench.deal("D-1")["Amount"] == (175.0 if policy == "guard" else amount)


def test_an_empty_field_is_filled(bench: Bench) -> None:
    """fill-empty and org write where the record has no value."""
    for policy in ("fill-empty", "org"):
        bench.amount_rule = f'{{ column = "amount", policy = "{policy}" }}'
        key = f"D-{policy}"
        bench.write_job([deal(key, amount="")], [role(key, name="None")])
        assert bench.run().exit_code == 0
        bench.write_job([deal(key, amount="7.00")], [role(key, name="None")])
        assert bench.run().counts["Opportunity"]["updated"] == 1
        assert bench.deal(key)["Amount"] == 7.0


def test_a_stage_moves_forward_only(bench: Bench) -> None:
    """With forward-only a deal is moved to later stages, never back, and never out of a closed one."""
    bench.stage_rule = '{ column = "stage", policy = "forward-only" }'
    stages = []
    for stage in ("Needs Analysis", "Prospecting", "Closed Won", "Negotiation/Review"):
        bench.write_job([deal("D-1", stage=stage)], NO_ROLE)
        assert bench.run().exit_code == 0
        stages.append(bench.deal("D-1")["StageName"])
    assert stages == ["Needs Analysis", "Needs Analysis", "Closed Won", "Closed Won"]
    assert "forward-only" in bench.plan().notes[-1].message


def amount_is_another(event: Event) -> str | None:
    """Validate: one amount is refused."""
    return "Not this one." if event.row["Amount"] == 250 else None


def test_a_single_update_that_a_rule_of_the_org_refuses_rejects_its_row_and_stops_nothing(
    tmp_path: Path,
) -> None:
    """The code of the refusal is one of many that only the org knows; it goes in a request of its own."""
    rule = {"object": "Opportunity", "hook": f"{__name__}:amount_is_another", "fields": ["Amount"]}
    with running(BARE_ORG | {"validation_rules": [rule]}) as emulator:
        bench = Bench(emulator, tmp_path)
        move_on(bench, "D-1")
        assert bench.run().codes() == {"Opportunity:D-1": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
