"""Turns what SQLite, the file system and SQLAlchemy raise into a `JournalError` a person can act on.

Every door of the package works inside `translated`. Messages carry SQLite's own words and the file, never
the values of a statement.
Source: SQLite, "Result and Error Codes".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from sfsync.errors import JournalError

_STOPPED: Final = "Nothing is sent without the journal; what was sent before is in it. "
_WAYS: Final = {
    sqlite3.SQLITE_FULL: ("JOURNAL_FULL", "the disk is full", "Free some space, then run again."),
    sqlite3.SQLITE_READONLY: (
        "JOURNAL_READ_ONLY",
        "the file or its folder is read-only",
        "Run as the owner of the folder, or set SFSYNC_STATE to one that can be written.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "JOURNAL_UNREACHABLE",
        "the file cannot be opened",
        "Check the rights of the folder, or set SFSYNC_STATE to one that can be written.",
    ),
    sqlite3.SQLITE_BUSY: (
        "JOURNAL_LOCKED",
        "another program kept it locked",
        "Wait for the other run, or close the program that holds the file, then run again.",
    ),
    sqlite3.SQLITE_IOERR: (
        "JOURNAL_IO",
        "the disk failed",
        "Check the disk and its space, then run again.",
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        "JOURNAL_RULE",
        "an entry breaks a rule of the journal",
        "This is a fault of sfsync: please report it.",
    ),
}
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Lets nothing but our own errors out of the block.

    Raises:
        JournalError: SQLite or the file system failed; the cause is chained.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeEncodeError) as error:
        raise _failure(error, path) from error


def damaged(path: Path, what: str) -> JournalError:
    """The error for a file that is there but cannot be trusted."""
    return JournalError(
        f"The journal {path} is damaged: {what}.",
        code="JOURNAL_DAMAGED",
        hint=(
            "Nothing was sent. Keep a copy of the folder, then put back the last backup, or rebuild it: "
            f'sqlite3 {path.name} ".recover" | sqlite3 rebuilt.sqlite, and put that in the place of '
            f"{path.name} and its -wal file. Check the org for what the last run wrote."
        ),
    )


def _failure(error: Exception, path: Path) -> JournalError:
    cause = _cause(error)
    primary = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if primary in _DAMAGE:
        return damaged(path, str(cause))
    if isinstance(cause, OSError):
        return _file_failure(cause, path)
    if primary in _WAYS:
        code, what, way = _WAYS[primary]
        return JournalError(f"The journal {path} failed: {what} ({cause}).", code=code, hint=_STOPPED + way)
    words = str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
    return JournalError(f"The journal {path} failed: {words}.", code="JOURNAL_FAILED", hint=_STOPPED.strip())


def _cause(error: Exception) -> BaseException:
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _file_failure(error: OSError, path: Path) -> JournalError:
    return JournalError(
        f"The journal {path} failed: {error.strerror} ({error.filename or path}).",
        code="JOURNAL_UNREACHABLE",
        hint=f"{_STOPPED}Check the rights and the space of the folder, or set SFSYNC_STATE to another.",
    )
