"""Runs a list of subrequests in order, with references, alone or as one unit of work.

Shared by composite (each for itself, or all or none) and by graph (always all or none).
Source: REST API Developer Guide, Composite [D]; response shape recorded [R].
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import HALTED, ApiError
from sfsync.emulator.rest.references import REFERENCE_ID, Answers, resolved, resolved_url
from sfsync.emulator.wire.messages import Reply, Request

_FORBIDDEN_HEADERS: Final = frozenset({"accept", "authorization", "content-type"})
_ADDRESS: Final = re.compile(r"/services/data/v\d{2}\.0/.+")
_OLD_REFERENCE_ID: Final = re.compile(r"[^.{}]+")
_STRICT_IDS_SINCE: Final = 52.0
_COLLECTION: Final = re.compile(r"/services/data/v\d{2}\.0/composite/sobjects\b", re.IGNORECASE)
_METHODS: Final = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"})


@dataclass(frozen=True, slots=True)
class Subrequest:
    """One part of a composite."""

    method: str
    url: str
    reference_id: str
    body: Any
    headers: dict[str, str]


def read_subrequests(
    call: Call, entries: object, *, most: int, headers_allowed: bool = True
) -> list[Subrequest]:
    """Return the subrequests of a JSON list.

    Raises: ApiError 400 for what the platform refuses as a whole.
    """
    if not isinstance(entries, list) or not entries:
        raise ApiError(
            400, "JSON_PARSER_ERROR", "compositeRequest must be a JSON array with at least one entry"
        )
    if len(entries) > most:
        message = f"Limit reached: the number of subrequests, {len(entries)}, exceeds {most}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    ids = REFERENCE_ID if float(call.version) >= _STRICT_IDS_SINCE else _OLD_REFERENCE_ID
    subrequests = [_read(entry, ids, headers_allowed=headers_allowed) for entry in entries]
    seen: set[str] = set()
    for subrequest in subrequests:
        if subrequest.reference_id in seen:
            message = f"Duplicate ReferenceId provided in the request: {subrequest.reference_id}"
            raise ApiError(400, "INVALID_INPUT", message)
        seen.add(subrequest.reference_id)
    return subrequests


def _read(entry: object, ids: re.Pattern[str], *, headers_allowed: bool) -> Subrequest:
    if not isinstance(entry, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "A subrequest must be a JSON object")
    method, url, reference = (str(entry.get(name) or "") for name in ("method", "url", "referenceId"))
    if method.upper() not in _METHODS:
        raise ApiError(400, "INVALID_INPUT", f"Unsupported method in subrequest: '{method}'")
    if not ids.fullmatch(reference):
        raise ApiError(400, "INVALID_INPUT", f"Invalid referenceId provided in the request: '{reference}'")
    if not _ADDRESS.match(url):
        raise ApiError(400, "INVALID_INPUT", f"Invalid url in subrequest {reference}: '{url}'")
    given = entry.get("httpHeaders") or {}
    if not isinstance(given, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "httpHeaders must be a JSON object")
    headers = {str(name).lower(): str(value) for name, value in given.items()}
    if set(headers) & _FORBIDDEN_HEADERS or (headers and not headers_allowed):
        raise ApiError(400, "INVALID_HTTP_HEADER", f"Header not allowed in subrequest {reference}")
    return Subrequest(method.upper(), url, reference, entry.get("body"), headers)


def run_each(call: Call, subrequests: list[Subrequest]) -> list[dict[str, Any]]:
    """Run the subrequests for themselves; a failed one only halts those that refer to it."""
    answers: Answers = {}
    return [_entry(part, _run(call, part, answers)) for part in subrequests]


def run_together(call: Call, subrequests: list[Subrequest]) -> tuple[list[dict[str, Any]], bool]:
    """Run the subrequests as one unit of work; return the entries and whether all succeeded.

    The rows of a collection that ran keep saying `success` although all was rolled back, as on the platform:
    only the other entries tell. Source: REST API Developer Guide, Composite, allOrNone [D].
    """
    answers: Answers = {}
    entries: list[dict[str, Any]] = []
    culprit: int | None = None
    with call.work.unit() as unit:
        for index, part in enumerate(subrequests):
            reply = _run(call, part, answers)
            entries.append(_entry(part, reply))
            if _has_failed(reply):
                culprit = index
                unit.undo()
                break
    if culprit is None:
        return entries, True
    halted = [halted_entry(part) for part in subrequests]
    for index, entry in enumerate(entries):
        if index == culprit or _COLLECTION.match(subrequests[index].url):
            halted[index] = entry
    return halted, False


def _has_failed(reply: Reply) -> bool:
    if reply.status >= 300 and reply.status != 304:
        return True
    rows = reply.body if isinstance(reply.body, list) else []
    return any(isinstance(row, dict) and row.get("success") is False for row in rows)


def halted_entry(part: Subrequest) -> dict[str, Any]:
    """Return the entry of a subrequest that was rolled back or never run."""
    body = [{"errorCode": HALTED.code, "message": HALTED.message}]
    return _entry(part, Reply(400, body))


def _entry(part: Subrequest, reply: Reply) -> dict[str, Any]:
    headers = {
        name: value for name, value in reply.headers.items() if name in {"Location", "ETag", "Last-Modified"}
    }
    return {
        "body": reply.body,
        "httpHeaders": headers,
        "httpStatusCode": reply.status,
        "referenceId": part.reference_id,
    }


def _run(call: Call, part: Subrequest, answers: Answers) -> Reply:
    try:
        url = resolved_url(part.url, answers)
        body = resolved(part.body, answers)
    except ApiError as halted:
        return Reply.of(halted)
    headers = dict(part.headers)
    if not call.org.switches.composite_honours_conditions:
        headers = {name: value for name, value in headers.items() if not name.startswith("if-")}
    request = Request(
        part.method, url, {**headers, "content-type": "application/json"}, value=body, has_value=True
    )
    reply = call.nested(request)
    if reply.status < 300:
        answers[part.reference_id] = reply.body
    return reply
