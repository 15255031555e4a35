"""Logging in: the token endpoint, userinfo and the identity resource.

Plays client credentials, username-password and JWT bearer. A JWT is checked for issuer, audience, expiry
and, when the org file names a certificate, for its signature.
Source: REST API Developer Guide, OAuth [D]; error texts reported [P].
"""

import base64
import json
from pathlib import Path
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.definition import Table
from sfsync.emulator.wire.messages import Reply

_JWT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LATEST_EXPIRY_S: Final = 300
_AUDIENCES: Final = ("https://login.salesforce.com", "https://test.salesforce.com")


def _refused(error: str, description: str) -> ApiError:
    return ApiError.with_body(400, {"error": error, "error_description": description})


def issue_token(call: Call) -> Reply:
    """Answer the token endpoint."""
    form = call.request.form()
    grant = form.get("grant_type")
    if not grant:
        raise _refused("invalid_request", "missing required parameter: grant_type")
    grants = {"client_credentials": _client_credentials, "password": _password, _JWT: _jwt_bearer}
    blocked = call.org.definition.oauth.get("refused_grants", ())
    if grant not in grants or grant in blocked:
        raise _refused("unsupported_grant_type", "grant type not supported")
    user_id = grants[grant](call, form)
    return Reply(200, _token_body(call, user_id))


def _token_body(call: Call, user_id: str) -> dict[str, Any]:
    issued = str(int(call.org.clock.now().timestamp() * 1000))
    return {
        "access_token": call.org.sessions.open(user_id),
        "signature": base64.b64encode(issued.encode()).decode(),
        "scope": "api",
        "instance_url": call.base_url,
        "id": f"{call.base_url}/id/{call.org.id}/{user_id}",
        "token_type": "Bearer",
        "issued_at": issued,
        "api_instance_url": call.base_url,
    }


def _check_client(call: Call, form: dict[str, str]) -> None:
    client_id, secret = form.get("client_id"), form.get("client_secret")
    scheme, _, credentials = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        except ValueError:
            raise _refused("invalid_client", "invalid client credentials") from None
    if client_id != call.org.client_id:
        raise _refused("invalid_client_id", "client identifier invalid")
    if secret != call.org.client_secret:
        raise _refused("invalid_client", "invalid client credentials")


def _client_credentials(call: Call, form: dict[str, str]) -> str:
    _check_client(call, form)
    return call.org.api_user_id


def _password(call: Call, form: dict[str, str]) -> str:
    _check_client(call, form)
    user_id, row = _active_user(call, form.get("username", ""))
    expected = _user_table(call, row).get("password")
    if expected is not None and not form.get("password", "").startswith(expected):
        raise _refused("invalid_grant", "authentication failure - Invalid Password")
    if not form.get("password"):
        raise _refused("invalid_grant", "authentication failure")
    return user_id


def _user_table(call: Call, username: str) -> Table:
    users = call.org.definition.users
    return next((user for user in users if user["username"].lower() == username.lower()), {})


def _active_user(call: Call, username: str) -> tuple[str, str]:
    users = call.org.schema["User"]
    found = call.org.storage.find(users, users.fields["username"], username)
    if not found or not call.org.storage.value("User", found[0], "IsActive"):
        raise _refused("invalid_grant", "authentication failure")
    return found[0], username


def _jwt_bearer(call: Call, form: dict[str, str]) -> str:
    header, claims, signed, signature = _jwt_parts(form.get("assertion", ""))
    if header.get("alg") != "RS256":
        raise _refused("invalid_grant", "invalid assertion")
    if claims.get("iss") != call.org.client_id:
        raise _refused("invalid_client_id", "client identifier invalid")
    audience = str(claims.get("aud", "")).rstrip("/")
    if audience not in {*_AUDIENCES, call.base_url}:
        raise _refused("invalid_grant", "audience is invalid")
    left_s = _expiry(claims) - call.org.clock.now().timestamp()
    if not 0 < left_s <= _LATEST_EXPIRY_S:
        raise _refused("invalid_grant", "invalid assertion")
    certificate = call.org.definition.oauth.get("certificate")
    if certificate:
        _check_signature(Path(str(certificate)), signed, signature)
    users = call.org.schema["User"]
    found = call.org.storage.find(users, users.fields["username"], str(claims.get("sub", "")))
    if not found or not call.org.storage.value("User", found[0], "IsActive"):
        raise _refused("invalid_grant", "user hasn't approved this consumer")
    return found[0]


def _expiry(claims: dict[str, Any]) -> float:
    try:
        return float(claims.get("exp", 0))
    except (TypeError, ValueError):
        return 0.0


def _jwt_parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    signed, _, signature = assertion.rpartition(".")
    try:
        header, claims = (json.loads(_base64url(part)) for part in signed.split("."))
        parts = (dict(header), dict(claims), signed.encode(), _base64url(signature))
    except (ValueError, TypeError):
        raise _refused("invalid_grant", "invalid assertion") from None
    return parts


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _check_signature(certificate: Path, signed: bytes, signature: bytes) -> None:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise _refused("invalid_grant", "invalid assertion")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise _refused("invalid_grant", "invalid assertion") from None


def userinfo(call: Call) -> Reply:
    """Answer who the session belongs to."""
    row = call.org.storage.get("User", call.user_id) or {}
    body = {
        "sub": f"{call.base_url}/id/{call.org.id}/{call.user_id}",
        "user_id": call.user_id,
        "organization_id": call.org.id,
        "preferred_username": row.get("Username"),
        "nickname": row.get("Alias"),
        "name": row.get("Name"),
        "email": row.get("Email"),
        "email_verified": True,
        "given_name": row.get("FirstName"),
        "family_name": row.get("LastName"),
        "active": bool(row.get("IsActive")),
        "user_type": "STANDARD",
        "language": row.get("LanguageLocaleKey"),
        "locale": row.get("LocaleSidKey"),
    }
    return Reply(200, body)


def identity(call: Call) -> Reply:
    """Answer the identity resource of a user."""
    row = call.org.storage.get("User", call.args["user"])
    if row is None or call.args["org"][:15] != call.org.id[:15]:
        raise ApiError.with_body(404, {"error": "not_found", "error_description": "no such identity"})
    rest = f"{call.base_url}/services/data/v{{version}}/"
    body = {
        "id": f"{call.base_url}/id/{call.org.id}/{row['Id']}",
        "user_id": row["Id"],
        "organization_id": call.org.id,
        "username": row["Username"],
        "display_name": row["Name"],
        "email": row["Email"],
        "active": bool(row["IsActive"]),
        "urls": {"rest": rest, "sobjects": rest + "sobjects/", "query": rest + "query/"},
    }
    return Reply(200, body)
