"""Real clients log in by every flow they offer, SOAP and OAuth, and the session that they get works."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from client_programs import ORG_FILE, Jsforce, JsforceError, SfCli
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from npm_clients import NpmClients
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from sfsync.emulator.server import RunningEmulator, running

USER = "integration@cloudkicks.example"
PASSWORD = "sneakers-2026"
TOKEN = "QTqKdTfNcYe"
COUNT = "return (await conn.query('SELECT COUNT() FROM Contact')).totalSize"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the key and the certificate of an app that may sign JWTs."""
    folder = tmp_path_factory.mktemp("app")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client checks")])
    start = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    (folder / "app.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "app.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return folder


@pytest.fixture(scope="module")
def running_emulator(app: Path) -> Iterator[RunningEmulator]:
    """The shipped org with a password and a certificate to log in with."""
    with running(org_with_logins(app)) as offered:
        yield offered


@pytest.fixture(scope="module")
def running_tls_emulator(app: Path) -> Iterator[RunningEmulator]:
    """The same org over https."""
    with running(org_with_logins(app), tls=True) as offered:
        yield offered


def org_with_logins(app: Path) -> dict[str, Any]:
    """Return the shipped org with a password of the API user and a registered certificate."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    org["oauth"] = {"certificate": str(app / "app.crt")}
    org["users"][0] |= {"password": PASSWORD, "security_token": TOKEN}
    org["switches"]["jwt_expiry"] = "any"
    return org


def before_login(emulator: RunningEmulator) -> dict[str, Any]:
    """Return the settings of a jsforce connection that has yet to log in."""
    app = {"clientId": emulator.client_id, "clientSecret": emulator.client_secret}
    url = {"loginUrl": emulator.instance_url}
    return {**url, "oauth2": {**app, **url}}


@pytest.mark.parametrize(
    "login",
    [
        "await conn.authorize({ grant_type: 'client_credentials' })",
        "await conn.loginByOAuth2(args.user, args.password)",
        "await conn.loginBySoap(args.user, args.password)",
        "await conn.login(args.user, args.password)",
    ],
    ids=["client-credentials", "username-password", "soap", "login"],
)
def test_jsforce_logs_in(jsforce: Jsforce, emulator: RunningEmulator, login: str) -> None:
    """Every login of jsforce ends in a session that queries."""
    settings = before_login(emulator)
    body = f"{login};\n{COUNT}"
    assert jsforce.run(body, connection=settings, user=USER, password=PASSWORD + TOKEN) == 2


def test_jsforce_is_refused_with_a_wrong_password(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A wrong password is INVALID_LOGIN by SOAP and a refused grant by OAuth."""
    settings = before_login(emulator)
    for login, expected in (("loginBySoap", "INVALID_LOGIN"), ("loginByOAuth2", "authentication failure")):
        with pytest.raises(JsforceError, match=expected):
            jsforce.run(f"return await conn.{login}(args.user, 'wrong')", connection=settings, user=USER)


def test_jsforce_cannot_log_in_by_soap_from_65_on(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """SOAP login is not offered from version 65.0 on."""
    settings = {**before_login(emulator), "version": "65.0"}
    with pytest.raises(JsforceError):
        jsforce.run(
            "return await conn.loginBySoap(args.user, args.password)",
            connection=settings,
            user=USER,
            password=PASSWORD,
        )


def test_jsforce_logs_in_again_when_its_session_ended(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """After a login by username a 401 makes jsforce log in again and repeat the call."""
    body = """
        await conn.login(args.user, args.password);
        conn.accessToken = "00Dx00000000001!ended";
        const { totalSize } = await conn.query("SELECT COUNT() FROM Contact");
        return { totalSize, renewed: conn.accessToken !== "00Dx00000000001!ended" };
    """
    settings = before_login(emulator)
    seen = jsforce.run(body, connection=settings, user=USER, password=PASSWORD + TOKEN)
    assert seen == {"totalSize": 2, "renewed": True}


def test_sf_logs_in_by_jwt(
    npm_clients: NpmClients, emulator: RunningEmulator, app: Path, tmp_path: Path
) -> None:
    """`sf org login jwt` signs with the app's key and gets a session."""
    sf = SfCli(npm_clients, emulator, tmp_path)
    sf.text(
        "org", "login", "jwt", "--client-id", emulator.client_id, "--jwt-key-file", str(app / "app.key"),
        "--username", USER, "--instance-url", emulator.instance_url, "--set-default",
    )  # fmt: skip
    assert sf.result("data", "query", "--query", "SELECT COUNT() FROM Contact")["totalSize"] == 2


class SalesforceHosts(HTTPAdapter):
    """Sends to the emulator what is meant for the login hosts of the platform."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.place = urlsplit(emulator.instance_url)
        super().__init__()

    def send(self, request: requests.PreparedRequest, **rest: Any) -> requests.Response:  # type: ignore[override]
        """Send a request to the emulator, whatever its host."""
        asked = urlsplit(str(request.url))
        request.url = asked._replace(netloc=self.place.netloc).geturl()
        return super().send(request, **rest)


@pytest.fixture
def hosts(tls_emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> requests.Session:
    """A session that finds the login hosts of the platform at the emulator."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_emulator.ca_file))
    session = requests.Session()
    for host in ("login", "cloudkicks.my"):
        session.mount(f"https://{host}.salesforce.com", SalesforceHosts(tls_emulator))
    return session


def test_simple_salesforce_logs_in(tls_emulator: RunningEmulator, hosts: requests.Session, app: Path) -> None:
    """SOAP, username-password, JWT and client credentials: each login ends in a session that queries."""
    app_login = {"consumer_key": tls_emulator.client_id, "consumer_secret": tls_emulator.client_secret}
    logins = [
        {"username": USER, "password": PASSWORD, "security_token": TOKEN},
        {"username": USER, "password": PASSWORD + TOKEN, **app_login},
        {"username": USER, "consumer_key": tls_emulator.client_id, "privatekey_file": str(app / "app.key")},
        {"domain": "cloudkicks.my", **app_login},
    ]
    for login in logins:
        salesforce = Salesforce(**login, session=hosts)
        assert salesforce.query("SELECT COUNT() FROM Contact")["totalSize"] == 2, login


def test_simple_salesforce_logs_in_by_soap_without_a_detour(
    tls_emulator: RunningEmulator, hosts: requests.Session
) -> None:
    """Its login function takes another address for SOAP."""
    token, host = SalesforceLogin(
        username=USER, password=PASSWORD, security_token=TOKEN, scratch_url=tls_emulator.instance_url
    )
    salesforce = Salesforce(instance=host, session_id=token)
    assert salesforce.query("SELECT COUNT() FROM Contact")["totalSize"] == 2


def test_simple_salesforce_is_refused_with_a_wrong_password(hosts: requests.Session) -> None:
    """A SOAP login with a wrong password is INVALID_LOGIN."""
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(username=USER, password="wrong", security_token=TOKEN, session=hosts)
    assert refused.value.code == "INVALID_LOGIN"


def test_simple_salesforce_logs_in_again_when_its_session_ended(
    tls_emulator: RunningEmulator, hosts: requests.Session
) -> None:
    """After a login of its own a 401 makes it log in again and repeat the call."""
    salesforce = Salesforce(username=USER, password=PASSWORD, security_token=TOKEN, session=hosts)
    tls_emulator.org.sessions.end(salesforce.session_id)
    assert salesforce.query("SELECT COUNT() FROM Contact")["totalSize"] == 2


@pytest.mark.parametrize("client", ["sf", "jsforce"])
def test_node_clients_speak_https(
    npm_clients: NpmClients, tls_emulator: RunningEmulator, tmp_path: Path, client: str
) -> None:
    """With NODE_EXTRA_CA_CERTS sf and jsforce trust the emulator's authority."""
    trust = {"NODE_EXTRA_CA_CERTS": str(tls_emulator.ca_file)}
    if client == "jsforce":
        assert Jsforce(npm_clients, tls_emulator, tmp_path, trust).run(COUNT) == 2
    else:
        sf = SfCli(npm_clients, tls_emulator, tmp_path, trust)
        sf.log_in()
        assert sf.result("data", "query", "--query", "SELECT COUNT() FROM Contact")["totalSize"] == 2
