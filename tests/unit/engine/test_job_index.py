"""Which row a result belongs to: each row once, rows alike in any order, whatever their number."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from sfsync.engine.applying.bulk_jobs.job_index import JobIndex, RowName


def mark_of(content: int) -> bytes:
    """The mark of a row with that content."""
    return blake2b(str(content).encode(), digest_size=16).digest()


@contextmanager
def index_of(contents: list[int], runs: int = 1) -> Iterator[JobIndex]:
    """An index of rows with those contents, dealt out to some runs."""
    with closing(JobIndex()) as index:
        for number, content in enumerate(contents):
            index.add(RowName(f"run-{number % runs}", f"Opportunity:Ä{number}"), mark_of(content))
        yield index


@given(st.lists(st.integers(0, 12)), st.lists(st.integers(0, 15)))
def test_rows_are_taken_as_a_multiset(contents: list[int], results: list[int]) -> None:
    """A result takes a row of its content that nobody has taken; the others are left."""
    left = Counter(contents)
    with index_of(contents) as index:
        for content in results:
            row = index.take(mark_of(content))
            assert (row is not None) == (left[content] > 0)
            if row is not None:
                assert contents[row] == content
                left[content] -= 1
        assert Counter(contents[row] for row in index.left()) == +left


@given(st.lists(st.integers(0, 12), min_size=1), st.integers(1, 3))
def test_a_row_tells_whose_it_is(contents: list[int], runs: int) -> None:
    """The names come back as they were given, in the order added."""
    with index_of(contents, runs) as index:
        names = [RowName(f"run-{n % runs}", f"Opportunity:Ä{n}") for n in range(len(contents))]
        assert list(index.names()) == names
        assert index.is_shared == (len({each.run_id for each in names}) > 1)


def test_thousands_of_rows_alike_cost_no_more_than_others() -> None:
    """Rows with one content are a chain, of which each taking takes the first."""
    with index_of([7] * 20_000 + list(range(8, 20_008))) as index:
        taken = {index.take(mark_of(7)) for _ in range(20_000)}
        assert taken == set(range(20_000))
        assert index.take(mark_of(7)) is None
        assert index.take(mark_of(20_007)) == 39_999
        index.add(RowName("run-0", "again"), mark_of(7))
        assert index.take(mark_of(7)) == 40_000


def test_a_closed_index_holds_no_memory() -> None:
    """Whoever filled a job may hold its index while the next one is filled; it takes no room then."""
    tracemalloc.start()
    try:
        with index_of(list(range(20_000))) as index:
            assert tracemalloc.get_traced_memory()[0] > 700_000
        assert tracemalloc.get_traced_memory()[0] < 100_000
        assert len(index) == 0
    finally:
        tracemalloc.stop()
