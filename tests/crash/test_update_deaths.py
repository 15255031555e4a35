"""P1, C3: a run that dies in an update, and what the user and other people edit before the next run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from crash_worlds import KINDS, Kind
from failpoints import Death, Failpoints, failpoints, telling
from inner_org import InnerBench, inner_bench
from long_proofs import one_in
from main_job_bench import deal, role

from sfsync.emulator.org_changes import change_org

KEY = "D-1"
KEYED = pytest.mark.parametrize("kind", [KINDS[0], KINDS[1]], ids=lambda kind: kind.name)


@contextmanager
def one_deal(kind: Kind) -> Iterator[tuple[InnerBench, Failpoints]]:
    """A job with one deal that is in the org, and the points at which its runs can die."""
    with inner_bench(kind.org) as bench, failpoints(bench.folder / "state") as points:
        wants(bench, 100)
        assert bench.run().exit_code == 0
        yield bench, points


def wants(bench: InnerBench, amount: int) -> None:
    """The user's file gives the deal that amount."""
    bench.write_job([deal(KEY, amount=f"{amount}.00")], [role(KEY)])


def dies(bench: InnerBench, points: Failpoints, nth: int) -> str:
    """Runs the job until it dies at its n-th point; the point, or "" when it came to its end before."""
    points.arm(nth)
    try:
        bench.run()
    except Death as death:
        points.revive()
        return str(death)
    points.arm(None)
    return ""


def chosen(bench: InnerBench, points: Failpoints) -> list[int]:
    """The numbers of the points to die at, of those that an ordinary update comes to."""
    wants(bench, 101)
    points.arm(None)
    assert bench.run().exit_code == 0
    return one_in(3, telling(points.hits))


def types(bench: InnerBench, amount: float) -> None:
    """A salesperson types an amount into the deal."""
    table = {
        "what": "edit",
        "object": "Opportunity",
        "id": bench.deal(KEY)["Id"],
        "values": {"Amount": amount},
    }
    change_org(bench.emulator.org, bench.emulator.audit, table)


@KEYED
def test_P1_C3_what_a_dead_run_wrote_is_no_edit_of_somebody(kind: Kind) -> None:
    """Wherever the run dies, a row that the user edits after it is written; our own value makes no conflict."""
    with one_deal(kind) as (bench, points):
        for nth in chosen(bench, points):
            wants(bench, 100 + 2 * nth)
            assert dies(bench, points, nth), "a run comes to the same points each time"
            wants(bench, 101 + 2 * nth)
            ending = bench.run()
            assert (ending.exit_code, ending.codes()) == (0, {}), points.hits[-3:]
            assert bench.deal(KEY)["Amount"] == 101 + 2 * nth
        assert nth > 10


@KEYED
def test_P1_C3_what_somebody_typed_after_a_death_stands(kind: Kind) -> None:
    """Wherever the run dies, what a salesperson types after it is a conflict with the user's edit, and stays."""
    with one_deal(kind) as (bench, points):
        for nth in chosen(bench, points):
            wants(bench, 100 + 3 * nth)
            if not dies(bench, points, nth):
                break  # a run after a conflict comes to a few points less
            types(bench, 101 + 3 * nth)
            wants(bench, 102 + 3 * nth)
            assert bench.run().codes()[f"Opportunity:{KEY}"] == "CHANGED_IN_ORG", points.hits[-3:]
            assert bench.deal(KEY)["Amount"] == 101 + 3 * nth
            wants(bench, 101 + 3 * nth)  # the user gives in
            assert bench.run().exit_code == 0
        assert nth > 10
