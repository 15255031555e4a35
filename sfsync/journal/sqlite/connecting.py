"""The connection to the journal's file: how safe it is, and whether the file can be trusted.

Durability is asserted, not assumed: every connection reads its pragmas back. A foreign or damaged file is
refused before anything in it changes.
Source: SQLite, "PRAGMA synchronous" (FULL in WAL mode survives power loss), "PRAGMA application_id".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from sfsync.errors import JournalError
from sfsync.journal.sqlite.failures import damaged

APPLICATION_ID: Final = 0x7366736A
"""The letters "sfsj": says to SQLite and to `file` whose database this is."""

_FULL: Final = 2
_READS: Final = "sfsync_reads"


def connect(path: Path, *, busy_wait_s: float) -> sqlite3.Connection:
    """A connection to a file that exists, set to lose nothing, usable from any one thread at a time.

    Raises:
        JournalError: the file is another program's, or the settings do not hold.
        sqlite3.Error: the file cannot be opened or read.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=busy_wait_s,
    )
    try:
        _refuse_foreign(connection, path)
        _set_safe(connection, path, busy_wait_s)
    except BaseException:
        connection.close()
        raise
    return connection


def open_engine(path: Path, *, busy_wait_s: float) -> Engine:
    """An engine with one connection; transactions begin at once as writers unless `reading` is used."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path, busy_wait_s=busy_wait_s),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that holds the write lock from its start, committed when the block ends well."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that sees a single moment and blocks no writer."""
    with engine.connect().execution_options(**{_READS: True}) as connection, connection.begin():
        yield connection


def refuse_damage(connection: Connection, path: Path) -> None:
    """Reads the whole file once and stops when its structure is not sound.

    Raises:
        JournalError: it is not.
    """
    answers = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
    if answers != ["ok"]:
        raise damaged(path, "; ".join(" ".join(each.split()) for each in answers))


def sign(connection: Connection, *, version: int) -> None:
    """Writes whose file this is and how many steps it has had, inside the caller's transaction."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {version}")


def _begin(connection: Connection) -> None:
    is_read = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if is_read else "BEGIN IMMEDIATE")


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    is_blank = owner == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if owner == APPLICATION_ID or is_blank:
        return
    raise JournalError(
        f"{path} is a database, but not a journal of sfsync.",
        code="JOURNAL_FOREIGN",
        hint="The file was left as it is. Move it away, or set SFSYNC_STATE to another folder.",
    )


def _set_safe(connection: sqlite3.Connection, path: Path, busy_wait_s: float) -> None:
    wanted = {
        "busy_timeout": round(busy_wait_s * 1000),
        "journal_mode": "wal",
        "synchronous": _FULL,
        "fullfsync": 1,
        "checkpoint_fullfsync": 1,
        "foreign_keys": 1,
    }
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}")
    held = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    if held != wanted:
        lacking = ", ".join(name for name in wanted if held[name] != wanted[name])
        raise JournalError(
            f"The journal {path} cannot be kept safely here: SQLite refuses {lacking}.",
            code="JOURNAL_UNSAFE",
            hint="Set SFSYNC_STATE to a folder on a local disk.",
        )
