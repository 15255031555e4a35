"""When a bulk job is asked how far it is: the first wait and the growth of the waits follow from its rows alone.

The first wait is what the fastest org known would take; from there on each is longer than the one before, so that
an org thirty times slower is asked eight times and not eighty, and nobody waits longer than two thirds more than
the job took.
Source: shared figures of performance ("What the server does"): 5,556 rows a second are the best that was published,
200 a second are an org with heavy automation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

FASTEST_ROWS_PER_S: Final = 5_556
GROWTH: Final = 1.6
SHORTEST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
"""The longest wait for a job that an org of 200 rows a second should have done by then."""

SLOWEST_ROWS_PER_S: Final = 200

MOST_POLLS: Final = 60
"""How often a job is asked before the run ends without it."""


def job_waits_s(rows: int) -> Iterator[float]:
    """The seconds to wait before each time that a job of so many rows is asked."""
    longest_s = max(LONGEST_WAIT_S, rows / SLOWEST_ROWS_PER_S / 4)
    wait_s = max(SHORTEST_WAIT_S, rows / FASTEST_ROWS_PER_S)
    for _ in range(MOST_POLLS):
        yield min(wait_s, longest_s)
        wait_s *= GROWTH


def polls_expected(rows: int, rows_per_s: float) -> int:
    """How often a job is asked that an org works on at that rate."""
    spent_s, polls = 0.0, 0
    for wait_s in job_waits_s(rows):
        polls += 1
        spent_s += wait_s
        if spent_s * rows_per_s >= rows:
            break
    return polls
