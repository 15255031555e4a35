"""Whether a host is this machine: what leaves it must be encrypted."""

from __future__ import annotations

import ipaddress


def is_here(host: str) -> bool:
    """Whether a host is this machine; none and a path are a socket file."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
