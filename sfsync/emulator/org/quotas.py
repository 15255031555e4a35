"""Allowances of a rolling day: what was taken in the last 24 hours of the org's clock, and what is left.

Source: Limits Quick Reference, Bulk API and Bulk API 2.0 [D].
"""

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from sfsync.emulator.org.clock import Clock

_DAY: Final = timedelta(hours=24)


class Quota:
    """How much of one thing an org may use in any 24 hours."""

    def __init__(self, most: int, clock: Clock) -> None:
        self.most = most
        self._clock = clock
        self._taken: deque[tuple[datetime, int]] = deque()
        self._lock = threading.Lock()

    def remaining(self) -> int:
        """Return what is left now."""
        with self._lock:
            return self._remaining()

    def take(self, amount: int = 1) -> bool:
        """Use some of it, or return False when there is not enough left."""
        with self._lock:
            if self._remaining() < amount:
                return False
            self._taken.append((self._clock.now(), amount))
        return True

    def as_limit(self) -> dict[str, int]:
        """Return the entry of the limits resource."""
        return {"Max": self.most, "Remaining": self.remaining()}

    def _remaining(self) -> int:
        oldest = self._clock.now() - _DAY
        while self._taken and self._taken[0][0] <= oldest:
            self._taken.popleft()
        return self.most - sum(amount for _, amount in self._taken)
