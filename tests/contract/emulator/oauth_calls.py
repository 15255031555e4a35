"""Calls to the OAuth endpoints of a running emulator, keys, and the certificates that go with them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator_client import Client

from sfsync.emulator.server import running

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
INTEGRATION = "integration@cloudkicks.example"
MARIA = {"username": "maria@cloudkicks.example", "last_name": "Jimenez"}
FORMER = {"username": "former@cloudkicks.example", "last_name": "Rep", "active": False}
ROBOT = {"username": INTEGRATION, "last_name": "User", "api_user": True}


@contextmanager
def org_with(*, clock: Any = None, tls: bool = False, **document: Any) -> Iterator[Client]:
    """Run an org of a document, perhaps on a clock of its own."""
    with running(document, clock=clock, tls=tls) as emulator:
        client = Client(emulator)
        if emulator.ca_file:
            client.http.trust_env = False
            client.http.verify = str(emulator.ca_file)
        with client.http:
            yield client


def secrets_of(org: Client) -> dict[str, str]:
    """Return key and secret of the app."""
    return {"client_id": org.emulator.client_id, "client_secret": org.emulator.client_secret}


def token_call(
    org: Client, *, auth: tuple[str, str] | None = None, host: str | None = None, **form: str
) -> requests.Response:
    """Call the token endpoint, without the client's own session."""
    url = org.emulator.instance_url + "/services/oauth2/token"
    headers = {"Host": host} if host else {}
    verify = str(org.emulator.ca_file) if org.emulator.ca_file else True
    return requests.post(url, data=form, auth=auth, headers=headers, timeout=10, verify=verify)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return status and error of a refused OAuth call."""
    assert sorted(answer.json()) == ["error", "error_description"]
    return answer.status_code, str(answer.json()["error"])


def client_credentials(org: Client) -> str:
    """Return a new access token of the run-as user."""
    return str(token_call(org, grant_type="client_credentials", **secrets_of(org)).json()["access_token"])


def limits(org: Client, token: str) -> requests.Response:
    """Make the simplest call to the data API with a token."""
    return org.call("GET", "/limits", headers={"Authorization": f"Bearer {token}"})


def who(org: Client, token: str) -> str:
    """Return the username behind a token, as the identity service tells."""
    answer = org.call("GET", "/services/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["preferred_username"])


def new_key() -> rsa.RSAPrivateKey:
    """Return a key of the kind that signs JWT logins."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_certificate(key: rsa.RSAPrivateKey, path: Path) -> Path:
    """Write a certificate of a key, signed by itself, as people upload it to their app."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sfsync test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def assertion(org: Client, key: Any, *, algorithm: str = "RS256", **claims: Any) -> str:
    """Return a signed assertion for the API user; claims that are None are left out."""
    now = int(org.emulator.org.clock.now().timestamp())
    known = {
        "iss": org.emulator.client_id,
        "sub": INTEGRATION,
        "aud": "https://test.salesforce.com",
        "exp": now + 120,
    }
    payload = {name: value for name, value in {**known, **claims}.items() if value is not None}
    text: str = jwt.PyJWS().encode(json.dumps(payload).encode(), key, algorithm=algorithm)
    return text
