"""Connections to a PostgreSQL journal: how safe each one is, asserted when it is made and never assumed.

Every session commits synchronously, waits a bounded time, and speaks UTF-8; a server that does not flush to
its disk is refused. A pooler that gives each transaction another server session cannot hold run locks: those
notice it.

Isolation: writes run at READ COMMITTED. Each is either a single upsert, which decides on the row's newest
version, or follows a row lock that others who decide the same must take too (`identity`, `writers`,
`run_locks`); nothing is decided on a row that is not locked. Reads run at REPEATABLE READ, so that several
statements see one moment. Source: PostgreSQL, "Write Ahead Log" settings, "Asynchronous Commit", "Transaction
Isolation", "Client Connection Defaults".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool, QueuePool

from sfsync.errors import JournalError
from sfsync.journal.postgres.address import Address

OLDEST_SERVER: Final = 120000
"""PostgreSQL 12: the oldest that has all the settings asked for."""

_IDLE_SESSIONS: Final = 140000
_SETTINGS: Final = [
    "synchronous_commit",
    "fsync",
    "server_encoding",
    "server_version_num",
    "transaction_read_only",
]


def connect(address: Address, *, busy_wait_s: float) -> psycopg.Connection[Any]:
    """A session that loses nothing it was told is committed, and waits for others no longer than that.

    Raises:
        JournalError: the server cannot promise that.
        psycopg.Error: it cannot be reached.
    """
    connection: psycopg.Connection[Any] = psycopg.connect(
        **{**address.parameters, "client_encoding": "UTF8"},  # type: ignore[arg-type]
        autocommit=True,
    )
    try:
        _set_safe(connection, round(busy_wait_s * 1000))
        refuse_unsafe(_settings(connection), address.place)
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection


def open_engine(address: Address, *, busy_wait_s: float, is_for_locks: bool = False) -> Engine:
    """An engine with one connection that is made anew when it breaks; for locks, with one that is not."""
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(address, busy_wait_s=busy_wait_s),
        hide_parameters=True,
        isolation_level="AUTOCOMMIT" if is_for_locks else "READ COMMITTED",
        **(
            {"poolclass": NullPool}
            if is_for_locks
            else {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        ),
    )


def refuse_unsafe(settings: Mapping[str, str], place: str) -> None:
    """Stops when a session with these settings could lose a commit, or could not keep every text.

    Raises:
        JournalError: it could.
    """
    if int(settings["server_version_num"]) < OLDEST_SERVER:
        raise _unsafe(place, "its server is older than PostgreSQL 12", "Upgrade the server.")
    if settings["synchronous_commit"] == "off":
        raise _unsafe(
            place, "it answers before a commit is on the disk", "Set synchronous_commit = on there."
        )
    if settings["fsync"] == "off":
        raise _unsafe(place, "its server does not flush to the disk", "Set fsync = on there.")
    if settings["server_encoding"] != "UTF8":
        raise _unsafe(place, f"its encoding is {settings['server_encoding']}", "Make the database with UTF8.")
    if settings["transaction_read_only"] == "on":
        raise JournalError(
            f"The journal {place} is read-only.",
            code="JOURNAL_READ_ONLY",
            hint="Let SFSYNC_STATE lead to the primary server, as a user that may write.",
        )


def _unsafe(place: str, why: str, hint: str) -> JournalError:
    return JournalError(
        f"The journal {place} cannot be kept safely: {why}.",
        code="JOURNAL_UNSAFE",
        hint=f"Nothing was sent. {hint}",
    )


def _set_safe(connection: psycopg.Connection[Any], wait_ms: int) -> None:
    wanted = {
        "lock_timeout": f"{wait_ms}ms",
        "statement_timeout": f"{wait_ms + 1000}ms",  # a little more: a wait for a lock says that it was one
        "idle_in_transaction_session_timeout": "60s",
        "standard_conforming_strings": "on",
        "tcp_keepalives_idle": "30",  # of the server: the locks of a host that vanished are free after a minute
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    if connection.info.server_version >= _IDLE_SESSIONS:
        wanted["idle_session_timeout"] = "0"
    if _settings(connection)["synchronous_commit"] == "off":
        wanted["synchronous_commit"] = "on"
    connection.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)",
        (list(wanted), list(wanted.values())),
    )


def _settings(connection: psycopg.Connection[Any]) -> dict[str, str]:
    query = "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS asked (name)"
    return {str(name): str(value) for name, value in connection.execute(query, (_SETTINGS,))}
