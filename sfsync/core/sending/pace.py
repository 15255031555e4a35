"""How many calls may be in flight, and how many rows one may carry, by what the org has answered so far.

A call of 20 s and more counts against the org's limit of long calls, so a call is meant to be done in half of that:
one that took longer makes the next ones smaller at once, quick ones let them grow again. A row that stayed locked
halves the calls in flight, quiet answers let them come back one by one.
Calls begin full, as the plan has predicted them, where the run's answers until then were quick; else they begin
with one collection, and it is said that there may be more of them than planned. Beginning small in every run would
make each prediction wrong for the sake of orgs that show by the plan's own reads that they are slow.
Source: Salesforce Developer Limits, concurrent requests of 20 seconds and longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.sending.batches import COLLECTIONS_PER_CALL, ROWS_PER_COLLECTION

MOST_THREADS: Final = 8
USUAL_THREADS: Final = 4

FULL: Final = COLLECTIONS_PER_CALL * ROWS_PER_COLLECTION
"""Rows of a full call, of whatever kind; the packing knows what each kind holds at most."""

AIM_S: Final = 10.0
SLOW_S: Final = 2.0
"""Where one answer before the first write took so long, calls begin small."""

_LEAST: Final = 25
_CALM: Final = 4
"""So many answers without a locked row, for each call in flight, let one more fly."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one kind of write.

    `threads` is the most that a person allows, `width` how many calls may be in flight now, `rows` how many one may
    carry, `calm` the answers without a locked row since the width changed.
    """

    threads: int
    width: int
    rows: int = FULL
    calm: int = 0

    def after(self, *, rows: int, seconds: float, is_locked: bool) -> Pace:
        """The pace after the answer to a call of so many rows that took so long."""
        return replace(self._by_time(rows, seconds), **self._by_locks(is_locked=is_locked))

    def _by_locks(self, *, is_locked: bool) -> dict[str, int]:
        if is_locked:
            return {"width": max(1, self.width // 2), "calm": 0}
        if self.width == self.threads:
            return {}
        if self.calm + 1 < _CALM * self.width:
            return {"calm": self.calm + 1}
        return {"width": self.width + 1, "calm": 0}

    def _by_time(self, rows: int, seconds: float) -> Pace:
        fits = int(rows * AIM_S / seconds) if seconds > 0 else FULL
        if seconds > AIM_S:
            return replace(self, rows=min(self.rows, _whole_collections(max(_LEAST, fits))))
        return replace(self, rows=min(FULL, max(self.rows, _whole_collections(min(2 * rows, fits)))))


def _whole_collections(rows: int) -> int:
    return rows - rows % ROWS_PER_COLLECTION if rows > ROWS_PER_COLLECTION else rows


def first_pace(threads: int, *, slowest_s: float) -> Pace:
    """The pace to begin with; `slowest_s` is how long the slowest answer took that the run had until now."""
    return Pace(threads, threads, ROWS_PER_COLLECTION if slowest_s >= SLOW_S else FULL)
