"""Run locks on PostgreSQL: session-level advisory locks on a connection of their own, freed when it ends.

The server frees a lock as soon as its holder's connection is gone, on SIGKILL at once. So a holder asks before each
intent whether its connection still lives. A connection can also die unnoticed, and another run begin: that run
writes its token over ours, and each intent's own transaction compares the token. Either our intent commits
first, and the new holder sees and settles it, or the intent fails. A name is hashed to the 64 bits of an
advisory lock, with the journal's id, so that journals in one database keep apart; the readable holder stands
in a table. Source: PostgreSQL, "Advisory Locks", "Explicit Locking" (FOR SHARE).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Final

from sqlalchemy import Connection, Engine, delete, select, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sfsync.errors import JournalError, LockHeld
from sfsync.journal.postgres.failures import translated
from sfsync.journal.postgres.tables import RUN_LOCKS
from sfsync.journal.store import LockHolder

_TRY: Final = text("SELECT pg_try_advisory_lock(:key)")
_FREE: Final = text("SELECT pg_advisory_unlock(:key)")
_BACKEND: Final = text("SELECT pg_backend_pid()")
_HOLDERS: Final = text(
    "SELECT r.name, r.host, r.pid, r.started_at, r.lock_key FROM run_locks r JOIN pg_locks l"
    " ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid = r.backend"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND ((l.classid::bigint << 32) | l.objid::bigint) = r.lock_key ORDER BY r.name"
)


@dataclass(frozen=True, slots=True)
class _Held:
    key: int
    token: str
    backend: int


class AdvisoryLocks:
    """The run locks of one open journal; its connection is made with the first lock and ends with the last."""

    def __init__(self, engine: Engine, *, journal_id: str, place: str) -> None:
        self._engine = engine
        self._journal_id = journal_id
        self._place = place
        self._guard = RLock()
        self._session: Connection | None = None
        self._held: dict[str, _Held] = {}

    @contextmanager
    def hold(self, name: str, *, at: str) -> Iterator[None]:
        """Holds the lock of that name while the block runs.

        Raises:
            LockHeld: another run holds it.
        """
        with self._guard, translated(self._place):
            self._take(name, at)
        try:
            yield
        finally:
            with self._guard, translated(self._place):
                self._release(name)

    def refuse_lost(self, connection: Connection) -> None:
        """Checks that every lock taken is still held; `connection` is in the transaction of an intent.

        Raises:
            JournalError: one is lost (`LOCK_LOST`).
        """
        with self._guard:
            if not self._held:
                return
            self._refuse_dead_session()
            query = select(RUN_LOCKS.c.name, RUN_LOCKS.c.token).where(RUN_LOCKS.c.name.in_(self._held))
            tokens = {row.name: row.token for row in connection.execute(query.with_for_update(read=True))}
            for name, held in self._held.items():
                if tokens.get(name) != held.token:
                    raise _lost(name, "another run has taken it")

    def close(self) -> None:
        """Lets go of all locks."""
        with self._guard:
            self._held.clear()
            self._end_session()

    def _take(self, name: str, at: str) -> None:
        key = self._key_of(name)
        if name in self._held:
            raise _held_by(name, LockHolder(name, socket.gethostname(), str(os.getpid()), at))
        session, backend = self._live_session()
        if not session.execute(_TRY, {"key": key}).scalar_one():
            holders = {row.lock_key: row for row in session.execute(_HOLDERS)}
            self._end_session_if_idle()
            row = holders.get(key)
            raise _held_by(
                name, LockHolder(name, row.host, row.pid, row.started_at) if row else LockHolder(name)
            )
        held = _Held(key, secrets.token_hex(16), backend)
        try:
            session.execute(_note(name, held, at=at))
        except BaseException:
            self._free(key)
            raise
        self._held[name] = held

    def _release(self, name: str) -> None:
        held = self._held.pop(name)
        if self._session is not None:
            # A connection that is gone has freed the lock, and whoever has it now keeps its note.
            with contextlib.suppress(SQLAlchemyError):
                own = (RUN_LOCKS.c.name == name, RUN_LOCKS.c.token == held.token)
                self._session.execute(delete(RUN_LOCKS).where(*own))
            self._free(held.key)

    def _free(self, key: int) -> None:
        if self._session is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._session.execute(_FREE, {"key": key})
        self._end_session_if_idle()

    def _refuse_dead_session(self) -> None:
        backend = self._backend()
        for name, held in self._held.items():
            if held.backend != backend:
                why = "the connection that held it has ended, or a pooler gives us another server session each time"
                raise _lost(name, why)

    def _backend(self) -> int:
        """The server session that answers on the connection of the locks; 0 when there is none any more."""
        if self._session is None:
            return 0
        try:
            return int(self._session.execute(_BACKEND).scalar_one())
        except DBAPIError:
            self._end_session()
            return 0

    def _live_session(self) -> tuple[Connection, int]:
        backend = self._backend()
        if self._session is None:
            self._session = self._engine.connect()
            backend = int(self._session.execute(_BACKEND).scalar_one())
        return self._session, backend

    def _end_session_if_idle(self) -> None:
        if not self._held:
            self._end_session()

    def _end_session(self) -> None:
        if self._session is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._session.close()
            self._session = None

    def _key_of(self, name: str) -> int:
        text_of_both = f"{self._journal_id}\n{name}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(text_of_both, digest_size=8).digest(), signed=True)


def holders(connection: Connection) -> list[LockHolder]:
    """Who holds which run lock now."""
    return [LockHolder(row.name, row.host, row.pid, row.started_at) for row in connection.execute(_HOLDERS)]


def _note(name: str, held: _Held, *, at: str) -> Insert:
    row = {
        "lock_key": held.key,
        "token": held.token,
        "backend": held.backend,
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
        "started_at": at,
    }
    return insert(RUN_LOCKS).values(name=name, **row).on_conflict_do_update(index_elements=["name"], set_=row)


def _held_by(name: str, holder: LockHolder) -> LockHeld:
    return LockHeld(
        f"{name} is being run by {holder.described()}.",
        code="LOCK_HELD",
        hint="Wait for that run to end, or stop it; the lock is free as soon as its process is gone.",
    )


def _lost(name: str, why: str) -> JournalError:
    return JournalError(
        f"The run lock of {name} is lost: {why}. Another run may have begun.",
        code="LOCK_LOST",
        hint="Nothing was sent after it was lost. Run again, or go on with sfsync resume.",
    )
