"""A TCP proxy in front of PostgreSQL that cuts a connection at its next COMMIT, before or after the server got
it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COMMIT = b"COMMIT\x00"
"""How the message of a COMMIT ends on the wire (PostgreSQL, "Message Formats", Query)."""


@dataclass
class CuttingProxy:
    """Passes bytes on; `cut` says at the next COMMIT whether the server still gets it before the line is cut."""

    port: int
    cut: str = ""
    cuts: int = 0
    refusing: bool = False
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    _silenced: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    def serve(self, listener: socket.socket, target: tuple[str, int]) -> None:
        """Accepts connections until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            server = socket.create_connection(target)
            self._pairs.append((client, server))
            for way in (self._up, self._down):
                thread = threading.Thread(target=way, args=(client, server), daemon=True)
                self._threads.append(thread)
                thread.start()

    def hang_up(self) -> None:
        """Ends every connection."""
        for pair in self._pairs:
            for each in pair:
                end(each)

    def close(self) -> None:
        """Ends every connection and gives its sockets back."""
        self.hang_up()
        for thread in self._threads:
            thread.join(5)
        for pair in self._pairs:
            for each in pair:
                each.close()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        while data := receive(client):
            how = ""
            if self.cut and data.endswith(COMMIT):
                how, self.cut = self.cut, ""
                self.cuts += 1
            if how == "before":
                end(client)
                break
            if how == "after":
                self._silenced.add(server)  # its answer to this says that it is committed; nobody hears it
            if not passed(server, data):
                break
            if how == "during":
                end(client)
                return  # the server goes on alone
        end(server)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        while data := receive(server):
            if server in self._silenced:
                break
            if not passed(client, data):
                return
        end(client)


def receive(source: socket.socket) -> bytes:
    """The next bytes; none when the connection has ended."""
    try:
        return source.recv(65536)
    except OSError:
        return b""


def passed(target: socket.socket, data: bytes) -> bool:
    """Whether the bytes could be sent on; not when the connection has ended."""
    try:
        target.sendall(data)
    except OSError:
        return False
    return True


def end(each: socket.socket) -> None:
    """Closes a connection in both directions, at once."""
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@contextmanager
def proxy_to(port: int) -> Iterator[CuttingProxy]:
    """A proxy to that port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = CuttingProxy(listener.getsockname()[1])
        thread = threading.Thread(target=proxy.serve, args=(listener, ("127.0.0.1", port)), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            end(listener)
            listener.close()
            thread.join(5)
            proxy.close()
