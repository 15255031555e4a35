"""Reads the queries of one database in one read-only transaction, so that all of them see the same moment.

Rows stream from the server into a spool (`packed_cells`) and the transaction ends: what is planned later, or read a
second time, is this one reading. Nothing is held open while the org is asked.
Source: PostgreSQL, "Transaction Isolation" (REPEATABLE READ READ ONLY); SQLite, "PRAGMA query_only", "Isolation".
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, CursorResult

from sfsync.core.reading.source_marks import Bound, is_greater, kind_of
from sfsync.core.reading.typed_cells import letters
from sfsync.core.wording import listed, suggestion
from sfsync.errors import SourceError
from sfsync.sources.cells import BadRow
from sfsync.sources.databases.database_address import DatabaseAddress
from sfsync.sources.databases.database_cells import cells_of_row, readable_cells, shown_row
from sfsync.sources.databases.database_failures import translated
from sfsync.sources.databases.database_query import SINCE, Query
from sfsync.sources.packed_cells import Spool, packed

ROWS_AT_ONCE: Final = 1_000
LONGEST_S: Final = 900
"""So long one statement may take, unless the URL of a PostgreSQL database says otherwise."""

_MONEY: Final = 790
"""The type `money` of PostgreSQL, whose text depends on the server's locale. Source: pg_type.dat."""

_STEPS_BETWEEN_LOOKS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a section: its file's name, its text, and what the section's rules read of it."""

    section: str
    file: str
    query: Query
    wanted: frozenset[str]
    watermark: str | None = None
    since: Bound | None = None


@dataclass(slots=True)
class Reading:
    """What a query gave: its columns and rows, and how far its watermark has come."""

    columns: tuple[str, ...]
    rows: Spool
    kind: str = "text"
    greatest: str | None = None
    without_mark: int = 0


def read_queries(address: DatabaseAddress, asked: Sequence[Asked]) -> list[Reading]:
    """The rows of the queries, all as of one moment.

    Raises:
        SourceError: the database cannot be reached, or refuses a query.
        ConfigError: its driver is not installed.
    """
    engine = address.engine()
    try:
        with translated(address, asked[0].file), _snapshot(address, engine.connect()) as connection:
            readings = []
            for each in asked:
                with translated(address, each.file):
                    readings.append(_read(address, connection, each))
            return readings
    finally:
        engine.dispose()


@contextmanager
def _snapshot(address: DatabaseAddress, connection: Connection) -> Iterator[Connection]:
    with connection:
        if address.is_postgres:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            limit = connection.exec_driver_sql("SHOW statement_timeout").scalar()
            if limit == "0":
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {LONGEST_S * 1000}")
        else:
            raw: Any = connection.connection.driver_connection
            raw.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            until = time.monotonic() + LONGEST_S
            raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()


def _read(address: DatabaseAddress, connection: Connection, asked: Asked) -> Reading:
    streamed = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    given = {SINCE: _plain(asked.since, is_postgres=address.is_postgres)} if asked.query.has_since else {}
    text = asked.query.formatted() if address.is_postgres else asked.query.named()
    with streamed.exec_driver_sql(text, given) as result:
        if not result.returns_rows:
            message = f"{asked.file}: the statement gives no rows"
            raise SourceError(message, code="QUERY_WRITES", hint="A source is only read: give one SELECT.")
        reading = Reading(_columns(asked, result), Spool())
        _refuse_money(asked, result)
        place = reading.columns.index(asked.watermark) if asked.watermark else None
        for values in result:
            cells = _put(reading, asked, values)
            if place is not None:
                _advance(reading, asked, cells, is_postgres=address.is_postgres)
    return reading


def _plain(bound: Bound | None, *, is_postgres: bool) -> Bound | int | float | None:
    """The bound as the driver takes it: SQLite knows no exact numbers and no dates."""
    if is_postgres or bound is None or isinstance(bound, str):
        return bound
    if isinstance(bound, Decimal):
        return int(bound) if bound == bound.to_integral_value() else float(bound)
    return bound.isoformat(sep=" ") if isinstance(bound, datetime) else bound.isoformat()


def _columns(asked: Asked, result: CursorResult[Any]) -> tuple[str, ...]:
    names = tuple(str(each[0]) for each in result.cursor.description)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or "" in names:
        what = f"two columns named {listed(twice)}" if twice else "a column without a name"
        message = f"{asked.file}: the query gives {what}"
        raise SourceError(message, code="COLUMN_REPEATED", hint="Name each column in the query: ... AS name.")
    if asked.watermark and asked.watermark not in names:
        message = f'{asked.file}: the query gives no column "{asked.watermark}", which is the watermark'
        hint = f"{suggestion(asked.watermark, names)} Select it, or correct watermark in [{asked.section}]."
        raise SourceError(message, code="COLUMN_MISSING", hint=hint)
    return names


def _refuse_money(asked: Asked, result: CursorResult[Any]) -> None:
    for name, type_code, *_ in result.cursor.description:
        if type_code == _MONEY and name in asked.wanted:
            message = (
                f'{asked.file}: "{name}" is of the type money, whose text depends on the server\'s locale'
            )
            raise SourceError(message, code="NOT_A_VALUE", hint=f"Write CAST({name} AS numeric) AS {name}.")


def _put(reading: Reading, asked: Asked, values: Sequence[Any]) -> dict[str, Any]:
    try:
        cells = cells_of_row(reading.columns, values, asked.wanted)
        problem = None
    except BadRow as bad:
        cells, problem = {}, [bad.code, str(bad), bad.hint, bad.column]
    readable = cells if problem is None else readable_cells(reading.columns, values)
    shown = shown_row(reading.columns, values, readable)
    types = letters(readable.get(each) for each in reading.columns)
    reading.rows.put([shown, packed(cells), problem, types])
    if problem is not None and asked.watermark:  # the row is told; its mark still counts
        return cells_of_row([asked.watermark], [values[reading.columns.index(asked.watermark)]], ())
    return cells


def _advance(reading: Reading, asked: Asked, cells: dict[str, Any], *, is_postgres: bool) -> None:
    """Takes the row's watermark into account."""
    cell = cells.get(asked.watermark or "")
    if cell is None:
        reading.without_mark += 1
        return
    kind = kind_of(cell)
    is_first = reading.greatest is None
    if kind is None or (not is_first and kind != reading.kind) or (is_postgres and kind == "text"):
        raise _no_watermark(asked, kind, reading, is_first=is_first)
    text = cell if isinstance(cell, str) else cell.isoformat() if isinstance(cell, date) else f"{cell:f}"
    if is_first or is_greater(kind, text, str(reading.greatest)):
        reading.kind, reading.greatest = kind, text


def _no_watermark(asked: Asked, kind: str | None, reading: Reading, *, is_first: bool) -> SourceError:
    what = f"a {kind}" if kind else "of a type that has no order"
    also = "" if is_first else f" in one row and a {reading.kind} in another"
    return SourceError(
        f'{asked.file}: "{asked.watermark}" is the watermark, and is {what}{also}',
        code="WATERMARK_KIND",
        hint="Cast it in the query to a timestamp, a date or a number.",
    )
