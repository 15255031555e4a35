"""Queries: the first page, the next pages, and the column list that command-line tools ask for.

Source: REST API Developer Guide, Query, QueryAll and Query More Results [D].
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.org.cursors import LEAST_PAGE_ROWS, PAGE_ROWS, Page, Reader
from sfsync.emulator.org.schema import Schema, VersionedCatalogue
from sfsync.emulator.soql import Nest, QueryResult, SoqlError, nested_whole, run_query
from sfsync.emulator.wire.messages import Reply

_UNCAPPED_SINCE: Final = 56
_BATCH_SIZE: Final = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_NO_PAGES_OF_GROUPS: Final = (
    "Aggregate query does not support queryMore(). Use LIMIT to restrict the results to a single batch"
)


def query(call: Call) -> Reply:
    """Answer a query over living records."""
    return _first_page(call)


def query_all(call: Call) -> Reply:
    """Answer a query that also sees deleted records."""
    return _first_page(call, include_deleted=True)


def tooling_query(call: Call) -> Reply:
    """Answer a query of the Tooling API: none of its objects is played, so each is unknown."""
    return _first_page(call, catalogue=VersionedCatalogue(Schema(()), call.version))


def next_page(call: Call) -> Reply:
    """Answer a further page of an open query."""
    page = call.org.cursors.next_page(call.args["locator"], user_id=call.user_id)
    return Reply(200, _body(page, version=call.version))


def run_soql(
    call: Call,
    text: str,
    *,
    include_deleted: bool = False,
    nest: Nest = nested_whole,
    among: list[str] | None = None,
    catalogue: VersionedCatalogue | None = None,
) -> QueryResult:
    """Run a statement as the user of the call.

    Raises: ApiError 400 when the platform would refuse it.
    """
    try:
        with call.org.storage.lock:
            return run_query(
                text,
                catalogue=catalogue or call.catalogue(),
                connection=call.org.storage.connection,
                now=call.org.clock.now(),
                include_deleted=include_deleted,
                user_id=call.user_id,
                nest=nest,
                among=among,
            )
    except SoqlError as problem:
        raise ApiError(400, problem.code, problem.message) from None


def _first_page(
    call: Call, *, include_deleted: bool = False, catalogue: VersionedCatalogue | None = None
) -> Reply:
    text = _statement(call)
    reader = Reader(call.user_id, _page_rows(call), is_capped=float(call.version) < _UNCAPPED_SINCE)
    nest = _nest(call, replace(reader, is_capped=False))
    result = run_soql(call, text, include_deleted=include_deleted, nest=nest, catalogue=catalogue)
    if call.flag("columns", call.request.parameters().get("columns")):
        return Reply(200, _columns(call, result.sobject, result.column_metadata()))
    if result.is_count:
        return Reply(200, {"totalSize": result.total_size, "done": True, "records": []})
    if result.is_grouped and result.total_size > reader.page_rows:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", _NO_PAGES_OF_GROUPS)
    return Reply(200, _body(call.org.cursors.first_page(result.records, reader), version=call.version))


def _statement(call: Call) -> str:
    parameters = call.request.parameters()
    text = parameters.get("q", "")
    if not text.strip():
        if "explain" in parameters:  # query plans are not played
            raise not_found()
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    return text


def _nest(call: Call, reader: Reader) -> Nest:
    """Return how the children of a record are shown: in pages of their own when they are many."""
    open_result: Callable[..., Page] = call.org.cursors.first_page
    version = call.version
    return lambda children: _body(open_result(children, reader), version=version)


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


def _body(page: Page, *, version: str) -> dict[str, Any]:
    body: dict[str, Any] = {"totalSize": page.total, "done": page.locator is None}
    if page.locator is not None:
        body["nextRecordsUrl"] = f"/services/data/v{version}/query/{page.locator}"
    body["records"] = page.records
    return body
