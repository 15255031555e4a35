"""The counts of a report are those of input rows: what no row asks for is in none of them."""

from __future__ import annotations

from main_job_bench import ALAN, Bench, assert_every_row_counts_once, role
from primary_contacts import DEAL, ROW, leung_is_primary


def test_a_demotion_that_no_row_asks_for_is_in_no_count(bench: Bench) -> None:
    """One row makes Alan primary; that Leung gives the flag away is a write, and no row."""
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    ending = bench.run()
    assert ending.exit_code == 0
    assert ending.counts["OpportunityContactRole"]["rows"] == 1
    assert_every_row_counts_once(ending.counts)
