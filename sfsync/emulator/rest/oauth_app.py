"""The one app (connected or external client app) of the played org: its key, secret, scopes and users.

Every grant proves here that it comes from the app, and turns a refused login into the token endpoint's
words, which tell a wrong password from a locked user as little as the platform's do.
Source: Salesforce Help, OAuth 2.0 error codes [D]; texts reported [P].
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.logins import LoginRefusedError

_SCOPES: Final = ("api", "id", "refresh_token")
"""What the app is allowed where the org file names no scopes."""


def oauth_refusal(error: str, description: str) -> ApiError:
    """Return the 400 of the OAuth endpoints."""
    return ApiError.with_body(400, {"error": error, "error_description": description})


def app_scopes(call: Call) -> tuple[str, ...]:
    """Return the scopes that the app may ask for."""
    return tuple(map(str, call.org.definition.oauth.get("scopes", _SCOPES)))


def check_client(call: Call, form: dict[str, str]) -> None:
    """Make sure that key and secret, in HTTP Basic or in the body, are the app's.

    Raises: ApiError invalid_client_id or invalid_client.
    """
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, credentials = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise oauth_refusal("invalid_client", "invalid client credentials") from None
    if client_id != call.org.client_id:
        raise oauth_refusal("invalid_client_id", "client identifier invalid")
    if not hmac.compare_digest(secret.encode(), call.org.client_secret.encode()):
        raise oauth_refusal("invalid_client", "invalid client credentials")


def log_in(attempt: Callable[[], str]) -> str:
    """Return the user id of an attempt to log in.

    Raises: ApiError invalid_grant, whatever the reason.
    """
    try:
        return attempt()
    except LoginRefusedError:
        raise oauth_refusal("invalid_grant", "authentication failure") from None
