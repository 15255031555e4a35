"""JWT logins on the emulator: the signature is really checked, and so is every claim."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator_client import Client
from facts import fact, side
from oauth_calls import (
    FORMER,
    INTEGRATION,
    JWT,
    MARIA,
    ROBOT,
    assertion,
    new_key,
    org_with,
    refusal,
    token_call,
    who,
    write_certificate,
)

from sfsync.emulator.org.definition import DefinitionError
from sfsync.emulator.server import running


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The key of the registered certificate."""
    return new_key()


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registered certificate."""
    return write_certificate(key, tmp_path_factory.mktemp("app") / "app.pem")


@pytest.fixture(scope="module")
def app(certificate: Path) -> Iterator[Client]:
    """An org whose app has a certificate and two approved users, one of them inactive."""
    approved = [INTEGRATION, FORMER["username"]]
    oauth = {"certificate": str(certificate), "approved_users": approved}
    with org_with(users=[ROBOT, MARIA, FORMER], oauth=oauth) as org:
        yield org


def log_in(org: Client, text: str) -> requests.Response:
    """Log in with an assertion."""
    return token_call(org, grant_type=JWT, assertion=text)


@fact("9.1-jwt-bearer", "9.3-jwt-parameters", "9.3-no-refresh-token")
@pytest.mark.parametrize("audience", ["https://login.salesforce.com", "https://test.salesforce.com/", "OWN"])
def test_a_signed_assertion_logs_its_subject_in(app: Client, key: rsa.RSAPrivateKey, audience: str):
    """The registered key logs an approved user in, for each audience that names the org."""
    audience = app.emulator.instance_url if audience == "OWN" else audience
    body = log_in(app, assertion(app, key, aud=audience)).json()
    assert who(app, body["access_token"]) == INTEGRATION
    assert "refresh_token" not in body


def test_the_org_has_more_than_one_name(app: Client, key: rsa.RSAPrivateKey):
    """Who comes by the name localhost may write the assertion out to that name."""
    by_name = app.emulator.instance_url.replace("127.0.0.1", "localhost")
    text, host = assertion(app, key, aud=by_name), by_name.removeprefix("http://")
    answer = token_call(app, host=host, grant_type=JWT, assertion=text)
    assert answer.json()["instance_url"] == app.emulator.instance_url


@fact("9.7-jwt-login")
@pytest.mark.parametrize("kind", [str, int, float])
def test_the_expiry_may_be_a_text_or_a_number(app: Client, key: rsa.RSAPrivateKey, kind: type):
    """Times are taken as numbers and as texts, as one client library sends them."""
    now = int(app.emulator.org.clock.now().timestamp())
    text = assertion(app, key, exp=kind(now + 100), nbf=kind(now - 5))
    assert log_in(app, text).status_code == 200


@fact("7.5-jwt-invalid", "9.3-jwt-parameters")
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": ["https://test.salesforce.com"]},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": "nan"},
        {"exp": True},
        {"exp": {}},
        {"exp": 1},
        {"exp": "IN 301"},
        {"exp": "IN 0"},
        {"nbf": "IN 30"},
        {"nbf": "later"},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(app: Client, key: rsa.RSAPrivateKey, claims: dict[str, Any]):
    """A wrong audience, an expiry that is missing, past, unreadable or too far, and a start to come are refused."""
    now = int(app.emulator.org.clock.now().timestamp())
    meant = {
        name: now + int(value[3:]) if str(value).startswith("IN ") else value
        for name, value in claims.items()
    }
    for sent in (
        meant,
        {name: str(value) if isinstance(value, int) else value for name, value in meant.items()},
    ):
        text = assertion(app, key, **sent)
        assert refusal(log_in(app, text)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("switches", "good_s", "too_far"),
    [
        pytest.param({}, 240, 310, marks=side("jwt_expiry", "5")),
        pytest.param({"jwt_expiry": "3"}, 179, 240, marks=side("jwt_expiry", "3")),
        pytest.param({"jwt_expiry": "any"}, 10**12, "inf", marks=side("jwt_expiry", "any")),
    ],
)
def test_how_far_ahead_an_expiry_may_lie(
    certificate: Path, key: rsa.RSAPrivateKey, switches: dict[str, str], good_s: int, too_far: int | str
):
    """Up to five minutes are good, or three, or a time in milliseconds that reads as one far ahead."""
    with org_with(oauth={"certificate": str(certificate)}, switches=switches) as org:
        now = int(org.emulator.org.clock.now().timestamp())
        assert log_in(org, assertion(org, key, exp=now + good_s)).status_code == 200
        exp = now + too_far if isinstance(too_far, int) else too_far
        assert log_in(org, assertion(org, key, exp=exp)).status_code == 400


@fact("7.5-client-id")
def test_a_foreign_issuer_is_refused(app: Client, key: rsa.RSAPrivateKey):
    """The issuer must be the consumer key of the app."""
    for issuer in ("3MVG9other", None):
        assert refusal(log_in(app, assertion(app, key, iss=issuer))) == (400, "invalid_client_id")


@fact("7.5-user-not-approved")
@pytest.mark.parametrize(
    "username", [MARIA["username"], FORMER["username"], "nobody@cloudkicks.example", "", None]
)
def test_users_who_are_not_approved(app: Client, key: rsa.RSAPrivateKey, username: str | None):
    """A user outside of the approved ones, an inactive and an unknown one are refused."""
    answer = log_in(app, assertion(app, key, sub=username))
    assert refusal(answer) == (400, "invalid_grant")
    assert answer.json()["error_description"] == "user hasn't approved this consumer"


def test_a_locked_user_cannot_log_in_by_jwt(app: Client, key: rsa.RSAPrivateKey):
    """A lock counts for every way to log in, until it is taken back."""
    control = {"X-Sfsync-Emulator-Control": app.emulator.access_token}
    for locked, status in ((True, 400), (False, 200)):
        table = {"username": INTEGRATION, "locked": locked}
        assert app.call("PATCH", "/_emulator/users", table, headers=control).json() == table
        assert log_in(app, assertion(app, key)).status_code == status


@fact("7.5-jwt-invalid")
def test_only_the_registered_key_may_sign(app: Client, key: rsa.RSAPrivateKey):
    """A foreign key, changed claims, and a cut or empty signature are refused."""
    good = assertion(app, key)
    head, claims, signature = good.split(".")
    other = json.dumps({"iss": app.emulator.client_id, "sub": INTEGRATION, "exp": 9}).encode()
    changed = base64.urlsafe_b64encode(other).decode().rstrip("=")
    foreign = assertion(app, new_key())
    for text in (
        foreign,
        f"{head}.{changed}.{signature}",
        f"{head}.{claims}.{signature[:-8]}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        "x.y.z",
        "",
    ):
        assert refusal(log_in(app, text)) == (400, "invalid_grant")
    assert log_in(app, good).status_code == 200


def with_hmac(org: Client, secret: bytes) -> str:
    """Return an assertion whose HMAC was made with a public key, which anybody has."""
    parts = assertion(org, b"x" * 32, algorithm="HS256").split(".")
    signed = ".".join(parts[:2])
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_algorithms_cannot_be_confused(app: Client, certificate: Path, key: rsa.RSAPrivateKey):
    """`none`, another RSA algorithm, and the public key used as an HMAC secret are refused."""
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for text in (
        assertion(app, None, algorithm="none"),
        with_hmac(app, public),
        with_hmac(app, certificate.read_bytes()),
        assertion(app, key, algorithm="RS384"),
        assertion(app, key, algorithm="PS256"),
    ):
        assert refusal(log_in(app, text)) == (400, "invalid_grant")


@fact("7.5-jwt-invalid")
def test_without_a_certificate_no_assertion_is_taken(org: Client, key: rsa.RSAPrivateKey):
    """An app without a certificate has no JWT login."""
    assert refusal(log_in(org, assertion(org, key))) == (400, "invalid_grant")


def test_certificates_in_an_org_file_lie_beside_it(tmp_path: Path, key: rsa.RSAPrivateKey):
    """The org file names one certificate or several, by paths relative to itself."""
    write_certificate(key, tmp_path / "new.pem")
    write_certificate(new_key(), tmp_path / "old.pem")
    for names in ('"new.pem"', '["old.pem", "new.pem"]'):
        file = tmp_path / "org.toml"
        file.write_text(f'[oauth]\nclient_id = "app"\ncertificate = {names}\n')
        with running(file) as emulator:
            client = Client(emulator)
            assert log_in(client, assertion(client, key)).status_code == 200
            client.http.close()


def test_a_certificate_that_is_none_is_told_at_the_start(tmp_path: Path):
    """A file that is missing or no certificate ends the start with its name."""
    (tmp_path / "no.pem").write_text("no certificate")
    for name in ("no.pem", "missing.pem"):
        with (
            pytest.raises(DefinitionError, match=name),
            running({"oauth": {"certificate": str(tmp_path / name)}}),
        ):
            pass
