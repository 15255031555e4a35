"""Decides whether a call may go on: its Authorization header, its session, its scopes and its user.

The data API refuses in its own form (a list with an errorCode), the identity resources in theirs (one
word of text). What a user may do with a record is decided later, by the rules.
Source: REST API Developer Guide, Status Codes (401, 403) [D]; "Session expired or invalid" and "This session
is not valid for use with the REST API" recorded [R], without a WWW-Authenticate header; identity answers:
Salesforce Help, Identity URLs [D].
"""

from typing import Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.org import Org
from sfsync.emulator.wire.messages import Request

_SCHEMES: Final = frozenset({"bearer", "oauth"})
_IDENTITY: Final = ("/services/oauth2/", "/id/")
_FOR_DATA: Final = frozenset({"api", "full"})
_FOR_IDENTITY: Final = frozenset({"id", "openid", "profile", "email", "address", "phone", "full"})


def admitted(org: Org, request: Request) -> str:
    """Return the id of the user who calls, and start the session's idle time anew.

    Raises: ApiError 401 for no live session of the right kind, 403 for an org or user without the API.
    """
    if request.path.lower().startswith(_IDENTITY):
        return _to_identity(org, request)
    return _to_data(org, request)


def token_of(request: Request) -> str | None:
    """Return the token of the Authorization header, or None when the header is no such thing."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return (token.strip() or None) if scheme.lower() in _SCHEMES else None


def _to_data(org: Org, request: Request) -> str:
    token = token_of(request)
    if token is None and request.headers.get("authorization"):
        raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
    return user_of_session(org, token or "")


def user_of_session(org: Org, token: str) -> str:
    """Return the user whose session may use the data APIs, and start its idle time anew.

    Raises: ApiError 401 for no live session of the right kind, 403 for an org or user without the API.
    """
    session = org.sessions.use(token)
    if session is None:
        raise session_expired()
    if not _FOR_DATA.intersection(session.scopes):
        raise ApiError(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
    if not org.definition.organization.get("api_enabled", True):
        raise ApiError(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
    if not org.logins.may_use_api(session.user_id):
        raise ApiError(403, "API_CURRENTLY_DISABLED", "API is disabled for this User")
    return session.user_id


def _to_identity(org: Org, request: Request) -> str:
    token = token_of(request)
    if token is None:
        raise ApiError.with_body(403, b"Missing_OAuth_Token")
    session = org.sessions.use(token)
    if session is None or not _FOR_IDENTITY.intersection(session.scopes):
        raise ApiError.with_body(403, b"Bad_OAuth_Token")
    return session.user_id


def session_expired() -> ApiError:
    """Return the 401 of a session that ended or never was."""
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
