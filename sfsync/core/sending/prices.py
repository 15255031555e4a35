"""What rows cost by each way of sending them, from their counts alone: calls by packing, minutes by assumption.

No row is looked at and nothing is built, so a price can be had for any number of rows. The packing is that of
`batches`, counted instead of done; a property test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sfsync.core.sending.batches import (
    COLLECTIONS_PER_CALL,
    DEALS_PER_GRAPH,
    GRAPHS_PER_CALL,
    NODES_PER_CALL,
    ROWS_PER_COLLECTION,
    ROWS_PER_CONDITIONAL,
)
from sfsync.core.sending.strategy import Price, Strategy

ROWS_PER_READ: Final = 10_000
"""Rows that one composite of five queries brings. Source: REST API Developer Guide, 2,000 rows a page."""

QUERIES_PER_READ: Final = 5
"""Queries of one composite call. Source: REST API Developer Guide, "Composite"."""

JOB_WRITES: Final = 3
"""To make, fill and close a job."""

RESULT_READS: Final = 1
"""The files of results that are read of a job in which nothing failed: its numbers prove the others empty."""

ROWS_PER_POLL: Final = 10_000
"""Rows after which a job is expected to be asked once more. Source: Bulk API 2.0 Guide, "How Requests Are
Processed": the platform cuts a job into internal batches of so many."""

MOST_POLLS: Final = 8
"""How often a job is expected to be asked at most, as the waits grow. Source: performance.md 8."""

JOB_BYTES: Final = 100_000_000
"""What one job takes. Source: Bulk API 2.0 Guide, "Limits": 150 MB after base64."""

BYTES_PER_ROW: Final = 212
"""A deal as a line of CSV. Source: performance.md, the test data of all its figures."""

WINDOW_PRICE: Final = 3
"""How much dearer a job's call counts than another for updates: what somebody edits in the minutes of a job is
overwritten, so a job has to save most of the calls before it is taken."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What minutes are reckoned from.

    `latency_s` is how long a call takes besides the work on its rows, `concurrency` how many are in flight.
    `rows_per_s` is what an org with heavy automation saves in one stream, `most_rows_per_s` the best rate that was
    published, `queue_s` how long a job waits for its turn.
    Source: performance.md 8 (200 rows/s assumed) and 9 (5,556 rows/s; up to a minute of queue).
    """

    latency_s: float = 0.25
    concurrency: int = 1
    rows_per_s: float = 200.0
    most_rows_per_s: float = 5_556.0
    queue_s: float = 60.0


DEFAULT_SPEED: Final = Speed()


def graph_calls_for(sizes: Iterable[int]) -> int:
    """How many calls of graphs carry units of so many nodes each, in this order."""
    calls = graphs = nodes = 0
    for size in _graph_sizes(sizes):
        if graphs in (0, GRAPHS_PER_CALL) or nodes + size > NODES_PER_CALL:
            calls, graphs, nodes = calls + 1, 0, 0
        graphs, nodes = graphs + 1, nodes + size
    return calls


def _graph_sizes(sizes: Iterable[int]) -> Iterable[int]:
    """The nodes of each graph: a few deals share one."""
    units = nodes = 0
    for size in sizes:
        if units and (units == DEALS_PER_GRAPH or nodes + size > NODES_PER_CALL):
            yield nodes
            units = nodes = 0
        units, nodes = units + 1, nodes + size
    if units:
        yield nodes


def collection_calls_for(rows: int) -> int:
    """How many composite calls of collections carry so many rows."""
    return parts(rows, ROWS_PER_COLLECTION * COLLECTIONS_PER_CALL)


def reads_of_places(rows: int) -> int:
    """How many calls of collections make more than one row, whose places are looked at afterwards."""
    whole, left = divmod(rows, ROWS_PER_COLLECTION * COLLECTIONS_PER_CALL)
    return whole + (left > 1)


def reads_of_batches(batches: int, *, at_once: int) -> int:
    """How many calls read batches of updates again before they go; as many as may be in flight are read together.

    A batch is one query: its ids fit one statement, its records one page.
    """
    whole, left = divmod(batches, at_once)
    return whole * parts(at_once, QUERIES_PER_READ) + parts(left, QUERIES_PER_READ)


def conditional_calls_for(rows: int) -> int:
    """How many calls carry so many updates that are each on a condition."""
    return parts(rows, ROWS_PER_CONDITIONAL)


def job_polls(rows: int) -> int:
    """How often a job of so many rows is expected to be asked."""
    return max(1, min(MOST_POLLS, parts(rows, ROWS_PER_POLL)))


def job_price(rows: int, *, reads: int = 0, speed: Speed = DEFAULT_SPEED) -> Price:
    """What so many rows cost by jobs; `reads` are calls that are needed besides."""
    if not rows:
        return Price(Strategy.BULK, reads, 0, 0.0)
    jobs = parts(rows * BYTES_PER_ROW, JOB_BYTES)
    asked = jobs * (job_polls(parts(rows, jobs)) + RESULT_READS)
    rate = min(speed.rows_per_s * parts(rows, ROWS_PER_POLL), speed.most_rows_per_s)
    seconds = speed.queue_s + rows / rate + speed.latency_s * (asked + reads + jobs * JOB_WRITES)
    return Price(Strategy.BULK, asked + reads, jobs * JOB_WRITES, seconds / 60)


def call_price(
    strategy: Strategy, rows: int, *, reads: int, writes: int, speed: Speed = DEFAULT_SPEED
) -> Price:
    """What so many rows cost by calls that carry them."""
    seconds = (reads + writes) * speed.latency_s / speed.concurrency + rows / speed.rows_per_s
    return Price(strategy, reads, writes, seconds / 60)


def together(first: Price, second: Price) -> Price:
    """What two steps cost, the second after the first."""
    return Price(
        first.strategy,
        first.reads + second.reads,
        first.writes + second.writes,
        first.minutes + second.minutes,
    )


def parts(count: int, size: int) -> int:
    """How many parts of at most that size a number of things takes."""
    return -(-count // size)
