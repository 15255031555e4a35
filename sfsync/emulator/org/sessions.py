"""Who is logged in: access tokens and the users behind them, and the credentials that earn one.

Tokens look like the platform's (`00D...!...`) because clients check that. They live until they are
expired by a fault.
Source: REST API Developer Guide, Authorization Through Connected Apps [D].
"""

import threading
from collections.abc import Callable


class Sessions:
    """The live sessions of one org."""

    def __init__(self, org_id: str, random_token: Callable[[], str]) -> None:
        self._org_id = org_id
        self._random_token = random_token
        self._users: dict[str, str] = {}
        self._lock = threading.Lock()

    def open(self, user_id: str, *, token: str | None = None) -> str:
        """Start a session of a user and return its token."""
        token = token or f"{self._org_id[:15]}!{self._random_token()}"
        with self._lock:
            self._users[token] = user_id
        return token

    def user_of(self, token: str) -> str | None:
        """Return the user of a live session, or None."""
        return self._users.get(token)

    def end(self, token: str) -> None:
        """End one session."""
        with self._lock:
            self._users.pop(token, None)

    def end_all(self) -> None:
        """End every session."""
        with self._lock:
            self._users.clear()
