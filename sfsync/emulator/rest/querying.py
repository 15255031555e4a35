"""Queries: the first page, the next pages, and the column list that command-line tools ask for.

Source: REST API Developer Guide, Query, QueryAll and Query More Results [D].
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.cursors import LEAST_PAGE_ROWS, PAGE_ROWS, Cursor
from sfsync.emulator.wire.messages import Reply

_BATCH_SIZE: Final = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def query(call: Call) -> Reply:
    """Answer a query over living records."""
    return _first_page(call, include_deleted=False)


def query_all(call: Call) -> Reply:
    """Answer a query that also sees deleted records."""
    return _first_page(call, include_deleted=True)


def _first_page(call: Call, *, include_deleted: bool) -> Reply:
    from sfsync.emulator.soql import SoqlError, run_query

    parameters = call.request.parameters()
    text = parameters.get("q", "")
    if not text.strip():
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    try:
        with call.org.storage.lock:
            result = run_query(
                text,
                catalogue=call.catalogue(),
                connection=call.org.storage.connection,
                now=call.org.clock.now(),
                include_deleted=include_deleted,
                user_id=call.user_id,
            )
    except SoqlError as problem:
        raise ApiError(400, problem.code, problem.message) from None
    if call.flag("columns", parameters.get("columns")):
        return Reply(200, _columns(call, result.sobject, result.column_metadata()))
    if result.is_count:
        return Reply(200, {"totalSize": result.total_size, "done": True, "records": []})
    return Reply(200, _page(call, Cursor(result.records, _page_rows(call)), total=result.total_size))


def _columns(call: Call, sobject: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    shape = call.org.schema.sobject(sobject)
    return {
        "columnMetadata": columns,
        "entityName": sobject,
        "groupBy": False,
        "idSelected": any(column.get("columnName") == "Id" for column in columns),
        "keyPrefix": shape.key_prefix if shape else None,
    }


def _page_rows(call: Call) -> int:
    match = _BATCH_SIZE.search(call.request.headers.get("sforce-query-options", ""))
    wanted = int(match.group(1)) if match else PAGE_ROWS
    return min(max(wanted, LEAST_PAGE_ROWS), PAGE_ROWS)


def _page(call: Call, cursor: Cursor, *, total: int, name: str = "", offset: int = 0) -> dict[str, Any]:
    end = offset + cursor.page_rows
    records: Sequence[dict[str, Any]] = list(cursor.records[offset:end])
    done = end >= len(cursor.records)
    body: dict[str, Any] = {"totalSize": total, "done": done}
    if not done:
        name = name or call.org.cursors.keep(cursor)
        body["nextRecordsUrl"] = f"/services/data/v{call.version}/query/{name}-{end}"
    body["records"] = records
    return body


def next_page(call: Call) -> Reply:
    """Answer a further page of an open query."""
    cursor, name, offset = call.org.cursors.page(call.args["locator"])
    return Reply(200, _page(call, cursor, total=len(cursor.records), name=name, offset=offset))
