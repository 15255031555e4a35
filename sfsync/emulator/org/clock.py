"""The clock of the played org: the system's, or one that a test moves by hand.

Every time stamp, date literal and held request of the emulator asks this clock; nothing else reads the
time.
Invariant: times are aware and in UTC.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the emulator needs to know about time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...

    def call_at(self, when: datetime, action: Callable[[], None]) -> None:
        """Run the action once that time has come."""
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def call_at(self, when: datetime, action: Callable[[], None]) -> None:
        """Run the action in a background thread once that time has come."""
        timer = threading.Timer(max(0.0, (when - self.now()).total_seconds()), action)
        timer.daemon = True
        timer.start()


class VirtualClock:
    """A time that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._due: list[tuple[datetime, Callable[[], None]]] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time that was last set."""
        return self._now

    def call_at(self, when: datetime, action: Callable[[], None]) -> None:
        """Run the action when the clock is moved to that time or past it."""
        with self._lock:
            self._due.append((when, action))
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Move the clock on and run what has become due."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            ready = [action for when, action in self._due if when <= self._now]
            self._due = [(when, action) for when, action in self._due if when > self._now]
        for action in ready:
            action()


def stamp(moment: datetime) -> str:
    """Return a time in the stored form, cut to the second as the platform does."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + ".000Z"
