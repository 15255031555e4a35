"""A client's connection: bytes in, requests out; replies in, bytes out, spoiled where a fault says so.

HTTP/1.1 with keep-alive, chunked and gzipped bodies both ways, the platform's size limits, and control
over the socket that a web framework would not give: resets, cuts at a byte, drips. Only loopback host
names are served, and the shared login hosts for logins.
Invariant: a request that did not arrive whole is never handed on.
Source: REST API Developer Guide, Headers, Compression and Status Codes 414, 431 [D].
"""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.fault_actions import Drip, Garbage, HangUp, Truncate
from sfsync.emulator.wire.messages import Reply, Request, compressed, encoded
from sfsync.emulator.wire.request_body import announced_length, read_body
from sfsync.emulator.wire.terms import ORDINARY, terms_of

if TYPE_CHECKING:
    from sfsync.emulator.exchange import Scripts
    from sfsync.emulator.server import EmulatorServer

_MOST_ADDRESS_BYTES: Final = 16_384
_MOST_DRAINED_BYTES: Final = 4 * ORDINARY.most_body_bytes
_DRAIN_S: Final = 0.5
_CHUNK_BYTES: Final = 16_384
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_LOGIN_HOSTS: Final = frozenset({"login.salesforce.com", "test.salesforce.com"})
_LOGIN_PATHS: Final = ("/services/oauth2/", "/services/Soap/")
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_BODILESS: Final = frozenset({204, 304})
_COOKIES: Final = (
    "BrowserId=sfsync-emulator; path=/; HttpOnly",
    "BrowserId_sec=sfsync-emulator; path=/; secure; HttpOnly",
)
_MARK: Final = "X-Sfsync-Emulator"


class Connection(BaseHTTPRequestHandler):
    """Serves the requests of one client connection, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "EmulatorServer"
    is_cut = False
    path = ""  # a line that is too long is refused before there is one

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent; the audit keeps the record."""

    def serve_request(self) -> None:
        """Answer one request of any method."""
        try:
            request = self._read_request()
        except ApiError as error:
            self._refuse(error)
            return
        reply, scripts = self.server.emulator.answer(request, self)
        if reply is not None and not self.is_cut:
            self._send(reply, scripts)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = serve_request  # noqa: N815 - names the base class asks for

    def cut(self, how: str) -> None:
        """End the connection: `reset`, `close`, or `hang` for saying nothing more."""
        self.is_cut = True
        self.close_connection = True
        if how == "hang":
            return
        with contextlib.suppress(OSError):
            if how == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
        self.rfile.close()
        self.connection.close()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the base class could not read, in the platform's form."""
        del explain
        self.close_connection = True
        if not hasattr(self, "headers"):
            self.headers = Message()
        self._refuse(_UNREADABLE.get(code) or ApiError(code, "INVALID_HTTP_REQUEST", message or ""))

    def handle_expect_100(self) -> bool:
        """Ask for the body only when what is known of it so far can be taken."""
        try:
            self._check_head()
            announced_length(self.headers, most_bytes=terms_of(self.command, self.path).most_body_bytes)
        except ApiError as error:
            self._refuse(error)
            return False
        return super().handle_expect_100()

    def _refuse(self, error: ApiError) -> None:
        """Answer a request that was not read to its end, and let the client read the answer."""
        self.close_connection = True
        self._send(Reply.of(error), ())
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_S)
            left = _MOST_DRAINED_BYTES
            while left > 0 and (dropped := self.rfile.read1(_CHUNK_BYTES)):
                left -= len(dropped)

    def _read_request(self) -> Request:
        self._check_head()
        most_bytes = terms_of(self.command, self.path).most_body_bytes
        body = read_body(self.rfile, self.headers, most_bytes=most_bytes)
        return Request(
            self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body
        )

    def _check_head(self) -> None:
        """Refuse what request line and headers alone give reason to.

        Raises: ApiError 414 or 431 for too many bytes, 421 for a host that is not this machine.
        """
        if len(self.path) > _MOST_ADDRESS_BYTES:
            raise ApiError(414, "URI_TOO_LONG", "The URI is longer than 16,384 bytes")
        size = len(self.path) + sum(len(name) + len(value) + 4 for name, value in self.headers.items())
        if size > _MOST_ADDRESS_BYTES:
            raise _headers_too_large()
        host = self.headers.get("Host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        is_login = name.lower() in _LOGIN_HOSTS and self.path.startswith(_LOGIN_PATHS)
        if name.lower() not in _LOOPBACK and not is_login:
            raise ApiError(421, "MISDIRECTED_REQUEST", "The emulator answers to loopback host names only")

    def _send(self, reply: Reply, scripts: "Scripts") -> None:
        framed = all(script.action.framed for script in scripts if isinstance(script.action, Truncate))
        data = self._reply_bytes(reply, framed=framed)
        try:
            for script in scripts:
                match script.action:
                    case Garbage(text):
                        data = text.encode("latin-1")
                        self.close_connection = True
                    case Truncate(at, how, _):
                        self.connection.sendall(data[: len(data) // 2 if at is None else at])
                        self.cut(how)
                        return
                    case HangUp():
                        self.connection.sendall(data)
                        self.cut("close")
                        return
                    case Drip(bytes_each, pause_s):
                        self._drip(data, bytes_each, pause_s)
                        return
                    case _:
                        continue
            self.connection.sendall(data)
        except OSError:
            self.close_connection = True

    def _drip(self, data: bytes, bytes_each: int, pause_s: float) -> None:
        for start in range(0, len(data), bytes_each):
            self.connection.sendall(data[start : start + bytes_each])
            time.sleep(pause_s)

    def _reply_bytes(self, reply: Reply, *, framed: bool) -> bytes:
        has_body = reply.body is not None and reply.status not in _BODILESS
        body = encoded(reply, pretty=self.headers.get("X-PrettyPrint") == "1") if has_body else b""
        headers = {
            "Date": self.date_time_string(self.server.emulator.org.clock.now().timestamp()),
            _MARK: "1",
            "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
            "Vary": "Accept-Encoding",
            "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
            **reply.headers,
        }
        if has_body:
            headers["Content-Type"] = reply.content_type
            coded = compressed(body, self._accepted_encoding())
            if coded is not None and "Content-Encoding" not in headers:
                headers["Content-Encoding"], body = coded
        if self.close_connection:
            headers["Connection"] = "close"
        wanted = framed and bool(body) and self.server.emulator.org.switches.chunked_replies
        chunked = wanted and self.request_version == "HTTP/1.1"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif framed and reply.status not in _BODILESS:
            headers["Content-Length"] = str(len(body))
        head = _head(reply.status, headers)
        if self.command == "HEAD":
            return head
        return b"".join((head, *_chunks(body))) if chunked else head + body

    def _accepted_encoding(self) -> str:
        accepted = str(self.headers.get("Accept-Encoding", ""))
        if terms_of(self.command, self.path).gzip_only_exactly and accepted.strip().lower() != "gzip":
            return ""
        return accepted


def _head(status: int, headers: dict[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Status"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    lines += (f"Set-Cookie: {cookie}" for cookie in _COOKIES)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")


def _chunks(body: bytes) -> Iterator[bytes | memoryview]:
    view = memoryview(body)
    for start in range(0, len(body), _CHUNK_BYTES):
        piece = view[start : start + _CHUNK_BYTES]
        yield from (b"%x\r\n" % len(piece), piece, b"\r\n")
    yield b"0\r\n\r\n"


def _headers_too_large() -> ApiError:
    return ApiError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "URI and headers are longer than 16,384 bytes")


_UNREADABLE: Final = {
    414: ApiError(414, "URI_TOO_LONG", "The URI is longer than 16,384 bytes"),
    431: _headers_too_large(),
    501: ApiError(405, "METHOD_NOT_ALLOWED", "The HTTP method is not allowed"),
}
"""What the base class refuses by itself, in the platform's words."""
