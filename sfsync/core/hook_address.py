"""Which addresses a hook may go to, and how they are named in print: the path of a ping is a secret.

https only, or plain http to this machine; no login in the address. Nothing here repeats an address that is wrong,
because a token may stand anywhere in it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from sfsync.core.orgs.hosts import is_here

LONGEST: Final = 2000
"""Characters that an address may have; longer ones are no address of a ping or webhook."""


def address_mistake(url: str) -> str:
    """What is wrong with the address of a hook, as it goes on after its name; "" where it can be used."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        return "is no plain address of at most 2,000 characters"
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no address that begins with https://"
    if parts.username is not None or parts.password is not None:
        return "holds a login; what is secret of it belongs into its path"
    if parts.scheme == "http" and not is_here(parts.hostname):
        return "goes to another machine unencrypted; give one that begins with https://"
    return ""


def shown_address(url: str) -> str:
    """The address as it may be printed: its host, and that something follows."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return "an address"
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}/..."


def ping_address(url: str, signal: str) -> str:
    """The address for a signal of a ping: `start`, `fail`, or "" for success. A query stays where it is.

    Source: healthchecks.io, "Pinging API": URL/start, URL, URL/fail.
    """
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{signal}" if signal else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number is found only when it is asked for
    except ValueError:
        return None
    return parts
