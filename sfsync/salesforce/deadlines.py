"""Keeps a total deadline on every read from a socket, so that a drip of bytes cannot hold a call for ever.

An answer whose head was cut off is told from one that has no more headers, which the standard library does not do.

The timeout of requests counts from byte to byte, and headers are read before the caller gets control. Here
the response reads its socket through `_TimedSocket`, which before each read cuts the socket's timeout down to
what is left of the deadline. Invariant: the deadline of the thread that sends is the one that counts.
Source: Requests, "Timeouts" (a timeout is not a limit on the entire response).
"""

from __future__ import annotations

import io
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse, IncompleteRead
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_POOL_SIZE: Final = 16
"""Connections kept open; as many as the threads that may send at once."""

_current: Final = threading.local()


def _is_call_of_others(_record: logging.LogRecord) -> bool:
    return getattr(_current, "deadline_s", None) is None


# urllib3 logs the address of each call, and the address of a query holds keys of records.
logging.getLogger("urllib3.connectionpool").addFilter(_is_call_of_others)


@contextmanager
def deadline_of(monotonic_s: float) -> Iterator[None]:
    """Sets the deadline, on the monotonic clock, of everything this thread reads inside."""
    _current.deadline_s = monotonic_s
    try:
        yield
    finally:
        _current.deadline_s = None


class _TimedSocket(io.RawIOBase):
    """The raw reader of a response, which gives each read only what is left of the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline_s: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline_s = deadline_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline of the call has passed")
        limit_s = self._sock.gettimeout()
        self._sock.settimeout(left_s if limit_s is None else min(limit_s, left_s))
        try:
            return self._raw.readinto(buffer)
        finally:
            if self._sock.fileno() >= 0:
                self._sock.settimeout(limit_s)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _HeadReader:
    """Reads the lines of an answer's head and keeps the last one."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.last_line = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last_line = self._raw.readline(limit)
        return self.last_line

    def close(self) -> None:
        self._raw.close()


class _TimedResponse(HTTPResponse):
    """An answer whose head and body are read under the deadline of the thread."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline_s = getattr(_current, "deadline_s", None)
        if deadline_s is not None:
            self.fp = io.BufferedReader(_TimedSocket(self.fp.detach(), sock, deadline_s))

    def begin(self) -> None:
        """Reads the head, which ends with a blank line.

        Raises:
            IncompleteRead: the connection ended before; whatever the head said until then proves nothing.
        """
        if self.headers is not None:
            return
        raw, head = self.fp, _HeadReader(self.fp)
        self.fp = head  # of a file the head needs no more than lines
        try:
            super().begin()
        finally:
            if self.fp is not None:  # it is None when the first line made no sense
                self.fp = raw
        if head.last_line not in (b"\r\n", b"\n"):
            raise IncompleteRead(head.last_line)


class _TimedConnection(HTTPConnection):
    response_class = _TimedResponse


class _TimedTlsConnection(HTTPSConnection):
    response_class = _TimedResponse


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TimedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection


_POOLS: Final = {"http": _TimedPool, "https": _TimedTlsPool}


def _context() -> ssl.SSLContext:
    """TLS as it is spoken here: checked, 1.2 at least, and its keys written nowhere.

    urllib3 makes one for itself otherwise, and that one writes the keys of every session into the file that
    the variable SSLKEYLOGFILE names. The authorities are added by requests.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class DeadlineAdapter(HTTPAdapter):
    """The transport of requests with no retries of its own and with total deadlines."""

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_maxsize=_POOL_SIZE)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes the pools whose answers keep the deadline."""
        super().init_poolmanager(*args, ssl_context=_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The same through a proxy."""
        manager = super().proxy_manager_for(proxy, ssl_context=_context(), **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
