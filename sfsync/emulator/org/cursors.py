"""Open query results that are read page by page.

A locator is opaque to clients: only one that was handed out leads on. Pages are slices of the rows as they
were when the query ran, so later writes do not move them.
Invariant: a cursor ends with its last page (where locators serve once), with its age, or when its user opens
too many in an old version.
Source: REST API Developer Guide, Query More Results: 2,000 rows a page, 200 at least, 2 days; at most ten
open cursors a user before version 56 [D].
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.clock import Clock
from sfsync.emulator.org.ids import first_number, in_base62
from sfsync.emulator.switches import LocatorUse, Switches

PAGE_ROWS: Final = 2000
LEAST_PAGE_ROWS: Final = 200
_LIFETIME: Final = timedelta(days=2)
_MOST_OPEN: Final = 10
# Two days is how long a cursor may live, not how long it must: the oldest end early when memory would.
_MOST_ROWS: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a result, how many rows they want at once, and whether their open results are counted."""

    user_id: str
    page_rows: int
    is_capped: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a result; `locator` leads to the rest."""

    total: int
    records: list[dict[str, Any]]
    locator: str | None


@dataclass(slots=True)
class _Cursor:
    name: str
    records: Sequence[dict[str, Any]]
    reader: Reader
    opened: datetime
    reached: int = 0


class Cursors:
    """The open cursors of one org."""

    def __init__(self, pod: str, *, clock: Clock, switches: Switches, starts: int = 0) -> None:
        self._pod = pod
        self._clock = clock
        self._switches = switches
        self._open: dict[str, _Cursor] = {}
        self._number = first_number(starts)
        self._lock = threading.Lock()

    def first_page(self, records: Sequence[dict[str, Any]], reader: Reader) -> Page:
        """Return the first page of a result; the rest stays open."""
        end = self._rows_of(reader)
        if end >= len(records):
            return Page(len(records), list(records), None)
        with self._lock:
            self._close_old(reader)
            self._number += 1
            name = f"0r8{self._pod}{in_base62(self._number, 10)}"
            self._open[name] = _Cursor(name, records, reader, self._clock.now(), reached=end)
        return Page(len(records), list(records[:end]), f"{name}-{end}")

    def next_page(self, locator: str, *, user_id: str) -> Page:
        """Return the page that a locator leads to.

        Raises: ApiError INVALID_QUERY_LOCATOR for one that was never handed out, was used, or is too old.
        """
        with self._lock:
            cursor, start = self._found(locator, user_id)
            end = start + self._rows_of(cursor.reader)
            is_last = end >= len(cursor.records)
            cursor.reached = max(cursor.reached, end)
            if is_last and self._switches.locator_use is LocatorUse.ONCE:
                del self._open[cursor.name]
        following = None if is_last else f"{cursor.name}-{end}"
        return Page(len(cursor.records), list(cursor.records[start:end]), following)

    def expire_all(self) -> None:
        """Forget every cursor."""
        with self._lock:
            self._open.clear()

    def _found(self, locator: str, user_id: str) -> tuple[_Cursor, int]:
        name, _, place = locator.rpartition("-")
        cursor = self._open.get(name)
        if cursor is None or cursor.reader.user_id != user_id or not (place.isascii() and place.isdecimal()):
            raise self._refusal()
        start, rows = int(place), self._rows_of(cursor.reader)
        is_due = start == cursor.reached
        if self._switches.locator_use is LocatorUse.AGAIN:
            is_due = 0 < start <= cursor.reached and start % rows == 0 and start < len(cursor.records)
        if not is_due or self._is_old(cursor):
            raise self._refusal()
        return cursor, start

    def _refusal(self) -> ApiError:
        return ApiError(int(self._switches.locator_status), "INVALID_QUERY_LOCATOR", "invalid query locator")

    def _rows_of(self, reader: Reader) -> int:
        return reader.page_rows // 2 if self._switches.short_pages else reader.page_rows

    def _is_old(self, cursor: _Cursor) -> bool:
        return self._clock.now() - cursor.opened > _LIFETIME

    def _close_old(self, reader: Reader) -> None:
        for cursor in [cursor for cursor in self._open.values() if self._is_old(cursor)]:
            del self._open[cursor.name]
        while sum(len(cursor.records) for cursor in self._open.values()) > _MOST_ROWS:
            del self._open[next(iter(self._open))]
        own = [
            cursor.name
            for cursor in self._open.values()
            if cursor.reader.is_capped and cursor.reader.user_id == reader.user_id
        ]
        for name in own[: max(len(own) - _MOST_OPEN + 1, 0)] if reader.is_capped else ():
            del self._open[name]
