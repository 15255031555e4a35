"""The browser's half of the web server flow, and the ends of tokens: authorize, revoke, introspect.

There is nobody to log in at a page, so the user of `login_hint` (or the API user) is taken to have logged
in and to have consented at once. Redirects lead to loopback addresses only, as no callback is registered.
Source: Salesforce Help, OAuth 2.0 Web Server Flow, Revoke OAuth Tokens, OpenID Connect Token Introspection
[D].
"""

from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from sfsync.emulator.call import Call
from sfsync.emulator.rest.oauth_app import app_scopes, check_client, log_in, oauth_refusal
from sfsync.emulator.wire.messages import Reply

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def authorize(call: Call) -> Reply:
    """Send the browser back to the app with a code, or with the reason why not."""
    asked = call.request.parameters()
    target = asked.get("redirect_uri", "")
    if asked.get("client_id") != call.org.client_id:
        raise oauth_refusal("invalid_client_id", "client identifier invalid")
    if not target:
        raise oauth_refusal("redirect_uri_missing", "redirect_uri not provided")
    if urlsplit(target).hostname not in _LOOPBACK:
        raise oauth_refusal("redirect_uri_mismatch", "redirect_uri must match configuration")
    answer = _consent(call, asked)
    if "state" in asked:
        answer["state"] = asked["state"]
    joint = "&" if urlsplit(target).query else "?"
    return Reply(302, None, {"Location": f"{target}{joint}{urlencode(answer)}"})


def _consent(call: Call, asked: dict[str, str]) -> dict[str, str]:
    if asked.get("response_type") != "code":
        return {"error": "unsupported_response_type", "error_description": "response type not supported"}
    allowed = app_scopes(call)
    scopes = tuple(asked.get("scope", "").split()) or allowed
    if "full" not in allowed and not set(scopes) <= set(allowed):
        return {"error": "invalid_scope", "error_description": "the requested scope is not allowed"}
    username = asked.get("login_hint") or call.org.storage.value("User", call.org.api_user_id, "Username")
    user_id = log_in(lambda: call.org.logins.without_password(str(username)))
    return {
        "code": call.org.grants.add_code(
            user_id,
            scopes,
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge", "").rstrip("="),
        )
    }


def revoke(call: Call) -> Reply:
    """End an access token, or a refresh token with the access tokens that came of it."""
    token = {**call.request.parameters(), **call.request.form()}.get("token", "")
    lasting = call.org.grants.end_refresh(token)
    for access_token in lasting.access_tokens if lasting else ():
        call.org.sessions.end(access_token)
    if lasting is None and not call.org.sessions.end(token):
        raise oauth_refusal("invalid_token", "invalid token")
    return Reply(200)


def introspect(call: Call) -> Reply:
    """Tell the app whether an access token is live, and whose it is."""
    form = call.request.form()
    check_client(call, form)
    session = call.org.sessions.look_at(form.get("token", ""))
    if session is None:
        return Reply(200, {"active": False})
    body: dict[str, Any] = {
        "active": True,
        "scope": " ".join(session.scopes),
        "client_id": call.org.client_id,
        "username": call.org.storage.value("User", session.user_id, "Username"),
        "sub": f"{call.base_url}/id/{call.org.id}/{session.user_id}",
        "token_type": "access_token",
        "exp": int((session.used + call.org.sessions.idle).timestamp()),
        "iat": int(session.started.timestamp()),
        "nbf": int(session.started.timestamp()),
    }
    return Reply(200, body)
