"""Who is logged in: access tokens, the users and scopes behind them, and when they lapse.

Tokens look like the platform's (`00D...!...`) because clients check that. A session ends when it was not
used for the org's idle time, or at once when somebody revokes it; every call starts the idle time anew.
Invariant: a session that ended once never comes back.
Source: REST API Developer Guide, Authorization Through Connected Apps [D]; session timeout, 15 minutes to
24 hours, by default 2 hours, Salesforce Help, Modify Session Security Settings [D].
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sfsync.emulator.org.clock import Clock

SHORTEST_IDLE_MINUTES: Final = 15
LONGEST_IDLE_MINUTES: Final = 24 * 60
DEFAULT_IDLE_MINUTES: Final = 120
FULL: Final = ("full",)


@dataclass(slots=True)
class Session:
    """One live session: its user, what its token may be used for, its start and its last use."""

    user_id: str
    scopes: tuple[str, ...]
    started: datetime
    used: datetime


class Sessions:
    """The sessions of one org."""

    def __init__(
        self, org_id: str, random_token: Callable[[], str], *, clock: Clock, idle_minutes: int
    ) -> None:
        self._org_id = org_id
        self._random_token = random_token
        self._clock = clock
        self.idle = timedelta(minutes=idle_minutes)
        self._live: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(self, user_id: str, *, scopes: tuple[str, ...] = FULL, token: str | None = None) -> str:
        """Start a session of a user and return its token."""
        token = token or f"{self._org_id[:15]}!{self._random_token()}"
        now = self._clock.now()
        with self._lock:
            self._live[token] = Session(user_id, scopes, started=now, used=now)
        return token

    def use(self, token: str) -> Session | None:
        """Return the live session of a token and start its idle time anew, or None."""
        with self._lock:
            session = self._of(token)
            if session is not None:
                session.used = self._clock.now()
        return session

    def look_at(self, token: str) -> Session | None:
        """Return the live session of a token without using it, or None."""
        with self._lock:
            return self._of(token)

    def user_of(self, token: str) -> str | None:
        """Return the user of a live session and start its idle time anew, or None."""
        session = self.use(token)
        return session.user_id if session is not None else None

    def end(self, token: str) -> bool:
        """End one session; returns whether it was live."""
        with self._lock:
            was_live = self._of(token) is not None
            self._live.pop(token, None)
        return was_live

    def end_user(self, user_id: str) -> int:
        """End every session of a user and return how many there were."""
        with self._lock:
            ending = [token for token, session in self._live.items() if session.user_id == user_id]
            for token in ending:
                del self._live[token]
        return len(ending)

    def end_all(self) -> int:
        """End every session and return how many there were."""
        with self._lock:
            ended = len(self._live)
            self._live.clear()
        return ended

    def _of(self, token: str) -> Session | None:
        """Return a live session, and forget one that lapsed; the caller holds the lock."""
        session = self._live.get(token)
        if session is not None and self._clock.now() - session.used >= self.idle:
            del self._live[token]
            return None
        return session
