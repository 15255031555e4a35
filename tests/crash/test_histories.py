"""Random histories in orgs that keep a key: whatever anybody does in any order, the promises hold.

Many more are played by `make simulate`, from seeds.
"""

from __future__ import annotations

import pytest
from crash_worlds import KINDS
from history_machine import play_histories
from simulate import play


def test_random_histories_keep_every_promise() -> None:
    """Edits, runs, faults and deaths bring no row twice, lose none in silence, and overwrite nobody."""
    play_histories([each for each in KINDS if each.has_key])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_seed_plays_the_same_history_twice(seed: int) -> None:
    """seed_replay: the trace of a seed is the same each time, down to the number of requests of every run."""
    first, second = (play(seed, 30) for _ in range(2))
    assert first[1] == second[1] == ""
    assert first[0].trace == second[0].trace
