"""The statements that insert a row, or replace the one there, in each database's own words, compiled once.

Both databases spell them alike; only the way to bind values differs. SQLite takes tuples made here, because
SQLAlchemy's own treatment of a thousand rows costs more than the database's; PostgreSQL takes a thousand rows in
one statement, as arrays.
Source: SQLite, "UPSERT"; PostgreSQL, "INSERT", ON CONFLICT; SQLAlchemy, "INSERT...ON CONFLICT (Upsert)".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Table, Text, func, text

from sfsync.journal.schema import ADMITTED, CHANGES, JOB_ROWS, LEDGER, WATERMARKS


@dataclass(frozen=True, slots=True)
class Upsert:
    """One compiled statement. `places` are its columns in the order of its values, where they are bound by place.

    `many` is a statement for any number of rows at once, with one array a column; it takes no key twice.
    """

    one: str
    places: tuple[str, ...] | None
    keys: tuple[str, ...]
    many: str | None

    def put(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Runs it for every row, in order; returns how many rows were written."""
        if self.places is not None:
            places = self.places
            return self._run(connection, self.one, [tuple([row[name] for name in places]) for row in rows])
        if self.many is not None and self._are_distinct(rows):
            return self._run(connection, self.many, {name: [row[name] for row in rows] for name in rows[0]})
        return self._run(connection, self.one, list(rows))

    def _are_distinct(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        return len({tuple([row[key] for key in self.keys]) for row in rows}) == len(rows)

    @staticmethod
    def _run(connection: Connection, statement: str, values: Any) -> int:
        return connection.exec_driver_sql(statement, values).rowcount


@dataclass(frozen=True, slots=True)
class Upserts:
    """The upserts of the journal.

    `change` keeps the attempt and the token known when none is named; `intent` leaves a change that is done alone
    and does not count it.
    """

    admitted: Upsert
    ledger: Upsert
    job_row: Upsert
    watermark: Upsert
    change: Upsert
    intent: Upsert


def upserts_for(dialect: Dialect) -> Upserts:
    """The statements in the words of that database; every journal of a kind takes the same."""
    kind: Any = type(dialect)
    return _compiled(kind)


@cache
def _compiled(kind: Any) -> Upserts:
    dialect: Dialect = kind()
    return Upserts(
        admitted=_replacing(ADMITTED, dialect),
        ledger=_replacing(LEDGER, dialect),
        job_row=_replacing(JOB_ROWS, dialect),
        watermark=_replacing(WATERMARKS, dialect),
        change=_replacing(CHANGES, dialect, keep=("attempt_id", "token")),
        intent=_replacing(CHANGES, dialect, unless="changes.state <> 'done'"),
    )


def _replacing(
    table: Table, dialect: Dialect, *, keep: tuple[str, ...] = (), unless: str | None = None
) -> Upsert:
    words: Any = import_module(f"sqlalchemy.dialects.{dialect.name}")  # of the one that is in use
    statement = words.insert(table)
    new: dict[str, ColumnElement[Any]] = {
        each.name: statement.excluded[each.name] for each in table.columns if not each.primary_key
    }
    new |= {name: func.coalesce(statement.excluded[name], table.c[name]) for name in keep}
    full = statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=new, where=text(unless) if unless else None
    )
    compiled = full.compile(dialect=dialect)
    is_many = dialect.name == "postgresql" and all(isinstance(each.type, Text) for each in table.columns)
    return Upsert(
        one=str(compiled),
        places=tuple(compiled.positiontup) if compiled.positiontup is not None else None,
        keys=tuple(each.name for each in table.primary_key),
        many=_from_arrays(str(compiled), table.columns.keys()) if is_many else None,
    )


def _from_arrays(statement: str, names: Sequence[str]) -> str:
    """The statement of one row, made to take its rows from arrays of texts."""
    arrays = ", ".join(f"%({name})b::text[]" for name in names)
    columns = ", ".join(names)
    head, conflict = statement.split(" (", 1)[0], statement[statement.index(" ON CONFLICT ") :]
    source = f"SELECT * FROM unnest({arrays}) AS given ({columns})"  # noqa: S608 - names of our own columns
    return f"{head} ({columns}) {source}{conflict}"
