"""What the answers of an org tell besides their bodies: how many calls a run has cost, the org's own estimate of
its limit, and the time of its clock.

Safe for threads. The estimate of the org may go down between two answers, so it is shown, never relied on.
Source: REST API Developer Guide, "Limit Info Header".
"""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from sfsync.core.ports import ApiUsage
from sfsync.core.sending.verdict import CallKind

_MOST_SKEW_S: Final = 120
"""How far two clocks may differ unmentioned; an assertion lives as long."""

_OVERTAKEN: Final = timedelta(minutes=2)
"""By how much the date of one answer may lie behind that of another which has overtaken it: the longest call."""

_LIMIT_INFO: Final = re.compile(r"(?:^|[\s,;])api-usage=([0-9]{1,12})/([0-9]{1,12})")


def http_date(text: str | None) -> datetime | None:
    """The moment that an HTTP date names, aware; None when it names none.

    Source: RFC 9110, "Date/Time Formats"; a date without a zone is in GMT.
    """
    try:
        moment = parsedate_to_datetime(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def skew_text(here: datetime, there: datetime | None) -> str:
    """What is wrong with this machine's clock, held against the org's; "" when it is right enough."""
    off_s = 0.0 if there is None else (here - there).total_seconds()
    if abs(off_s) < _MOST_SKEW_S:
        return ""
    hours, minutes = divmod(round(abs(off_s) / 60), 60)
    way = "ahead of" if off_s > 0 else "behind"
    return f"this machine's clock is {hours} h {minutes} min {way} the org's"


class Meter:
    """The counts of one gateway."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usage = ApiUsage()
        self._server_time: datetime | None = None
        self._slowest_s = 0.0
        self._timed = (0, 0.0)

    @property
    def usage(self) -> ApiUsage:
        """What has been used until now."""
        return self._usage

    @property
    def server_time(self) -> datetime | None:
        """The org's clock at its latest answer, to the second; None before the first."""
        return self._server_time

    def note_date(self, date: str | None) -> None:
        """Remembers the `Date` of an answer, when it has one that can be read."""
        told = http_date(date)
        if told is None:
            return
        with self._lock:
            known = self._server_time
            # An answer that was overtaken on its way does not set the clock back.
            if known is None or not timedelta() < known - told < _OVERTAKEN:
                self._server_time = told

    @property
    def slowest_s(self) -> float:
        """How long the slowest answer took until now, in seconds."""
        return self._slowest_s

    @property
    def calls(self) -> int:
        """Reads and writes sent until now."""
        return self._usage.reads + self._usage.writes

    def count_sent(self, kind: CallKind) -> None:
        """Counts one request that is about to be sent."""
        with self._lock:
            usage = self._usage
            match kind:
                case CallKind.READ:
                    self._usage = replace(usage, reads=usage.reads + 1)
                case CallKind.LOGIN:
                    self._usage = replace(usage, logins=usage.logins + 1)
                case _:
                    self._usage = replace(usage, writes=usage.writes + 1)

    def note_seconds(self, seconds: float) -> None:
        """Remembers how long one call took."""
        with self._lock:
            self._slowest_s = max(self._slowest_s, seconds)
            calls, spent_s = self._timed[0] + 1, self._timed[1] + seconds
            self._timed = (calls, spent_s)
            self._usage = replace(self._usage, latency_s=spent_s / calls)

    def count_retry(self) -> None:
        """Counts one request that is about to be sent again."""
        with self._lock:
            self._usage = replace(self._usage, retries=self._usage.retries + 1)

    def note_limit(self, limit_info: str | None) -> None:
        """Remembers the estimate of an answer's `Sforce-Limit-Info`, when it has one."""
        found = _LIMIT_INFO.search(limit_info or "")
        if found is None:
            return
        used, allowed = (int(each) for each in found.groups())
        with self._lock:
            self._usage = replace(self._usage, limit_used=used, limit_max=allowed)

    def note_limits(self, document: Any) -> None:
        """Remembers the estimate of the limits resource, when that is what the document is."""
        day = document.get("DailyApiRequests") if isinstance(document, dict) else None
        allowed, left = (day.get(name) if isinstance(day, dict) else None for name in ("Max", "Remaining"))
        if isinstance(allowed, int) and isinstance(left, int):
            with self._lock:
                self._usage = replace(self._usage, limit_used=max(0, allowed - left), limit_max=allowed)
