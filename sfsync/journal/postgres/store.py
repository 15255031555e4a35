"""The store of a journal in PostgreSQL: one connection that is made anew when it breaks, and never a blind repeat.

A transaction that broke before its COMMIT was sent surely came to nothing, and is done again. One that broke at its
COMMIT is in doubt: every write puts its number into this journal's row of `writers`, so a new connection locks that
row, which waits for the server to end the transaction in doubt, and reads whether the number got there. Only
then does the work count as done, or is done again. If nobody can say within the wait, nothing is sent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import DBAPIError

from sfsync.errors import JournalError
from sfsync.journal.mark import SequenceMark
from sfsync.journal.postgres.failures import STOPPED, is_lost, sqlstate, translated
from sfsync.journal.postgres.locks import AdvisoryLocks, holders
from sfsync.journal.postgres.tables import WRITERS
from sfsync.journal.store import LockHolder, Upgrade
from sfsync.journal.upserts import upserts_for

T = TypeVar("T")

_BETWEEN_TRIES_S: Final = 0.2
_HOPELESS: Final = ("28", "3D", "42")
"""Classes of SQLSTATE that a new try to connect would meet again."""


@dataclass(frozen=True, slots=True)
class _Broken:
    """A transaction whose connection was lost; `at_commit` says that nobody knows yet what became of it."""

    error: DBAPIError
    at_commit: bool


class PostgresStore:
    """One open database; made by `open_postgres`."""

    backend = "PostgreSQL"

    def __init__(
        self,
        engine: Engine,
        locks: AdvisoryLocks,
        *,
        mark: SequenceMark,
        journal_id: str,
        writer_id: str,
        place: str,
        wait_s: float,
        upgrade: Upgrade,
    ) -> None:
        self.place = place
        self.upgrade = upgrade
        self.engine = engine
        self.upserts = upserts_for(engine.dialect)
        self._locks = locks
        self._mark = mark
        self._journal_id = journal_id
        self._writer_id = writer_id
        self._wait_s = wait_s
        self._writes = 0

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs the work in one transaction that is committed, and known to be, when this returns.

        Raises:
            JournalError: it failed, or nobody can say whether it took effect (`JOURNAL_IN_DOUBT`).
        """
        deadline = time.monotonic() + self._wait_s
        with translated(self.place):
            while True:
                self._writes += 1
                done: list[T] = []
                broken = self._try(work, done, deadline)
                if broken is None or (broken.at_commit and self._has_landed(broken.error, deadline)):
                    return done[0]
                if time.monotonic() >= deadline:
                    raise broken.error

    def read(self, work: Callable[[Connection], T]) -> T:
        """Runs the work on one moment of the database."""
        deadline = time.monotonic() + self._wait_s
        with translated(self.place):
            while True:
                try:
                    with self._connected(deadline) as connection:
                        one_moment = connection.execution_options(
                            isolation_level="REPEATABLE READ", postgresql_readonly=True
                        )
                        with one_moment.begin():
                            return work(one_moment)
                except DBAPIError as error:
                    if not is_lost(error) or time.monotonic() >= deadline:
                        raise

    def lock(self, name: str, *, at: str) -> AbstractContextManager[None]:
        """Holds a run lock of the journal while the block runs.

        Raises:
            LockHeld: another run holds it, on whatever host.
        """
        return self._locks.hold(name, at=at)

    def refuse_lost_locks(self, connection: Connection) -> None:
        """Stops when the connection of the locks has ended, or another run has taken one of them."""
        self._locks.refuse_lost(connection)

    def holders(self) -> list[LockHolder]:
        """Who holds which run lock, on whatever host."""
        return self.read(holders)

    def note_sequence(self, sequence: int) -> None:
        """Raises the mark in this host's state folder."""
        with translated(str(self._mark.path)):
            self._mark.raise_to(self._journal_id, sequence)

    def close(self) -> None:
        """Lets go of the database; a server that is gone keeps nothing of ours but a row of `writers`."""
        self._locks.close()
        own = WRITERS.c.writer_id == self._writer_id
        with contextlib.suppress(DBAPIError), self.engine.begin() as connection:
            connection.execute(delete(WRITERS).where(own))
        self.engine.dispose()
        self._mark.close()

    def _try(self, work: Callable[[Connection], T], done: list[T], deadline: float) -> _Broken | None:
        """One transaction; None when it is committed, else how its connection broke."""
        at_commit = False
        try:
            with self._connected(deadline) as connection:
                transaction = connection.begin()
                done.append(work(connection))
                self._sign(connection)
                at_commit = True
                transaction.commit()
        except DBAPIError as error:
            if not is_lost(error):
                raise
            return _Broken(error, at_commit)
        return None

    def _sign(self, connection: Connection) -> None:
        own = update(WRITERS).where(WRITERS.c.writer_id == self._writer_id)
        if connection.execute(own.values(last_write=self._writes)).rowcount != 1:
            raise JournalError(
                f"The journal {self.place} is not the one that was opened: its database was replaced meanwhile.",
                code="JOURNAL_REPLACED",
                hint=f"{STOPPED}Run again: the journal is then checked as a restored one.",
            )

    def _has_landed(self, error: DBAPIError, deadline: float) -> bool:
        """Whether the transaction in doubt took effect; waits for the server to end it."""
        own = select(WRITERS.c.last_write).where(WRITERS.c.writer_id == self._writer_id)
        while True:
            try:
                with self._connected(deadline) as connection, connection.begin():
                    return connection.execute(own.with_for_update()).scalar() == self._writes
            except DBAPIError as again:
                if not is_lost(again) or time.monotonic() >= deadline:
                    raise self._in_doubt() from error

    def _in_doubt(self) -> JournalError:
        return JournalError(
            f"The journal {self.place} lost its connection at a commit, and cannot be asked what became of it.",
            code="JOURNAL_IN_DOUBT",
            hint="Nothing was sent. Once the database answers, run again: what is open is settled first.",
        )

    def _connected(self, deadline: float) -> Connection:
        """A connection; while the server does not answer, it is tried again until the deadline."""
        while True:
            try:
                return self.engine.connect()
            except DBAPIError as error:
                if time.monotonic() >= deadline or sqlstate(error).startswith(_HOPELESS):
                    raise
            time.sleep(_BETWEEN_TRIES_S)
