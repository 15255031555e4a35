"""Builds the request of each way to log in, and reads the token answer.

Everything here is one POST to `/services/oauth2/token`; `access` sends it through a door of its own.
Invariants: an assertion lives two minutes and names only an allowed audience; an address in the answer is
trusted by `origins` only; errors carry the error's name and our hint, never what the server or we sent.
Source: OAuth 2.0 flows (JWT bearer, client credentials, username-password), Salesforce Help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import jwt
from pydantic import SecretStr

from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.sending.verdict import CallKind, Evidence
from sfsync.core.sobject import record_id
from sfsync.errors import AccessError, ConfigError
from sfsync.salesforce.origins import Origin, is_loopback, is_salesforce_host, parse_origin, trusted_instance
from sfsync.salesforce.session import Request

PASSWORD_NOTICE: Final = (
    "the password login of this profile ends with the Winter '27 release; change to JWT or client credentials"
)
"""Source: Salesforce Help 000886201 (deprecation); the date is reported by practitioners."""

_TOKEN_TARGET: Final = "/services/oauth2/token"
_ASSERTION_LIFE: Final = timedelta(minutes=2)
_SHARED_HOSTS: Final = ("login.salesforce.com", "test.salesforce.com")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, where it may be sent, and of which org it is, where the login said so."""

    origin: Origin
    token: str = field(repr=False)
    org_id: str | None = None


def fixed_grant(profile: OrgProfile) -> Grant:
    """The grant of a profile that brings its own token.

    Raises:
        ConfigError: the profile has no instance_url or no usable access token.
    """
    if not profile.instance_url:
        raise _missing("instance_url")
    token = _secret(profile.access_token, "access_token")
    if not is_token(token):
        raise ConfigError(
            f"the access token of org profile {profile.name!r} is empty or holds blanks",
            code="BAD_TOKEN",
            hint="set it again, whole and without blanks or line breaks",
        )
    return Grant(parse_origin(profile.instance_url, loopback=profile.loopback), token)


def login_origin(profile: OrgProfile) -> Origin:
    """Where the profile logs in.

    Raises:
        ConfigError: the login_url is missing for a login that needs the org's own host, or cannot be used.
    """
    url = profile.login_url or (
        None if profile.login is Login.CLIENT_CREDENTIALS else "https://login.salesforce.com"
    )
    if url is None:
        raise _missing("login_url")
    origin = parse_origin(url, loopback=profile.loopback)
    # Source: Salesforce Help 000886201: client credentials need the My Domain host.
    if profile.login is Login.CLIENT_CREDENTIALS and origin.host in _SHARED_HOSTS:
        raise ConfigError(
            f"org profile {profile.name!r}: client credentials need the org's own login_url",
            code="LOGIN_NEEDS_MY_DOMAIN",
            hint="use https://name.my.salesforce.com, not the shared login host",
        )
    return origin


def token_request(profile: OrgProfile, origin: Origin, *, now: datetime) -> Request:
    """The request that asks for a token, in the profile's way.

    Raises:
        ConfigError: the profile lacks what its way to log in needs, or names a foreign audience.
    """
    match profile.login:
        case Login.CLIENT_CREDENTIALS:
            form = {"grant_type": "client_credentials"} | _client(profile)
        case Login.JWT:
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": _assertion(profile, origin, now=now),
            }
        case Login.PASSWORD:
            form = _password_form(profile)
        case Login.TOKEN | Login.SF:
            raise AccessError(
                "the session of the token has ended, and a token cannot log in again",
                code="SESSION_ENDED",
                hint="get a new token, or use JWT or client credentials for unattended jobs",
            )
    body = urlencode(form).encode("ascii")
    return Request(
        "POST", _TOKEN_TARGET, CallKind.LOGIN, body, content_type="application/x-www-form-urlencoded"
    )


def read_grant(document: Any, *, login: Origin, loopback: bool) -> Grant:
    """The grant that a token answer brings.

    Raises:
        AccessError: the answer has no token, or names an address that is not Salesforce's.
    """
    answer = document if isinstance(document, dict) else {}
    token = answer.get("access_token")
    if not isinstance(token, str) or not is_token(token):
        raise AccessError(
            "the login answered without an access token",
            code="NO_TOKEN",
            hint="check that the login_url of the org profile is that of an org",
        )
    origin = trusted_instance(answer.get("instance_url"), login=login, loopback=loopback)
    return Grant(origin, token, _org_of(answer.get("id")))


def _org_of(identity: Any) -> str | None:
    """The org in an identity URL, whose path is /id/ORG/USER. Source: Salesforce Help, "Identity URLs"."""
    parts = identity.rsplit("/", 2) if isinstance(identity, str) else []
    return record_id(parts[1]) if len(parts) == 3 else None


def login_refused(evidence: Evidence, *, skew: str = "") -> AccessError:
    """The error for a refused login, with what to do about it; `skew` says how wrong this machine's clock is."""
    code = evidence.code or f"HTTP_{evidence.status}"
    text = evidence.message.lower()
    hint = next((hint for part, hint in _HINTS.get(code, ()) if part in text), _ANY_HINT)
    hint = f"{skew}: set it right; {hint}" if skew else hint
    return AccessError(f"the org refused the login: {code}", code=code, hint=hint)


_ANY_HINT: Final = "check the login settings of the org profile and of the app in the org"
_HINTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "invalid_grant": (
        ("expired access/refresh", "the grant was revoked: authorise the app again"),
        ("approved this consumer", "pre-authorise the user for the app (permission set of the app)"),
        ("audience", "set the profile's audience to the login host that the user belongs to"),
        ("assertion", "check this machine's clock, and that the app holds the certificate of the key"),
        ("inactive", "the user is inactive: activate it, or name another"),
        ("client credentials user", "choose a run-as user for the client credentials of the app"),
        ("not supported on this domain", "set the login_url to the org's own My Domain"),
        ("", "check user, password or key, login hours and IP ranges; a locked user must be unlocked"),
    ),
    "invalid_client_id": (("", "check the client_id (consumer key) of the app"),),
    "invalid_client": (("", "check client_id and client_secret of the app"),),
    "invalid_request": (
        ("client credentials user", "choose a run-as user for the client credentials of the app"),
        ("", "a parameter is missing: check the profile's login settings"),
    ),
    "invalid_app_access": (("", "let the user's profile or permission set use the app"),),
    "unsupported_grant_type": (("", "the flow is switched off in the org, or the login_url is wrong"),),
}
"""Hints by error and by a part of its description. Source: OAuth 2.0 error codes, Salesforce Help."""


def _client(profile: OrgProfile) -> dict[str, str]:
    return {
        "client_id": _secret(profile.client_id, "client_id"),
        "client_secret": _secret(profile.client_secret, "client_secret"),
    }


def _password_form(profile: OrgProfile) -> dict[str, str]:
    if not profile.allow_password:
        raise ConfigError(
            f"org profile {profile.name!r}: password logins are off",
            code="PASSWORD_LOGIN_OFF",
            hint="use JWT or client credentials; or set allow_password = true while the org still allows it",
        )
    user = {
        "username": _text(profile.username, "username"),
        "password": _secret(profile.password, "password"),
    }
    return {"grant_type": "password"} | _client(profile) | user


def _assertion(profile: OrgProfile, origin: Origin, *, now: datetime) -> str:
    claims = {
        "iss": _secret(profile.client_id, "client_id"),
        "sub": _text(profile.username, "username"),
        "aud": _audience(profile, origin),
        "exp": int((now + _ASSERTION_LIFE).timestamp()),
    }
    key = _secret(profile.private_key, "private_key")
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ConfigError(
            f"the private_key of org profile {profile.name!r} is no RSA key in PEM form",
            code="BAD_KEY",
            hint="give the private key that belongs to the certificate of the app: -----BEGIN PRIVATE KEY-----",
        ) from None


def _audience(profile: OrgProfile, origin: Origin) -> str:
    audience = parse_origin(profile.audience or str(origin), loopback=profile.loopback)
    if audience.host == origin.host or is_salesforce_host(audience.host):
        return str(audience)
    if profile.loopback and is_loopback(audience.host.strip("[]")):
        return str(audience)
    raise ConfigError(
        f"org profile {profile.name!r}: the audience is neither the login host nor one of Salesforce's",
        code="FOREIGN_AUDIENCE",
        hint="leave it out, or set it to https://login.salesforce.com or https://test.salesforce.com",
    )


def is_token(token: str) -> bool:
    """Whether the text can stand in a header as it is."""
    return bool(token) and all("!" <= char <= "~" for char in token)


def _secret(secret: SecretStr | None, name: str) -> str:
    return _text(secret.get_secret_value() if secret else None, name)


def _text(text: str | None, name: str) -> str:
    if not text:
        raise _missing(name)
    return text


def _missing(name: str) -> ConfigError:
    return ConfigError(f"the org profile lacks {name}", code="PROFILE_INCOMPLETE", hint=f"add {name} to it")
