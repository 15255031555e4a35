"""API calls of the day, as the limit header and the limits resource tell them.

The header's count is an estimate on the platform and does not rise steadily; the emulator imitates that
by rule, not by chance. Source: Limits Quick Reference [D]; falling counts in consecutive recorded
answers [R].
"""

import threading
from typing import Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.switches import ApiLimit, Switches, UsageHeader

_EVERY: Final = 7
_LAG: Final = 4


class Usage:
    """Counts calls against the daily limit."""

    def __init__(self, daily_limit: int) -> None:
        self.daily_limit = daily_limit
        self.used = 0
        self._lock = threading.Lock()

    def count(self, switches: Switches, calls: int = 1) -> None:
        """Count calls.

        Raises: ApiError REQUEST_LIMIT_EXCEEDED when the limit is hard and used up.
        """
        with self._lock:
            if switches.api_limit is ApiLimit.HARD and self.used >= self.daily_limit:
                raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            self.used += calls

    def header(self, switches: Switches) -> str:
        """Return the value of Sforce-Limit-Info."""
        lags = switches.usage_header is UsageHeader.SOMETIMES_LOWER and self.used % _EVERY == 0
        shown = max(self.used - _LAG, 0) if lags else self.used
        return f"api-usage={shown}/{self.daily_limit}"
