"""What each phase of a command took: seconds, API calls, and rows settled in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhaseSpent:
    """One phase, or several of the same name together; `unit` says what `done` and `not_done` count."""

    name: str
    seconds: float
    reads: int
    writes: int
    done: int = 0
    not_done: int = 0
    unit: str = "rows"
