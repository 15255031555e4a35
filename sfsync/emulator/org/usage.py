"""API calls: how many of the day are used, and how many that run long are under way.

The header's count is an estimate on the platform and does not rise steadily; the emulator imitates that
by rule, not by chance. A call that has run for 20 seconds by the org's clock is a long one; when as many
are under way as the org may have, further calls are refused. Source: Limits Quick Reference [D]; falling
counts in consecutive recorded answers [R].
"""

import threading
from datetime import datetime, timedelta
from typing import Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.switches import ApiLimit, Switches, UsageHeader

_EVERY: Final = 7
_LAG: Final = 4
_LONG: Final = timedelta(seconds=20)


class Usage:
    """Counts calls against the daily limit, and long calls against the concurrent one."""

    def __init__(self, daily_limit: int, *, long_limit: int) -> None:
        self.daily_limit = daily_limit
        self.long_limit = long_limit
        self.used = 0
        self._started: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def count(self, switches: Switches, calls: int = 1) -> None:
        """Count calls.

        Raises: ApiError REQUEST_LIMIT_EXCEEDED when the limit is hard and used up.
        """
        with self._lock:
            if switches.api_limit is ApiLimit.HARD and self.used >= self.daily_limit:
                raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            self.used += calls

    def begin(self, call: int, now: datetime) -> None:
        """Note that a call is under way."""
        with self._lock:
            self._started[call] = now

    def end(self, call: int) -> None:
        """Note that a call is over."""
        with self._lock:
            self._started.pop(call, None)

    def check_concurrent(self, call: int, now: datetime) -> None:
        """Let a call in, or not.

        Raises: ApiError REQUEST_LIMIT_EXCEEDED while too many calls have run for 20 seconds.
        """
        with self._lock:
            others = [started for number, started in self._started.items() if number != call]
        long = sum(now - started >= _LONG for started in others)
        if long >= self.long_limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.")

    def header(self, switches: Switches) -> str:
        """Return the value of Sforce-Limit-Info."""
        lags = switches.usage_header is UsageHeader.SOMETIMES_LOWER and self.used % _EVERY == 0
        shown = max(self.used - _LAG, 0) if lags else self.used
        return f"api-usage={shown}/{self.daily_limit}"
