"""Opens the journal of a PostgreSQL database: makes it on the first start, else checks it before it is trusted.

In order: the session is durable, the tables are brought up to this version by one opener at a time, they are the
tables that this version writes to, and the journal is the newest copy of itself.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table, delete, insert, inspect, text

from sfsync.errors import JournalError
from sfsync.journal.identity import Identity, take_up_identity
from sfsync.journal.mark import SequenceMark
from sfsync.journal.migrations import applied_steps, apply_steps, missing_steps
from sfsync.journal.postgres.address import read_address
from sfsync.journal.postgres.connecting import open_engine
from sfsync.journal.postgres.failures import translated
from sfsync.journal.postgres.locks import AdvisoryLocks
from sfsync.journal.postgres.store import PostgresStore
from sfsync.journal.postgres.tables import METADATA as OWN
from sfsync.journal.postgres.tables import WRITERS
from sfsync.journal.schema import METADATA as SHARED
from sfsync.journal.state import make_private_folder
from sfsync.journal.store import Upgrade

_OPENING: Final = text("SELECT pg_advisory_xact_lock(:key)")
_OPENING_KEY: Final = 0x7366736A0000
"""Openers of all journals of a database wait for each other here; the letters are "sfsj"."""

_HOME: Final = text(
    "SELECT oid, (SELECT oid FROM pg_database WHERE datname = current_database()) FROM pg_class"
    " WHERE oid = to_regclass('identity')"
)
_CLUSTER: Final = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint())"
)
_MAY_ASK: Final = text(
    "SELECT has_function_privilege('pg_control_system()', 'execute')"
    " AND has_function_privilege('pg_control_checkpoint()', 'execute')"
)
_FORGOTTEN_AFTER: Final = timedelta(days=365)
"""Writers that were killed leave their row; after a year nobody can still be asking for it."""


def open_postgres(url: str, folder: Path, *, at: str, busy_wait_s: float) -> PostgresStore:
    """The store of the database, made if there never was one; the mark of this host lies in the folder.

    Raises:
        JournalError: the database cannot be reached, is not safe, newer, another program's, or cannot be written.
        ConfigError: the driver is not installed, or the URL cannot be read.
    """
    address = read_address(url)
    name = hashlib.sha256(address.place.encode()).hexdigest()[:12]
    mark = SequenceMark(folder / f"journal-{name}.sequence")
    engine = open_engine(address, busy_wait_s=busy_wait_s)
    writer_id = secrets.token_hex(16)
    with translated(address.place):
        make_private_folder(folder)
        seen = mark.read()
        try:
            with engine.begin() as connection:
                identity, steps = _bring_up(connection, seen, place=address.place, at=at)
            with engine.begin() as connection:
                _sign_in(connection, writer_id, at=at)
        except BaseException:
            engine.dispose()
            raise
        mark.raise_to(identity.journal_id, identity.sequence)
    lock_engine = open_engine(address, busy_wait_s=busy_wait_s, is_for_locks=True)
    return PostgresStore(
        engine,
        AdvisoryLocks(lock_engine, journal_id=identity.journal_id, place=address.place),
        mark=mark,
        journal_id=identity.journal_id,
        writer_id=writer_id,
        place=address.place,
        wait_s=busy_wait_s,
        upgrade=Upgrade(address.place, steps),
    )


def _bring_up(
    connection: Connection, seen: tuple[str, int] | None, *, place: str, at: str
) -> tuple[Identity, tuple[str, ...]]:
    """Applies the steps that are missing, checks the tables and takes up the identity; all of it, or nothing."""
    connection.execute(_OPENING, {"key": _OPENING_KEY})
    if not applied_steps(connection):
        _refuse_foreign(connection, place)
    missing = missing_steps(connection, place)
    apply_steps(connection, missing, at=at)
    _refuse_other_tables(connection, place)
    identity = take_up_identity(connection, home=_home(connection), mark=seen, at=at)
    return identity, tuple(each.name for each in missing)


def _refuse_foreign(connection: Connection, place: str) -> None:
    """Stops before a journal is made between tables of another program that have the names of ours."""
    ours = {each.name for each in (*SHARED.sorted_tables, *OWN.sorted_tables)}
    theirs = sorted(ours & set(inspect(connection).get_table_names()))
    if theirs:
        raise JournalError(
            f"{place} has tables of another program that are called {', '.join(theirs)}.",
            code="JOURNAL_FOREIGN",
            hint="They were left as they are. Give the journal a database or a schema of its own (search_path).",
        )


def _refuse_other_tables(connection: Connection, place: str) -> None:
    """Stops when a table or a column that this version writes to is not there."""
    wanted = [*SHARED.sorted_tables, *OWN.sorted_tables]
    lacking = [name for table in wanted for name in _lacking(connection, table)]
    if lacking:
        raise JournalError(
            f"The journal {place} is damaged: it lacks {', '.join(lacking)}.",
            code="JOURNAL_DAMAGED",
            hint="Nothing was sent. Keep a copy of the database, then put back its last backup.",
        )


def _lacking(connection: Connection, table: Table) -> list[str]:
    inspector = inspect(connection)
    if not inspector.has_table(table.name):
        return [table.name]
    there = {each["name"] for each in inspector.get_columns(table.name)}
    return [f"{table.name}.{name}" for each in table.columns if (name := each.name) not in there]


def _home(connection: Connection) -> str:
    """Where the journal lies: server, its timeline, database and table; a restored or copied one lies elsewhere.

    The timeline moves with every recovery and every failover, after which the last commits may be missing.
    """
    row = connection.execute(_HOME).one()
    cluster = connection.execute(_CLUSTER).one() if connection.execute(_MAY_ASK).scalar() else ("?", "?")
    return f"server {cluster[0]} timeline {cluster[1]} database {row[1]} table {row[0]}"


def _sign_in(connection: Connection, writer_id: str, *, at: str) -> None:
    forgotten = (datetime.fromisoformat(at) - _FORGOTTEN_AFTER).isoformat()
    connection.execute(delete(WRITERS).where(WRITERS.c.opened_at < forgotten))
    row = {"writer_id": writer_id, "host": socket.gethostname(), "pid": str(os.getpid()), "opened_at": at}
    connection.execute(insert(WRITERS), {**row, "last_write": 0})
