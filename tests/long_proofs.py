"""How much of a long proof is played: `make test` takes a part, always the same one; `make faults` takes all."""

from __future__ import annotations

import os
from collections.abc import Sequence

IS_GRID = os.environ.get("SFSYNC_FAULTS_GRID") == "1"
"""Whether all of it is played."""


def one_in(step: int, points: Sequence[int]) -> Sequence[int]:
    """The points to die at: each `step`-th of them, or all."""
    return points if IS_GRID else points[::step]


def examples(every: int, quick: int) -> int:
    """How many random examples are tried."""
    return every if IS_GRID else quick
