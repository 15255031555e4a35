"""Runs one SOQL statement: parse, translate, ask SQLite once per level, hand back the answer.

This is where the parts meet, and where every fault becomes the SoqlError that callers see.
Invariant: all rows are fetched before `run_query` returns, so no cursor stays open on the connection.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sfsync.emulator.soql.catalogue import Catalogue
from sfsync.emulator.soql.column_metadata import describe_columns
from sfsync.emulator.soql.errors import QueryFault
from sfsync.emulator.soql.grouping import Grouping, is_count, is_grouped
from sfsync.emulator.soql.level import Level, Setting
from sfsync.emulator.soql.ordering import limit_clause
from sfsync.emulator.soql.parsing import parse_query
from sfsync.emulator.soql.record_plan import record_list
from sfsync.emulator.soql.result import Nest, QueryResult, RecordList, nested_whole
from sfsync.emulator.soql.scope import sobject_named
from sfsync.emulator.soql.selecting import Selecting, fetch_rows
from sfsync.emulator.soql.sql import Sql
from sfsync.emulator.soql.statement import Query
from sfsync.emulator.soql.text_matching import offer_folding

_TOO_COMPLICATED: Final = (
    "Query is either selecting too many fields or the filter conditions are too complicated."
)
# How SQLite words its own limits; any other failure of SQLite is a fault of ours and is not hidden.
_SQLITE_LIMITS: Final = (
    "Expression tree is too large",
    "too many",
    "parser stack overflow",
    "at most 64 tables",
)


def run_query(
    text: str,
    *,
    catalogue: Catalogue,
    connection: sqlite3.Connection,
    now: datetime,
    user_id: str,
    include_deleted: bool = False,
    nest: Nest = nested_whole,
    among: Sequence[str] | None = None,
) -> QueryResult:
    """Run a SOQL statement on the records of `connection` and return its answer.

    Args:
        text: the statement.
        catalogue: what the user sees.
        connection: where the records are; a deterministic function may be registered on it.
        now: an aware time; date literals such as TODAY are counted from its UTC day.
        user_id: whose records `USING SCOPE mine` means.
        include_deleted: queryAll.
        nest: how the result of a child subquery is shown.
        among: the only ids that the outermost records may have; None means any.

    Raises:
        SoqlError: the platform would refuse the statement, or this emulator does not play it.
    """
    try:
        query = parse_query(text)
        only = None if among is None else tuple(among)
        setting = Setting(catalogue, now, user_id, include_deleted, nest, only)
        return _answer(query, setting, connection)
    except QueryFault as fault:
        raise fault.within(text) from None
    except RecursionError:
        raise _too_complicated().within(text) from None
    except sqlite3.OperationalError as error:
        if any(limit in str(error) for limit in _SQLITE_LIMITS):
            raise _too_complicated().within(text) from None
        raise


def _too_complicated() -> QueryFault:
    return QueryFault("QUERY_TOO_COMPLICATED", _TOO_COMPLICATED)


def _answer(query: Query, setting: Setting, connection: sqlite3.Connection) -> QueryResult:
    shape = sobject_named(str(query.source), catalogue=setting.catalogue, offset=query.source.offset)
    level = setting.open_level(query, shape)
    offer_folding(connection)
    if is_count(query):
        return _count(query, level, connection)
    if is_grouped(query):
        return _groups(query, level, connection)
    return _records(query, level, connection)


def _count(query: Query, level: Level, connection: sqlite3.Connection) -> QueryResult:
    body, limit = Selecting(level).rows_where(query), limit_clause(query)
    rows = f"SELECT 1 {body.text}{limit.text}"
    text = f"SELECT COUNT(*) FROM ({rows})"  # noqa: S608 - confirmed names, bound values
    statement = Sql(text, body.parameters + limit.parameters)
    total = fetch_rows(connection, statement)[0][0]
    return QueryResult(level.sobject_name, [], total, is_count=True)


def _groups(query: Query, level: Level, connection: sqlite3.Connection) -> QueryResult:
    grouping = Grouping(level)
    rows = fetch_rows(connection, grouping.statement(query))
    return QueryResult(
        sobject=level.sobject_name,
        records=RecordList(rows, grouping.record),
        total_size=len(rows),
        is_count=False,
        columns=describe_columns(grouping.leaves),
        is_grouped=True,
    )


def _records(query: Query, level: Level, connection: sqlite3.Connection) -> QueryResult:
    selecting = Selecting(level)
    plan = selecting.read(query)
    rows = fetch_rows(connection, selecting.statement(query))
    parent_ids = [row[plan.id_index] for row in rows] if selecting.children else []
    for child in selecting.children:
        child.run(connection, parent_ids)
    return QueryResult(
        sobject=level.sobject_name,
        records=record_list(rows, plan, level.setting.catalogue),
        total_size=len(rows),
        is_count=False,
        columns=describe_columns(plan.entries),
    )
