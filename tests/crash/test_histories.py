"""Random histories: whatever the user, other people, faults and deaths do in any order, the promises hold.

The machine has one rule for each action of `history.py`; hypothesis chooses, and makes a failing history small.
Many more are played by `make simulate`, from seeds.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

import pytest
from crash_worlds import KINDS
from history import ACTIONS, open_history
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from simulate import play

HISTORIES = int(os.environ.get("SFSYNC_HISTORIES", "200"))
STEPS = 30
NUMBERS = st.integers(0, 99)


class Histories(RuleBasedStateMachine):
    """A history as hypothesis plays it."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.is_broken = False

    @initialize(kind=st.sampled_from(KINDS))
    def begin(self, kind: Any) -> None:
        """Opens an org of some kind."""
        self.history = self.stack.enter_context(open_history(kind))

    def act(self, name: str, which: int, how: int) -> None:
        """Plays an action; a broken promise spares the end its checks."""
        try:
            self.history.act(name, which, how)
        except BaseException:
            self.is_broken = True
            raise

    def teardown(self) -> None:
        """Lets the faults end and checks what must hold then."""
        with self.stack:
            if not self.is_broken:
                self.history.end()


def _rule(name: str) -> Any:
    def play_action(self: Histories, which: int, how: int) -> None:
        self.act(name, which, how)

    play_action.__name__ = name.replace("-", "_")
    return rule(which=NUMBERS, how=NUMBERS)(play_action)


for _name in ACTIONS:
    setattr(Histories, _name.replace("-", "_"), _rule(_name))


def test_random_histories_keep_every_promise() -> None:
    """Edits, runs, faults and deaths bring no row twice, lose none in silence, and overwrite nobody."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # making a history small takes minutes; its words are printed whole
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_seed_plays_the_same_history_twice(seed: int) -> None:
    """seed_replay: the trace of a seed is the same each time, down to the number of requests of every run."""
    first, second = (play(seed, 30) for _ in range(2))
    assert first[1] == second[1] == ""
    assert first[0].trace == second[0].trace
