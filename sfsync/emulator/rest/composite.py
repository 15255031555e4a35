"""Composite and batch: several calls in one.

Composite runs 25 subrequests with references and may be all or none; it counts as one call. Batch runs
25 without references, each committed on its own; each counts as a call.
Source: REST API Developer Guide, Composite and Composite Batch [D].
"""

import re
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.rest.subrequests import read_subrequests, run_each, run_together
from sfsync.emulator.wire.messages import Reply, Request

_MOST: Final = 25
_MOST_HEAVY: Final = 5
_HEAVY: Final = re.compile(r"/v\d{2}\.0/(query|queryAll|composite/sobjects)\b", re.IGNORECASE)
_PERMITTED: Final = re.compile(
    r"/services/data/v\d{2}\.0/(sobjects|query|queryAll|composite/sobjects|limits|ui-api)\b", re.IGNORECASE
)
_BATCHABLE: Final = re.compile(
    r"v\d{2}\.0/(sobjects|query|queryAll|limits|parameterizedSearch|ui-api)\b", re.IGNORECASE
)


def composite(call: Call) -> Reply:
    """Run subrequests one after the other."""
    body = call.request.json_object()
    parts = read_subrequests(call, body.get("compositeRequest"), most=_MOST)
    heavy = sum(bool(_HEAVY.search(part.url)) for part in parts)
    if heavy > _MOST_HEAVY:
        message = f"Cannot have more than {_MOST_HEAVY} query or collection subrequests, found {heavy}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    for part in parts:
        if not _PERMITTED.match(part.url):
            raise ApiError(400, "INVALID_INPUT", f"Resource not supported in a composite request: {part.url}")
    if call.flag("allOrNone", body.get("allOrNone")):
        entries, _ = run_together(call, parts)
    else:
        entries = run_each(call, parts)
    return Reply(200, {"compositeResponse": entries})


def batch(call: Call) -> Reply:
    """Run subrequests for themselves, one after the other."""
    body = call.request.json_object()
    entries = body.get("batchRequests")
    if not isinstance(entries, list) or not entries:
        raise ApiError(400, "JSON_PARSER_ERROR", "batchRequests must be a JSON array with at least one entry")
    if len(entries) > _MOST:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of subrequests, {len(entries)}, exceeds {_MOST}")
    halts = call.flag("haltOnError", body.get("haltOnError"))
    results: list[dict[str, Any]] = []
    failed = False
    for number, entry in enumerate(entries):
        reply = _counted(call, entry, first=number == 0, halted=failed and halts)
        failed = failed or reply.status >= 400
        results.append({"statusCode": reply.status, "result": reply.body})
    return Reply(200, {"hasErrors": failed, "results": results})


def _counted(call: Call, entry: object, *, first: bool, halted: bool) -> Reply:
    try:
        if not first:  # the call itself was counted when it came in
            call.org.usage.count(call.org.switches)
    except ApiError as used_up:
        return Reply.of(used_up)
    return _halted() if halted else _run(call, entry)


def _halted() -> Reply:
    message = "The batch request was halted because of an earlier error."
    return Reply(412, [{"errorCode": "BATCH_PROCESSING_HALTED", "message": message}])


def _run(call: Call, entry: object) -> Reply:
    if not isinstance(entry, dict):
        return Reply.of(ApiError(400, "JSON_PARSER_ERROR", "A subrequest must be a JSON object"))
    url = str(entry.get("url") or "").removeprefix("/services/data").lstrip("/")
    if not _BATCHABLE.match(url):
        return Reply.of(ApiError(400, "INVALID_INPUT", f"Resource not supported in a batch: {url}"))
    headers = {"content-type": "application/json"}
    method = str(entry.get("method") or "GET").upper()
    request = Request(method, f"/services/data/{url}", headers, value=entry.get("richInput"), has_value=True)
    return call.nested(request)
