"""The state machine of random histories: hypothesis chooses among the actions of `history.py`.

It is played in two files, one for the orgs that keep a key and one for those that do not, so that two processes can
share the work.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from crash_worlds import Kind
from history import ACTIONS, open_history
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from long_proofs import examples

HISTORIES = int(os.environ.get("SFSYNC_HISTORIES", examples(200, quick=30)))
"""All of them are played with SFSYNC_FAULTS_GRID=1."""

STEPS = 30
NUMBERS = st.integers(0, 99)


class Histories(RuleBasedStateMachine):
    """A history as hypothesis plays it, in one of the kinds of org."""

    kinds_played: tuple[Kind, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.is_broken = False

    @initialize(which=NUMBERS)
    def begin(self, which: int) -> None:
        """Opens an org of some kind."""
        kind = self.kinds_played[which % len(self.kinds_played)]
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


def play_histories(kinds: Sequence[Kind]) -> None:
    """Plays half of all histories, in orgs of these kinds."""

    class OfKinds(Histories):
        """Histories in some kinds of org."""

        kinds_played = tuple(kinds)

    run_state_machine_as_test(
        OfKinds,
        settings=settings(
            max_examples=HISTORIES // 2,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # making a history small takes minutes; its words are printed whole
            suppress_health_check=list(HealthCheck),
        ),
    )
