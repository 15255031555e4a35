"""C1: two processes start the same job at once; one works, the other says so and leaves."""

from __future__ import annotations

import pytest
from client_processes import Nursery
from main_job_bench import Bench, Reference

from sfsync.emulator.fault_actions import Hold
from sfsync.emulator.faults import FaultScript

RUN = ("run", "trailhead", "--json")


@pytest.mark.parametrize("second", [RUN, ("resume", "--json")], ids=["run", "resume"])
def test_C1_the_second_process_finds_the_lock_held(
    bench: Bench, reference: Reference, nursery: Nursery, second: tuple[str, ...]
) -> None:
    """While one process waits for the org in the middle of its writes, another one exits 99 and writes nothing."""
    first = nursery.start(*RUN, environ=bench.environ, folder=bench.folder)
    late = nursery.start(*second, environ=bench.environ, folder=bench.folder)
    bench.strike(Hold(cut="hang"), nth=2)
    first.go()
    assert bench.emulator.faults.wait_for_held()
    written = bench.write_count()
    assert late.run() == 99
    assert late.document["code"] == "LOCK_HELD"
    assert str(first.pid) in late.document["message"]
    assert bench.write_count() == written
    bench.emulator.faults.release()
    bench.emulator.faults.clear()
    first.end()
    assert bench.run().exit_code == 3
    assert bench.picture() == reference.picture
    assert bench.inserted() == reference.inserted


def test_C1_of_processes_that_start_together_one_works(
    bench: Bench, reference: Reference, nursery: Nursery
) -> None:
    """Five processes are let go at once; each ends with 3 or 99, and the org is that of one run."""
    clients = [nursery.start(*RUN, environ=bench.environ, folder=bench.folder) for _ in range(5)]
    for client in clients:
        client.go()
    ends = [client.end() for client in clients]
    assert set(ends) <= {3, 99}
    assert 3 in ends
    assert bench.picture() == reference.picture
    assert bench.inserted() == reference.inserted


def test_C2_two_hosts_with_journals_of_their_own(
    bench: Bench, reference: Reference, nursery: Nursery
) -> None:
    """Another host creates the deals while the call of the first one hangs: every deal is there once."""
    first = nursery.start(*RUN, environ=bench.environ, folder=bench.folder)
    bench.emulator.faults.add(FaultScript(Hold(cut="hang"), path=r"/composite/graph"))
    first.go()
    assert bench.emulator.faults.wait_for_held()
    (bench.folder / "other").mkdir()
    other = Bench(bench.emulator, bench.folder / "other")
    assert other.run().exit_code == 3
    bench.emulator.faults.release()
    bench.emulator.faults.clear()
    assert first.end() == 3
    assert bench.inserted()["Opportunity"] == reference.inserted["Opportunity"]
    assert bench.inserted()["OpportunityContactRole"] == reference.inserted["OpportunityContactRole"]
    assert bench.picture() == reference.picture
