"""Turns what PostgreSQL, its driver and SQLAlchemy raise into a `JournalError` a person can act on.

Every door of the package works inside `translated`. Messages carry the server's primary words and its
SQLSTATE, never its detail, which repeats values of rows.
Source: PostgreSQL, "Error Codes".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sfsync.errors import JournalError

STOPPED: Final = "Nothing is sent without the journal; what was sent before is in it. "
_RIGHTS: Final = "Let its user connect, make tables and write in its schema."
_RULE: Final = "This is a fault of sfsync: please report it."
_WAYS: Final = {
    "53100": ("JOURNAL_FULL", "the server's disk is full", "Free some space there, then run again."),
    "53": (
        "JOURNAL_UNREACHABLE",
        "the server has no room for it",
        "Try again later, or raise the server's limits.",
    ),
    "25006": (
        "JOURNAL_READ_ONLY",
        "the database is read-only",
        "Let SFSYNC_STATE lead to the primary server.",
    ),
    "55P03": ("JOURNAL_LOCKED", "another session kept it locked", "Wait for the other run, then run again."),
    "57014": ("JOURNAL_LOCKED", "the server took too long", "Wait for the other run, then run again."),
    "40": ("JOURNAL_LOCKED", "another session stood in the way", "Run again."),
    "58": ("JOURNAL_IO", "the server's disk failed", "Ask whoever runs the database."),
    "23": ("JOURNAL_RULE", "an entry breaks a rule of the journal", _RULE),
    "28": (
        "JOURNAL_ACCESS",
        "the server refuses the login",
        "Check the user and the password of SFSYNC_STATE.",
    ),
    "3D": (
        "JOURNAL_ACCESS",
        "there is no such database",
        "Make it: createdb, owned by the user of SFSYNC_STATE.",
    ),
    "42501": ("JOURNAL_ACCESS", "its user may not do that", _RIGHTS),
    "3F": ("JOURNAL_ACCESS", "there is no schema to write to", _RIGHTS),
    "XX": (
        "JOURNAL_DAMAGED",
        "the server finds its files damaged",
        "Put back the last backup of the database.",
    ),
}
"""SQLSTATE, or its class -> our code, what it means, and the way on."""

_UNREACHABLE: Final = (
    "JOURNAL_UNREACHABLE",
    "the database does not answer",
    "Check that the server runs and that SFSYNC_STATE leads to it, then run again, or `sfsync resume`.",
)


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Lets nothing but our own errors out of the block.

    Raises:
        JournalError: the server, the driver or the connection failed; the cause is chained.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error, OSError, UnicodeEncodeError) as error:
        raise _failure(error, place) from _without_detail(error)


def sqlstate(error: BaseException) -> str:
    """The server's code for the error; "" when it did not come from the server."""
    original = getattr(error, "orig", None) or error
    return str(getattr(original, "sqlstate", None) or "")


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection is gone, so that nobody can say what became of a COMMIT under way."""
    return error.connection_invalidated or sqlstate(error).startswith(("08", "57P"))


def _failure(error: Exception, place: str) -> JournalError:
    code = sqlstate(error)
    way = _WAYS.get(code) or _WAYS.get(code[:2])
    cause = getattr(error, "orig", None) or error
    if way is None and (isinstance(cause, psycopg.OperationalError) or code.startswith(("08", "57"))):
        way = _UNREACHABLE
    words = _words(cause)
    if way is None:
        return JournalError(
            f"The journal {place} failed: {words}.", code="JOURNAL_FAILED", hint=STOPPED.strip()
        )
    return JournalError(
        f"The journal {place} failed: {way[1]} ({words}).", code=way[0], hint=STOPPED + way[2]
    )


def _words(cause: BaseException) -> str:
    diagnosis = getattr(cause, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    if primary:
        return f"{sqlstate(cause)}: {primary}"
    if isinstance(cause, psycopg.OperationalError):
        return " ".join(str(cause).split())[:300]
    return type(cause).__name__


def _without_detail(error: Exception) -> Exception:
    """The error, unless its text repeats values of rows; then its kind and code alone."""
    detail = getattr(getattr(getattr(error, "orig", None), "diag", None), "message_detail", None)
    return error if detail is None else RuntimeError(f"{type(error).__name__} {sqlstate(error)}")
