"""How often a job is asked, and from how many records on a query job reads them with fewer calls."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from sfsync.core.sending.job_waits import FASTEST_ROWS_PER_S, job_waits_s, polls_expected
from sfsync.core.sending.read_back import calls_by_ids, calls_by_job, is_for_job

SIZES = (1, 200, 10_000, 100_000, 1_000_000)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("rows_per_s", [200, 1_000, FASTEST_ROWS_PER_S])
def test_a_job_is_asked_eight_times_at_most(rows: int, rows_per_s: int) -> None:
    """Whatever its size, and from the fastest org to one with heavy automation."""
    assert 1 <= polls_expected(rows, rows_per_s) <= 8


@pytest.mark.parametrize("rows", SIZES)
def test_the_waits_grow_and_are_the_same_each_time(rows: int) -> None:
    """They follow from the rows alone, so a plan can tell them."""
    waits = list(job_waits_s(rows))
    assert waits == list(job_waits_s(rows))
    assert all(one <= two for one, two in pairwise(waits))
    assert waits[0] >= 1.0
    assert list(islice(waits, 1)) == [max(1.0, rows / FASTEST_ROWS_PER_S)]


def test_the_way_to_read_back_is_the_one_with_fewer_calls() -> None:
    """A few ten thousand records are read by ids, a few hundred thousand by a query job."""
    for rows in range(0, 400_000, 5_000):
        assert is_for_job(rows) == (calls_by_job(rows) < calls_by_ids(rows))
    assert not is_for_job(40_000)
    assert is_for_job(200_000)
