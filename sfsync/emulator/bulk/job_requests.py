"""Reads what a client wants of a new job, as JSON or as the two parts of a form.

Source: Bulk API 2.0 Guide, Create a Job and Create a Query Job [D]. The codes of refusals follow the
guide's list of errors; which of them fits is partly a choice [I]. A hard delete needs the user permission
"Bulk API Hard Delete", which no user has by itself.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfsync.emulator.bulk.jobs import DELIMITERS, LINE_ENDS, JobRequest
from sfsync.emulator.bulk.query_work import check_job_query
from sfsync.emulator.bulk.row_saving import OPERATIONS
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.rights import BULK_HARD_DELETE
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.wire.json_reading import read_json

_SHARED: Final = frozenset({"operation", "contentType", "columnDelimiter", "lineEnding"})
_INGEST: Final = _SHARED | {"object", "externalIdFieldName", "assignmentRuleId", "concurrencyMode"}
_QUERY: Final = _SHARED | {"query"}
_ASSIGNMENT_SINCE: Final = 49.0
_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_PART_NAME: Final = re.compile(rb'\bname="?([^";\r\n]+)"?', re.IGNORECASE)


def read_ingest_request(call: Call, body: object) -> JobRequest:
    """Return the request for an ingest job.

    Raises: ApiError 400 for what the job cannot be.
    """
    known = _INGEST if float(call.version) >= _ASSIGNMENT_SINCE else _INGEST - {"assignmentRuleId"}
    table = _checked(body, known)
    operation = _choice(table, "operation", OPERATIONS)
    sobject = _sobject(call, _text(table, "object"))
    if operation == "hardDelete" and not call.org.rights.may(call.user_id, BULK_HARD_DELETE):
        message = "hardDelete operation requires special user profile permission"
        raise ApiError(400, "FEATURENOTENABLED", message)
    _choice(table, "concurrencyMode", ("Parallel",), default="Parallel")
    request = JobRequest(
        operation,
        sobject.name,
        external_id_field=_text(table, "externalIdFieldName"),
        delimiter=_choice(table, "columnDelimiter", DELIMITERS, default="COMMA"),
        line_end=_choice(table, "lineEnding", LINE_ENDS, default="LF"),
        assignment_rule_id=_text(table, "assignmentRuleId"),
    )
    if operation == "upsert":
        _check_key(call, request)
    return request


def read_query_request(call: Call, body: object) -> JobRequest:
    """Return the request for a query job.

    Raises: ApiError 400 for what the job cannot be or the query may not say.
    """
    table = _checked(body, _QUERY)
    request = JobRequest(
        _choice(table, "operation", ("query", "queryAll")),
        "",
        delimiter=_choice(table, "columnDelimiter", DELIMITERS, default="COMMA"),
        line_end=_choice(table, "lineEnding", LINE_ENDS, default="LF"),
        query=_text(table, "query") or "",
    )
    return JobRequest(
        request.operation,
        check_job_query(call, request),
        delimiter=request.delimiter,
        line_end=request.line_end,
        query=request.query,
    )


def form_parts(call: Call) -> tuple[Any, bytes] | None:
    """Return the job and the content of a form that creates and fills a job at once; None for other bodies.

    Raises: ApiError 400 for a form without both parts.
    """
    kind = call.request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return None
    boundary = _BOUNDARY.search(kind)
    parts = _parts(call.request.body, boundary.group(1).encode()) if boundary else {}
    if b"job" not in parts or b"content" not in parts:
        raise ApiError(400, "INVALIDJOB", "A multipart request needs the parts job and content")
    return read_json(parts[b"job"]), parts[b"content"]


def _parts(body: bytes, boundary: bytes) -> Mapping[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if name:
            found[name.group(1)] = content
    return found


def _checked(body: object, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "Unexpected parser error: a JSON object was expected")
    unknown = sorted(set(body) - known)
    if unknown:
        raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
    _choice(body, "contentType", ("CSV",), default="CSV")
    return body


def _text(table: dict[str, Any], name: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of string: {name}")
    return value or None


def _choice(
    table: dict[str, Any], name: str, choices: Mapping[str, str] | tuple[str, ...], *, default: str = ""
) -> str:
    value = _text(table, name) or default
    if value not in choices:
        shown = ", ".join(choices)
        raise ApiError(400, "INVALIDJOB", f"{name} must be one of {shown}, not '{value}'")
    return value


def _check_key(call: Call, request: JobRequest) -> None:
    sobject = call.sobject(request.object)
    name = request.external_id_field
    if name is None:
        message = f"External ID was blank for {sobject.name}. An External ID must be specified for upsert."
        raise ApiError(400, "INVALIDJOB", message)
    key = None if name.lower() in call.hidden_fields(sobject) else sobject.field_named(name)
    if key is None or not key.upsertable:
        message = (
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field"
        )
        raise ApiError(400, "INVALIDJOB", f"{message} for {sobject.name}")


def _sobject(call: Call, name: str | None) -> SObject:
    try:
        if name is not None:
            return call.sobject(name)
    except ApiError:
        pass
    raise ApiError(400, "INVALIDENTITY", f"Entity '{name or ''}' is not supported by the Bulk API.")
