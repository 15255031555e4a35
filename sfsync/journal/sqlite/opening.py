"""Opens the journal of a state folder: makes it on the first start, else checks it before it is trusted.

In order: the folder is on a local disk, nothing may be missing that was there, the file is private before SQLite
sees it, its structure is sound, its tables are brought up to this version, and it is the newest copy of itself.
Whatever fails is refused by name; nothing is repaired or started afresh by itself. Before tables that hold
something are changed, a copy of the journal is put beside it.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from sfsync.errors import ConfigError
from sfsync.journal.identity import Identity, take_up_identity
from sfsync.journal.mark import SequenceMark
from sfsync.journal.migrations import STEPS, applied_steps, apply_steps, missing_steps
from sfsync.journal.sqlite.birth import birth_of
from sfsync.journal.sqlite.connecting import open_engine, reading, refuse_damage, sign, writing
from sfsync.journal.sqlite.failures import damaged, translated
from sfsync.journal.sqlite.marker import LastSeen, Marker, alone
from sfsync.journal.sqlite.shares import refuse_network_share
from sfsync.journal.sqlite.store import SqliteStore
from sfsync.journal.state import make_private_file, make_private_folder
from sfsync.journal.store import Upgrade

FILE_NAME: Final = "journal.sqlite"
MARK_NAME: Final = "journal.sequence"


def open_sqlite(folder: Path, *, at: str, busy_wait_s: float, may_be_shared: bool = False) -> SqliteStore:
    """The store of the state folder, made if there never was one.

    `busy_wait_s` is how long a write waits for another process; `may_be_shared` lets the folder be on a
    network share.

    Raises:
        JournalError: the journal is missing, damaged, newer, another program's, or cannot be written.
    """
    path = folder / FILE_NAME
    marker, mark = Marker(path), SequenceMark(folder / MARK_NAME)
    with translated(path):
        make_private_folder(folder)
        if not may_be_shared:
            refuse_network_share(folder)
        with alone(folder):
            engine, identity, upgrade = _open(path, marker, mark, at=at, busy_wait_s=busy_wait_s)
        mark.raise_to(identity.journal_id, identity.sequence)
    return SqliteStore(
        engine, marker=marker, mark=mark, journal_id=identity.journal_id, path=path, upgrade=upgrade
    )


def refuse_none(folder: Path) -> None:
    """Stops where there never was a journal.

    Raises:
        ConfigError: there is none.
    """
    path = folder / FILE_NAME
    if not path.exists() and Marker(path).read() is None:
        raise ConfigError(
            f"there is no journal in {folder}", code="NO_JOURNAL", hint="The first run makes one."
        )


def _open(
    path: Path, marker: Marker, mark: SequenceMark, *, at: str, busy_wait_s: float
) -> tuple[Engine, Identity, Upgrade]:
    marker.refuse_loss()
    make_private_file(path)
    is_known = marker.read() is not None
    if is_known:
        # A start that fails below may be the last to close the file, and SQLite then removes the -wal file.
        marker.write(LastSeen.CLOSED)
    engine = open_engine(path, busy_wait_s=busy_wait_s)
    try:
        _check(engine, path, is_known=is_known)
        backup = _copied(engine, path)
        identity, steps = _bring_up(engine, path, mark, at=at)
        marker.write(LastSeen.OPEN)
    except BaseException:
        engine.dispose()
        if is_known:
            marker.note_left()
        raise
    return engine, identity, Upgrade(str(path), steps, backup)


def _check(engine: Engine, path: Path, *, is_known: bool) -> None:
    with reading(engine) as connection:
        refuse_damage(connection, path)
        missing = missing_steps(connection, str(path))
    if is_known and len(missing) == len(STEPS):
        raise damaged(path, "it is empty, but a journal was kept here")


def _bring_up(engine: Engine, path: Path, mark: SequenceMark, *, at: str) -> tuple[Identity, tuple[str, ...]]:
    """Applies the steps that are missing and takes up the identity, in one transaction under the write lock."""
    seen = mark.read()
    home = birth_of(path)
    with writing(engine) as connection:
        missing = missing_steps(connection, str(path))
        if missing:
            apply_steps(connection, missing, at=at)
            sign(connection, version=len(STEPS))
        identity = take_up_identity(connection, home=home, mark=seen, at=at)
    return identity, tuple(each.name for each in missing)


def _copied(engine: Engine, path: Path) -> Path | None:
    """A private copy of a journal that is about to be upgraded, its newest commits included; None if it is not.

    An older copy of that name is replaced. Source: SQLite, "VACUUM INTO" (a consistent copy).
    """
    with reading(engine) as connection:
        applied = applied_steps(connection)
        is_due = bool(applied and missing_steps(connection, str(path)))
    if not is_due:
        return None
    copy = path.with_name(f"{path.name}.before-upgrade-from-{applied[-1].partition('_')[0]}")
    copy.unlink(missing_ok=True)
    make_private_file(copy)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute("VACUUM INTO ?", (str(copy),))
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    return copy
