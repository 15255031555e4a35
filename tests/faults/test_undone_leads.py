"""Taking back a run that converted leads: what came out of them stays, and who was primary of the deal is again.

A conversion makes the lead's contact primary; a run that made another contact primary took the flag from that role.
The plan of the run knew neither the deal nor the role nor the contact by id, its results do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lead_bench import (
    ALAN,
    BERTHA,
    conversions,
    deal,
    deals_of,
    lead_bench,
    org_with_leads,
    role,
    roles_of,
    write_leads_job,
)
from main_job_bench import BARE_ORG, Bench, org_document

from sfsync.emulator.fault_actions import Drop

ORGS: dict[str, Any] = {
    "with receipts": org_document(has_receipts=True, has_jobs=True),
    "without receipts": BARE_ORG,
}
EVALUATOR = role("D-1", BERTHA, "Evaluator")
ALAN_PRIMARY = role("D-1", ALAN, "Decision Maker", "x")
MIRROR = '[roles]\npolicy = "mirror"\n'


@pytest.fixture(params=ORGS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """An org with open leads that has receipts, and one in which roles of deals go by their ids."""
    with lead_bench(tmp_path, org_with_leads(ORGS[request.param])) as made:
        yield made


def ran(bench: Bench, *roles: dict[str, str], extra: str = "") -> str:
    """Lets a run bring one deal out of a lead with these roles, of which the last is primary; returns the run."""
    write_leads_job(bench, [deal("D-1")], roles, extra=extra)
    ending = bench.run(allow_deletes=True)
    assert (ending.exit_code, conversions(bench)) == (0, 1)
    assert [each[0] for each in held(bench) if each[2]] == [ALAN]
    return ending.document.run_id


def held(bench: Bench) -> list[tuple[str, str | None, bool]]:
    """The roles of the one deal that came out of the lead."""
    [found] = deals_of(bench)
    return roles_of(bench, found["Id"])


@pytest.mark.parametrize(
    ("rows", "role_name"), [([EVALUATOR, ALAN_PRIMARY], "Evaluator"), ([ALAN_PRIMARY], None)]
)
def test_the_contact_of_the_lead_is_primary_again(
    bench: Bench, rows: list[dict[str, str]], role_name: str | None
) -> None:
    """Whether its role is a row of the run or not; the deal stays, and a second undo writes nothing."""
    run = ran(bench, *rows)
    undone = bench.undo(run)
    assert undone.exit_code == 0
    assert held(bench) == [(BERTHA, role_name, True)]
    assert "CONVERSION_STAYS" in {each.code for each in undone.document.plan.notes}
    writes = bench.write_count()
    assert (bench.undo(run).exit_code, bench.write_count()) == (0, writes)


def test_a_role_of_the_leads_contact_that_a_mirror_deleted_is_put_back(bench: Bench) -> None:
    """It is inserted anew for the contact that the lead became, and is primary as it was."""
    run = ran(bench, ALAN_PRIMARY, extra=MIRROR)
    assert held(bench) == [(ALAN, "Decision Maker", True)]
    assert bench.undo(run).exit_code == 0
    assert held(bench) == [(BERTHA, None, True)]


def undone_when_cut_off(bench: Bench, run: str, phase: str) -> int:
    """Lets the answers to all writes of an undo be lost, and resumes it where it says so; returns the exit code."""
    lost = bench.strike(Drop(), phase=phase, count=None)
    ending = bench.undo(run)
    lost.count = 0
    return bench.resume().exit_code if ending.exit_code == 75 else ending.exit_code


@pytest.mark.parametrize("phase", ["before_read", "after_commit"])
def test_an_undo_that_is_cut_off_ends_with_the_leads_contact_primary(bench: Bench, phase: str) -> None:
    """Whether the org had done it or not: what goes by ids is compared, the rest is told by the receipt."""
    run = ran(bench, ALAN_PRIMARY)
    assert undone_when_cut_off(bench, run, phase) == 0
    assert held(bench) == [(BERTHA, None, True)]


@pytest.mark.parametrize("phase", ["before_read", "after_commit"])
def test_a_role_whose_insert_is_cut_off_is_put_back_once(tmp_path: Path, phase: str) -> None:
    """The receipt says whether the org had it."""
    with lead_bench(tmp_path, org_with_leads(ORGS["with receipts"])) as bench:
        run = ran(bench, ALAN_PRIMARY, extra=MIRROR)
        assert undone_when_cut_off(bench, run, phase) == 0
        assert held(bench) == [(BERTHA, None, True)]
