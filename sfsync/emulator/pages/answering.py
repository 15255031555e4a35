"""Which pages there are, who may look at them, and the answer to each.

The addresses of records are those of the platform's own pages. Only a browser that names this machine as host gets
one, so that no page of the internet can read them through a name that leads here (DNS rebinding).
Source: Lightning Experience addresses: /lightning/r/<sObject>/<id>/view, /lightning/o/<sObject>/list.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from sfsync.emulator.org.org import Org
from sfsync.emulator.pages.html import POLICY, page, tag
from sfsync.emulator.pages.looking import Look, org_name
from sfsync.emulator.pages.pipeline import pipeline_page, start_page
from sfsync.emulator.pages.record_pages import account_page, contact_page, opportunity_page
from sfsync.emulator.wire.messages import TEXT_TYPE, Reply, Request

_RECORD: Final = re.compile(r"/lightning/r/(\w+)/(\w+)/view/?")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_RECORDS: Final[dict[str, Callable[[Look, str], bytes | None]]] = {
    "Account": account_page,
    "Contact": contact_page,
    "Opportunity": opportunity_page,
}
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_page(path: str) -> bool:
    """Whether a path is one of the emulator's own pages."""
    return path == "/" or path.startswith("/lightning/")


def answer_page(org: Org, request: Request) -> Reply:
    """Answer a look at a page."""
    name = org_name(org)
    if not _is_local(request.headers.get("host", "")):
        told = "Only a browser on this machine may look: open the address that the emulator printed."
        return _reply(403, page("Not from there", name, tag("p", told)))
    if request.method not in ("GET", "HEAD"):
        return _reply(405, page("Only to look at", name, tag("p", "These pages change nothing.")))
    body = _body(Look(org, request), request.path)
    if body is None:
        return _reply(404, page("There is no such page", name, tag("p", "The record may be gone.")))
    return _reply(200, body)


def _body(look: Look, path: str) -> bytes | None:
    if path == "/":
        return start_page(look)
    if path.rstrip("/") == "/lightning/o/Opportunity/list":
        return pipeline_page(look)
    found = _RECORD.fullmatch(path)
    show = _RECORDS.get(found[1]) if found else None
    return show(look, found[2]) if found and show else None


def _is_local(host: str) -> bool:
    try:
        return (urlsplit(f"//{host}").hostname or "") in _LOOPBACK
    except ValueError:
        return False


def _reply(status: int, body: bytes) -> Reply:
    return Reply(status, body, headers=dict(_HEADERS), content_type=TEXT_TYPE)
