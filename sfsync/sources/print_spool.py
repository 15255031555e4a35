"""The prints of a reading beside the prints that are known, in a private temporary file: which groups differ.

A million rows would not fit into memory beside the run, so both lie in an SQLite file of this process (0600, gone
with it) and are joined there. A print that one side has more often than the other is different, too.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sfsync.core.resync.memory import KnownPrint
from sfsync.core.resync.prints import RowPrint

_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE rows (section TEXT, number INTEGER, ordinal INTEGER, print BLOB, grp BLOB);
CREATE TABLE known (print BLOB PRIMARY KEY, grp BLOB, copies INTEGER) WITHOUT ROWID;
CREATE TABLE touched (grp BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE present (print BLOB PRIMARY KEY, grp BLOB, copies INTEGER) WITHOUT ROWID;
CREATE TABLE groups (grp BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class PrintSpool:
    """See `engine.sifting.sifting.PrintTable`."""

    def __init__(self) -> None:
        number, name = tempfile.mkstemp(prefix="sfsync-prints-", suffix=".sqlite")
        os.close(number)
        self._connection = sqlite3.connect(name, isolation_level=None)
        self._close = weakref.finalize(self, _remove, self._connection, Path(name))
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")

    def close(self) -> None:
        """Removes the file."""
        self._close()

    def put_rows(self, section: str, rows: Iterable[tuple[int, RowPrint]]) -> None:
        """Adds rows of a section, each with its number in the reading."""
        self._connection.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?)", ((section, number, *row) for number, row in rows)
        )

    def put_known(self, prints: Sequence[KnownPrint]) -> None:
        """Adds prints of settled rows."""
        self._connection.executemany(
            "INSERT INTO known VALUES (?, ?, ?)", [(each.print, each.group, each.copies) for each in prints]
        )

    def compare(self) -> None:
        """Touches every group of which a row is new, gone, or there another number of times."""
        for statement in (
            "INSERT INTO present SELECT print, min(grp), count(*) FROM rows GROUP BY print",
            "INSERT OR IGNORE INTO groups SELECT DISTINCT grp FROM present",
            """INSERT OR IGNORE INTO touched SELECT present.grp FROM present LEFT JOIN known USING (print)
               WHERE known.copies IS NOT present.copies OR known.grp IS NOT present.grp""",
            """INSERT OR IGNORE INTO touched SELECT known.grp FROM known LEFT JOIN present USING (print)
               WHERE known.copies IS NOT present.copies OR known.grp IS NOT present.grp""",
        ):
            self._connection.execute(statement)

    def touch(self, groups: Iterable[bytes] | None) -> None:
        """Touches groups, or all that there are."""
        if groups is None:
            for table in ("groups", "known"):
                self._connection.execute(f"INSERT OR IGNORE INTO touched SELECT grp FROM {table}")  # noqa: S608
            return
        self._connection.executemany("INSERT OR IGNORE INTO touched VALUES (?)", ((each,) for each in groups))

    def touched(self) -> int:
        """How many groups are touched."""
        return int(self._connection.execute("SELECT count(*) FROM touched").fetchone()[0])

    def is_touched(self, group: bytes) -> bool:
        """Whether a group is touched."""
        return self._has("touched", group)

    def is_left_out(self, group: bytes) -> bool:
        """Whether a group is in the source and not touched."""
        return self._has("groups", group) and not self.is_touched(group)

    def is_known(self, group: bytes) -> bool:
        """Whether a group of the source has settled rows, and all of its rows are."""
        return self.is_left_out(group)

    def _has(self, table: str, group: bytes) -> bool:
        found = self._connection.execute(f"SELECT 1 FROM {table} WHERE grp = ?", (group,))  # noqa: S608
        return found.fetchone() is not None

    def lost(self) -> Iterator[bytes]:
        """The touched groups of which the source has no row."""
        rows = self._connection.execute(
            "SELECT grp FROM touched WHERE NOT EXISTS (SELECT 1 FROM groups WHERE groups.grp = touched.grp)"
        )
        return (bytes(each[0]) for each in rows)

    def rows(self, section: str) -> Iterator[tuple[int, RowPrint]]:
        """The rows of touched groups, in the order of the reading, each with its number there."""
        found = self._connection.execute(
            """SELECT number, ordinal, print, rows.grp FROM rows
               JOIN touched ON touched.grp = rows.grp WHERE section = ? ORDER BY number""",
            (section,),
        )
        return ((row[0], RowPrint(row[1], bytes(row[2]), bytes(row[3]))) for row in found)


def _remove(connection: sqlite3.Connection, path: Path) -> None:
    connection.close()
    path.unlink(missing_ok=True)
