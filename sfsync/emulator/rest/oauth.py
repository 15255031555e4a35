"""The token endpoint: which grants there are, who each of them logs in, and what a token answer holds.

Plays client credentials, JWT bearer, username-password, authorization codes and refresh tokens. An org file
can refuse grants by name.
Source: REST API Developer Guide, OAuth; Salesforce Help, OAuth 2.0 flows [D]; error texts reported [P].
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.rest.oauth_app import app_scopes, check_client, log_in, oauth_refusal
from sfsync.emulator.rest.oauth_jwt import subject_of
from sfsync.emulator.wire.messages import Reply

Form = dict[str, str]
_SHARED_HOSTS: Final = frozenset({"login.salesforce.com", "test.salesforce.com"})
_LASTING: Final = frozenset({"refresh_token", "offline_access"})


def issue_token(call: Call) -> Reply:
    """Answer the token endpoint."""
    form = call.request.form()
    grant = form.get("grant_type")
    if not grant:
        raise oauth_refusal("invalid_request", "missing required parameter: grant_type")
    if grant not in _GRANTS or grant in call.org.definition.oauth.get("refused_grants", ()):
        raise oauth_refusal("unsupported_grant_type", "grant type not supported")
    return Reply(200, _GRANTS[grant](call, form), {"Cache-Control": "no-store"})


def _client_credentials(call: Call, form: Form) -> dict[str, Any]:
    org = call.org
    if call.request.headers.get("host", "").partition(":")[0].lower() in _SHARED_HOSTS:
        raise oauth_refusal(org.switches.shared_login_host.value, "request not supported on this domain")
    check_client(call, form)
    username = org.definition.oauth.get("run_as_user")
    if username is None:
        username = org.storage.value("User", org.api_user_id, "Username")
    if not username:
        raise oauth_refusal(org.switches.no_run_as_user.value, "no client credentials user enabled")
    return _answer(call, log_in(lambda: org.logins.without_password(str(username))), _brief(call))


def _password(call: Call, form: Form) -> dict[str, Any]:
    check_client(call, form)
    username, password = form.get("username", ""), form.get("password", "")
    user_id = log_in(lambda: call.org.logins.with_password(username, password))
    return _answer(call, user_id, _brief(call))


def _jwt_bearer(call: Call, form: Form) -> dict[str, Any]:
    return _answer(call, subject_of(call, form.get("assertion", "")), _brief(call))


def _authorization_code(call: Call, form: Form) -> dict[str, Any]:
    check_client(call, form)
    code = call.org.grants.take_code(form.get("code", ""))
    if code is None:
        raise oauth_refusal("invalid_grant", "expired authorization code")
    if form.get("redirect_uri") != code.redirect_uri:
        raise oauth_refusal("redirect_uri_mismatch", "redirect_uri must match configuration")
    if code.challenge and code.challenge != _challenge_of(form.get("code_verifier", "")):
        raise oauth_refusal("invalid_grant", "invalid code verifier")
    answer = _answer(call, code.user_id, code.scopes)
    if _LASTING.isdisjoint(code.scopes):
        return answer
    return answer | {"refresh_token": _lasting(call, answer, code.user_id, code.scopes)}


def _refresh_token(call: Call, form: Form) -> dict[str, Any]:
    check_client(call, form)
    text = form.get("refresh_token", "")
    token = call.org.grants.use_refresh(text)
    if token is None:
        raise oauth_refusal("invalid_grant", "expired access/refresh token")
    username = str(call.org.storage.value("User", token.user_id, "Username"))
    log_in(lambda: call.org.logins.without_password(username))
    answer = _answer(call, token.user_id, token.scopes)
    if not call.org.definition.oauth.get("rotate_refresh_tokens", False):
        token.access_tokens.append(answer["access_token"])
        return answer
    call.org.grants.end_refresh(text)
    return answer | {"refresh_token": _lasting(call, answer, token.user_id, token.scopes)}


_GRANTS: Final[dict[str, Callable[[Call, Form], dict[str, Any]]]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _jwt_bearer,
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
}


def _lasting(call: Call, answer: dict[str, Any], user_id: str, scopes: tuple[str, ...]) -> str:
    return call.org.grants.add_refresh(user_id, scopes, access_token=answer["access_token"])


def _brief(call: Call) -> tuple[str, ...]:
    """Return the app's scopes without those for refresh tokens, which these flows do not give."""
    return tuple(scope for scope in app_scopes(call) if scope not in _LASTING)


def _challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _answer(call: Call, user_id: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Start a session and return the body that tells of it.

    The signature is the HMAC-SHA256 of id and issued_at with the consumer secret. Source: Salesforce Help,
    OAuth 2.0 Web Server Flow [D].
    """
    issued = str(int(call.org.clock.now().timestamp() * 1000))
    identity = f"{call.base_url}/id/{call.org.id}/{user_id}"
    signature = hmac.digest(call.org.client_secret.encode(), (identity + issued).encode(), "sha256")
    return {
        "access_token": call.org.sessions.open(user_id, scopes=scopes),
        "signature": base64.b64encode(signature).decode(),
        "scope": " ".join(scopes),
        "instance_url": call.base_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued,
        "api_instance_url": call.base_url,
    }
