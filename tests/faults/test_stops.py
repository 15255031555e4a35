"""P2: a run that is asked to stop sends nothing more, and every row is accounted for."""

from __future__ import annotations

import signal

from main_job_bench import WRITES, Before, Bench, assert_every_row_counts_once, deal, role

from sfsync.emulator.fault_actions import Drop


def test_P2_after_a_signal_no_further_write_leaves(bench: Bench) -> None:
    """The write that is on its way is settled, the rest is unprocessed, and resume brings it."""
    bench.write_job([deal("D-1")], [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1", amount="5.00"), deal("D-2")], [role("D-1")])
    before = bench.write_count()
    bench.emulator.faults.add(Before(Drop(), path=WRITES, deed=bench.stop.set))
    ending = bench.run()
    assert ending.exit_code == 128 + signal.SIGINT
    assert bench.write_count() == before + 1
    assert_every_row_counts_once(ending.counts)
    assert ending.counts["Opportunity"] | {"created": 1, "unprocessed": 1} == ending.counts["Opportunity"]
    bench.stop.clear()
    assert bench.resume().exit_code == 0
    assert (bench.deal("D-1")["Amount"], len(bench.roles("D-1"))) == (5.0, 1)
