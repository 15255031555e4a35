"""The circuit breaker: after so many outages in a row nothing is sent until a probe finds the org back.

Open, it waits: 30 seconds, then twice as long each time, ten minutes at most, always on the stop event. Then
one thread asks the org something that only reads. An answer half-closes the breaker: calls go again, but one
more outage opens it at once and for twice as long; only an answer to a real call closes it. An org that never
answered in this run is not waited for, because a run that has not begun loses nothing by ending.
Invariants: while it is open nothing leaves but the probe; what is waited in one outage never exceeds
`max_outage_s`; no wait outlives a stop.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sfsync.core.events import Listener, Noticed
from sfsync.core.sending.verdict import Verdict
from sfsync.errors import Interrupted, OrgUnavailable


@dataclass(frozen=True, slots=True)
class Outages:
    """How an outage is waited out, in seconds; with `max_outage_s` = 0 it is not."""

    first_wait_s: float = 30.0
    max_wait_s: float = 600.0
    max_outage_s: float = 0.0


Probe = Callable[[], Verdict]
"""Asks the org something that only reads, once, and says what the answer means."""


class Breaker:
    """Opens after so many outages in a row, over all threads."""

    def __init__(self, limit: int, outages: Outages, *, stop: threading.Event, listener: Listener) -> None:
        self.probe: Probe | None = None
        self._limit = limit
        self._outages = outages
        self._stop = stop
        self._listener = listener
        self._lock = threading.Lock()
        self._waiting = threading.Lock()
        self._in_a_row = 0
        self._has_answered = False
        self._next_wait_s = outages.first_wait_s
        self._waited_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether nothing may be sent for now."""
        return self._in_a_row >= self._limit

    @property
    def is_worth_waiting(self) -> bool:
        """Whether the breaker is open and `await_org` would wait."""
        has_time = self._waited_s < self._outages.max_outage_s
        return self.is_open and has_time and self._has_answered and self.probe is not None

    def note(self, verdict: Verdict) -> None:
        """Counts the answer to a call; an open breaker is closed by `await_org` only."""
        with self._lock:
            if self.is_open:
                return
            if verdict.is_outage:
                self._in_a_row += 1
                return
            self._has_answered = True
            self._in_a_row = 0
            self._next_wait_s = self._outages.first_wait_s
            self._waited_s = 0.0

    def await_org(self) -> None:
        """Returns when calls may be sent: at once, or after a probe found the org back.

        Raises:
            OrgUnavailable: the org is away for longer than is waited.
            Interrupted: a stop was asked for.
        """
        if not self.is_open:
            return
        with self._waiting:
            while self.is_open:
                self._wait()
                self._ask()

    def _wait(self) -> None:
        if not self.is_worth_waiting:
            raise OrgUnavailable(
                "the org failed to answer too many times in a row",
                code="BREAKER_OPEN",
                hint="try again later; a run that had begun goes on with sfsync resume",
            )
        wait_s = min(self._next_wait_s, self._outages.max_outage_s - self._waited_s)
        self._listener(Noticed(f"the org does not answer; it is asked again in {wait_s:.0f} s"))
        self._waited_s += wait_s
        self._next_wait_s = min(self._next_wait_s * 2, self._outages.max_wait_s)
        self._stop.wait(wait_s)
        if self._stop.is_set():
            number = getattr(self._stop, "signal_number", signal.SIGINT)
            raise Interrupted("the run was interrupted", signal_number=number)

    def _ask(self) -> None:
        assert self.probe is not None
        verdict = self.probe()
        with self._lock:
            if not verdict.is_outage:
                self._in_a_row = self._limit - 1
