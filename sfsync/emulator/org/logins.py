"""Who may log in: passwords, lockouts, login hours and addresses, and whether a user may use the API.

The token endpoint and the SOAP login ask here and word the refusal each in its own way. All of it comes
from [[users]] of the org file; `lock` and `unlock` change it while the org runs.
Invariant: a user of whom no password is known cannot log in with one.
Source: Salesforce Help, Set Password Policies (ten wrong passwords lock for 15 minutes by default), Restrict
Login Hours and IP Addresses [D].
"""

import hmac
import ipaddress
import threading
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sfsync.emulator.org.definition import DefinitionError, Table

if TYPE_CHECKING:
    from sfsync.emulator.org.org import Org

_MOST_WRONG_PASSWORDS: Final = 10
_LOCKOUT: Final = timedelta(minutes=15)
_CLIENT: Final = ipaddress.ip_address("127.0.0.1")
"""Where every client of the emulator is."""


class LoginRefusal(StrEnum):
    """Why somebody may not log in."""

    UNKNOWN = "unknown user or wrong password"
    TOKEN_MISSING = "the security token is not behind the password"
    INACTIVE = "inactive user"
    LOCKED = "locked out"
    HOURS = "outside of the login hours"
    ADDRESS = "outside of the login addresses"


class LoginRefusedError(Exception):
    """A login that the org refuses; carries the reason, which most callers do not tell."""

    def __init__(self, reason: LoginRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Account:
    """What the org knows of a user's logins."""

    password: str | None = None
    security_token: str = ""
    api_enabled: bool = True
    hours: tuple[time, time] | None = None
    addresses: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    is_locked: bool = False
    locked_until: datetime | None = None
    wrong_passwords: int = 0


class Logins:
    """The accounts of one org, by username without regard to case."""

    def __init__(self, org: "Org") -> None:
        self._org = org
        self._lock = threading.Lock()
        self._accounts = {str(user["username"]).lower(): _account(user) for user in org.definition.users}

    def give_password(self, username: str) -> Account:
        """Return the account of a user; where nobody has a password this user gets one."""
        account = self._accounts.setdefault(username.lower(), Account())
        if all(each.password is None for each in self._accounts.values()):
            account.password = self._org.random_token()[:12]
            account.security_token = self._org.random_token()[:24]
        return account

    def with_password(self, username: str, password: str) -> str:
        """Return the id of the user that logs in; the security token stands behind the password.

        Raises: LoginRefusedError; a wrong password counts towards a lockout.
        """
        account = self._accounts.get(username.lower())
        if account is None or account.password is None:
            raise LoginRefusedError(LoginRefusal.UNKNOWN)
        with self._lock:
            self._judge_password(account, password)
        return self.without_password(username)

    def without_password(self, username: str) -> str:
        """Return the id of a user that is known by other means.

        Raises: LoginRefusedError when there is no such user or the user may not log in here and now.
        """
        user_id = self.user_id(username)
        if user_id is None:
            raise LoginRefusedError(LoginRefusal.UNKNOWN)
        if not self._org.storage.value("User", user_id, "IsActive"):
            raise LoginRefusedError(LoginRefusal.INACTIVE)
        account = self._accounts.get(username.lower(), Account())
        now = self._org.clock.now()
        if account.is_locked or (account.locked_until is not None and now < account.locked_until):
            raise LoginRefusedError(LoginRefusal.LOCKED)
        if account.hours and not _is_within(now.time(), account.hours):
            raise LoginRefusedError(LoginRefusal.HOURS)
        if account.addresses and not any(_CLIENT in network for network in account.addresses):
            raise LoginRefusedError(LoginRefusal.ADDRESS)
        return user_id

    def user_id(self, username: str) -> str | None:
        """Return the id of a user by name, active or not."""
        users = self._org.schema["User"]
        found = self._org.storage.find(users, users.fields["username"], username)
        return found[0] if found else None

    def may_use_api(self, user_id: str) -> bool:
        """Whether the user has the permission "API Enabled"."""
        if all(account.api_enabled for account in self._accounts.values()):
            return True
        username = self._org.storage.value("User", user_id, "Username")
        return self._accounts.get(str(username).lower(), Account()).api_enabled

    def lock(self, username: str, *, locked: bool) -> None:
        """Lock a user out, or let the user in again.

        Raises: ValueError when the org has no such user.
        """
        if self.user_id(username) is None:
            raise ValueError(f"no user {username!r} in this org")
        account = self._accounts.setdefault(username.lower(), Account())
        account.is_locked, account.locked_until, account.wrong_passwords = locked, None, 0

    def _judge_password(self, account: Account, password: str) -> None:
        known = account.password or ""
        if hmac.compare_digest(password.encode(), (known + account.security_token).encode()):
            account.wrong_passwords = 0
            return
        account.wrong_passwords += 1
        if account.wrong_passwords >= _MOST_WRONG_PASSWORDS:
            account.locked_until = self._org.clock.now() + _LOCKOUT
            account.wrong_passwords = 0
        only_token_lacks = hmac.compare_digest(password.encode(), known.encode())
        raise LoginRefusedError(LoginRefusal.TOKEN_MISSING if only_token_lacks else LoginRefusal.UNKNOWN)


def _account(user: Table) -> Account:
    try:
        return Account(
            password=user.get("password"),
            security_token=user.get("security_token", ""),
            api_enabled=user.get("api_enabled", True),
            hours=_hours(user["login_hours"]) if "login_hours" in user else None,
            addresses=tuple(ipaddress.ip_network(text) for text in user.get("login_addresses", ())),
            is_locked=user.get("locked", False),
        )
    except ValueError as problem:
        raise DefinitionError(f"user {user['username']}: {problem}") from None


def _is_within(moment: time, hours: tuple[time, time]) -> bool:
    """Whether a moment lies in a span, which may go over midnight."""
    start, end = hours
    return start <= moment < end if start <= end else moment >= start or moment < end


def _hours(text: str) -> tuple[time, time]:
    """Return the span of a text such as 08:00-18:00, in UTC."""
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError("login_hours is a span such as 08:00-18:00, in UTC")
    return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
