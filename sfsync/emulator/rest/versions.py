"""API versions: which are served, which are retired, and the entry points under each.

Source: REST API Developer Guide, Versions and Resources by Version [D]; 21 to 30 are retired (410 GONE),
31 up to the org's release served: a release reaches one org weeks before another.
"""

import re
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.wire.messages import Reply

_OLDEST: Final = 31
_RETIRED: Final = range(21, 31)
_SEGMENT: Final = re.compile(r"v(\d{2})\.0")
_KNOWN_RELEASE: Final = 45
_KNOWN_YEAR: Final = 19
_SEASONS: Final = ("Spring", "Summer", "Winter")
_ENTRIES: Final = (
    "sobjects",
    "query",
    "queryAll",
    "limits",
    "composite",
    "ui-api",
    "search",
    "parameterizedSearch",
    "jobs",
)


def served_version(segment: str, *, newest: int) -> str:
    """Return the version of a path segment such as `v66.0`.

    Raises: ApiError 410 for a retired version, 404 for an unknown one.
    """
    match = _SEGMENT.fullmatch(segment)
    number = int(match.group(1)) if match else 0
    if number in _RETIRED:
        message = f"The requested API version v{number}.0 has been retired and is no longer available."
        raise ApiError(410, "GONE", message)
    if not _OLDEST <= number <= newest:
        raise not_found()
    return f"{number}.0"


def list_versions(call: Call) -> Reply:
    """Answer the list of versions, oldest first; needs no session."""
    return Reply(200, [_version(number) for number in range(_OLDEST, call.org.newest_version + 1)])


def _version(number: int) -> dict[str, str]:
    years, season = divmod(number - _KNOWN_RELEASE, 3)
    year = _KNOWN_YEAR + years + (season == len(_SEASONS) - 1)
    url = f"/services/data/v{number}.0"
    return {"label": f"{_SEASONS[season]} '{year}", "url": url, "version": f"{number}.0"}


def list_resources(call: Call) -> Reply:
    """Answer the entry points of a version."""
    base = f"/services/data/v{call.version}/"
    body: dict[str, Any] = {name: base + name for name in _ENTRIES}
    body["identity"] = f"{call.base_url}/id/{call.org.id}/{call.user_id}"
    return Reply(200, body)
