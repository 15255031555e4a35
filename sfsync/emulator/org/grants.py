"""What an app was allowed by a user who consented once: authorization codes and refresh tokens.

A code is good for one exchange within 15 minutes; a refresh token until it is revoked, until it was not
used for the time the org file sets, or, with rotation, until it was used. The access tokens that came of a
refresh token end with it.
Source: Salesforce Help, OAuth 2.0 Web Server Flow, Refresh Token Flow, Revoke OAuth Tokens [D].
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sfsync.emulator.org.clock import Clock

_CODE_LIFE: Final = timedelta(minutes=15)
_REFRESH_PREFIX: Final = "5Aep861"
_CODE_PREFIX: Final = "aPrx"


@dataclass(frozen=True, slots=True)
class Code:
    """A consent that waits to be exchanged for tokens."""

    user_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    made: datetime


@dataclass(slots=True)
class RefreshToken:
    """A consent that lasts, and the access tokens that came of it."""

    user_id: str
    scopes: tuple[str, ...]
    used: datetime
    access_tokens: list[str]


class Grants:
    """The codes and refresh tokens of one org."""

    def __init__(self, random_token: Callable[[], str], *, clock: Clock, idle_hours: float | None) -> None:
        self._random_token = random_token
        self._clock = clock
        self._idle = None if idle_hours is None else timedelta(hours=idle_hours)
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._lock = threading.Lock()

    def add_code(self, user_id: str, scopes: tuple[str, ...], *, redirect_uri: str, challenge: str) -> str:
        """Return a new code for a consent."""
        text = _CODE_PREFIX + self._random_token()
        with self._lock:
            self._codes[text] = Code(user_id, scopes, redirect_uri, challenge, self._clock.now())
        return text

    def take_code(self, text: str) -> Code | None:
        """Return the consent of a code, which is used up by this, or None for one that is not good."""
        with self._lock:
            code = self._codes.pop(text, None)
        if code is None or self._clock.now() - code.made >= _CODE_LIFE:
            return None
        return code

    def add_refresh(self, user_id: str, scopes: tuple[str, ...], *, access_token: str) -> str:
        """Return a new refresh token of a user, given together with an access token."""
        text = _REFRESH_PREFIX + self._random_token()
        with self._lock:
            self._refresh[text] = RefreshToken(user_id, scopes, self._clock.now(), [access_token])
        return text

    def use_refresh(self, text: str) -> RefreshToken | None:
        """Return a refresh token that is good, and start its idle time anew, or None."""
        with self._lock:
            token = self._refresh.get(text)
            now = self._clock.now()
            if token is None or (self._idle is not None and now - token.used >= self._idle):
                return None
            token.used = now
        return token

    def end_refresh(self, text: str) -> RefreshToken | None:
        """End a refresh token and return it, or None where there is none."""
        with self._lock:
            return self._refresh.pop(text, None)

    def end_user(self, user_id: str) -> None:
        """End every refresh token of a user."""
        with self._lock:
            self._refresh = {text: each for text, each in self._refresh.items() if each.user_id != user_id}
