"""Codes, refresh tokens, revocation and introspection on the emulator."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from emulator_client import Client
from facts import fact
from oauth_calls import (
    FORMER,
    INTEGRATION,
    MARIA,
    ROBOT,
    client_credentials,
    limits,
    org_with,
    refusal,
    secrets_of,
    token_call,
    who,
)

from sfsync.emulator.org.clock import VirtualClock

CALLBACK = "http://localhost:1717/OauthRedirect"


def authorize(org: Client, **asked: str) -> requests.Response:
    """Open the page of consent as a browser does."""
    known = {"response_type": "code", "client_id": org.emulator.client_id, "redirect_uri": CALLBACK}
    url = org.emulator.instance_url + "/services/oauth2/authorize"
    return requests.get(url, params={**known, **asked}, allow_redirects=False, timeout=10)


def brought_back(answer: requests.Response) -> dict[str, str]:
    """Return what the browser brings back to the app."""
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def exchange(org: Client, code: str, **form: str) -> requests.Response:
    """Exchange a code for tokens."""
    known = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **secrets_of(org)}
    return token_call(org, **{**known, **form})


def consent(org: Client, **asked: str) -> dict[str, Any]:
    """Go through the whole web server flow and return the token answer."""
    return dict(exchange(org, brought_back(authorize(org, **asked))["code"]).json())


def refresh(org: Client, token: str) -> requests.Response:
    """Ask for a new access token."""
    return token_call(org, grant_type="refresh_token", refresh_token=token, **secrets_of(org))


@fact("9.1-web-server", "9.3-refresh-parameters")
def test_the_web_server_flow_gives_a_token_that_lasts():
    """The user of the hint consents, the code is exchanged once, and the refresh token logs in again."""
    with org_with(users=[ROBOT, MARIA]) as org:
        back = brought_back(authorize(org, state="a b", login_hint=MARIA["username"]))
        assert back["state"] == "a b"
        body = exchange(org, back["code"]).json()
        assert who(org, body["access_token"]) == MARIA["username"]
        again = refresh(org, body["refresh_token"]).json()
        assert who(org, again["access_token"]) == MARIA["username"]
        assert again["access_token"] != body["access_token"]
        assert "refresh_token" not in again
        assert refresh(org, body["refresh_token"]).status_code == 200


@fact("7.5-code-expired")
def test_a_code_is_good_once_and_for_a_quarter_of_an_hour():
    """A used, expired, unknown or foreign code is refused."""
    clock = VirtualClock(datetime(2026, 9, 1, tzinfo=UTC))
    with org_with(clock=clock) as org:
        code = brought_back(authorize(org))["code"]
        assert exchange(org, code).status_code == 200
        assert refusal(exchange(org, code)) == (400, "invalid_grant")
        late = brought_back(authorize(org))["code"]
        clock.advance(15 * 60)
        assert refusal(exchange(org, late)) == (400, "invalid_grant")
        assert refusal(exchange(org, "")) == (400, "invalid_grant")
        moved = exchange(org, brought_back(authorize(org))["code"], redirect_uri="http://localhost/other")
        assert refusal(moved) == (400, "redirect_uri_mismatch")


def test_a_code_challenge_is_checked(org: Client):
    """With a challenge only the holder of the verifier can exchange the code."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).decode()
    for verifier, status in (("verifier", 200), ("other", 400), ("", 400)):
        code = brought_back(authorize(org, code_challenge=challenge))["code"]
        assert exchange(org, code, code_verifier=verifier).status_code == status


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"client_id": "x"}, "invalid_client_id"),
        ({"redirect_uri": ""}, "redirect_uri_missing"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri_mismatch"),
        ({"login_hint": "nobody@cloudkicks.example"}, "invalid_grant"),
    ],
)
def test_a_page_of_consent_that_cannot_be_shown(org: Client, asked: dict[str, str], error: str):
    """Without an app, an address to go back to, or a user there is no redirect at all."""
    assert refusal(authorize(org, **asked)) == (400, error)


@pytest.mark.parametrize(
    ("asked", "error"),
    [({"response_type": "token"}, "unsupported_response_type"), ({"scope": "api web"}, "invalid_scope")],
)
def test_a_consent_that_is_refused_is_told_to_the_app(org: Client, asked: dict[str, str], error: str):
    """A response type that is not played and a scope that the app does not have go back as errors."""
    assert brought_back(authorize(org, **asked))["error"] == error


def test_a_consent_without_the_lasting_scope_gives_no_refresh_token(org: Client):
    """Only the scope refresh_token (or offline_access) brings a refresh token."""
    body = consent(org, scope="api id")
    assert (body["scope"], "refresh_token" in body) == ("api id", False)


@fact("7.5-refresh-revoked", "9.4-revoked")
def test_a_revoked_refresh_token_takes_its_access_tokens_along(org: Client):
    """Revoking a refresh token ends it and every access token that came of it, and no other."""
    body, other = consent(org), client_credentials(org)
    again = refresh(org, body["refresh_token"]).json()
    url = org.emulator.instance_url + "/services/oauth2/revoke"
    assert requests.post(url, data={"token": body["refresh_token"]}, timeout=10).status_code == 200
    assert refusal(refresh(org, body["refresh_token"])) == (400, "invalid_grant")
    statuses = [
        limits(org, token).status_code for token in (body["access_token"], again["access_token"], other)
    ]
    assert statuses == [401, 401, 200]


@fact("9.4-revoked")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_access_token_can_be_revoked(org: Client, method: str):
    """Revoking ends the session at once; a second time, and of an unknown token, it is an error."""
    token = client_credentials(org)
    url = org.emulator.instance_url + "/services/oauth2/revoke"
    place = "params" if method == "GET" else "data"
    sent = {place: {"token": token}}
    answer = requests.request(method, url, timeout=10, **sent)
    assert (answer.status_code, answer.content) == (200, b"")
    ended = limits(org, token)
    assert (ended.status_code, ended.json()) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )
    assert refusal(requests.request(method, url, timeout=10, **sent)) == (400, "invalid_token")
    assert refusal(requests.request(method, url, timeout=10)) == (400, "invalid_token")


@fact("7.5-refresh-revoked", "9.1-web-server")
def test_refresh_tokens_can_lapse_and_rotate():
    """The org file sets after how many idle hours a refresh token lapses, and whether each works only once."""
    clock = VirtualClock(datetime(2026, 9, 1, tzinfo=UTC))
    with org_with(oauth={"refresh_token_hours": 24, "rotate_refresh_tokens": True}, clock=clock) as org:
        first = consent(org)["refresh_token"]
        clock.advance(23 * 3600)
        second = refresh(org, first).json()["refresh_token"]
        assert refusal(refresh(org, first)) == (400, "invalid_grant")
        clock.advance(23 * 3600)
        third = refresh(org, second).json()["refresh_token"]
        clock.advance(24 * 3600)
        assert refusal(refresh(org, third)) == (400, "invalid_grant")


def test_a_user_who_was_shut_out_loses_the_refresh_token():
    """Ending a user's sessions revokes the consents too, and a locked user cannot refresh."""
    with org_with(users=[ROBOT, MARIA, FORMER]) as org:
        control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
        body = consent(org, login_hint=MARIA["username"])
        org.call(
            "PATCH", "/_emulator/users", {"username": MARIA["username"], "locked": True}, headers=control
        )
        assert refusal(refresh(org, body["refresh_token"])) == (400, "invalid_grant")
        org.call(
            "PATCH", "/_emulator/users", {"username": MARIA["username"], "locked": False}, headers=control
        )
        assert refresh(org, body["refresh_token"]).status_code == 200
        table = {"username": MARIA["username"]}
        assert org.call("DELETE", "/_emulator/sessions", table, headers=control).json() == {"ended": 2}
        assert limits(org, body["access_token"]).status_code == 401
        assert refusal(refresh(org, body["refresh_token"])) == (400, "invalid_grant")
        assert limits(org, org.emulator.access_token).status_code == 200


def test_introspection_tells_whose_token_it_is(org: Client):
    """The app learns user, scope and end of a live token, and of an ended one only that it ended."""
    url = org.emulator.instance_url + "/services/oauth2/introspect"
    token = client_credentials(org)
    told = requests.post(url, data={"token": token, **secrets_of(org)}, timeout=10).json()
    assert (told["active"], told["username"], told["scope"]) == (True, INTEGRATION, "api id")
    assert told["exp"] - told["iat"] == 2 * 3600
    assert requests.post(url, data={"token": "x", **secrets_of(org)}, timeout=10).json() == {"active": False}
    assert refusal(requests.post(url, data={"token": token}, timeout=10)) == (400, "invalid_client_id")
