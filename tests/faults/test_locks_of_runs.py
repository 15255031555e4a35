"""C1: how long a run keeps others out, and whom."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from main_job_bench import ORG_FILE, Bench, deal, role

from sfsync.emulator.fault_actions import Hold
from sfsync.emulator.server import running

HELD = 99


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with receipts, so that rows without a key can go."""
    with running(ORG_FILE) as emulator:
        yield Bench(emulator, tmp_path)


def ends_while_held(bench: Bench, other: str) -> tuple[int, int]:
    """The ends of a run of another job while the bench's own waits in the middle of its writes, and of that one."""
    bench.strike(Hold(cut="hang"))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bench.run)
        try:
            assert bench.emulator.faults.wait_for_held()
            end = Bench(bench.emulator, bench.folder, job=other).run().exit_code
        finally:
            bench.emulator.faults.release()
            bench.emulator.faults.clear()
        return end, first.result().exit_code


def test_C1_the_lock_is_held_while_the_run_writes(bench: Bench) -> None:
    """A second run of the job that comes in the middle of the writes is sent away."""
    bench.write_job([deal("D-1")], [role("D-1")])
    assert ends_while_held(bench, bench.job) == (HELD, 0)


@pytest.mark.parametrize(("has_key", "end"), [(False, HELD), (True, 0)])
def test_C1_two_jobs_without_keys_keep_each_other_out(bench: Bench, *, has_key: bool, end: int) -> None:
    """They could not tell each other's deals from their own; jobs with keys can."""
    bench.write_job([deal("D-2")], [role("D-2", name="None")], has_key=has_key)
    (bench.folder / "deals.toml").rename(bench.folder / "others.toml")
    others = Bench(bench.emulator, bench.folder, job=str(bench.folder / "others.toml"))
    others.admit()
    bench.write_job([deal("D-1")], [role("D-1", name="None")], has_key=has_key)
    bench.admit()
    assert ends_while_held(bench, others.job)[0] == end
