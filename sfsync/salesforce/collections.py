"""sObject Collections: the request of a `CollectionCall`, and what its answer says of every row.

One collection goes by itself, several go in one composite call. Each row stands for itself. Invariants:
results are matched by their place, after their number was checked; a failed row carries no id; a collection
whose answer does not fit is wholly unanswered.
Source: REST API Developer Guide, "sObject Collections" (200 rows), "Composite" (5 collections).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.core.sending.verdict import CallKind, Fate, judge
from sfsync.core.sobject import is_api_name, record_id
from sfsync.core.writes import Answer, CollectionCall, Node, Refused, Unanswered
from sfsync.salesforce.bodies import body_of, dump
from sfsync.salesforce.queries import subanswers
from sfsync.salesforce.session import refusal_evidence
from sfsync.salesforce.writing import MISFIT, refused, written

_PREFIX = "c"


def collection_request(call: CollectionCall, api_path: str) -> tuple[str, str, bytes]:
    """The method, the path and the body of the call.

    Raises:
        ValueError: a name, an id or a value in it cannot be sent.
    """
    path = f"{api_path}/composite/sobjects"
    if len(call.collections) == 1:
        rows = call.collections[0]
        return _method(rows), path, dump(_collection(rows))
    subrequests = [
        {"method": _method(rows), "url": path, "referenceId": f"{_PREFIX}{place}", "body": _collection(rows)}
        for place, rows in enumerate(call.collections)
    ]
    return "POST", f"{api_path}/composite", dump({"allOrNone": False, "compositeRequest": subrequests})


def _method(rows: Sequence[Node]) -> str:
    kinds = {(node.sobject, node.record_id is None) for node in rows}
    if len(kinds) != 1:
        raise ValueError("a collection holds rows of one sObject, all inserts or all updates")
    return "POST" if kinds.pop()[1] else "PATCH"


def _collection(rows: Sequence[Node]) -> dict[str, Any]:
    return {"allOrNone": False, "records": [_row(node) for node in rows]}


def _row(node: Node) -> dict[str, Any]:
    if not is_api_name(node.sobject):
        raise ValueError(f"{node.sobject!r} is no sObject")
    head: dict[str, Any] = {"attributes": {"type": node.sobject}}
    if node.record_id is not None:
        if record_id(node.record_id, node.sobject) is None:
            raise ValueError(f"{node.record_id!r} is no id of {node.sobject!r}")
        head["id"] = node.record_id
    return head | body_of(node)


def read_collections(call: CollectionCall, document: Any, kind: CallKind) -> dict[str, Answer]:
    """What a whole answer says of the rows; nothing when it does not fit the request."""
    if len(call.collections) == 1:
        return _read_rows(call.collections[0], document)
    found = subanswers(document, _PREFIX, len(call.collections))
    if found is None:
        return {}
    answers: dict[str, Answer] = {}
    for rows, answer in zip(call.collections, found, strict=True):
        answers |= _read_subanswer(rows, answer, kind)
    return answers


def _read_subanswer(rows: Sequence[Node], answer: Mapping[str, Any], kind: CallKind) -> dict[str, Answer]:
    status, body = answer["httpStatusCode"], answer["body"]
    if 200 <= status < 300:
        return _read_rows(rows, body)
    evidence = refusal_evidence(status, body)
    verdict = judge(evidence, kind)
    why: Answer = Unanswered(verdict.sign.value)
    if verdict.certain and verdict.fate is not Fate.AMBIGUOUS:
        why = Refused(evidence.code, evidence.message, evidence.fields)
    return {node.change_id: why for node in rows}


def _read_rows(rows: Sequence[Node], results: Any) -> dict[str, Answer]:
    if not isinstance(results, list) or len(results) != len(rows):
        return {node.change_id: Unanswered(MISFIT) for node in rows}
    answers = {node.change_id: _read_row(node, result) for node, result in zip(rows, results, strict=True)}
    # One result that does not fit its row shows that the places cannot be trusted, for the other rows either.
    if any(isinstance(each, Unanswered) for each in answers.values()):
        return {node.change_id: Unanswered(MISFIT) for node in rows}
    return answers


def _read_row(node: Node, result: Any) -> Answer:
    errors = result.get("errors") if isinstance(result, dict) else None
    if not isinstance(errors, list) or result.get("success") is not False:
        return written(node, result)
    return refused(errors[0]) if errors else Unanswered(MISFIT)
