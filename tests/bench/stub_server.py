"""A server that plays just enough of Salesforce to measure a client, at almost no cost. A program of its own.

    python tests/bench/stub_server.py [--port 0] [--latency-ms 0] [--accounts 500] [--org FILE]

prints one line of JSON (instance_url, access_token, client_id, client_secret, org_id) and serves until it is
ended. Latency is added to each call, half before its work and half after; each connection has a thread, so that
latencies overlap. `GET /_bench/counts` tells what came, `POST /_bench/reset` begins to count anew (`?store=1`
empties the org too), `POST /_bench/latency?ms=80` changes the latency, `POST /_bench/clock?s=3600` puts the
org's clock forward. What the stub cannot answer truly it refuses
and remembers.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from stub_api import Api, Reply
from stub_counts import Counts
from stub_org import ACCOUNTS, made_org

_GZIP_FROM: Final = 1_024
_REASONS: Final = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found"}
_OWN: Final = "/_bench/"


class StubServer(socketserver.ThreadingTCPServer):
    """Listens on the loopback."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, api: Api, latency_s: float) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.api = api
        self.latency_s = latency_s
        api.origin = f"http://127.0.0.1:{self.server_address[1]}"

    def own(self, method: str, target: str) -> Reply:
        """The stub's own resources."""
        name, _, query = target.removeprefix(_OWN).partition("?")
        match method, name:
            case "GET", "counts":
                held = {table.name: len(table) for table in self.api.store.tables.values()}
                return Reply(200, self.api.counts.document() | {"records": held})
            case "POST", "reset":
                if query == "store=1":
                    self.api.forget()
                fresh = Counts()
                self.api.counts.__dict__.update(
                    {name: value for name, value in fresh.__dict__.items() if name != "guard"}
                )
                return Reply(200, {})
            case "POST", "clock":
                self.api.store.clock.ahead_s += float(query.removeprefix("s="))
                return Reply(200, {})
            case "POST", "latency":
                self.latency_s = float(query.removeprefix("ms=")) / 1000
                return Reply(200, {})
        return Reply(404, {})


class Connection(socketserver.BaseRequestHandler):
    """One connection, kept alive."""

    server: StubServer

    def handle(self) -> None:
        """Serves requests until the client goes away."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), self.request.makefile("rb", 1 << 16) as reader:
            while line := reader.readline(1 << 17):
                self._serve(reader, line)

    def _serve(self, reader: BinaryIO, line: bytes) -> None:
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (header := reader.readline(1 << 17)) not in (b"\r\n", b"\n", b""):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding"):
            raise OSError("a request without a length is not played here")
        length = int(headers.get("content-length") or 0)
        if target.startswith(_OWN):
            reader.read(length)
            self._send(self.server.own(method, target), headers, info=None)
            return
        api, latency_s = self.server.api, self.server.latency_s
        api.counts.begin()
        down, reply = 0, Reply(500)
        try:
            time.sleep(latency_s / 2)
            reply = self._reply(reader, method, target, headers, length)
            time.sleep(latency_s / 2)
            down = self._send(reply, headers, info=api.limit_info())
        finally:
            up = len(line) + length + sum(len(name) + len(value) + 4 for name, value in headers.items())
            api.counts.end(reply.kind, up=up, down=down)

    def _reply(
        self, reader: BinaryIO, method: str, target: str, headers: Mapping[str, str], length: int
    ) -> Reply:
        api = self.server.api
        if method == "PUT" and target.endswith("/batches"):
            job = api.jobs.get(target.split("/")[-2])
            if job is None:
                raise OSError("an upload to no job")
            with api.jobs.upload_path(job).open("wb") as file:
                _copied(reader, file, length, is_zipped=headers.get("content-encoding") == "gzip")
            return api.answer(method, target, None, headers)
        body = reader.read(length)
        if len(body) != length:
            raise OSError("the request was cut")
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        is_json = body and headers.get("content-type", "").startswith("application/json")
        before = api.counts.repeated_creates + api.counts.repeated_updates
        reply = api.answer(method, target, orjson.loads(body) if is_json else None, headers)
        if api.counts.repeated_creates + api.counts.repeated_updates > before:
            api.counts.note_repeating()
        return reply

    def _send(self, reply: Reply, headers: Mapping[str, str], *, info: str | None) -> int:
        if reply.path is not None:
            return self._send_file(reply, info)
        body = reply.raw if reply.raw is not None else b""
        if reply.raw is None and reply.status != 204:
            body = orjson.dumps(reply.document)
        extra = dict(reply.headers)
        if len(body) >= _GZIP_FROM and "gzip" in headers.get("accept-encoding", ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            extra["Content-Encoding"] = "gzip"
        head = _head(reply, len(body), extra, info, self.server.api.store.clock.now())
        self.request.sendall(head + body)
        return len(head) + len(body)

    def _send_file(self, reply: Reply, info: str | None) -> int:
        assert reply.path is not None
        size = reply.path.stat().st_size
        head = _head(reply, size, reply.headers, info, self.server.api.store.clock.now())
        self.request.sendall(head)
        with reply.path.open("rb") as file:
            self.request.sendfile(file)
        return len(head) + size


def _head(reply: Reply, length: int, extra: Mapping[str, str], info: str | None, now: float) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Other')}",
        f"Date: {formatdate(now, usegmt=True)}",
        *([f"Sforce-Limit-Info: {info}"] if info else []),
        *(
            [f"Content-Type: {reply.media}"]
            if reply.status != 204 and (length or reply.status != 201)
            else []
        ),
        *(f"{name}: {value}" for name, value in extra.items()),
        *([f"Content-Length: {length}"] if reply.status != 204 else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _copied(reader: BinaryIO, file: BinaryIO, length: int, *, is_zipped: bool) -> None:
    if is_zipped:
        file.write(gzip.decompress(reader.read(length)))
        return
    while length:
        chunk = reader.read(min(length, 1 << 20))
        if not chunk:
            raise OSError("the upload was cut")
        file.write(chunk)
        length -= len(chunk)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--org", type=Path, help="an org document made before; else made now")
    parser.add_argument("--save-org", type=Path, help="write the org document and go on")
    asked = parser.parse_args()
    org: dict[str, Any] = json.loads(asked.org.read_text()) if asked.org else made_org(asked.accounts)
    if asked.save_org:
        asked.save_org.write_text(json.dumps(org))
    api = Api(org, Counts())
    org_id = org["listed"]["Organization"][0]["Id"]
    api.token = f"{org_id[:15]}!stub.token.{os.getpid()}"
    server = StubServer(asked.port, api, asked.latency_ms / 1000)
    offered = {
        "instance_url": api.origin,
        "access_token": api.token,
        "client_id": "stub-client",
        "client_secret": "stub-secret-of-no-use",
        "org_id": org_id,
        "pid": os.getpid(),
    }
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stdout.write(json.dumps(offered) + "\n")
    sys.stdout.flush()
    try:
        server.serve_forever(poll_interval=0.05)
    except KeyboardInterrupt:
        pass
    finally:
        api.jobs.close()
        api.store.close()


if __name__ == "__main__":
    main()
