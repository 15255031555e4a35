"""Judges the assertion of a JWT login: the app, the signature, the audience, the times and the user.

Only RS256 with the key of a certificate that is registered for the app is taken; an assertion that says
`none` or names a symmetric algorithm is refused before its claims are looked at.
Source: Salesforce Help, OAuth 2.0 JWT Bearer Flow [D]; error texts reported [P].
"""

import sys
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.org.logins import LoginRefusal, LoginRefusedError
from sfsync.emulator.rest.oauth_app import log_in, oauth_refusal
from sfsync.emulator.switches import JwtExpiry

if TYPE_CHECKING:
    from jwt.types import Options

_AUDIENCES: Final = ("https://login.salesforce.com", "https://test.salesforce.com")
_LONGEST_LIFE_S: Final = {
    JwtExpiry.THREE: 180.0,
    JwtExpiry.FIVE: 300.0,
    JwtExpiry.ANY: sys.float_info.max,
}
_UNJUDGED: Final["Options"] = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""What the library leaves to us, because the platform judges it in its own way."""


def subject_of(call: Call, assertion: str) -> str:
    """Return the id of the user that an assertion logs in.

    Raises: ApiError invalid_client_id for a foreign issuer, invalid_grant for all else that is wrong.
    """
    if _claims(assertion).get("iss") != call.org.client_id:
        raise oauth_refusal("invalid_client_id", "client identifier invalid")
    claims = _verified(call, assertion)
    if str(claims.get("aud", "")).rstrip("/") not in {*_AUDIENCES, *_own_addresses(call)}:
        raise oauth_refusal("invalid_grant", "audience is invalid")
    _check_times(call, claims)
    return log_in(lambda: _approved(call, str(claims.get("sub", ""))))


def _own_addresses(call: Call) -> set[str]:
    """Return the addresses of the org: the one it names, and the loopback name that this call came to."""
    scheme = call.base_url.partition(":")[0]
    return {call.base_url, f"{scheme}://{call.request.headers.get('host', '')}"}


def _claims(assertion: str) -> dict[str, Any]:
    """Return the claims of an assertion that nobody has verified yet."""
    import jwt

    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={**_UNJUDGED, "verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        raise oauth_refusal("invalid_grant", "invalid assertion") from None
    return claims


def _verified(call: Call, assertion: str) -> dict[str, Any]:
    import jwt

    for key in call.org.jwt_keys:
        try:
            claims: dict[str, Any] = jwt.decode(assertion, key, algorithms=["RS256"], options=_UNJUDGED)
        except (jwt.PyJWTError, ValueError):
            continue
        return claims
    raise oauth_refusal("invalid_grant", "invalid assertion")


def _check_times(call: Call, claims: dict[str, Any]) -> None:
    """Refuse an assertion that expired, lives too long, or is not valid yet; times may be texts."""
    now = call.org.clock.now().timestamp()
    if not 0 < _seconds(claims.get("exp")) - now <= _LONGEST_LIFE_S[call.org.switches.jwt_expiry]:
        raise oauth_refusal("invalid_grant", "invalid assertion")
    if "nbf" in claims and not _seconds(claims["nbf"]) <= now:
        raise oauth_refusal("invalid_grant", "invalid assertion")


def _seconds(value: object) -> float:
    try:
        return float(value) if isinstance(value, str | int | float) else float("nan")
    except ValueError:
        return float("nan")


def _approved(call: Call, username: str) -> str:
    approved = call.org.definition.oauth.get("approved_users")
    is_known = call.org.logins.user_id(username) is not None
    if not is_known or (
        approved is not None and username.lower() not in {str(name).lower() for name in approved}
    ):
        raise oauth_refusal("invalid_grant", "user hasn't approved this consumer")
    try:
        return call.org.logins.without_password(username)
    except LoginRefusedError as refused:
        if refused.reason is LoginRefusal.INACTIVE:
            raise oauth_refusal("invalid_grant", "user hasn't approved this consumer") from None
        raise
