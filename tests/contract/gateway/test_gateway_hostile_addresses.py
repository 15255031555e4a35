"""T5, T6, T10, T11, N12, N13: addresses that answers, profiles and variables name; a canary host sees no byte.

The canary listens on loopback, also at the names and forms of addresses that lead there, so that whatever were
followed would arrive. Names are never resolved by a real resolver here.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from gateway_making import (
    QUICK,
    SECRET,
    TOKEN,
    Bench,
    client_profile,
    create_call,
    token_answer,
    token_profile,
    update_call,
)
from pydantic import SecretStr
from scripted_org import ScriptedOrg, raw_reply, records, redirect, reply

from sfsync.core.ports import Lookup
from sfsync.core.writes import Unanswered
from sfsync.errors import AccessError, ConfigError, OrgUnavailable, SyncError
from sfsync.salesforce.retrying import RetryPolicy
from sfsync.salesforce.session import Timeouts

ACCOUNTS = [Lookup("Account", ("Id",))]


@dataclass
class Canary:
    """A host that must see nothing."""

    port: int
    received: list[bytes] = field(default_factory=list)
    met: int = 0


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    """Listens on loopback; every name but the loopback addresses leads to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = Canary(listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            found.met += 1
            connection.settimeout(0.2)
            with connection:
                try:
                    found.received.append(connection.recv(65536))
                except OSError:
                    continue

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        name = host.decode() if isinstance(host, bytes) else host
        goal = int(port) if name in ("127.0.0.1", "localhost") else found.port
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", goal))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield found
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


HOSTILE = (
    *("http://127.0.0.1:{port}@evil.example", "https://acme.my.salesforce.com@127.0.0.1:{port}"),
    *("//127.0.0.1:{port}", "https://user:pass@127.0.0.1:{port}", "https://evil.example"),
    *("https://evil.example.", "https://EVIL.example", "https://salesforce.com.evil.example"),
    *("https://acme.my.salesforce.com.evil.example", "https://evilsalesforce.com"),
    *("https://acme.my.salesforce.com.evil", "https://my-salesforce.com"),
    *("https://salesforce.com-evil.example", "https://force.com.evil.example", "https://xforce.com"),
    *("https://salesforce.co", "https://salesforce.comm", "https://s\u0430lesforce.com"),
    *("https://\u0455alesforce.com", "https://xn--slesforce-1ij.com", "https://salesforce\u3002com"),
    *("https://salesforce.com\u3002evil.example", "https://evil.example\uff0f.salesforce.com"),
    *("https://evil.example\u2100.salesforce.com", "https://evil.example\\.salesforce.com"),
    *("https://evil.example\\@acme.my.salesforce.com", "https:\\\\evil.example"),
    *("https://evil.example/.salesforce.com", "https://evil.example?.salesforce.com"),
    *("https://evil.example#.salesforce.com", "https://evil.example%2f.salesforce.com"),
    *("https://evil.example%23.salesforce.com", "https://evil.example%00.salesforce.com"),
    *("https://evil.example\t.salesforce.com", "https://evil.example\r\n.salesforce.com"),
    *(" https://evil.example", "https://2130706433:{port}", "https://0x7f000001:{port}"),
    *("https://0177.0.0.1:{port}", "https://127.1:{port}", "https://[::1]:{port}"),
    *("https://[::ffff:127.0.0.1]:{port}", "https://[::]:{port}", "https://0.0.0.0:{port}"),
    *("https://169.254.169.254", "https://[fd00:ec2::254]", "https://10.0.0.1"),
    *("https://localhost.evil.example:{port}", "http://acme.my.salesforce.com"),
    *("ftp://acme.my.salesforce.com", "file:///etc/passwd", "javascript:alert(1)"),
    *("https:///evil.example", "https:evil.example", "https://", "https://:443", "https://a..b"),
    *("https://.salesforce.com.evil", "https://evil.example:443#@acme.my.salesforce.com"),
    *("https://acme.my.salesforce.com:443@evil.example", "gopher://evil.example", "evil.example", ""),
    *("https://salesforce.com:99999", "https://[salesforce.com]"),
)  # fmt: skip
"""Addresses that are none of Salesforce's, or none at all."""


def test_there_are_sixty_hostile_addresses() -> None:
    """The list is as long as it was promised, without repetitions."""
    assert len(set(HOSTILE)) >= 60


def quick(profile: Any) -> Bench:
    """A bench that gives up soon."""
    policy = RetryPolicy(first_wait_s=0.0, max_wait_s=0.0, deadline_s=2.0, timeouts=Timeouts(1.0, 1.0))
    return Bench(profile, policy)


@pytest.mark.parametrize("address", HOSTILE)
def test_t6_t10_n13_no_address_in_an_answer_is_followed(
    org: ScriptedOrg, canary: Canary, address: str
) -> None:
    """As instance_url, next page, Location of a login, of a read and of a write: the canary sees no byte."""
    url = address.format(port=canary.port)
    org.respond = lambda seen: reply(200, token_answer(url)) if "oauth2" in seen.target else records()
    with pytest.raises((AccessError, ConfigError)):
        quick(client_profile(org.url, loopback=False, login_url=org.url)).gateway.fetch(ACCOUNTS)
    org.answers(records({"Id": "1"}, total=2, following=url))
    with pytest.raises(SyncError):
        quick(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    location = "".join(each for each in url if each.isprintable()).encode().decode("latin-1")
    for status in (301, 302, 303, 307, 308):
        org.answers(redirect(location, status))
        with pytest.raises(ConfigError):
            quick(client_profile(org.url)).gateway.fetch(ACCOUNTS)
        with pytest.raises(ConfigError):
            quick(token_profile(org.url)).gateway.fetch(ACCOUNTS)
        for call in (create_call(), update_call()):
            [answer] = quick(token_profile(org.url)).gateway.write(call).values()
            assert isinstance(answer, Unanswered)
    assert (canary.received, canary.met) == ([], 0)


@pytest.mark.parametrize("address", HOSTILE)
def test_t5_t6_an_instance_that_is_none_of_salesforces_gets_no_token(
    org: ScriptedOrg, canary: Canary, address: str
) -> None:
    """A login that answers well, with loopback allowed, still cannot send the token off loopback."""
    url = address.format(port=canary.port)
    org.respond = lambda seen: reply(200, token_answer(url)) if "oauth2" in seen.target else records()
    bench = quick(client_profile(org.url))
    try:
        bench.gateway.fetch(ACCOUNTS)
    except SyncError:
        pass
    else:
        pytest.fail("the token was used")
    assert not any(TOKEN.encode() in each or SECRET.encode() in each for each in canary.received)
    assert not any(each.startswith((b"GET", b"POST")) for each in canary.received)


@pytest.mark.parametrize("address", HOSTILE)
def test_t12_no_hostile_address_in_a_profile_is_used_plainly(canary: Canary, address: str) -> None:
    """What a profile names is https to a plain name, or refused; nothing is ever sent to it in the clear."""
    url = address.format(port=canary.port)
    for profile in (token_profile(url, loopback=False), client_profile(url, loopback=False)):
        with pytest.raises(SyncError):
            quick(profile).gateway.fetch(ACCOUNTS)
    assert not any(TOKEN.encode() in each or SECRET.encode() in each for each in canary.received)
    assert not any(each.startswith((b"GET", b"POST", b"CONNECT")) for each in canary.received)


VARIABLES = (
    *(
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "ftp_proxy",
        "no_proxy",
    ),
    *("NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD"),
)


@pytest.mark.parametrize(
    "value", ["http://127.0.0.1:{port}", "", "*", "/nowhere", "socks5://127.0.0.1:{port}"]
)
def test_t11_n12_variables_by_surprise_change_nothing(
    org: ScriptedOrg, canary: Canary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    """Proxies, authorities and netrc of the environment are not read, by a login or by a call."""
    for name in VARIABLES:
        monkeypatch.setenv(name, value.format(port=canary.port))
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    org.respond = lambda seen: reply(200, token_answer(org.url)) if "oauth2" in seen.target else records()
    quick(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert [each.headers.get("Authorization") for each in org.seen] == [None, f"Bearer {TOKEN}"]
    assert (canary.received, canary.met) == ([], 0)


def test_t11_tls_keys_are_written_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable that makes other programs write the keys of their sessions has no effect."""
    from sfsync.emulator.server import running

    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with running(tls=True) as emulator:
        profile = token_profile(
            emulator.instance_url,
            access_token=SecretStr(emulator.access_token),
            ca_file=emulator.ca_file,
            loopback=False,
        )
        bench = quick(profile)
        assert isinstance(bench.gateway.fetch(ACCOUNTS), list)
        bench.gateway.close()
    assert not keys.exists()


@pytest.mark.parametrize("status", [407, 403, 502])
def test_n12_a_proxy_that_refuses_stops(status: int) -> None:
    """A proxy of the profile that refuses the tunnel gets no token, and its refusal sends nothing further."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(raw_reply(status, b""))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    proxy = f"http://u:CANARY-proxy@127.0.0.1:{listener.getsockname()[1]}"
    bench = quick(token_profile("https://acme.my.salesforce.com", loopback=False, proxy=proxy))
    with pytest.raises((OrgUnavailable, ConfigError)) as caught:
        bench.gateway.write(create_call())
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    assert all(each.startswith(b"CONNECT acme.my.salesforce.com:443 ") for each in seen)
    assert not any(TOKEN.encode() in each for each in seen)
    assert "CANARY" not in repr(vars(caught.value))
    assert isinstance(caught.value, ConfigError) == (status < 500)
    assert len(seen) == (1 if status < 500 else 5)


@pytest.mark.parametrize("proxy", ["socks5://h:1", "ftp://h", "h", "http://", "http://h:x", "http://[h"])
def test_n12_a_proxy_that_is_none_is_a_config_error(proxy: str) -> None:
    """A proxy that cannot be used stops by name before anything is sent, and is no lost answer."""
    bench = quick(token_profile("https://acme.my.salesforce.com", loopback=False, proxy=proxy))
    with pytest.raises(ConfigError) as caught:
        bench.gateway.write(create_call())
    assert caught.value.code == "BAD_PROXY"


FAILURES: dict[str, Callable[..., Any]] = {
    "NXDOMAIN": lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(socket.EAI_NONAME, "CANARY")),
    "a resolver that is away": lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(socket.EAI_AGAIN, "x")),
    "no address": lambda *_, **__: [],
    "a name that is none": lambda *_, **__: (_ for _ in ()).throw(UnicodeError("label too long")),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_n1_a_name_that_is_not_found_surely_sent_nothing(
    monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Without an address a create is tried again, then is surely not done; no text of the resolver is repeated."""
    monkeypatch.setattr(socket, "getaddrinfo", FAILURES[failure])
    bench = Bench(token_profile("https://acme.my.salesforce.com", loopback=False), QUICK)
    with pytest.raises(OrgUnavailable) as caught:
        bench.gateway.write(create_call())
    assert (bench.gateway.usage.writes, bench.gateway.usage.retries) == (0, 4)
    assert "CANARY" not in repr(vars(caught.value))


def test_n1_a_name_that_flaps_is_found_again(org: ScriptedOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that fails now and then costs a retry each."""
    org.answers(records({"Id": "1"}))
    real, turns = socket.getaddrinfo, iter([True, False, True, False])

    def flapping(*args: Any, **kwargs: Any) -> Any:
        if next(turns, False):
            raise socket.gaierror(socket.EAI_AGAIN, "x")
        return real(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", flapping)
    bench = Bench(token_profile(org.url))
    assert [bench.gateway.fetch(ACCOUNTS) for _ in range(2)] == [[[{"Id": "1"}]]] * 2
    assert bench.gateway.usage.retries == 2


def test_n2_a_host_that_swallows_connections_is_given_up_in_time() -> None:
    """A full backlog answers no handshake: each try ends at the connect timeout, and nothing was sent."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    address = listener.getsockname()
    stuffing = [socket.socket() for _ in range(4)]
    for each in stuffing:
        each.setblocking(False)
        each.connect_ex(address)
    policy = RetryPolicy(first_wait_s=0.0, max_wait_s=0.0, timeouts=Timeouts(connect_s=0.05, read_s=1.0))
    bench = Bench(token_profile(f"http://127.0.0.1:{address[1]}"), policy)
    with pytest.raises(OrgUnavailable):
        bench.gateway.write(create_call())
    assert (bench.gateway.usage.writes, bench.gateway.usage.retries) == (0, 4)
    for each in (*stuffing, listener):
        each.close()


def test_n4_a_reset_before_the_request_is_read_is_ambiguous() -> None:
    """A connection that is reset at once may have carried the request: a create stays unanswered."""
    import struct

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    bench = Bench(token_profile(f"http://127.0.0.1:{listener.getsockname()[1]}"))
    [answer] = bench.gateway.write(create_call()).values()
    thread.join(5)
    listener.close()
    assert isinstance(answer, Unanswered)


def test_n14_a_request_that_is_delivered_twice_is_answered_once(org: ScriptedOrg) -> None:
    """Two replies on one connection: the second is never taken for the answer of another request."""
    first = records({"Id": "1"}).replace(b"Connection: close\r\n", b"")
    org.answers(first + records({"Id": "2"}), records({"Id": "3"}))
    gateway = Bench(token_profile(org.url)).gateway
    assert gateway.fetch(ACCOUNTS) == [[{"Id": "1"}]]
    assert gateway.fetch(ACCOUNTS) == [[{"Id": "3"}]]


def test_s2_a_password_login_that_is_refused_is_tried_once(org: ScriptedOrg) -> None:
    """A refused login is not repeated: the third wrong password could lock the user."""
    org.answers(reply(400, {"error": "invalid_grant", "error_description": "authentication failure"}))
    with pytest.raises(AccessError):
        Bench(client_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert len(org.seen) == 1
