"""A private database without a name for what one planning puts aside, gone with the process however it ends.

Nothing in it is worth a flush: losing it loses a plan that nobody has seen.
Source: SQLite, "Temporary Databases" (an empty name: on disk as soon as the cache is full, removed when closed).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from sfsync.core.scratch import Scratch

CACHE_KIB: Final = 8_192
"""So much of it is in memory at most."""

_AT_ONCE: Final = 500
_PAGE: Final = 1_000


class SqliteScratch:
    """Implements `core.scratch.Scratch`."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._spaces: dict[str, int] = {}
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{CACHE_KIB}",
            "CREATE TABLE entries (number INTEGER PRIMARY KEY, space INTEGER, key BLOB, data BLOB)",
            "CREATE INDEX by_key ON entries (space, key)",
        ):
            self._connection.execute(statement)

    def put(self, space: str, entries: Iterable[tuple[str, bytes]]) -> None:
        """Adds entries to a space."""
        number = self._spaces.setdefault(space, len(self._spaces))
        rows = ((number, _bytes(key), data) for key, data in entries)
        self._connection.execute("begin")
        self._connection.executemany("INSERT INTO entries (space, key, data) VALUES (?, ?, ?)", rows)
        self._connection.execute("commit")

    def get(self, space: str, keys: Collection[str]) -> dict[str, list[bytes]]:
        """The entries under those keys that have any."""
        number = self._spaces.get(space)
        found: dict[str, list[bytes]] = {}
        asked = iter(keys if number is not None else ())
        while some := [_bytes(each) for each in islice(asked, _AT_ONCE)]:
            places = ",".join("?" * len(some))
            query = f"SELECT key, data FROM entries WHERE space = ? AND key IN ({places}) ORDER BY number"  # noqa: S608
            for key, data in self._connection.execute(query, (number, *some)):
                found.setdefault(_text(key), []).append(data)
        return found

    def all(self, space: str) -> Iterator[tuple[str, bytes]]:
        """All entries of a space, in the order in which they came; others may be added meanwhile."""
        number, last = self._spaces.get(space), 0
        query = "SELECT number, key, data FROM entries WHERE space = ? AND number > ? ORDER BY number LIMIT ?"
        while number is not None and (
            rows := self._connection.execute(query, (number, last, _PAGE)).fetchall()
        ):
            for last, key, data in rows:  # noqa: B007 - the last one is where the next page begins
                yield _text(key), data

    def close(self) -> None:
        """Drops everything."""
        self._connection.close()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


if TYPE_CHECKING:
    _contract: type[Scratch] = SqliteScratch
