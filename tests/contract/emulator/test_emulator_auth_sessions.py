"""Sessions on the emulator: when they lapse, what their scopes allow, and how a call without one is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from emulator_client import Client
from facts import fact
from oauth_calls import MARIA, ROBOT, client_credentials, limits, org_with

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.definition import DefinitionError
from sfsync.emulator.server import running

EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def clock() -> VirtualClock:
    """A clock that the test moves."""
    return VirtualClock(datetime(2026, 9, 1, tzinfo=UTC))


@fact("9.4-idle-timeout")
@pytest.mark.parametrize(("organization", "minutes"), [({}, 120), ({"session_timeout_minutes": 15}, 15)])
def test_an_idle_session_lapses_and_every_call_starts_the_time_anew(
    organization: dict[str, int], minutes: int
):
    """A session in use lives on; once it was idle for the timeout it is gone for good."""
    now = clock()
    with org_with(organization=organization, clock=now) as org:
        token = client_credentials(org)
        for _ in range(3):
            now.advance(minutes * 60 - 1)
            assert limits(org, token).status_code == 200
        now.advance(minutes * 60)
        ended = limits(org, token)
        assert (ended.status_code, ended.json()) == (401, EXPIRED)
        assert limits(org, token).status_code == 401
        assert limits(org, client_credentials(org)).status_code == 200


@fact("9.4-timeout-range")
@pytest.mark.parametrize("minutes", [14, 1441])
def test_the_timeout_has_a_range(minutes: int):
    """A timeout under 15 minutes or over 24 hours is refused at the start."""
    document = {"organization": {"session_timeout_minutes": minutes}}
    with pytest.raises(DefinitionError, match="15 to 1440"), running(document):
        pass


@fact("9.4-revoked")
def test_one_session_can_be_ended_from_outside(org: Client):
    """The control resource ends one token and leaves the others."""
    first, second = client_credentials(org), client_credentials(org)
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    ended = org.call("DELETE", "/_emulator/sessions", {"token": first}, headers=control)
    assert ended.json() == {"ended": 1}
    assert [limits(org, token).status_code for token in (first, second)] == [401, 200]
    for wrong in ({"tokn": second}, {"username": "nobody@cloudkicks.example"}):
        assert org.call("DELETE", "/_emulator/sessions", wrong, headers=control).status_code == 400
    assert limits(org, second).status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "INVALID_SESSION_ID"),
        ("Bearer nope", "INVALID_SESSION_ID"),
        ("Digest x", "INVALID_AUTH_HEADER"),
        ("Bearer", "INVALID_AUTH_HEADER"),
        ("TOKEN", "INVALID_AUTH_HEADER"),
        ("BearerTOKEN", "INVALID_AUTH_HEADER"),
    ],
)
def test_calls_without_a_live_session(org: Client, header: str | None, code: str):
    """Without a live token, or with a header that is none, the data API answers 401, and nothing runs."""
    text = header.replace("TOKEN", org.emulator.access_token) if header else None
    answer = org.call("POST", "/sobjects/Account", {"Name": "Never"}, headers={"Authorization": text})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, code)
    assert "WWW-Authenticate" not in answer.headers
    assert org.query("SELECT Id FROM Account WHERE Name = 'Never'") == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "OAuth"])
def test_schemes_that_carry_a_session(org: Client, scheme: str):
    """Bearer and OAuth carry a token, in any case."""
    header = {"Authorization": f"{scheme} {org.emulator.access_token}"}
    assert org.call("GET", "/limits", headers=header).status_code == 200


@pytest.mark.parametrize(
    ("header", "word"), [(None, "Missing_OAuth_Token"), ("Bearer nope", "Bad_OAuth_Token")]
)
def test_the_identity_service_refuses_in_its_own_way(org: Client, header: str | None, word: str):
    """Userinfo and id answer 403 with one word of text where the data API answers 401."""
    for path in ("/services/oauth2/userinfo", f"/id/{org.emulator.org_id}/005000000000000AAA"):
        answer = org.call("GET", path, headers={"Authorization": header})
        assert (answer.status_code, answer.text) == (403, word)
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("scopes", "data", "identity"),
    [
        (["api"], 200, 403),
        (["full"], 200, 200),
        (["id"], 401, 200),
        (["openid", "api"], 200, 200),
        (["web", "refresh_token"], 401, 403),
        ([], 401, 403),
    ],
    ids=str,
)
def test_what_a_token_may_be_used_for(scopes: list[str], data: int, identity: int):
    """The data API wants the scope api, userinfo one of identity; full is both."""
    with org_with(oauth={"scopes": scopes}) as org:
        header = {"Authorization": "Bearer " + client_credentials(org)}
        answer = org.call("GET", "/limits", headers=header)
        assert answer.status_code == data
        if data == 401:
            assert answer.json()[0]["errorCode"] == "INVALID_SESSION_ID"
        assert org.call("GET", "/services/oauth2/userinfo", headers=header).status_code == identity


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"organization": {"api_enabled": False}}, "API_DISABLED_FOR_ORG"),
        ({"users": [{**ROBOT, "api_enabled": False}, MARIA]}, "API_CURRENTLY_DISABLED"),
    ],
)
def test_an_org_or_a_user_without_the_api(document: dict[str, Any], code: str):
    """Without the API of the org or of the user a good session is refused with 403."""
    with org_with(**document) as org:
        answer = limits(org, client_credentials(org))
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, code)


def test_the_lack_of_the_api_is_the_users_own():
    """Another user of the same org works on."""
    users = [{**ROBOT, "api_enabled": False}, MARIA]
    with org_with(users=users, oauth={"run_as_user": MARIA["username"]}) as org:
        assert limits(org, client_credentials(org)).status_code == 200


@pytest.mark.parametrize("user", [{"login_hours": "8-18"}, {"login_addresses": ["here"]}])
def test_limits_of_logins_that_cannot_be_read(user: dict[str, Any]):
    """Login hours and addresses that are none are told at the start, with the user."""
    with pytest.raises(DefinitionError, match="integration@"), running({"users": [{**ROBOT, **user}]}):
        pass
