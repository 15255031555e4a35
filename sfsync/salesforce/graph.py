"""Composite graphs: the request of a `GraphCall`, and what its answer says of every node.

Each graph is one transaction. Its receipts go first, so that a graph which was saved before fails on them;
a receipt that keeps the id of a record is completed at the end. Invariants: graphs are matched by graph id
and nodes by reference id; a graph counts as committed only when it says so and every one of its nodes proves
itself; of a failed graph nothing was saved, so its nodes without an error of their own were halted.
Source: REST API Developer Guide, "Composite Graph" (API 50.0 and later).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sfsync.core.sending.receipts import RECEIPT, RECORD, TOKEN
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.sobject import is_api_name, record_id
from sfsync.core.writes import (
    Answer,
    Graph,
    GraphCall,
    Halted,
    Node,
    Receipt,
    Refused,
    Repeated,
    Unanswered,
    Written,
)
from sfsync.salesforce.bodies import body_of, dump
from sfsync.salesforce.writing import MISFIT, NO_PROOF, refused, written

_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_GRAPH_ID: Final = re.compile(r"[A-Za-z0-9][^.]{0,38}")


def graph_body(call: GraphCall, api_path: str) -> bytes:
    """The request of the call.

    Raises:
        ValueError: a name, an id or a value in it cannot be sent.
    """
    return dump({"graphs": [_graph(graph, api_path) for graph in call.graphs]})


def _graph(graph: Graph, api_path: str) -> dict[str, Any]:
    if not _GRAPH_ID.fullmatch(graph.graph_id):
        raise ValueError(f"{graph.graph_id!r} is no graph id")
    return {
        "graphId": graph.graph_id,
        "compositeRequest": [
            *(_receipt(place, each, api_path) for place, each in enumerate(graph.receipts)),
            *(_subrequest(node, api_path) for node in graph.nodes),
            *(_kept_id(place, each, api_path) for place, each in enumerate(graph.receipts) if each.head),
        ],
    }


def _receipt(place: int, receipt: Receipt, api_path: str) -> dict[str, Any]:
    if not receipt.token:
        raise ValueError("a receipt without a token fences nothing")
    url, body = f"{api_path}/sobjects/{RECEIPT}", {TOKEN: receipt.token}
    return {"method": "POST", "url": url, "referenceId": _receipt_ref(place), "body": body}


def _kept_id(place: int, receipt: Receipt, api_path: str) -> dict[str, Any]:
    ref = _receipt_ref(place)
    url, body = f"{api_path}/sobjects/{RECEIPT}/@{{{ref}.id}}", {RECORD: f"@{{{receipt.head}.id}}"}
    return {"method": "PATCH", "url": url, "referenceId": _kept_ref(place), "body": body}


def _receipt_ref(place: int) -> str:
    return f"receipt{place}"


def _kept_ref(place: int) -> str:
    return f"receipt{place}id"


def _subrequest(node: Node, api_path: str) -> dict[str, Any]:
    if not _REFERENCE.fullmatch(node.ref) or not is_api_name(node.sobject):
        raise ValueError(f"{node.ref!r} of {node.sobject!r} cannot be sent")
    url = f"{api_path}/sobjects/{node.sobject}"
    if node.record_id is None:
        return {"method": "POST", "url": url, "referenceId": node.ref, "body": body_of(node)}
    if record_id(node.record_id, node.sobject) is None:
        raise ValueError(f"{node.record_id!r} is no id of {node.sobject!r}")
    if node.deletes:
        return {"method": "DELETE", "url": f"{url}/{node.record_id}", "referenceId": node.ref}
    return {
        "method": "PATCH",
        "url": f"{url}/{node.record_id}",
        "referenceId": node.ref,
        "body": body_of(node),
    }


def read_graphs(call: GraphCall, document: Any) -> dict[str, Answer]:
    """What a whole answer says of the nodes; a graph whose answer does not fit is left out."""
    found = document.get("graphs") if isinstance(document, dict) else None
    if not isinstance(found, list) or len(found) != len(call.graphs):
        return {}
    by_id = {each.get("graphId"): each for each in found if isinstance(each, dict)}
    if set(by_id) != {graph.graph_id for graph in call.graphs}:
        return {}
    answers: dict[str, Answer] = {}
    for graph in call.graphs:
        answers |= _read_graph(graph, by_id[graph.graph_id])
    return answers


def _read_graph(graph: Graph, answer: Mapping[str, Any]) -> dict[str, Answer]:
    results = _results(graph, answer)
    if results is None:
        return _all(graph, Unanswered(MISFIT))
    match answer.get("isSuccessful"):
        case True:
            saved = {node.change_id: _saved(node, results[node.ref]) for node in graph.nodes}
            is_proven = all(isinstance(each, Written) for each in saved.values())
            return saved if is_proven else _all(graph, Unanswered(NO_PROOF))
        case False:
            unsaved = {node.change_id: _unsaved(results[node.ref]) for node in graph.nodes}
            return unsaved | _by_receipts(graph, results)
        case _:
            return _all(graph, Unanswered(MISFIT))


def _results(graph: Graph, answer: Mapping[str, Any]) -> dict[str, Mapping[str, Any]] | None:
    """The nodes' results by reference id, when they are exactly those of the graph."""
    response = answer.get("graphResponse")
    found = response.get("compositeResponse") if isinstance(response, dict) else None
    refs = _refs(graph)
    if not isinstance(found, list) or len(found) != len(refs):
        return None
    results: dict[str, Mapping[str, Any]] = {
        each["referenceId"]: each
        for each in found
        if isinstance(each, dict) and isinstance(each.get("referenceId"), str)
    }
    return results if set(results) == refs else None


def _refs(graph: Graph) -> set[str]:
    places = range(len(graph.receipts))
    kept = {_kept_ref(place) for place in places if graph.receipts[place].head}
    return {node.ref for node in graph.nodes} | {_receipt_ref(place) for place in places} | kept


def _by_receipts(graph: Graph, results: Mapping[str, Mapping[str, Any]]) -> dict[str, Answer]:
    """What refused receipts say of the nodes they stand for: saved before, or not to be saved without one."""
    answers: dict[str, Answer] = {}
    for place, receipt in enumerate(graph.receipts):
        found = [_unsaved(results[_receipt_ref(place)])]
        found += [_unsaved(results[_kept_ref(place)])] if receipt.head else []
        for answer in found:
            if not isinstance(answer, Refused):
                continue
            is_repeated = row_fate(answer.code) is RowFate.DUPLICATE_KEY
            answers |= dict.fromkeys(receipt.covers, Repeated() if is_repeated else answer)
    return answers


def _saved(node: Node, result: Mapping[str, Any]) -> Answer:
    """Source: REST API Developer Guide: an insert answers 201 with its id, an update 204 or 200, a delete 204."""
    status, body = result.get("httpStatusCode"), result.get("body")
    if node.record_id is None:
        return written(node, body) if status == 201 else Unanswered(NO_PROOF)
    if status == 204 and not body:
        return Written(record_id(node.record_id) or node.record_id)
    return written(node, body) if status == 200 else Unanswered(NO_PROOF)


def _unsaved(result: Mapping[str, Any]) -> Answer:
    body = result.get("body")
    if isinstance(body, list) and body:
        return refused(body[0])
    return Halted()


def _all(graph: Graph, answer: Answer) -> dict[str, Answer]:
    return {node.change_id: answer for node in graph.nodes}
