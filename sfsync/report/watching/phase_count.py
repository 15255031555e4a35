"""How far a phase has come, how fast it goes and how long it may still take. `clock` counts seconds.

The time left is what the rows that are left take at the rate of all until now. It is said only once the phase has
run for a while and part of it is done, because the first calls say little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sfsync.core.events import PhaseAdvanced, PhaseStarted
from sfsync.report.safe_text import visible

SETTLED_S: Final = 2.0
"""Seconds after which a rate means something."""


class PhaseCount:
    """The counts of one phase."""

    def __init__(self, started: PhaseStarted, clock: Callable[[], float]) -> None:
        of_portion = f"{started.portion}: " if started.portion else ""
        self.name = visible(f"{of_portion}{started.phase}")
        self.total = started.total
        self.unit = visible(started.unit)
        self.done = 0
        self.not_done = 0
        self._clock = clock
        self._began = clock()

    def advance(self, event: PhaseAdvanced) -> None:
        """Counts what is settled."""
        self.done += event.done
        self.not_done += event.not_done

    def text(self) -> str:
        """The phase in words: `create Opportunity: 200 of 1,000 rows, 2 not done`."""
        of_total = f" of {self.total:,}" if self.total is not None else ""
        not_done = f", {self.not_done:,} not done" if self.not_done else ""
        return f"{self.name}: {self.done:,}{of_total} {self.unit}{not_done}"

    def rate(self) -> str:
        """`85 rows/s`, or "" as long as nobody can say."""
        per_s = self._per_s()
        if not per_s:
            return ""
        return f"{per_s:,.0f} {self.unit}/s" if per_s >= 10 else f"{per_s:.1f} {self.unit}/s"

    def time_left(self) -> str:
        """`2 min`, or "" where nobody can say or nothing is left."""
        per_s = self._per_s()
        if not per_s or self.total is None or self.done >= self.total:
            return ""
        left_s = (self.total - self.done) / per_s
        if left_s < 90:
            return f"{max(1.0, left_s):.0f} s"
        return f"{left_s / 60:.0f} min" if left_s < 5400 else f"{left_s / 3600:.1f} h"

    def _per_s(self) -> float:
        passed_s = self._clock() - self._began
        return self.done / passed_s if passed_s >= SETTLED_S else 0.0
