"""Real servers on this machine that are pinged and posted to, well behaved and otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HookServer:
    """A server with what it was told; `status` is its answer, and it `hangs` until it is closed."""

    url: str = ""
    status: int = 200
    hangs: bool = False
    told: list[tuple[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def paths(self) -> list[str]:
        """The paths in the order in which they came."""
        return [path for path, _ in self.told]


@contextmanager
def hook_server(**behaviour: Any) -> Iterator[HookServer]:
    """A server for the time of a block."""
    hooks = HookServer(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hooks.told.append((self.path, body.decode()))
            if hooks.hangs:
                hooks.closing.wait(30)
                return
            self.send_response(hooks.status)
            if 300 <= hooks.status < 400:
                self.send_header("Location", f"{hooks.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hooks.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hooks
    finally:
        hooks.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
