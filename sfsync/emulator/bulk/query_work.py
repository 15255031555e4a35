"""What a query job runs, and what it refuses to run.

Source: Bulk API 2.0 Guide, Create a Query Job [D]: no GROUP BY, OFFSET, TYPEOF, aggregate functions or
parent-to-child subqueries. That they are refused when the job is created is a choice [I].
"""

import re
from typing import Final

from sfsync.emulator.bulk.jobs import JobFailedError, JobRequest
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.soql import QueryResult, SoqlError, run_query
from sfsync.emulator.soql.errors import QueryFault
from sfsync.emulator.soql.grouping import is_count, is_grouped
from sfsync.emulator.soql.parsing import parse_query
from sfsync.emulator.soql.statement import Children, Query

_TYPEOF: Final = re.compile(r"\bTYPEOF\b", re.IGNORECASE)
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'")


def check_job_query(call: Call, request: JobRequest) -> str:
    """Check that a query job could run, and return the object it reads.

    Raises: ApiError for what the platform refuses.
    """
    text = request.query or ""
    if _TYPEOF.search(_QUOTED.sub("", text)):
        raise _unsupported("TYPEOF")
    try:
        query = parse_query(text)
    except QueryFault as fault:
        problem = fault.within(text)
        raise ApiError(400, problem.code, problem.message) from None
    _check_constructs(query)
    try:
        with call.org.storage.lock:
            try:
                return _run(call, _without_rows(text), request).sobject
            except SoqlError:
                # The refusal shows the query, so it must be the one that was sent.
                return _run(call, text, request).sobject
    except SoqlError as problem:
        raise ApiError(400, problem.code, problem.message) from None


def _without_rows(text: str) -> str:
    """Return the query with no rows asked for, if it does not end in a clause that forbids it."""
    trial = f"{text} LIMIT 0"
    try:
        parse_query(trial)
    except QueryFault:
        return text
    return trial


def _check_constructs(query: Query) -> None:
    if query.group_by:
        raise _unsupported("GROUP BY")
    if query.offset is not None:
        raise _unsupported("OFFSET")
    if is_count(query) or is_grouped(query):
        raise _unsupported("An aggregate function")
    if any(isinstance(part, Children) for part in query.selections):
        raise _unsupported("A parent-to-child subquery")


def _unsupported(what: str) -> ApiError:
    return ApiError(400, "API_ERROR", f"{what} is not supported in a Bulk API 2.0 query")


def run_job_query(call: Call, request: JobRequest) -> QueryResult:
    """Return the answer of a query job.

    Raises: JobFailedError when the query has become invalid since the job was created.
    """
    try:
        return _run(call, request.query or "", request)
    except SoqlError as problem:
        raise JobFailedError(f"InvalidBatch : Failed to process query: {problem.message}") from None


def _run(call: Call, text: str, request: JobRequest) -> QueryResult:
    return run_query(
        text,
        catalogue=call.catalogue(),
        connection=call.org.storage.connection,
        now=call.org.clock.now(),
        user_id=call.user_id,
        include_deleted=request.operation == "queryAll",
    )
