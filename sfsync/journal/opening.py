"""Opens the journal where the state is kept: in the SQLite file of a folder, or in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sfsync.journal.sql_journal import SqlJournal
from sfsync.journal.state import StatePlace
from sfsync.journal.store import Store, Upgrade


def open_journal(
    where: StatePlace | Path, *, clock: Callable[[], datetime], busy_wait_s: float = 30.0
) -> SqlJournal:
    """The journal of that place, made if there never was one; a folder alone means SQLite.

    `clock` gives aware UTC times; `busy_wait_s` is how long a write waits for another process.

    Raises:
        JournalError: the journal is missing, damaged, newer, another program's, or cannot be written.
        ConfigError: the driver of PostgreSQL is not installed, or its URL cannot be read.
    """
    place = where if isinstance(where, StatePlace) else StatePlace(where)
    return SqlJournal(_open_store(place, at=clock().isoformat(), busy_wait_s=busy_wait_s), clock=clock)


def require_journal(where: StatePlace | Path) -> None:
    """Stops where there never was a journal, instead of making one.

    Raises:
        ConfigError: there is none.
    """
    place = where if isinstance(where, StatePlace) else StatePlace(where)
    if place.database is None:
        from sfsync.journal.sqlite.opening import refuse_none

        refuse_none(place.folder)


def upgrade_journal(where: StatePlace | Path, *, clock: Callable[[], datetime]) -> Upgrade:
    """Brings the journal of that place up to this version; every start does that, this one says so.

    Raises:
        ConfigError: there is no journal.
        JournalError: see `open_journal`.
    """
    require_journal(where)
    with open_journal(where, clock=clock) as journal:
        return journal.upgrade


def _open_store(place: StatePlace, *, at: str, busy_wait_s: float) -> Store:
    if place.database is not None:
        from sfsync.journal.postgres.opening import open_postgres

        return open_postgres(place.database, place.folder, at=at, busy_wait_s=busy_wait_s)
    from sfsync.journal.sqlite.opening import open_sqlite

    return open_sqlite(place.folder, at=at, busy_wait_s=busy_wait_s, may_be_shared=place.may_be_shared)
