"""The token endpoint of the emulator: client credentials, passwords, and what it refuses."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from emulator_client import Client
from facts import fact, side
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


def password_call(org: Client, username: str, password: str) -> requests.Response:
    """Log in by username and password."""
    return token_call(org, grant_type="password", username=username, password=password, **secrets_of(org))


@fact("9.1-client-credentials", "9.3-token-answer", "9.3-no-refresh-token", "9.2-instance-url")
def test_client_credentials_and_identity(org: Client):
    """Client credentials give a token of the run-as user that works, and userinfo and id tell who it is."""
    body = token_call(org, grant_type="client_credentials", **secrets_of(org)).json()
    assert body["access_token"].startswith(org.emulator.org_id[:15] + "!")
    assert (body["token_type"], body["instance_url"]) == ("Bearer", org.emulator.instance_url)
    assert isinstance(body["issued_at"], str)
    assert body["issued_at"].isdigit()
    assert "api" in body["scope"].split()
    assert {"expires_in", "refresh_token"}.isdisjoint(body)
    signed = hmac.digest(
        org.emulator.client_secret.encode(), (body["id"] + body["issued_at"]).encode(), hashlib.sha256
    )
    assert base64.b64decode(body["signature"]) == signed
    assert who(org, body["access_token"]) == INTEGRATION
    identity = org.call("GET", body["id"], headers={"Authorization": "Bearer " + body["access_token"]}).json()
    assert identity["username"] == INTEGRATION
    assert limits(org, body["access_token"]).status_code == 200


@fact("9.3-client-credentials-parameters")
def test_key_and_secret_in_the_header(org: Client):
    """HTTP Basic carries key and secret as well as the form does, and is judged like it."""
    good = (org.emulator.client_id, org.emulator.client_secret)
    assert token_call(org, grant_type="client_credentials", auth=good).status_code == 200
    for auth, error in (((good[0], "x"), "invalid_client"), (("x", good[1]), "invalid_client_id")):
        assert refusal(token_call(org, grant_type="client_credentials", auth=auth)) == (400, error)
    broken = requests.post(
        org.emulator.instance_url + "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": "Basic %%%"},
        timeout=10,
    )
    assert refusal(broken) == (400, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({}, "invalid_request", marks=fact("7.5-grant-type-missing")),
        pytest.param({"grant_type": "magic"}, "unsupported_grant_type", marks=fact("7.5-unsupported-grant")),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "x"},
            "invalid_client_id",
            marks=fact("7.5-client-id"),
        ),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "ID", "client_secret": "x"},
            "invalid_client",
            marks=fact("7.5-client-secret"),
        ),
        ({"grant_type": "client_credentials", "client_id": "ID"}, "invalid_client"),
        ({"grant_type": "password", "client_id": "ID", "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "refresh_token", "client_id": "x"}, "invalid_client_id"),
    ],
)
def test_refused_clients(org: Client, form: dict[str, str], error: str):
    """A call without a grant, with an unknown one, or with a wrong key or secret has an error of its own."""
    sent = {name: org.emulator.client_id if value == "ID" else value for name, value in form.items()}
    assert refusal(token_call(org, **sent)) == (400, error)


@fact("9.1-my-domain", "9.2-hosts")
@pytest.mark.parametrize(
    ("switches", "error"),
    [
        pytest.param({}, "unsupported_grant_type", marks=side("shared_login_host", "unsupported_grant_type")),
        pytest.param(
            {"shared_login_host": "invalid_grant"},
            "invalid_grant",
            marks=side("shared_login_host", "invalid_grant"),
        ),
    ],
)
def test_client_credentials_need_the_orgs_own_host(switches: dict[str, str], error: str):
    """The shared login hosts refuse client credentials, but log a user in and name the org's own address."""
    with org_with(switches=switches) as org:
        for host in ("login.salesforce.com", "test.salesforce.com"):
            answer = token_call(org, grant_type="client_credentials", host=host, **secrets_of(org))
            assert refusal(answer) == (400, error)
            password = org.emulator.password + org.emulator.security_token
            form = {"grant_type": "password", "username": INTEGRATION, "password": password}
            answer = token_call(org, host=host, **form, **secrets_of(org))
            assert answer.json()["instance_url"] == org.emulator.instance_url
            assert org.call("GET", "/limits", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    ("switches", "error"),
    [
        pytest.param({}, "invalid_request", marks=side("no_run_as_user", "invalid_request")),
        pytest.param(
            {"no_run_as_user": "invalid_grant"},
            "invalid_grant",
            marks=side("no_run_as_user", "invalid_grant"),
        ),
    ],
)
@fact("7.5-no-run-as-user")
def test_client_credentials_need_a_run_as_user(switches: dict[str, str], error: str):
    """An app without a run-as user cannot log in by itself."""
    with org_with(oauth={"run_as_user": ""}, switches=switches) as org:
        answer = token_call(org, grant_type="client_credentials", **secrets_of(org))
        assert refusal(answer) == (400, error)


def test_the_run_as_user_is_the_one_that_is_chosen():
    """The run-as user may be another than the API user, and must be one that may log in."""
    for username, status in ((MARIA["username"], 200), (FORMER["username"], 400), ("nobody@x.example", 400)):
        with org_with(users=[ROBOT, MARIA, FORMER], oauth={"run_as_user": username}) as org:
            answer = token_call(org, grant_type="client_credentials", **secrets_of(org))
            assert answer.status_code == status
            if status == 200:
                assert who(org, answer.json()["access_token"]) == username


@fact("9.1-password", "9.3-password-parameters", "7.5-wrong-login")
def test_password_logins():
    """The password counts with the security token right behind it; whatever is wrong has one answer."""
    users = [
        ROBOT,
        {**MARIA, "password": "sneakers", "security_token": "TOKEN"},
        {**FORMER, "password": "old"},
    ]
    with org_with(users=users) as org:
        answer = password_call(org, "MARIA@cloudkicks.example", "sneakersTOKEN")
        assert who(org, answer.json()["access_token"]) == MARIA["username"]
        for username, password in (
            (MARIA["username"], "sneakers"),
            (MARIA["username"], "sneakersTOKENx"),
            (MARIA["username"], ""),
            (FORMER["username"], "old"),
            (INTEGRATION, ""),
            (INTEGRATION, "anything"),
            ("nobody@cloudkicks.example", "sneakersTOKEN"),
        ):
            assert refusal(password_call(org, username, password)) == (400, "invalid_grant")


def test_the_api_user_has_a_password_where_the_org_file_gives_none(org: Client):
    """What the emulator prints at its start is enough to log in by password."""
    offered = org.emulator
    answer = password_call(org, offered.username, offered.password + offered.security_token)
    assert who(org, answer.json()["access_token"]) == offered.username
    assert {"username", "password", "security_token"} <= set(offered.public())


@fact("9.1-password", "7.5-unsupported-grant")
def test_grants_can_be_switched_off():
    """A grant that the org blocks is refused as if it did not exist."""
    with org_with(oauth={"refused_grants": ["password"]}) as org:
        offered = org.emulator
        answer = password_call(org, offered.username, offered.password + offered.security_token)
        assert refusal(answer) == (400, "unsupported_grant_type")
        assert limits(org, client_credentials(org)).status_code == 200


@fact("7.5-wrong-login")
@pytest.mark.parametrize(
    "limit",
    [
        {"locked": True},
        {"login_hours": "08:00-11:59"},
        {"login_hours": "12:01-23:00"},
        {"login_hours": "22:00-06:00"},
        {"login_addresses": ["203.0.113.0/24"]},
    ],
)
def test_users_who_may_not_log_in_here_and_now(limit: dict[str, Any]):
    """A locked user, login hours and login addresses refuse every way to log in."""
    noon = VirtualClock(datetime(2026, 9, 1, 12, 0, tzinfo=UTC))
    users = [{**ROBOT, "password": "robot", **limit}]
    with org_with(users=users, clock=noon) as org:
        assert refusal(password_call(org, INTEGRATION, "robot")) == (400, "invalid_grant")
        answer = token_call(org, grant_type="client_credentials", **secrets_of(org))
        assert refusal(answer) == (400, "invalid_grant")


@pytest.mark.parametrize("hours", ["08:00-18:00", "22:00-13:00"])
def test_users_who_may_log_in_here_and_now(hours: str):
    """Within the hours, which may go over midnight, and from an allowed address a user is let in."""
    noon = VirtualClock(datetime(2026, 9, 1, 12, 0, tzinfo=UTC))
    user = {**ROBOT, "password": "robot", "login_hours": hours, "login_addresses": ["127.0.0.0/8"]}
    with org_with(users=[user], clock=noon) as org:
        assert password_call(org, INTEGRATION, "robot").status_code == 200


@fact("7.5-wrong-login")
def test_wrong_passwords_lock_a_user():
    """After ten wrong passwords the right one is refused too, for a quarter of an hour."""
    clock = VirtualClock(datetime(2026, 9, 1, tzinfo=UTC))
    with org_with(users=[{**ROBOT, "password": "right"}], clock=clock) as org:
        for _ in range(10):
            password_call(org, INTEGRATION, "wrong")
        assert refusal(password_call(org, INTEGRATION, "right")) == (400, "invalid_grant")
        clock.advance(15 * 60)
        assert password_call(org, INTEGRATION, "right").status_code == 200


@fact("7.5-unknown-error")
@pytest.mark.parametrize("status", [400, 500])
def test_an_unknown_error_can_be_scripted(org: Client, status: int):
    """A scripted unknown_error passes, and the same call then succeeds."""
    body = {"error": "unknown_error", "error_description": "retry your request"}
    script = {"action": "refuse", "status": status, "body": body, "path": "oauth2/token"}
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    org.call("POST", "/_emulator/faults", script, headers=control)
    first = token_call(org, grant_type="client_credentials", **secrets_of(org))
    assert refusal(first) == (status, "unknown_error")
    assert limits(org, client_credentials(org)).status_code == 200
