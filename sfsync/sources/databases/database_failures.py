"""Turns what a database, its driver and SQLAlchemy raise into a `SourceError` a person can act on.

Messages carry the database's own primary words and, where it names one, the line of the query; never the detail,
which repeats values of rows, and never a password.
Source: PostgreSQL, "Error Codes"; libpq, PQresultErrorMessage ("LINE n:").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from sfsync.errors import SourceError
from sfsync.sources.databases.database_address import DatabaseAddress

_LINE: Final = re.compile(r"^LINE (\d+):", re.MULTILINE)
_QUERY: Final = ("QUERY_REFUSED", "Correct the query; nothing was sent.")
_TYPE: Final = ("QUERY_REFUSED", "Say what :since is: CAST(:since AS timestamptz).")
_WRITES: Final = ("QUERY_WRITES", "A source is only read: give one SELECT without side effects.")
_LOGIN: Final = ("DATABASE_LOGIN", "Check the user and the password that the job's database is reached with.")
_SLOW: Final = (
    "DATABASE_SLOW",
    "Narrow the query or add an index; the URL can allow more (options=-c statement_timeout=...).",
)
_AWAY: Final = (
    "DATABASE_UNREACHABLE",
    "Check that the database is there and that the job's database leads to it, then run again.",
)
_WAYS: Final = {
    "42P18": _TYPE,
    "42P08": _TYPE,
    "42501": ("DATABASE_RIGHTS", "Let the user of the job's database read these tables."),
    "25006": _WRITES,
    "0A000": _WRITES,
    "57014": _SLOW,
    "55P03": _SLOW,
    "28": _LOGIN,
    "3D": ("DATABASE_LOGIN", "Correct the name of the database."),
    "42": _QUERY,
    "22": ("QUERY_REFUSED", "A value cannot be computed or read; convert it in the query."),
}
"""SQLSTATE, or its class -> our code and the way on."""

_WORDS: Final = (
    (re.compile(r"readonly database|not authorized|cannot VACUUM"), _WRITES),
    (re.compile(r"unable to open|disk I/O|not a database|locked|malformed"), _AWAY),
    (re.compile(r"interrupted"), _SLOW),
    (re.compile(r"authentication failed|no password|role .* does not exist"), _LOGIN),
    (re.compile(r"database .* does not exist"), _LOGIN),
    (re.compile(r"connection|server closed|timeout|translate host"), _AWAY),
)
"""What errors without an SQLSTATE say -> our code and the way on."""


@contextmanager
def translated(address: DatabaseAddress, file: str) -> Iterator[None]:
    """Lets nothing but our own errors out of the block; `file` holds the query.

    Raises:
        SourceError: the database, its driver or the connection failed.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, UnicodeError) as error:
        raise _failure(error, address, file) from None


def _failure(error: Exception, address: DatabaseAddress, file: str) -> SourceError:
    cause = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", None) or "")
    words = _primary(cause, address)
    way = _WAYS.get(state) or _WAYS.get(state[:2]) or _by_words(words) or _QUERY
    if way[0].startswith("DATABASE_") and way is not _SLOW:
        return SourceError(f"{address.place}: {words}", code=way[0], hint=way[1])
    found = _LINE.search(str(cause))
    line = f":{found[1]}" if found else ""
    return SourceError(f"{file}{line}: {address.place} says: {words}", code=way[0], hint=way[1])


def _by_words(words: str) -> tuple[str, str] | None:
    return next((way for pattern, way in _WORDS if pattern.search(words)), None)


def _primary(cause: BaseException, address: DatabaseAddress) -> str:
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    words = " ".join((primary or str(cause) or type(cause).__name__).split())[:300]
    return words.replace(address.secret, "***") if address.secret else words
