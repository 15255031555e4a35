"""Open query results that are read page by page.

A locator is opaque to clients. Pages are slices of the rows as they were when the query ran.
Source: REST API Developer Guide, Query More Results [D]: 2,000 rows a page, 200 at least.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.ids import in_base62

PAGE_ROWS: Final = 2000
LEAST_PAGE_ROWS: Final = 200
_MOST_OPEN: Final = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """A result in memory and the size of its pages."""

    records: Sequence[dict[str, Any]]
    page_rows: int


class Cursors:
    """The open cursors of one org."""

    def __init__(self, pod: str) -> None:
        self._pod = pod
        self._open: dict[str, Cursor] = {}
        self._number = 0
        self._lock = threading.Lock()

    def keep(self, cursor: Cursor) -> str:
        """Remember a result and return its locator; the oldest is forgotten when there are too many."""
        with self._lock:
            self._number += 1
            locator = f"0r8{self._pod}{in_base62(self._number, 10)}"
            self._open[locator] = cursor
            if len(self._open) > _MOST_OPEN:
                del self._open[next(iter(self._open))]
        return locator

    def page(self, locator: str) -> tuple[Cursor, str, int]:
        """Return the cursor of `<locator>-<offset>`, its name and the offset.

        Raises: ApiError INVALID_QUERY_LOCATOR when it is unknown or expired.
        """
        name, _, offset = locator.rpartition("-")
        cursor = self._open.get(name)
        if cursor is None or not offset.isdigit():
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return cursor, name, int(offset)

    def expire_all(self) -> None:
        """Forget every cursor."""
        with self._lock:
            self._open.clear()
