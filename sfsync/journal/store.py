"""What a journal needs of the database it lives in; `sqlite/` and `postgres/` each give one `Store`.

The SQL is the same in both (`sql_journal.py`). A store adds what is not: transactions that are durable when they
return, locks that die with their holder, and which file or database the journal's messages name.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from sfsync.journal.upserts import Upserts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds a run's lock; a holder that has not written its name yet has only the lock's name."""

    name: str
    host: str = ""
    pid: str = ""
    started_at: str = ""

    def described(self) -> str:
        """The holder in a sentence."""
        if not (self.host and self.pid and self.started_at):
            return "another process"
        return f"process {self.pid} on {self.host} since {self.started_at}"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What opening a journal changed: the steps that were applied, and the copy that was made before them.

    A journal in PostgreSQL is not copied: its backups are the database's.
    """

    place: str
    steps: tuple[str, ...] = ()
    backup: Path | None = None


class Store(Protocol):
    """One database with a journal in it. Every method may raise `JournalError`, and nothing else of ours."""

    backend: str
    """What kind of database it is, in a person's words."""

    place: str
    """Where it is, without a password: what messages name."""

    upserts: Upserts

    upgrade: Upgrade
    """What opening it changed."""

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs the work in one transaction; what it wrote is durable when this returns.

        The work may run again from its start when its first transaction surely came to nothing.
        """
        ...

    def read(self, work: Callable[[Connection], T]) -> T:
        """Runs the work on one moment of the database; blocks no writer."""
        ...

    def lock(self, name: str, *, at: str) -> AbstractContextManager[None]:
        """Holds the run lock of that name while the block runs.

        Raises:
            LockHeld: another run holds it.
        """
        ...

    def refuse_lost_locks(self, connection: Connection) -> None:
        """Checks, inside a transaction that is about to commit intents, that all locks taken are still held.

        Raises:
            JournalError: one is lost (`LOCK_LOST`): nothing may be sent.
        """
        ...

    def holders(self) -> list[LockHolder]:
        """Who holds which run lock now."""
        ...

    def note_sequence(self, sequence: int) -> None:
        """Notes outside the database how far the journal has come, so that an older copy of it is recognised."""
        ...

    def close(self) -> None:
        """Lets go of the database."""
        ...
