"""The ways to log in, as the token endpoint sees them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gateway_making import NOW, SECRET, TOKEN, Bench, client_profile, token_answer, token_profile
from pydantic import SecretStr
from scripted_org import RESET, ScriptedOrg, Seen, page, records, refusal, reply

from sfsync.core.events import Noticed
from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.ports import Lookup
from sfsync.errors import AccessError, ConfigError, OrgUnavailable

ACCOUNTS = [Lookup("Account", ("Id",))]


def _logs_in(org: ScriptedOrg, *answers: bytes) -> None:
    waiting = list(answers)

    def respond(seen: Seen) -> bytes:
        return waiting.pop(0) if "oauth2" in seen.target else records()

    org.respond = respond


def _form(seen: Seen) -> dict[str, list[str]]:
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in seen.headers
    return parse_qs(seen.body.decode())


def test_client_credentials_ask_and_use_the_token(org: ScriptedOrg) -> None:
    """One login serves the run, and its token goes with every request."""
    _logs_in(org, reply(200, token_answer(org.url, "00D000000000001!fresh")))
    gateway = Bench(client_profile(org.url)).gateway
    gateway.fetch(ACCOUNTS)
    gateway.fetch(ACCOUNTS)
    [login] = org.logins()
    assert _form(login) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [SECRET],
    }
    assert {each.headers["Authorization"] for each in org.api_calls()} == {"Bearer 00D000000000001!fresh"}
    assert (gateway.usage.logins, gateway.usage.reads) == (1, 2)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """A throw-away key of the kind that the JWT login needs."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _jwt_profile(url: str, key: rsa.RSAPrivateKey, audience: str | None = None) -> OrgProfile:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return OrgProfile(
        "test",
        Login.JWT,
        login_url=url,
        client_id=SecretStr("consumer"),
        username="robot@cloudkicks.example",
        private_key=SecretStr(pem.decode()),
        audience=audience,
        loopback=True,
    )


def test_a_jwt_login_signs_a_short_assertion(org: ScriptedOrg, key: rsa.RSAPrivateKey) -> None:
    """The assertion is signed with the key, names user and audience, and lives three minutes at most."""
    _logs_in(org, reply(200, token_answer(org.url)))
    Bench(_jwt_profile(org.url, key, "https://login.salesforce.com")).gateway.fetch(ACCOUNTS)
    form = _form(org.logins()[0])
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
        options={"verify_exp": False},
    )
    assert (claims["iss"], claims["sub"]) == ("consumer", "robot@cloudkicks.example")
    assert NOW < NOW.fromtimestamp(claims["exp"], NOW.tzinfo) <= NOW + timedelta(minutes=3)


def test_a_foreign_audience_is_refused(org: ScriptedOrg, key: rsa.RSAPrivateKey) -> None:
    """An assertion is never made out to a host that is not Salesforce's."""
    with pytest.raises(ConfigError) as caught:
        Bench(_jwt_profile(org.url, key, "https://evil.example")).gateway.fetch(ACCOUNTS)
    assert caught.value.code == "FOREIGN_AUDIENCE"
    assert org.seen == []


def _password_profile(url: str, *, allowed: bool) -> OrgProfile:
    return OrgProfile(
        "test",
        Login.PASSWORD,
        login_url=url,
        client_id=SecretStr("client"),
        client_secret=SecretStr(SECRET),
        username="robot@cloudkicks.example",
        password=SecretStr("pass+word&token"),
        allow_password=allowed,
        loopback=True,
    )


def test_a_password_login_is_off_until_allowed(org: ScriptedOrg) -> None:
    """Without allow_password nothing is sent, and the error names what to use instead."""
    with pytest.raises(ConfigError) as caught:
        Bench(_password_profile(org.url, allowed=False)).gateway.fetch(ACCOUNTS)
    assert caught.value.code == "PASSWORD_LOGIN_OFF"
    assert org.seen == []


def test_a_password_login_warns_that_it_ends(org: ScriptedOrg) -> None:
    """The login works, and says that it ends with the Winter '27 release."""
    _logs_in(org, reply(200, token_answer(org.url)))
    bench = Bench(_password_profile(org.url, allowed=True))
    bench.gateway.fetch(ACCOUNTS)
    assert _form(org.logins()[0])["password"] == ["pass+word&token"]
    assert [each for each in bench.events if isinstance(each, Noticed) and "Winter '27" in each.message]


@pytest.mark.parametrize(
    ("error", "description", "hint"),
    [
        ("invalid_grant", "authentication failure", "IP ranges"),
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorise"),
        ("invalid_grant", "audience is invalid", "audience"),
        ("invalid_grant", "invalid assertion", "clock"),
        ("invalid_client_id", "client identifier invalid", "consumer key"),
        ("invalid_client", "invalid client credentials", "client_secret"),
        ("invalid_request", "no client credentials user enabled", "run-as user"),
        ("invalid_grant", "no client credentials user enabled", "run-as user"),
        ("invalid_grant", "request not supported on this domain", "My Domain"),
        ("unsupported_grant_type", "grant type not supported", "switched off"),
        ("never_seen", "", "login settings"),
    ],
)
def test_a_refused_login_says_what_to_do(org: ScriptedOrg, error: str, description: str, hint: str) -> None:
    """Each error of the token endpoint is an access error with its own hint, after one try."""
    _logs_in(org, reply(400, {"error": error, "error_description": description}))
    with pytest.raises(AccessError) as caught:
        Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert caught.value.code == error
    assert hint in caught.value.hint
    assert len(org.seen) == 1


def test_an_unknown_error_of_the_login_is_tried_again(org: ScriptedOrg) -> None:
    """`unknown_error` asks for a retry, and gets it, within the three logins of a run."""
    unknown = reply(400, {"error": "unknown_error", "error_description": "retry your request"})
    _logs_in(org, unknown, reply(200, token_answer(org.url)))
    Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert len(org.logins()) == 2
    _logs_in(org, *[unknown] * 9)
    with pytest.raises(OrgUnavailable):
        Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert len(org.logins()) == 5


@pytest.mark.parametrize("answer", [page(), refusal(500, "UNKNOWN_EXCEPTION"), RESET, b"x"])
def test_a_login_that_proves_nothing_gives_no_token(org: ScriptedOrg, answer: bytes) -> None:
    """A page, a fault or garbage at the token endpoint ends before any API call."""
    _logs_in(org, *[answer] * 9)
    with pytest.raises((ConfigError, OrgUnavailable)):
        Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert org.api_calls() == []
    assert len(org.logins()) <= 3


@pytest.mark.parametrize("instance", ["https://evil.example", "https://salesforce.com.evil.example", None])
def test_a_token_for_a_foreign_instance_is_not_used(org: ScriptedOrg, instance: object) -> None:
    """An instance_url that is not Salesforce's ends the run before the token leaves."""
    _logs_in(org, reply(200, {"access_token": TOKEN, "instance_url": instance}))
    with pytest.raises(AccessError) as caught:
        Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert caught.value.code == "FOREIGN_INSTANCE"
    assert org.api_calls() == []


def test_a_token_that_is_none_is_not_used(org: ScriptedOrg) -> None:
    """A token with a line break, which would forge headers, is refused."""
    _logs_in(org, reply(200, token_answer(org.url, "a\r\nX-Evil: 1")))
    with pytest.raises(AccessError):
        Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    with pytest.raises(ConfigError):
        Bench(token_profile(org.url, access_token=SecretStr("a b"))).gateway.fetch(ACCOUNTS)


@pytest.mark.parametrize(
    "profile",
    [
        token_profile("https://x.my.salesforce.com", instance_url=None),
        token_profile("https://x.my.salesforce.com", access_token=None),
        client_profile("https://login.salesforce.com"),
        client_profile("https://x.my.salesforce.com", login_url=None),
        client_profile("https://x.my.salesforce.com", client_id=None),
    ],
)
def test_an_incomplete_profile_is_a_config_error(profile: OrgProfile) -> None:
    """What the way to log in needs is asked for by name, before anything is sent."""
    with pytest.raises(ConfigError):
        Bench(profile).gateway.fetch(ACCOUNTS)
