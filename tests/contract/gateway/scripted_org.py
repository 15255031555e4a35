"""A server of a few lines that answers each request with exactly the bytes a test gives.

It plays what no honest server does: cut, dripped or garbled replies, resets, pages and redirects.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

RESET = b"<reset>"
"""Ends the connection with a reset once the request was read."""


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Respond = Callable[[Seen], bytes | Iterator[bytes]]


@dataclass
class ScriptedOrg:
    """What a test needs: the address, what to answer, and what has arrived."""

    url: str = ""
    respond: Respond = field(default=lambda _: reply(500, []))
    seen: list[Seen] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def answers(self, *replies: bytes | Iterator[bytes]) -> None:
        """Answers the next requests so, in order; the last one from then on."""
        waiting = list(replies)
        self.respond = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def api_calls(self) -> list[Seen]:
        """The requests that were no logins."""
        return [each for each in self.seen if "/oauth2/" not in each.target]

    def logins(self) -> list[Seen]:
        """The requests that asked for a token."""
        return [each for each in self.seen if "/oauth2/" in each.target]


def reply(status: int, document: Any, **headers: str) -> bytes:
    """A reply of the platform's form."""
    return raw_reply(
        status, json.dumps(document).encode(), **{"Content-Type": "application/json;charset=UTF-8"} | headers
    )


def raw_reply(status: int, body: bytes, **headers: str) -> bytes:
    """A reply with that body; underscores in header names are dashes."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def page(status: int = 200) -> bytes:
    """A page as a captive portal sends it."""
    return raw_reply(status, b"<html><h1>Sign in</h1></html>", Content_Type="text/html")


def redirect(location: str, status: int = 302) -> bytes:
    """A redirect to another address."""
    return raw_reply(status, b"", Location=location)


def refusal(status: int, code: str, message: str = "", **headers: str) -> bytes:
    """A refusal with the platform's error body."""
    return reply(status, [{"message": message, "errorCode": code}], **headers)


def records(*rows: dict[str, Any], total: int | None = None, following: str | None = None) -> bytes:
    """A page of a query."""
    document: dict[str, Any] = {"totalSize": len(rows) if total is None else total, "done": following is None}
    if following is not None:
        document["nextRecordsUrl"] = following
    return reply(200, document | {"records": list(rows)})


@contextmanager
def scripted_org(context: ssl.SSLContext | None = None) -> Iterator[ScriptedOrg]:
    """Runs the server on a loopback port while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    scheme = "https" if context else "http"
    org = ScriptedOrg(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
    thread = threading.Thread(target=_accept, args=(listener, org, context), daemon=True)
    thread.start()
    try:
        yield org
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _accept(listener: socket.socket, org: ScriptedOrg, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, org, context), daemon=True).start()


def _serve(connection: socket.socket, org: ScriptedOrg, context: ssl.SSLContext | None) -> None:
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as lines:
            _answer(connection, lines, org)
    except OSError:
        return
    finally:
        org.closed.set()


def _answer(connection: socket.socket, lines: Any, org: ScriptedOrg) -> None:
    first = lines.readline().decode()
    if not first:
        return
    method, target, _ = first.split(" ", 2)
    headers = {}
    while (line := lines.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    seen = Seen(method, target, headers, lines.read(int(headers.get("Content-Length", "0"))))
    org.seen.append(seen)
    answer = org.respond(seen)
    if answer == RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    for piece in [answer] if isinstance(answer, bytes) else answer:
        connection.sendall(piece)
