"""Updates on a condition: the request of a `ConditionalCall`, and what its answer says of every row.

Each row carries the time of its last modification as it was read; the org refuses it with 412 when somebody
wrote to the record since. One row is a PATCH of its own, which is the documented form; several go in one
composite request with a header for each. Whether the platform honours the header there is not settled, so what
was written is read back as well.
Source: REST API Developer Guide, "Conditional Requests", "Composite" (25 subrequests, httpHeaders).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from sfsync.core.sending.verdict import CallKind, Fate, judge
from sfsync.core.sobject import is_api_name, record_id
from sfsync.core.writes import Answer, ConditionalCall, Moved, Node, Refused, Unanswered, Written
from sfsync.salesforce.bodies import body_of, dump
from sfsync.salesforce.queries import subanswers
from sfsync.salesforce.session import Request, refusal_evidence
from sfsync.salesforce.writing import NO_PROOF

HEADER: Final = "If-Unmodified-Since"
PRECONDITION_FAILED: Final = 412
_PREFIX: Final = "u"


def conditional_request(call: ConditionalCall, api_path: str) -> Request:
    """The request of the call.

    Raises:
        ValueError: a name, an id or a value in it cannot be sent.
    """
    if len(call.rows) == 1:
        [node] = call.rows
        headers = {HEADER: _http_date(call.unmodified_since[node.change_id])}
        return Request(
            "PATCH", _target(node, api_path), CallKind.UPDATE, dump(body_of(node)), headers=headers
        )
    subrequests = [
        {
            "method": "PATCH",
            "url": _target(node, api_path),
            "referenceId": f"{_PREFIX}{place}",
            "httpHeaders": {HEADER: _http_date(call.unmodified_since[node.change_id])},
            "body": body_of(node),
        }
        for place, node in enumerate(call.rows)
    ]
    body = dump({"allOrNone": False, "compositeRequest": subrequests})
    return Request("POST", f"{api_path}/composite", CallKind.UPDATE, body)


def _target(node: Node, api_path: str) -> str:
    if not is_api_name(node.sobject) or node.record_id is None:
        raise ValueError(f"{node.record_id!r} of {node.sobject!r} cannot be updated")
    if record_id(node.record_id, node.sobject) is None:
        raise ValueError(f"{node.record_id!r} is no id of {node.sobject!r}")
    return f"{api_path}/sobjects/{node.sobject}/{node.record_id}"


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def read_conditional(call: ConditionalCall, document: Any) -> dict[str, Answer]:
    """What a whole answer says of the rows; a single update that went well has an empty body."""
    if len(call.rows) == 1:
        [node] = call.rows
        if document is not None:
            return {node.change_id: Unanswered(NO_PROOF)}
        return {node.change_id: Written(str(record_id(str(node.record_id))))}
    found = subanswers(document, _PREFIX, len(call.rows))
    if found is None:
        return {}
    return {node.change_id: _read(node, answer) for node, answer in zip(call.rows, found, strict=True)}


def _read(node: Node, answer: Mapping[str, Any]) -> Answer:
    status, body = answer["httpStatusCode"], answer["body"]
    if status == 204 and not body:
        return Written(str(record_id(str(node.record_id))))
    if status == PRECONDITION_FAILED:
        return Moved()
    evidence = refusal_evidence(status, body)
    verdict = judge(evidence, CallKind.UPDATE)
    if verdict.certain and verdict.fate is not Fate.AMBIGUOUS:
        return Refused(evidence.code, evidence.message, evidence.fields)
    return Unanswered(NO_PROOF if status < 300 else verdict.sign.value)
