"""Decides which hosts may ever see a token: https only, or plain http to a literal loopback address.

Every URL that a profile, a token answer or a query answer gives passes through here before it is used.
Invariants: a URL with a user part, a query, a fragment or a path is no origin; an address that a token
answer names must be the login host itself or end, by whole labels, in a domain of Salesforce; a target is a
path on the host that is already open, so an answer can never name another host.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sfsync.errors import AccessError, ConfigError

_SALESFORCE_DOMAINS: Final = ("salesforce.com", "force.com", "salesforce.mil", "cloudforce.com")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]+\]")
_PLAIN: Final = re.compile(r"[!\"$-\[\]-~]*")
"""Printed ASCII without the blank, the fragment mark and the backslash."""

_TARGET: Final = re.compile(r"/services/(?:[A-Za-z0-9_.~%!$&'()*+,;=:@-]+/)*[A-Za-z0-9_.~%!$&'()*+,;=:@-]*/?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port that were found safe to speak to."""

    scheme: str
    host: str
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def is_plain(self) -> bool:
        """Whether the connection is plain http, which only loopback may be."""
        return self.scheme == "http"


def parse_origin(url: str, *, loopback: bool) -> Origin:
    """The origin of a URL that a profile names.

    Raises:
        ConfigError: the URL is not https (nor plain http to a loopback address where `loopback` allows it),
            or has more than scheme, host and port.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("it is no URL") from None
    if parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise _refused("it must be only a scheme and a host, such as https://name.my.salesforce.com")
    host = (parts.hostname or "").rstrip(".")
    shown_host = f"[{host}]" if ":" in host else host
    if url != url.strip() or not _HOST.fullmatch(shown_host):
        raise _refused("its host is no plain ASCII name or address")
    if parts.scheme == "http" and not (loopback and is_loopback(host)):
        raise _refused(
            "plain http goes to this machine alone, where the profile says so", hint=_LOOPBACK_HINT
        )
    if parts.scheme not in ("http", "https"):
        raise _refused("it does not begin with https://")
    return Origin(parts.scheme, shown_host, port)


def require_proxy(url: str) -> None:
    """Refuses a proxy that could not be used, before a lost answer is taken for one of the org.

    Raises:
        ConfigError: it is not http(s)://[user:password@]host[:port].
    """
    try:
        parts = urlsplit(url)
        is_proxy = parts.scheme in ("http", "https") and (parts.port is None or parts.port > 0)
        host = parts.hostname or ""
    except ValueError:
        is_proxy, host = False, ""
    is_host = _HOST.fullmatch(f"[{host}]" if ":" in host else host) is not None
    if not (is_proxy and is_host) or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError(
            "the proxy of the org profile cannot be used", code="BAD_PROXY", hint="such as http://proxy:3128"
        )


def trusted_instance(url: object, *, login: Origin, loopback: bool) -> Origin:
    """The origin that a token answer names, when a token may be sent there.

    Raises:
        AccessError: the address is not the login host and not a host of Salesforce.
    """
    try:
        origin = parse_origin(url if isinstance(url, str) else "", loopback=loopback)
    except ConfigError:
        origin = None
    if origin is not None and (
        origin.host == login.host
        or is_salesforce_host(origin.host)
        or (loopback and is_loopback(origin.host.strip("[]")))
    ):
        return origin
    raise AccessError(
        "the login answered with an instance_url that is no address of Salesforce",
        code="FOREIGN_INSTANCE",
        hint="check the login_url of the org profile; the token was not sent there",
    )


def is_salesforce_host(host: str) -> bool:
    """Whether the host is one of Salesforce's domains, or ends in one by whole labels."""
    return any(host == each or host.endswith("." + each) for each in _SALESFORCE_DOMAINS)


def is_loopback(host: str) -> bool:
    """Whether the host is `localhost` or a literal loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe_target(target: str) -> bool:
    """Whether a path (with an optional query) stays under /services/ of the host that is open."""
    path, _, _ = target.partition("?")
    if _PLAIN.fullmatch(target) is None:
        return False
    return _TARGET.fullmatch(path) is not None and not {".", ".."} & set(
        path.lower().replace("%2e", ".").split("/")
    )


_HINT: Final = "give the address of the org, such as https://name.my.salesforce.com"
_LOOPBACK_HINT: Final = (
    "for an emulator here: loopback = true in the profile, or SFSYNC_ORGS__NAME__LOOPBACK=true; else https://"
)


def _refused(reason: str, *, hint: str = _HINT) -> ConfigError:
    return ConfigError(
        f"the org profile names an address that cannot be used: {reason}",
        code="BAD_ORG_URL",
        hint=hint,
    )
