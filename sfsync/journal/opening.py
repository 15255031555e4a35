"""Opens the journal of a state folder: makes it on the first start, else checks it before it is trusted.

In order: nothing may be missing that was there, the file is private before SQLite sees it, its structure is
sound, its tables are brought up to this version. Whatever fails is refused by name; nothing is repaired or
started afresh by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from sfsync.journal.database import open_engine, reading, refuse_damage, sign, writing
from sfsync.journal.failures import damaged, translated
from sfsync.journal.marker import LastSeen, Marker, alone
from sfsync.journal.migrations import STEPS, apply_steps, missing_steps
from sfsync.journal.sqlite_journal import SqliteJournal
from sfsync.journal.state import make_private_file, make_private_folder

FILE_NAME: Final = "journal.sqlite"


def open_journal(state: Path, *, clock: Callable[[], datetime], busy_wait_s: float = 30.0) -> SqliteJournal:
    """The journal of the state folder, made if there never was one; `clock` gives aware UTC times.

    `busy_wait_s` is how long a write waits for another process.

    Raises:
        JournalError: the journal is missing, damaged, newer, another program's, or cannot be written.
    """
    path = state / FILE_NAME
    marker = Marker(path)
    with translated(path):
        make_private_folder(state)
        with alone(state):
            engine = _open(path, marker, at=clock().isoformat(), busy_wait_s=busy_wait_s)
    return SqliteJournal(engine, marker=marker, path=path, clock=clock)


def _open(path: Path, marker: Marker, *, at: str, busy_wait_s: float) -> Engine:
    marker.refuse_loss()
    make_private_file(path)
    is_known = marker.read() is not None
    if is_known:
        # A start that fails below may be the last to close the file, and SQLite then removes the -wal file.
        marker.write(LastSeen.CLOSED)
    engine = open_engine(path, busy_wait_s=busy_wait_s)
    try:
        _check(engine, path, is_known=is_known)
        _migrate(engine, path, at=at)
        marker.write(LastSeen.OPEN)
    except BaseException:
        engine.dispose()
        if is_known:
            marker.note_left()
        raise
    return engine


def _check(engine: Engine, path: Path, *, is_known: bool) -> None:
    with reading(engine) as connection:
        refuse_damage(connection, path)
        missing = missing_steps(connection, path)
    if is_known and len(missing) == len(STEPS):
        raise damaged(path, "it is empty, but a journal was kept here")


def _migrate(engine: Engine, path: Path, *, at: str) -> None:
    with reading(engine) as connection:
        if not missing_steps(connection, path):
            return
    with writing(engine) as connection:
        apply_steps(connection, missing_steps(connection, path), at=at)
        sign(connection, version=len(STEPS))
