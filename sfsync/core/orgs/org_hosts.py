"""What a host says of the org behind it, without asking anybody.

It is what the address looks like; only the org itself can tell what it is (`sfsync org test`).
Source: Salesforce Help, "My Domain URL Formats": MyDomain--Sandbox.sandbox.my.salesforce.com, with .scratch. and
.develop. for other orgs; before enhanced domains MyDomain--Sandbox.my.salesforce.com.
"""

from __future__ import annotations

from typing import Final

from sfsync.core.orgs.hosts import is_here

_DOMAINS: Final = (".salesforce.com", ".force.com", ".salesforce.mil", ".cloudforce.com")
_PARTITIONS: Final = {
    "sandbox": "sandbox",
    "scratch": "scratch org",
    "develop": "developer org",
    "trailblaze": "playground",
}

UNKNOWN: Final = "unknown"


def is_of_salesforce(host: str) -> bool:
    """Whether the host lies in a domain of Salesforce."""
    return host.lower().endswith(_DOMAINS)


def kind_of_host(host: str | None) -> str:
    """sandbox, production, scratch org, developer org, playground, this machine, or unknown."""
    name = (host or "").lower()
    if not name:
        return UNKNOWN
    if is_here(name):
        return "this machine"
    if not is_of_salesforce(name):
        return UNKNOWN
    labels = name.split(".")
    partition = next((kind for word, kind in _PARTITIONS.items() if word in labels[1:]), None)
    if partition is not None:
        return partition
    return "sandbox" if labels[0] == "test" or "--" in labels[0] else "production"
