"""The store of a journal in one SQLite file: one connection, WAL, `synchronous=FULL`, run locks by `flock`.

Every write transaction takes the file's write lock at its start, so nothing in it is decided on an older picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from sfsync.journal.mark import SequenceMark
from sfsync.journal.sqlite.connecting import reading, writing
from sfsync.journal.sqlite.failures import translated
from sfsync.journal.sqlite.locks import RunLock, holders, run_lock
from sfsync.journal.sqlite.marker import LastSeen, Marker, alone
from sfsync.journal.store import LockHolder, Upgrade
from sfsync.journal.upserts import upserts_for

T = TypeVar("T")


class SqliteStore:
    """One open file; made by `open_sqlite`."""

    backend = "SQLite"

    def __init__(
        self,
        engine: Engine,
        *,
        marker: Marker,
        mark: SequenceMark,
        journal_id: str,
        path: Path,
        upgrade: Upgrade,
    ) -> None:
        self.upgrade = upgrade
        self.path = path
        self.place = str(path)
        self.engine = engine
        self.upserts = upserts_for(engine.dialect)
        self._marker = marker
        self._mark = mark
        self._journal_id = journal_id
        self._held: dict[str, RunLock] = {}

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs the work in one transaction that is on the disk when this returns."""
        with translated(self.path), writing(self.engine) as connection:
            return work(connection)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Runs the work on one moment of the file."""
        with translated(self.path), reading(self.engine) as connection:
            return work(connection)

    @contextmanager
    def lock(self, name: str, *, at: str) -> Iterator[None]:
        """Holds a run lock of the state folder while the block runs.

        Raises:
            LockHeld: another run holds it.
        """
        with run_lock(self.path.parent, name, at=at) as lock:
            self._held[name] = lock
            try:
                yield
            finally:
                del self._held[name]

    def refuse_lost_locks(self, connection: Connection) -> None:
        """Stops when the file of a lock was removed or replaced: another process may hold the new one."""
        del connection
        for lock in self._held.values():
            lock.refuse_lost()

    def holders(self) -> list[LockHolder]:
        """Who holds which run lock of the state folder."""
        return holders(self.path.parent)

    def note_sequence(self, sequence: int) -> None:
        """Raises the mark beside the file."""
        with translated(self._mark.path):
            self._mark.raise_to(self._journal_id, sequence)

    def close(self) -> None:
        """Lets go of the file, and notes how it was left."""
        with translated(self.path), alone(self.path.parent):
            self._marker.write(LastSeen.CLOSED)
            self.engine.dispose()
            self._mark.close()
            self._marker.note_left()
