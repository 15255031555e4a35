"""HTTP on the emulator: compression, chunks, limits, connections that stay, break off or dawdle."""

import gzip
import http.client
import json
import re
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulator_client import DEAL, Client

MEGABYTE = 1024 * 1024
LIMIT = 50 * MEGABYTE
POST = "/services/data/v66.0/sobjects/Opportunity"


def head(org: Client, line: str, *headers: str, host: bool = True) -> bytes:
    """Return the head of a request with the session of the client."""
    own = [f"Host: {urlsplit(org.emulator.instance_url).netloc}"] if host else []
    session = f"Authorization: Bearer {org.emulator.access_token}"
    return "\r\n".join([f"{line} HTTP/1.1", *own, session, *headers, "", ""]).encode()


@contextmanager
def connected(org: Client) -> Iterator[socket.socket]:
    """Open a bare connection to the emulator."""
    address = urlsplit(org.emulator.instance_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        yield connection


def answer_of(connection: socket.socket, method: str = "GET") -> http.client.HTTPResponse:
    """Read the head of an answer."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return answer


def status_and_code(answer: http.client.HTTPResponse) -> tuple[int, str]:
    """Return the status of a refusal and its errorCode."""
    return answer.status, str(json.loads(answer.read())[0]["errorCode"])


def deals(org: Client) -> int:
    """Return how many deals there are."""
    return len(org.query("SELECT Id FROM Opportunity"))


CODINGS: dict[str, Any] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda body: zlib.compress(body, wbits=-15),
    "identity": bytes,
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("chunked", [True, False])
def test_compressed_and_chunked_requests_are_read(org: Client, coding: str, *, chunked: bool):
    """A body may be compressed and may come in chunks. Source: facts 4.16 [D], clients."""
    body = CODINGS[coding](json.dumps(DEAL).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    data = iter([body[:10], body[10:]]) if chunked else body
    assert org.call("POST", "/sobjects/Opportunity", data=data, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip;q=0.5", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("gzip;q=0.0", None),
        ("br", None),
        ("identity", None),
    ],
)
def test_answers_are_compressed_as_the_client_takes_them(org: Client, accepted: str, coding: str | None):
    """Large answers are compressed in a way that was offered, small ones never. Source: facts 4.16 [D]."""
    answer = org.call("GET", "/sobjects", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == coding
    assert answer.json()["maxBatchSize"] == 200
    small = org.call("GET", "/services/oauth2/userinfo", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in small.headers


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("br", b"x", 415),
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(b"{}" * 100)[:-12], 400),
        ("deflate", b"\x00\x01", 400),
        ("gzip", gzip.compress(bytes(LIMIT + 1)), 413),
        ("deflate", zlib.compress(bytes(LIMIT + 1)), 413),
        ("gzip", gzip.compress(bytes(LIMIT // 2 + 1)) * 2, 413),
    ],
    ids=["br", "garbage", "cut", "bad deflate", "gzip bomb", "deflate bomb", "two-part bomb"],
)
def test_bodies_that_cannot_be_unpacked(org: Client, coding: str, body: bytes, status: int):
    """An unknown coding is 415, a broken body 400, and one that unfolds beyond the limit 413."""
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = org.call("POST", "/sobjects/Opportunity", data=body, headers=headers)
    assert (answer.status_code, isinstance(answer.json()[0]["errorCode"], str)) == (status, True)


def test_too_large_bodies_are_refused_and_the_client_learns_it(org: Client):
    """A body over the limit is 413, announced or in chunks, and a client that goes on sending reads the answer."""
    headers = {"Content-Type": "application/json"}
    announced = org.call("POST", "/sobjects/Account", data=bytes(LIMIT + 1), headers=headers)
    assert (announced.status_code, announced.json()[0]["errorCode"]) == (413, "EXCEEDED_MAX_SIZE_REQUEST")
    pieces = (bytes(MEGABYTE) for _ in range(52))
    chunked = org.call("POST", "/sobjects/Account", data=pieces, headers=headers)
    assert chunked.status_code == 413


@pytest.mark.parametrize(
    ("line", "headers", "expected"),
    [
        ("GET /services/data/?q=" + "x" * 16_370, (), (414, "URI_TOO_LONG")),
        ("GET /services/data/?q=" + "x" * 70_000, (), (414, "URI_TOO_LONG")),
        ("GET /services/data", ("X-Long: " + "x" * 16_384,), (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")),
        ("GET /services/data", ("X-Long: " + "x" * 9_000,) * 2, (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")),
        ("GET /services/data", ("X-Long: " + "x" * 70_000,), (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")),
        ("GET /services/data", ("X-Many: x",) * 120, (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")),
        ("BREW /services/data", (), (405, "METHOD_NOT_ALLOWED")),
        (f"POST {POST}", ("Content-Length: ten",), (400, "INVALID_HTTP_HEADER")),
        (f"POST {POST}", ("Content-Length: -1",), (400, "INVALID_HTTP_HEADER")),
        (f"POST {POST}", ("Content-Length: 1", "Content-Length: 2"), (400, "INVALID_HTTP_HEADER")),
        (
            f"POST {POST}",
            ("Content-Length: 1", "Transfer-Encoding: chunked"),
            (400, "INVALID_HTTP_HEADER"),
        ),
        (f"POST {POST}", ("Transfer-Encoding: gzip, chunked",), (400, "INVALID_HTTP_HEADER")),
        (f"POST {POST}", ("Transfer-Encoding: chunked", "", "zz"), (400, "INVALID_HTTP_BODY")),
        (f"POST {POST}", ("Transfer-Encoding: chunked", "", "2", "{}xx"), (400, "INVALID_HTTP_BODY")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_requests_that_are_refused_by_their_form(
    org: Client, line: str, headers: tuple[str, ...], expected: tuple[int, str]
):
    """Too long, too many, contradictory or broken: each is refused in the platform's form. Source: facts 8 [D]."""
    with connected(org) as connection:
        connection.sendall(head(org, line, *headers))
        assert status_and_code(answer_of(connection)) == expected


def test_an_address_of_exactly_the_limit_is_served(org: Client):
    """Address and headers together may have 16,384 bytes."""
    start = "/services/data/?q="
    with connected(org) as connection:
        connection.sendall(head(org, "GET " + start + "x" * 16_000))
        assert answer_of(connection).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "login.salesforce.com", ""])
def test_only_loopback_hosts_are_served(org: Client, host: str):
    """A foreign Host header is refused, so that no page in a browser can reach the emulator by name."""
    with connected(org) as connection:
        connection.sendall(head(org, "GET /services/data", f"Host: {host}", host=False))
        assert status_and_code(answer_of(connection)) == (421, "MISDIRECTED_REQUEST")


def test_connections_are_kept_alive(org: Client):
    """Several calls go over one connection, and HEAD has the headers of GET without its body."""
    with connected(org) as connection:
        lengths = []
        for method in ("GET", "HEAD", "GET"):
            connection.sendall(
                head(org, f"{method} /services/data/v66.0/sobjects/Account", "X-PrettyPrint: 1")
            )
            answer = answer_of(connection, method)
            body = answer.read()
            assert (answer.status, bool(body)) == (200, method == "GET")
            assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
            lengths.append(len(body))
        assert b'"recentItems" : [ ]' in body
        assert lengths[0] == lengths[2]


def test_requests_sent_ahead_are_answered_in_their_order(org: Client):
    """A client may send the next requests before it reads the first answer."""
    body = json.dumps({**DEAL, "Name": "Ahead"}).encode()
    post = head(org, f"POST {POST}", "Content-Type: application/json", f"Content-Length: {len(body)}") + body
    last = head(org, "GET /services/data/v66.0/nowhere", "Connection: close")
    with connected(org) as connection:
        connection.sendall(head(org, "GET /services/data") + post + last)
        answers = b"".join(iter(lambda: connection.recv(MEGABYTE), b""))
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answers) == [b"200", b"201", b"404"]


def test_a_client_may_wait_for_the_word_to_continue(org: Client):
    """Expect: 100-continue is answered before the body, and by a refusal when the body cannot be taken."""
    body = json.dumps(DEAL).encode()
    wanted = ("Content-Type: application/json", "Expect: 100-continue")
    with connected(org) as connection:
        connection.sendall(head(org, f"POST {POST}", *wanted, f"Content-Length: {len(body)}"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
        connection.sendall(body)
        assert answer_of(connection).status == 201
    with connected(org) as connection:
        connection.sendall(head(org, f"POST {POST}", *wanted, f"Content-Length: {LIMIT + 1}"))
        assert status_and_code(answer_of(connection)) == (413, "EXCEEDED_MAX_SIZE_REQUEST")


@pytest.mark.parametrize("coding", ["length", "chunk", "last chunk"])
def test_a_request_that_broke_off_leaves_nothing_behind(org: Client, coding: str):
    """A client that goes away in the middle of a body has sent no request: nothing is saved or noted."""
    body = json.dumps(DEAL).encode()
    framed = {
        "length": (f"Content-Length: {len(body) + 1}", body),
        "chunk": ("Transfer-Encoding: chunked", b"%x\r\n%s" % (len(body) + 1, body)),
        "last chunk": ("Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len(body), body)),
    }
    header, sent = framed[coding]
    before, seen = deals(org), len(org.emulator.audit.requests)
    with connected(org) as connection:
        connection.sendall(head(org, f"POST {POST}", "Content-Type: application/json", header) + sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert len(org.emulator.audit.requests) == seen
    assert deals(org) == before


def test_slow_clients_hold_nobody_up(org: Client):
    """While some clients dawdle in the middle of a head or a body, others are served."""
    whole = head(org, "GET /services/data")
    with connected(org) as in_head, connected(org) as in_body:
        in_head.sendall(whole[:9])
        start = head(org, f"POST {POST}", "Content-Type: application/json", "Content-Length: 1000")
        in_body.sendall(start + b"{")
        assert org.call("GET", "/limits").status_code == 200
        in_head.sendall(whole[9:])
        assert answer_of(in_head).status == 200
