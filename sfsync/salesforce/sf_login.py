"""Logs in by the Salesforce CLI: where the org of an alias is, and the token of the session that sf keeps for it.

`sf org display` tells the address; since its plugin 2.136.8 (May 2026) it hides the token, which
`sf org auth show-access-token` gives. An older sf gives the token with the address, and is asked once only.
Both renew a session where sf can. Invariant: an address is trusted by `origins` only, and the token is never an
argument of anything. Source: forcedotcom/cli issue 3560; sf 2.150.6 against the emulator.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from sfsync.core.orgs.org_profile import OrgProfile
from sfsync.core.sobject import record_id
from sfsync.errors import AccessError, ConfigError
from sfsync.salesforce.login import Grant, is_token
from sfsync.salesforce.origins import Origin, parse_origin, trusted_instance
from sfsync.salesforce.sf_program import ask

_DISPLAY: Final = ("org", "display")
_SHOW_TOKEN: Final = ("org", "auth", "show-access-token", "--no-prompt")
_HIDDEN: Final = re.compile(r"redacted|show-access-token", re.IGNORECASE)
_ENDED: Final = re.compile(r"expired|invalid|refresh ?token|revoked|bad_oauth", re.IGNORECASE)
"""What sf says in `connectedStatus` of a session that it cannot renew."""


def sf_grant(profile: OrgProfile, *, refuse_stopped: Callable[[], None]) -> Grant:
    """The grant of the session that sf keeps, renewed by sf where it had ended.

    Raises:
        ConfigError: the profile has no alias, or sf is missing or knows no such org.
        AccessError: sf cannot renew the session, gives no token, or names an address that is not Salesforce's.
        OrgUnavailable: sf did not answer in time.
    """
    alias = profile.alias
    if not alias:
        raise ConfigError(
            f"org profile {profile.name!r} lacks alias", code="PROFILE_INCOMPLETE", hint="add alias to it"
        )
    shown = ask(_DISPLAY, alias=alias, refuse_stopped=refuse_stopped)
    if _ENDED.search(str(shown.get("connectedStatus", ""))):
        raise expired(alias)
    origin = _origin(shown.get("instanceUrl"), profile)
    token = _usable(shown.get("accessToken"))
    if token is None:
        answer = ask(_SHOW_TOKEN, alias=alias, refuse_stopped=refuse_stopped)
        token = _usable(answer.get("accessToken"))
    if token is None:
        raise AccessError(
            f"sf gives no access token for {alias}",
            code="SF_NO_TOKEN",
            hint=f"Update it (sf update); then `sf org auth show-access-token --target-org {alias}` must show one",
        )
    org_id = shown.get("id")
    return Grant(origin, token, record_id(org_id) if isinstance(org_id, str) else None)


def expired(alias: str) -> AccessError:
    """The error for a session that has ended and that sf cannot renew."""
    return AccessError(
        f"the session of {alias} has ended, and sf cannot renew it",
        code="SF_LOGIN_EXPIRED",
        hint=f"Log in again: sf org login web --alias {alias}; for unattended jobs use jwt or client_credentials",
    )


def _origin(url: Any, profile: OrgProfile) -> Origin:
    """The address that sf tells, when a token may be sent there."""
    own = parse_origin(profile.login_url or "https://login.salesforce.com", loopback=profile.loopback)
    return trusted_instance(url, login=own, loopback=profile.loopback)


def _usable(token: Any) -> str | None:
    return token if isinstance(token, str) and is_token(token) and not _HIDDEN.search(token) else None
