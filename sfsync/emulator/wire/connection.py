"""A client's connection: bytes in, requests out; replies in, bytes out, spoiled where a fault says so.

HTTP/1.1 with keep-alive, chunked and gzipped bodies both ways, the platform's size limits, and control
over the socket that a web framework would not give: resets, cuts at a byte, drips. Only loopback host
names are served.
Source: REST API Developer Guide, Headers, Compression and Status Codes 414, 431 [D].
"""

import contextlib
import gzip
import socket
import struct
import time
import zlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.fault_actions import Drip, Garbage, HangUp, Truncate
from sfsync.emulator.wire.messages import Reply, Request, compressed, encoded

if TYPE_CHECKING:
    from sfsync.emulator.exchange import Scripts
    from sfsync.emulator.server import EmulatorServer

_MOST_ADDRESS_BYTES: Final = 16_384
_MOST_BODY_BYTES: Final = 52_428_800
_CHUNK_BYTES: Final = 16_384
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_BODILESS: Final = frozenset({204, 304})
_MARK: Final = "X-Sfsync-Emulator"


class Connection(BaseHTTPRequestHandler):
    """Serves the requests of one client connection, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "EmulatorServer"
    is_cut = False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent; the audit keeps the record."""

    def serve_request(self) -> None:
        """Answer one request of any method."""
        try:
            request = self._read_request()
        except ApiError as error:
            self.close_connection = True
            self._send(Reply.of(error), ())
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

    def _read_request(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        size = len(self.path) + sum(len(name) + len(value) + 4 for name, value in headers.items())
        if len(self.path) > _MOST_ADDRESS_BYTES:
            raise ApiError(414, "URI_TOO_LONG", "The URI is longer than 16,384 bytes")
        if size > _MOST_ADDRESS_BYTES:
            raise ApiError(
                431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "URI and headers are longer than 16,384 bytes"
            )
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() not in _LOOPBACK:
            raise ApiError(421, "MISDIRECTED_REQUEST", "The emulator answers to loopback host names only")
        body = _decompressed(self._read_body(headers), headers.get("content-encoding", ""))
        return Request(self.command, self.path, headers, body)

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._read_chunks()
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise ApiError(400, "INVALID_HTTP_HEADER", "Content-Length is not a number")
        if int(length) > _MOST_BODY_BYTES:
            raise _too_large()
        return self.rfile.read(int(length))

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := self._chunk_size():
            total += size
            if total > _MOST_BODY_BYTES:
                raise _too_large()
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _chunk_size(self) -> int:
        try:
            return int(self.rfile.readline().split(b";")[0].strip() or b"x", 16)
        except ValueError:
            raise ApiError(400, "INVALID_HTTP_BODY", "The chunked body is broken") from None

    def _send(self, reply: Reply, scripts: "Scripts") -> None:
        data = self._reply_bytes(reply)
        try:
            for script in scripts:
                match script.action:
                    case Garbage(text):
                        data = text.encode("latin-1")
                        self.close_connection = True
                    case Truncate(at, how):
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

    def _reply_bytes(self, reply: Reply) -> bytes:
        has_body = reply.status not in _BODILESS and self.command != "HEAD"
        body = encoded(reply, pretty=self.headers.get("X-PrettyPrint") == "1") if has_body else b""
        headers = {
            "Date": self.date_time_string(),
            _MARK: "1",
            "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
            "Vary": "Accept-Encoding",
            "Set-Cookie": "BrowserId=sfsync-emulator; path=/; HttpOnly",
            **reply.headers,
        }
        if has_body:
            headers["Content-Type"] = reply.content_type
            zipped = compressed(body, self.headers.get("Accept-Encoding", ""))
            if zipped is not None:
                headers["Content-Encoding"] = "gzip"
                body = zipped
        if self.close_connection:
            headers["Connection"] = "close"
        chunked = has_body and bool(body) and self.server.emulator.org.switches.chunked_replies
        if chunked and self.request_version == "HTTP/1.1":
            headers["Transfer-Encoding"] = "chunked"
            body = _as_chunks(body)
        elif reply.status not in _BODILESS:
            headers["Content-Length"] = str(len(body))
        return _head(reply.status, headers) + body


def _head(status: int, headers: dict[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Status"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")


def _as_chunks(body: bytes) -> bytes:
    parts = []
    for start in range(0, len(body), _CHUNK_BYTES):
        piece = body[start : start + _CHUNK_BYTES]
        parts.append(b"%x\r\n%s\r\n" % (len(piece), piece))
    return b"".join(parts) + b"0\r\n\r\n"


def _too_large() -> ApiError:
    return ApiError(413, "EXCEEDED_MAX_SIZE_REQUEST", "The request is larger than 50 MB")


def _decompressed(body: bytes, encoding: str) -> bytes:
    try:
        match encoding.strip().lower():
            case "":
                return body
            case "gzip":
                return gzip.decompress(body)
            case "deflate":
                return zlib.decompress(body)
            case other:
                raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding '{other}' is not supported")
    except (OSError, EOFError, zlib.error):
        raise ApiError(400, "INVALID_HTTP_BODY", "The compressed body is broken") from None
