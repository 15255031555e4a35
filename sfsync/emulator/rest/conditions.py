"""Conditional headers on records and describes: 304 when nothing changed, 412 when something did.

Dates have a grain of one second and compare with LastModifiedDate; entity tags exist for Account only.
Source: REST API Developer Guide, Conditional Requests [D]; the code in a 412 body is inferred [I].
"""

import hashlib
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.storage import Row

_TAGGED: Final = "Account"


def http_date(stored: str) -> str:
    """Return a stored time in the form of HTTP headers."""
    return format_datetime(datetime.fromisoformat(stored), usegmt=True)


def _header_time(call: Call, name: str) -> str | None:
    text = call.request.headers.get(name)
    if not text:
        return None
    try:
        return stamp(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None


def unchanged_since(call: Call, changed: str) -> bool:
    """Whether If-Modified-Since lets the answer be 304."""
    since = _header_time(call, "if-modified-since")
    return since is not None and changed <= since


def entity_tag(row: Row) -> str:
    """Return the tag of a record's present state."""
    digest = hashlib.sha256(f"{row['Id']}{row['SystemModstamp']}{sorted(map(str, row.values()))}".encode())
    return f'"{digest.hexdigest()[:24]}--gzip"'


def record_headers(sobject: str, row: Row) -> dict[str, str]:
    """Return the headers that let a client ask conditionally later."""
    headers = {"Last-Modified": http_date(row["LastModifiedDate"])}
    if sobject == _TAGGED:
        headers["ETag"] = entity_tag(row)
    return headers


def is_not_modified(call: Call, sobject: str, row: Row) -> bool:
    """Whether a read may be answered with 304."""
    tag = call.request.headers.get("if-none-match")
    if tag and sobject == _TAGGED:
        return tag in {"*", entity_tag(row)}
    return unchanged_since(call, row["LastModifiedDate"])


def check_unmodified(call: Call, changed: str) -> None:
    """Check If-Unmodified-Since.

    Raises: ApiError 412.
    """
    limit = _header_time(call, "if-unmodified-since")
    if limit is not None and changed > limit:
        raise _modified()


def check_preconditions(call: Call, sobject: str, row: Row) -> None:
    """Check If-Unmodified-Since and If-Match before a write or a read.

    Raises: ApiError 412.
    """
    check_unmodified(call, row["LastModifiedDate"])
    tag = call.request.headers.get("if-match")
    if tag and sobject == _TAGGED and tag not in {"*", entity_tag(row)}:
        raise _modified()


def _modified() -> ApiError:
    return ApiError(412, "MODIFIED", "The resource has been modified since the given time")
