"""The org gateway over TLS: its own authority, its ways to log in, and the six bad situations of fault N3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gateway_making import NOW, Bench, client_profile, create_call, token_profile
from pydantic import SecretStr

from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.ports import Lookup
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import RunningEmulator, running
from sfsync.emulator.wire.tls import Situation
from sfsync.errors import ConfigError

ACCOUNTS = [Lookup("Account", ("Id",))]
USER = "integration@cloudkicks.example"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The key of the app's certificate."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def emulator(key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """An org over https, on the clock of the bench, whose app has a certificate."""
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = tmp_path_factory.mktemp("app") / "app.pem"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    oauth = {"certificate": str(certificate)}
    with running({"oauth": oauth}, clock=VirtualClock(NOW), tls=True) as offered:
        yield offered


def trusted(emulator: RunningEmulator, **changes: Any) -> OrgProfile:
    """A profile with the emulator's token that trusts its authority."""
    token = SecretStr(emulator.access_token)
    settings = {"access_token": token, "ca_file": emulator.ca_file, "loopback": False} | changes
    return token_profile(emulator.instance_url, **settings)


@contextmanager
def opened(profile: OrgProfile) -> Iterator[Bench]:
    """A bench whose connections are dropped at the end."""
    bench = Bench(profile)
    with closing(bench.gateway):
        yield bench


def fetched(profile: OrgProfile) -> list[Any]:
    """What the org of a profile answers to a read."""
    with opened(profile) as bench:
        return bench.gateway.fetch(ACCOUNTS)


def test_the_named_authority_is_trusted_and_no_other(emulator: RunningEmulator) -> None:
    """With ca_file the org is read; without it nothing is sent and the hint names the setting."""
    assert fetched(trusted(emulator)) == [[]]
    seen = len(emulator.audit.requests)
    with pytest.raises(ConfigError) as caught:
        fetched(trusted(emulator, ca_file=None))
    assert (caught.value.code, "ca_file" in caught.value.hint) == ("CERTIFICATE", True)
    assert len(emulator.audit.requests) == seen


def test_the_environment_cannot_change_whom_it_trusts(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that other programs read as authorities or as a switch have no effect."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.ca_file))
    monkeypatch.setenv("CURL_CA_BUNDLE", "")
    with pytest.raises(ConfigError):
        fetched(trusted(emulator, ca_file=None))


def test_client_credentials_over_tls(emulator: RunningEmulator) -> None:
    """The login goes through the same check of the certificate as the calls."""
    settings = {
        "client_id": SecretStr(emulator.client_id),
        "client_secret": SecretStr(emulator.client_secret),
    }
    profile = client_profile(emulator.instance_url, loopback=False, **settings)
    with pytest.raises(ConfigError):
        fetched(profile)
    trusting = client_profile(emulator.instance_url, loopback=False, ca_file=emulator.ca_file, **settings)
    assert fetched(trusting) == [[]]


def test_jwt_over_tls(emulator: RunningEmulator, key: rsa.RSAPrivateKey) -> None:
    """The assertion that the product signs passes a real check of its signature, times and audience."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    profile = OrgProfile(
        "test",
        Login.JWT,
        login_url=emulator.instance_url,
        client_id=SecretStr(emulator.client_id),
        username=USER,
        private_key=SecretStr(pem.decode()),
        ca_file=emulator.ca_file,
    )
    assert fetched(profile) == [[]]


BAD = [each for each in Situation if each not in {Situation.GOOD, Situation.HANDSHAKE_RESET}]


@pytest.mark.parametrize("situation", BAD, ids=str)
def test_n3_what_cannot_be_trusted_stops_at_once(emulator: RunningEmulator, situation: Situation) -> None:
    """A bad certificate or protocol ends the call before anything is sent, and is not tried again."""
    assert emulator.tls is not None
    seen = len(emulator.audit.requests)
    emulator.tls.present(situation)
    try:
        with opened(trusted(emulator)) as bench, pytest.raises(ConfigError) as caught:
            bench.gateway.write(create_call())
    finally:
        emulator.tls.present(Situation.GOOD)
    assert (caught.value.code, bench.stop.waits) == ("CERTIFICATE", [])
    assert len(emulator.audit.requests) == seen


def test_n3_a_reset_handshake_is_tried_again(emulator: RunningEmulator) -> None:
    """A connection that is reset while hands are shaken is an outage like any other."""
    assert emulator.tls is not None
    emulator.tls.present(Situation.HANDSHAKE_RESET, connections=1)
    with opened(trusted(emulator)) as bench:
        assert bench.gateway.fetch(ACCOUNTS) == [[]]
    assert len(bench.stop.waits) == 1
