"""Every write call of the example meets every fault of a call, and the org ends as if none had happened.

The number of write calls is counted in a run without faults; a test asks for call after call until there is
none left, so that a new call of the job is covered by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from main_job_bench import GRID, Bench, Ending, Reference, assert_every_row_counts_once

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, ExpireSession, FailRows, Page, Refuse, Truncate
from sfsync.emulator.faults import FaultScript

CALLS = range(1, 5)
"""The write calls of the example; a test holds that these are all."""

WAYS: dict[str, Callable[[Bench, int], FaultScript]] = {
    "N4_lost_before_it_is_read": lambda bench, n: bench.strike(Drop(), nth=n),
    "N5_lost_before_the_commit": lambda bench, n: bench.strike(Drop(), phase="before_commit", nth=n),
    "N5_lost_after_the_commit": lambda bench, n: bench.strike(Drop(), phase="after_commit", nth=n),
    "N7_answer_cut_short": lambda bench, n: bench.strike(Truncate(), nth=n),
    "N9_page_before_the_commit": lambda bench, n: bench.strike(Page(), nth=n),
    "N9_page_after_the_commit": lambda bench, n: bench.strike(Page(), phase="after_commit", nth=n),
    "N11_gateway_timeout_after_the_commit": lambda bench, n: bench.strike(
        Refuse(504, "<html>timeout</html>", "text/html"), phase="after_commit", nth=n
    ),
    "S1_session_expired": lambda bench, n: bench.strike(ExpireSession(), nth=n),
    "S5_refused_with_503": lambda bench, n: bench.strike(Refuse(), nth=n),
    "S5_refused_with_503_for_long": lambda bench, n: bench.strike(Refuse(), nth=n, count=12),
    "S6_500_after_the_commit": lambda bench, n: bench.strike(
        Refuse(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "sorry"}]), phase="after_commit", nth=n
    ),
    "S8_a_row_locked_once": lambda bench, n: bench.strike(FailRows(rows=(0,)), nth=n),
}
EXIT_CODES = {"S1_session_expired": 4, "S5_refused_with_503_for_long": 75}
"""How the run that meets the fault ends; the others end with 3, the bad rows of the example."""

EVERY_SUITE = {
    "N5_lost_before_the_commit": CALLS,
    "N5_lost_after_the_commit": CALLS,
    "N7_answer_cut_short": (2,),
    "N9_page_before_the_commit": (2, 3),
    "N9_page_after_the_commit": (2, 4),
    "S1_session_expired": (1, 2),
    "S5_refused_with_503": (2, 3),
    "S5_refused_with_503_for_long": (2,),
    "S6_500_after_the_commit": (2,),
    "S8_a_row_locked_once": (1, 2, 3, 4),
}
"""The calls at which a way is tried in every suite: 1 contacts, 2 deals and roles, 3 a deal, 4 a role."""


def test_the_example_has_these_write_calls(reference: Reference) -> None:
    """The example writes in as many calls as these tests strike."""
    assert reference.writes == len(CALLS)


def _cases() -> Iterator[object]:
    """Every way at every call; those outside of `EVERY_SUITE` belong to the grid."""
    for way in WAYS:
        for nth in CALLS:
            yield pytest.param(way, nth, marks=() if nth in EVERY_SUITE.get(way, ()) else GRID)


@pytest.mark.parametrize(("way", "nth"), [*_cases()])
def test_a_fault_at_any_write_call_changes_nothing(
    bench: Bench, reference: Reference, way: str, nth: int
) -> None:
    """After the fault and at most one more run the org equals that of an uninterrupted run."""
    script = WAYS[way](bench, nth)
    ending = bench.run()
    assert script.struck
    assert_every_row_counts_once(ending.counts)
    assert ending.exit_code == EXIT_CODES.get(way, 3)
    assert_converges(bench, reference, ending)


def assert_converges(bench: Bench, reference: Reference, ending: Ending) -> None:
    """The run, or one more, ends like the reference; the run after it writes nothing."""
    if not is_clean(ending, reference):
        bench.emulator.faults.clear()
        bench.renew_token()
        ending = bench.run()
    assert_every_row_counts_once(ending.counts)
    assert ending.exit_code == 3
    assert is_clean(ending, reference)
    assert bench.picture() == reference.picture
    assert bench.inserted() == reference.inserted
    before = bench.write_count()
    assert bench.run().exit_code == 3
    assert bench.write_count() == before


def is_clean(ending: Ending, reference: Reference) -> bool:
    """Whether the run has brought everything to the org that can be."""
    open_ends = (Outcome.UNKNOWN, Outcome.UNPROCESSED, Outcome.CONFLICT)
    if ending.exit_code != 3 or any(ending.of(each) for each in open_ends):
        return False
    kept = (Outcome.REJECTED, Outcome.BLOCKED, Outcome.SKIPPED)
    return all(
        reference.counts[sobject][each.value] == counts[each.value]
        for sobject, counts in ending.counts.items()
        for each in kept
    )
