"""Composite graph: several graphs in one call, each one transaction of its own.

A graph commits wholly or not at all; after 14 failed graphs the rest is halted. Nodes are calls on
single records only.
Source: REST API Developer Guide, Composite Graph [D]; since version 50. Codes of request errors are
inferred [I].
"""

import re
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.rest.references import names_in
from sfsync.emulator.rest.subrequests import Subrequest, halted_entry, read_subrequests, run_together
from sfsync.emulator.wire.messages import Reply

_MOST_GRAPHS: Final = 75
_MOST_NODES: Final = 500
_MOST_DEPTH: Final = 15
_MOST_KINDS: Final = 15
_MOST_FAILED: Final = 14
_GRAPH_ID: Final = re.compile(r"[A-Za-z0-9][^.]{0,38}")
_NODE: Final = re.compile(
    r"/services/data/v\d{2}\.0/sobjects/([A-Za-z0-9_]+)"
    r"(?!/(?:describe|deleted|updated)\b)(/[^/?]+){0,2}/?(\?.*)?$",
    re.IGNORECASE,
)

Graph = tuple[str, list[Subrequest]]


def composite_graph(call: Call) -> Reply:
    """Run graphs one after the other."""
    graphs = _read_graphs(call, call.request.json_object().get("graphs"))
    results: list[dict[str, Any]] = []
    failed = 0
    for graph_id, nodes in graphs:
        if failed >= _MOST_FAILED:
            entries, succeeded = [halted_entry(node) for node in nodes], False
        else:
            entries, succeeded = run_together(call, nodes)
        failed += not succeeded
        response = {"compositeResponse": entries}
        results.append({"graphId": graph_id, "graphResponse": response, "isSuccessful": succeeded})
    return Reply(200, {"graphs": results})


def _read_graphs(call: Call, entries: object) -> list[Graph]:
    if not isinstance(entries, list) or not entries:
        raise ApiError(400, "JSON_PARSER_ERROR", "graphs must be a JSON array with at least one graph")
    if len(entries) > _MOST_GRAPHS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of graphs, {len(entries)}, exceeds {_MOST_GRAPHS}")
    graphs = [_read_graph(call, entry) for entry in entries]
    ids = [graph_id for graph_id, _ in graphs]
    if len(set(ids)) != len(ids):
        raise ApiError(400, "INVALID_INPUT", "Duplicate graphId provided in the request")
    _check_sizes(graphs)
    return graphs


def _read_graph(call: Call, entry: object) -> Graph:
    if not isinstance(entry, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "A graph must be a JSON object")
    graph_id = str(entry.get("graphId") or "")
    if not _GRAPH_ID.fullmatch(graph_id):
        raise ApiError(400, "INVALID_INPUT", f"Invalid graphId: '{graph_id}'")
    nodes = read_subrequests(call, entry.get("compositeRequest"), most=_MOST_NODES, headers_allowed=False)
    for node in nodes:
        row = _NODE.match(node.url)
        if row is None or (row.group(2) is None and node.method != "POST"):
            raise ApiError(400, "INVALID_INPUT", f"Resource not supported in a composite graph: {node.url}")
    return graph_id, nodes


def _check_sizes(graphs: list[Graph]) -> None:
    nodes = [node for _, members in graphs for node in members]
    kinds = {(node.method, match.group(1).lower()) for node in nodes if (match := _NODE.match(node.url))}
    if len(nodes) > _MOST_NODES:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of nodes, {len(nodes)}, exceeds {_MOST_NODES}")
    if len(kinds) > _MOST_KINDS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"The number of different nodes, {len(kinds)}, exceeds {_MOST_KINDS}"
        )
    for graph_id, members in graphs:
        if _depth(members) > _MOST_DEPTH:
            raise ApiError(400, "LIMIT_EXCEEDED", f"The depth of graph {graph_id} exceeds {_MOST_DEPTH}")


def _depth(nodes: list[Subrequest]) -> int:
    depths: dict[str, int] = {}
    for node in nodes:
        parents = names_in(node.url) | names_in(node.body)
        depths[node.reference_id] = 1 + max((depths.get(parent, 0) for parent in parents), default=0)
    return max(depths.values(), default=0)
