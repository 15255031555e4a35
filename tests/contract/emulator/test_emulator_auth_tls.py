"""The emulator over https: its own authority, six ways to be wrong, and a client that knows only https."""

import http.client
import json
import select
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact
from oauth_calls import INTEGRATION, client_credentials, limits, new_key, org_with, who, write_certificate
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceResourceNotFound

from sfsync.emulator.fault_actions import Drip, Drop, HangUp, Hold, Truncate
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.emulator.wire.tls import Situation

POST = "/sobjects/Opportunity"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """Run the shipped org over https for the tests of the module."""
    with running(ORG_FILE, tls=True) as offered:
        yield offered


@pytest.fixture
def org(emulator: RunningEmulator) -> Iterator[Client]:
    """Return a client that trusts the emulator's authority, without faults in force."""
    emulator.faults.clear()
    client = Client(emulator)
    client.http.trust_env = False
    client.http.verify = str(emulator.ca_file)
    with client.http:
        yield client


def deals(org: Client) -> int:
    """Return how many deals there are."""
    return len(org.query("SELECT Id FROM Opportunity"))


def shaken_hands(emulator: RunningEmulator, context: ssl.SSLContext) -> str:
    """Connect, and return the version of TLS that was agreed on."""
    address = urlsplit(emulator.instance_url)
    with (
        socket.create_connection((address.hostname, address.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=address.hostname) as secure,
    ):
        return str(secure.version())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_is_good_for_every_name_of_this_machine(org: Client, host: str):
    """A client that trusts ca_file reaches the emulator by address and by name, and token answers say https."""
    address = org.emulator.instance_url.replace("127.0.0.1", host)
    assert org.call("GET", address + "/services/data/v66.0/limits").status_code == 200
    assert org.emulator.instance_url.startswith("https://127.0.0.1:")
    assert limits(org, client_credentials(org)).status_code == 200
    assert org.emulator.public()["ca_file"] == str(org.emulator.ca_file)


def test_nobody_trusts_the_authority_unasked(emulator: RunningEmulator):
    """Without ca_file the certificate is refused before a request is sent."""
    seen = len(emulator.audit.requests)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(emulator.instance_url + "/services/data", timeout=10)
    assert len(emulator.audit.requests) == seen


def test_versions_of_tls(emulator: RunningEmulator):
    """TLS 1.2 and 1.3 are spoken."""
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        context = ssl.create_default_context(cafile=str(emulator.ca_file))
        context.minimum_version = context.maximum_version = version
        assert shaken_hands(emulator, context) == name


@contextmanager
def connected(emulator: RunningEmulator) -> Iterator[http.client.HTTPSConnection]:
    """Open one connection that trusts the emulator's authority."""
    context = ssl.create_default_context(cafile=str(emulator.ca_file))
    address = urlsplit(emulator.instance_url).netloc
    with closing(http.client.HTTPSConnection(address, timeout=10, context=context)) as connection:
        yield connection


def call_on(connection: http.client.HTTPSConnection) -> int:
    """Make a call that needs no session, and return its status once the answer was read."""
    connection.request("GET", "/services/data")
    answer = connection.getresponse()
    assert answer.read()
    return answer.status


def test_connections_are_kept_alive_over_tls(emulator: RunningEmulator):
    """Many calls go over one handshake."""
    with connected(emulator) as connection:
        assert call_on(connection) == 200
        first = connection.sock
        assert [call_on(connection) for _ in range(3)] == [200, 200, 200]
        assert connection.sock is first


@pytest.mark.parametrize("action", [Drop(), Drop("close"), Truncate(0), Truncate(5), Truncate(-8)], ids=str)
def test_replies_are_cut_over_tls(org: Client, action: Drop | Truncate):
    """Resets and cuts work through TLS, and what was saved stays saved."""
    before = deals(org)
    org.emulator.faults.add(FaultScript(action, AFTER_COMMIT, method="POST"))
    with pytest.raises(requests.RequestException):
        org.call("POST", POST, DEAL)
    assert deals(org) == before + 1


def test_dripped_replies_over_tls(org: Client):
    """A reply in drops arrives whole, and the connection is good for more."""
    org.emulator.faults.add(FaultScript(Drip(bytes_each=200, pause_s=0.001), method="POST"))
    assert org.call("POST", POST, DEAL).status_code == 201
    assert org.call("GET", "/limits").status_code == 200


def test_broken_promises_over_tls(org: Client):
    """A connection that promised to stay open ends after a whole reply."""
    org.emulator.faults.add(FaultScript(HangUp()))
    with connected(org.emulator) as connection:
        assert call_on(connection) == 200
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""


def test_held_calls_over_tls(org: Client):
    """A held call loses its client at once and commits when it is released."""
    before = deals(org)
    org.emulator.faults.add(FaultScript(Hold("late"), method="POST"))
    with pytest.raises(requests.RequestException):
        org.call("POST", POST, DEAL)
    assert org.emulator.faults.wait_for_held()
    assert deals(org) == before
    assert org.emulator.faults.release("late") == 1
    assert deals(org) == before + 1


BAD = {
    Situation.EXPIRED: "CERTIFICATE_VERIFY_FAILED.*expired",
    Situation.NOT_YET_VALID: "CERTIFICATE_VERIFY_FAILED.*not yet valid",
    Situation.WRONG_HOST: "CERTIFICATE_VERIFY_FAILED.*IP address mismatch",
    Situation.SELF_SIGNED: "CERTIFICATE_VERIFY_FAILED.*self.signed",
    Situation.OLD_PROTOCOL: "(?i)protocol",
    Situation.HANDSHAKE_RESET: "(?i)reset|eof",
}


@pytest.mark.parametrize("situation", BAD, ids=str)
def test_bad_situations_n3(org: Client, situation: Situation):
    """Each of the six situations stops a client that checks, before it sends anything; then all is good again."""
    assert org.emulator.tls is not None
    seen = len(org.emulator.audit.requests)
    org.emulator.tls.present(situation, connections=1)
    context = ssl.create_default_context(cafile=str(org.emulator.ca_file))
    with pytest.raises(OSError, match=BAD[situation]):
        shaken_hands(org.emulator, context)
    assert len(org.emulator.audit.requests) == seen
    assert org.call("GET", "/limits").status_code == 200


def test_n3_a_reset_comes_once_the_client_has_said_hello(org: Client):
    """Never before it: of a connection that ended before the hello, Python's client loses the socket unclosed."""
    assert org.emulator.tls is not None
    org.emulator.tls.present(Situation.HANDSHAKE_RESET, connections=1)
    address = urlsplit(org.emulator.instance_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as plain:
        assert select.select([plain], [], [], 0.1)[0] == []
        plain.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            plain.recv(1)


def test_situations_can_be_set_over_the_control_resource(org: Client):
    """Another process can set a situation; words that are none are refused, and so is plain http."""
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    table = {"situation": "wrong_host", "connections": 1}
    assert org.call("PATCH", "/_emulator/tls", table, headers=control).json() == table
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(org.emulator.instance_url, verify=str(org.emulator.ca_file), timeout=10)
    for wrong in ({"situation": "perfect"}, {"connections": 1}):
        assert org.call("PATCH", "/_emulator/tls", wrong, headers=control).status_code == 400
    with org_with() as plain:
        control = {"X-Sfsync-Emulator-Control": plain.emulator.access_token}
        assert plain.call("PATCH", "/_emulator/tls", table, headers=control).status_code == 400


def test_a_client_that_never_shakes_hands_holds_nobody_up(org: Client):
    """A connection that stays silent, and one that speaks plain http, leave the others alone."""
    address = urlsplit(org.emulator.instance_url)
    with (
        socket.create_connection((address.hostname, address.port), timeout=10) as silent,
        socket.create_connection((address.hostname, address.port), timeout=10) as plain,
    ):
        plain.sendall(b"GET /services/data HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert requests.get(
            org.emulator.instance_url, verify=str(org.emulator.ca_file), timeout=10
        ).status_code
        assert not plain.recv(1000).startswith(b"HTTP")
        assert silent.fileno() > 0


DOORS = {
    "python -m": ("-m", "sfsync.emulator", "serve"),
    "sfsync": ("-c", "from sfsync.cli.main import main; main()", "emulator", "serve"),
}


@contextmanager
def serving(*arguments: str) -> Iterator[dict[str, str]]:
    """Run an emulator as a process of its own; gives the line that it prints."""
    command = [sys.executable, *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


@pytest.mark.parametrize("door", DOORS)
def test_serving_over_tls_leaves_no_file_behind(tmp_path: Path, door: str):
    """The process prints ca_file in a private folder without any key, and removes it at its end."""
    certificate = write_certificate(new_key(), tmp_path / "app.pem")
    with serving(*DOORS[door], "--tls", "--jwt-certificate", str(certificate)) as offered:
        ca_file = Path(offered["ca_file"])
        assert stat.S_IMODE(ca_file.parent.stat().st_mode) == 0o700
        assert [path.name for path in ca_file.parent.iterdir()] == ["ca.pem"]
        assert "PRIVATE" not in ca_file.read_text()
        url = offered["instance_url"] + "/services/data"
        assert requests.get(url, verify=str(ca_file), timeout=10).status_code == 200
    assert not ca_file.parent.exists()


def test_plain_http_does_not_pay_for_tls():
    """Without TLS and certificates neither our TLS part nor the cryptography library is loaded."""
    script = (
        "import sys\nfrom sfsync.emulator.server import running\n"
        "with running({}) as emulator:\n    assert emulator.ca_file is None\n"
        "print(sorted({'sfsync.emulator.wire.tls', 'cryptography', 'jwt'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


class ToTheEmulator(HTTPAdapter):
    """Leads what a client sends to a salesforce.com host to the emulator, as a host file would."""

    def __init__(self, emulator: RunningEmulator) -> None:
        super().__init__()
        self.address = urlsplit(emulator.instance_url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send the request to the emulator, with the host it was meant for where that is a login host."""
        parts = urlsplit(str(request.url))
        if parts.hostname in {"login.salesforce.com", "test.salesforce.com"}:
            request.headers["Host"] = str(parts.hostname)
        request.url = urlunsplit(parts._replace(netloc=self.address))
        return super().send(request, *args, **kwargs)


@pytest.fixture
def session(emulator: RunningEmulator) -> Iterator[requests.Session]:
    """Return a session that trusts the emulator's authority and finds it under Salesforce's names."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(emulator.ca_file)
        session.mount("https://login.salesforce.com", ToTheEmulator(emulator))
        session.mount("https://cloudkicks.my.salesforce.com", ToTheEmulator(emulator))
        yield session


def creates_and_reads(client: Salesforce) -> None:
    """Create a deal, read, change, upsert and delete it, as the library does."""
    made = client.Opportunity.create({**DEAL, "Name": "Over TLS"})
    assert (made["success"], made["errors"]) == (True, [])
    assert client.Opportunity.get(made["id"])["Name"] == "Over TLS"
    assert client.Opportunity.update(made["id"], {"NextStep": "Call"}) == 204
    found = client.query(f"SELECT NextStep FROM Opportunity WHERE Id = '{made['id']}'")
    assert found["records"][0]["NextStep"] == "Call"
    assert client.Opportunity.upsert(f"Sfsync_Key__c/{made['id']}", DEAL) == 201
    assert client.Opportunity.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Opportunity.get(made["id"])


@fact("9.7-https-only", "9.7-direct-session", "9.7-client-exceptions")
@pytest.mark.parametrize("by", ["instance", "instance_url"])
def test_simple_salesforce_with_a_session_id(emulator: RunningEmulator, session: requests.Session, by: str):
    """simple-salesforce creates and reads a deal over TLS, whichever way it is told the address."""
    url = emulator.instance_url
    place = {"instance": url.removeprefix("https://")} if by == "instance" else {"instance_url": url}
    creates_and_reads(Salesforce(session_id=emulator.access_token, version="66.0", session=session, **place))
    ended = Salesforce(session_id="00D!ended", version="66.0", session=session, **place)
    with pytest.raises(SalesforceExpiredSession):
        ended.query("SELECT Id FROM Opportunity")


@fact("9.7-client-credentials-login")
def test_simple_salesforce_with_client_credentials(emulator: RunningEmulator, session: requests.Session):
    """simple-salesforce logs in by key and secret at the My Domain host and works with the answer."""
    client = Salesforce(
        consumer_key=emulator.client_id,
        consumer_secret=emulator.client_secret,
        domain="cloudkicks.my",
        version="66.0",
        session=session,
    )
    assert client.sf_instance == emulator.instance_url.removeprefix("https://")
    creates_and_reads(client)


@fact("9.7-jwt-login", "9.1-jwt-bearer")
def test_simple_salesforce_with_a_jwt(tmp_path: Path):
    """simple-salesforce signs a JWT for the login host and is let in as its user."""
    key = new_key()
    certificate = write_certificate(key, tmp_path / "app.pem")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with org_with(tls=True, oauth={"certificate": str(certificate)}) as org, requests.Session() as session:
        session.trust_env = False
        session.verify = str(org.emulator.ca_file)
        session.mount("https://login.salesforce.com", ToTheEmulator(org.emulator))
        client = Salesforce(
            username=INTEGRATION,
            consumer_key=org.emulator.client_id,
            privatekey=pem.decode(),
            version="66.0",
            session=session,
        )
        assert who(org, str(client.session_id)) == INTEGRATION
        assert client.Opportunity.create(DEAL)["success"]
