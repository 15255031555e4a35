"""N6 and S13: a key that is suddenly in the org, by our own late twin, by somebody else, or in the recycle bin.

A zombie is a call whose client was cut off and which the org carries out later, at a moment the test chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from main_job_bench import BARE_ORG, GRID, LEUNG, WRITES, Bench, Ending, Reference, deal, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, Hold
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.emulator.switches import Switches

CREATE_OF_DEALS = 2
CALLS = [CREATE_OF_DEALS, *(pytest.param(nth, marks=GRID) for nth in (1, 3, 4))]
"""The write calls of the example; the create of deals and roles in every suite, the others in the grid."""


@dataclass
class Waking(FaultScript):
    """A script that lets the zombies go on just before a certain request is read."""

    emulator: RunningEmulator | None = None

    def strikes(self) -> bool:
        """Counts the request; at the right one the zombies commit first."""
        strikes = FaultScript.strikes(self)
        if strikes and self.emulator is not None:
            self.emulator.faults.release()
        return strikes


def wake_at(bench: Bench, path: str, *, nth: int) -> FaultScript:
    """Lets the zombies commit before the n-th request to a path is read."""
    script = Waking(Hold(), phase="mid_reply", path=path, nth=nth, emulator=bench.emulator)
    return bench.emulator.faults.add(script)


def leave_a_zombie(bench: Bench, nth: int) -> None:
    """A run whose n-th write call is cut off and waits in the org, and whose further ones are lost."""
    bench.strike(Hold(), nth=nth)
    dropped = bench.strike(Drop(), nth=nth + 1, count=None)
    bench.run()
    assert bench.emulator.faults.held() == ["hold"]
    dropped.count = 0


MOMENTS: dict[str, Callable[[Bench], object]] = {
    "before_the_next_run": lambda bench: bench.emulator.faults.release(),
    "while_it_looks_up_what_was_open": lambda bench: wake_at(bench, r"/composite(/|$)|/query", nth=3),
    "before_its_first_write": lambda bench: wake_at(bench, WRITES, nth=1),
    "before_its_second_write": lambda bench: wake_at(bench, WRITES, nth=2),
    "after_it": lambda _: None,
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("nth", CALLS)
def test_N6_a_zombie_that_commits_at_any_moment_of_the_next_run(
    bench: Bench, reference: Reference, moment: str, nth: int
) -> None:
    """A write that commits before, during or after the next run leaves every deal and every role once."""
    leave_a_zombie(bench, nth)
    MOMENTS[moment](bench)
    ending = bench.run()
    bench.emulator.faults.release()
    assert ending.exit_code == 3
    assert bench.picture() == reference.picture
    assert bench.inserted() == reference.inserted
    before = bench.write_count()
    assert bench.run().exit_code == 3
    assert bench.write_count() == before


@pytest.mark.parametrize("nth", CALLS)
def test_N6_a_zombie_of_a_run_that_goes_on(bench: Bench, reference: Reference, nth: int) -> None:
    """The run that was cut off once writes the row itself; its own late twin is refused by the key."""
    bench.strike(Hold(), nth=nth)
    ending = bench.run()
    assert bench.emulator.faults.release() == 1
    assert ending.exit_code == 3
    assert bench.picture() == reference.picture
    assert bench.inserted() == reference.inserted


def foreign(bench: Bench, key: str, **values: object) -> str:
    """A record with our key that somebody else creates; it equals `deal(key)` but for the values given."""
    same = {
        "Name": f"Deal {key}",
        "AccountId": bench.find("Account", Sfsync_Key__c="ACC-1"),
        "StageName": "Prospecting",
        "CloseDate": "2027-01-31",
        "Amount": 100.0,
        "Sfsync_Key__c": key,
    }
    return bench.create("Opportunity", **(same | values))


def three_deals(bench: Bench) -> None:
    """A job of three new deals that share a graph, each with one role."""
    keys = ("NEW-1", "NEW-2", "NEW-3")
    bench.write_job([deal(key) for key in keys], [role(key) for key in keys])


@pytest.mark.parametrize("key", ["NEW-1", "NEW-2", "NEW-3"])
def test_S13_a_foreign_record_with_equal_values_is_adopted(bench: Bench, key: str) -> None:
    """It is left as it is and gets its role once; the deals of its graph are created."""
    three_deals(bench)
    plan = bench.plan()
    record_id = foreign(bench, key)
    before = bench.deal(key)
    ending = bench.apply(plan)
    assert ending.exit_code == 0
    assert ending.of(Outcome.UNCHANGED) == {f"Opportunity:{key}"}
    assert ending.document.results[f"Opportunity:{key}"].adopted
    assert bench.deal(key) == before | {"ContactId": bench.deal(key)["ContactId"]}
    assert bench.deal(key)["Id"] == record_id
    assert all(bench.roles(each) == [(LEUNG, "Evaluator", False)] for each in ("NEW-1", "NEW-2", "NEW-3"))
    assert bench.run().exit_code == 0
    assert bench.inserted()["Opportunity"] == 3


@pytest.mark.parametrize("key", ["NEW-1", "NEW-2", "NEW-3"])
def test_S13_a_foreign_record_with_other_values_is_a_conflict(bench: Bench, key: str) -> None:
    """It is not touched and gets no role; the deals of its graph are created."""
    three_deals(bench)
    plan = bench.plan()
    foreign(bench, key, Amount=999.0)
    before = bench.deal(key)
    ending = bench.apply(plan)
    assert ending.exit_code == 3
    assert ending.codes()[f"Opportunity:{key}"] == "KEY_TAKEN"
    assert ending.of(Outcome.CONFLICT) == {f"Opportunity:{key}"}
    assert ending.counts["OpportunityContactRole"]["blocked"] == 1
    assert ending.counts["OpportunityContactRole"]["created"] == 2
    assert bench.deal(key) == before
    assert bench.roles(key) == []


def test_S13_a_key_in_the_recycle_bin_is_a_conflict(tmp_path: Path) -> None:
    """Where the bin holds the key back the deal is a conflict; nothing is made anew or brought back."""
    with running(BARE_ORG, switches=Switches(recycle_bin_holds_keys=True)) as emulator:
        bench = Bench(emulator, tmp_path)
        three_deals(bench)
        plan = bench.plan()
        bench.delete("Opportunity", foreign(bench, "NEW-2"))
        ending = bench.apply(plan)
        assert_second_is_left_in_the_bin(bench, ending)


def assert_second_is_left_in_the_bin(bench: Bench, ending: Ending) -> None:
    """The second deal is a conflict and stays deleted; the others are there."""
    assert ending.exit_code == 3
    assert ending.codes()["Opportunity:NEW-2"] == "IN_RECYCLE_BIN"
    assert ending.counts["Opportunity"]["created"] == 2
    assert bench.deal("NEW-2")["IsDeleted"] == 1


def test_S13_a_hand_stamped_key_of_another_deal_is_a_conflict(bench: Bench) -> None:
    """A salesperson who types our key into another deal keeps that deal as it is."""
    three_deals(bench)
    plan = bench.plan()
    other = bench.find("Opportunity", Sfsync_Key__c="DEAL-1003")
    bench.change("Opportunity", other, Sfsync_Key__c="NEW-1")
    before = bench.deal("NEW-1")
    ending = bench.apply(plan)
    assert ending.codes()["Opportunity:NEW-1"] == "KEY_TAKEN"
    assert bench.deal("NEW-1") == before


def test_N6_a_role_in_doubt_whose_row_asks_for_another_one_by_now_has_no_twin(bench: Bench) -> None:
    """One row is one role: the new one waits until the old one has arrived, and is then made of it."""
    bench.write_job([deal("D-1")], [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1")], [role("D-1", name="Evaluator")])
    bench.strike(Hold("zombie"))
    assert bench.run().counts["OpportunityContactRole"]["unknown"] == 1
    bench.write_job([deal("D-1")], [role("D-1", name="Decision Maker")])
    assert bench.run().counts["OpportunityContactRole"]["unknown"] == 1
    bench.emulator.faults.release("zombie")
    assert bench.run().exit_code == 0
    assert bench.roles("D-1") == [(LEUNG, "Decision Maker", False)]
