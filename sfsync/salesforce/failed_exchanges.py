"""What an exchange proves that ended in an exception: that nothing left, or only that no whole answer came."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Final

import requests
import urllib3.exceptions

from sfsync.core.sending.verdict import Fault


def fault_of(error: BaseException) -> Fault:
    """Only these prove that no byte of the request left: no name, no connection, no tunnel."""
    causes = list(_causes(error))
    if any(isinstance(each, ssl.SSLError) and each.reason in _TLS_REFUSALS for each in causes):
        return Fault.CERTIFICATE
    if any(isinstance(each, OSError) and _TUNNEL_REFUSED.match(str(each)) for each in causes):
        return Fault.PROXY_REFUSED
    if any(isinstance(each, _UNSENT) for each in causes):
        return Fault.UNSENT
    return Fault.CUT


_TLS_REFUSALS: Final = frozenset(
    {
        "CERTIFICATE_VERIFY_FAILED",
        "NO_PROTOCOLS_AVAILABLE",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)
"""OpenSSL's reasons for which a connection is refused before anything is sent on it."""

_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: 4[0-9]{2}\b")
"""What http.client says when a proxy refuses to connect us; before that only its own name was sent."""

_UNSENT: Final = (
    UnicodeError,  # the resolver takes the host for no name
    requests.ConnectTimeout,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ProxyError,
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error with everything it wraps; requests and urllib3 nest by `args` and by `reason`.

    Its context is left out: it could be an older failure that the caller is just handling.
    """
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [*each.args, getattr(each, "reason", None), each.__cause__]
