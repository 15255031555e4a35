"""One POST to an address of a hook: checked TLS, no redirect, no proxy, no cookie, a bounded answer.

Answers with a sentence that says why it did not work, in which no part of the address stands but its host.
`timeout_s` is for each wait of the exchange; the whole is bounded by whoever waits for it (`errands`).
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from typing import IO, Final

from sfsync.core.hook_address import address_mistake

MOST_ANSWER_BYTES: Final = 4096
AGENT: Final = "sfsync"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where an answer would lead is nobody's choice but the user's."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> None:
        """Follows none; the answer itself then counts as one that is not 2xx."""
        del req, fp, code, msg, headers, newurl


def post(url: str, body: bytes, *, content_type: str, timeout_s: float) -> str:
    """Sends the body; returns "" when it was taken (2xx), else why not."""
    mistake = address_mistake(url)
    if mistake:
        return f"the address {mistake}"
    request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310 - the scheme is checked above
    request.add_header("Content-Type", content_type)
    request.add_header("User-Agent", AGENT)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_context()), _NoRedirect()
    )
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            answer.read(MOST_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        error.close()
        return _of_status(error.code)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _of_failure(error)
    return ""


def _of_status(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}, a redirect, which is not followed"
    return f"it answered {status}"


def _of_failure(error: Exception) -> str:
    """Why there was no answer, without the error's own text, which may repeat the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(reason, ssl.SSLError):
        return "it does not speak TLS as it must"
    if isinstance(reason, TimeoutError):
        return "it did not answer in time"
    if isinstance(reason, ConnectionRefusedError):
        return "nobody answers there"
    return f"it cannot be reached ({type(reason).__name__})"


def _context() -> ssl.SSLContext:
    """Checked TLS, 1.2 at least. A context made by hand writes no keys where SSLKEYLOGFILE says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context
