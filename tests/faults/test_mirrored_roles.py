"""The policy mirror: roles that the source lacks are deleted, once, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ALAN, BARE_ORG, LEUNG, ORG_FILE, Bench, deal, role

from sfsync.emulator.fault_actions import Drop, Hold
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ
from sfsync.emulator.server import running
from sfsync.emulator.switches import PrimaryDuplicateDeleted, SecondPrimary

LARS = "lars.macmillan@getcloudy-canada.example"
WANTED = [role("D-1", LEUNG, "Evaluator", "true")]
ORGS: dict[str, Any] = {"with receipts": ORG_FILE, "without receipts": BARE_ORG}


@pytest.fixture(params=ORGS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A deal with three roles of two contacts, and a mirror job that wants one of them."""
    with running(ORGS[request.param]) as emulator:
        made = Bench(emulator, tmp_path)
        extra = [role("D-1", LEUNG, "Decision Maker"), role("D-1", ALAN, "Other")]
        made.write_job([deal("D-1")], [*WANTED, *extra])
        assert made.run().exit_code == 0
        made.write_job([deal("D-1")], WANTED, policy="mirror")
        yield made


@pytest.mark.parametrize("second_primary", SecondPrimary)
@pytest.mark.parametrize("deleted", PrimaryDuplicateDeleted)
def test_s21_one_primary_contact_stays_whichever_way_the_platform_behaves(
    bench: Bench, second_primary: SecondPrimary, deleted: PrimaryDuplicateDeleted
) -> None:
    """The role that is wanted is the only one left, and its contact is primary."""
    bench.switch(second_primary=second_primary, primary_duplicate_deleted=deleted)
    ending = bench.run(allow_deletes=True)
    assert ending.exit_code == 0
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", True)]
    writes = bench.write_count()
    assert bench.run(allow_deletes=True).exit_code == 0
    assert bench.write_count() == writes


def test_without_a_word_for_it_nothing_is_deleted(bench: Bench) -> None:
    """A plan that deletes is stopped before it writes anything, unless deletions were allowed."""
    writes = bench.write_count()
    assert bench.run().exit_code == 6
    assert bench.write_count() == writes
    assert len(bench.roles("D-1")) == 3


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_n5_a_lost_answer_to_a_deletion_is_settled(bench: Bench, phase: str) -> None:
    """Deleted already or not, the roles are gone afterwards and the run says so."""
    script = bench.strike(Drop(), phase=phase)
    assert bench.run(allow_deletes=True).exit_code == 0
    assert script.struck
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", True)]


def test_n6_a_zombie_of_a_deletion_does_no_harm(bench: Bench) -> None:
    """A deletion that commits after its run has ended finds nothing to delete."""
    bench.strike(Hold("zombie"))
    assert bench.run(allow_deletes=True).exit_code == 0
    bench.emulator.faults.release("zombie")
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", True)]
