"""Which request a write call is sent as, and who reads its answer: one pair for each form of call."""

from __future__ import annotations

from typing import Any

from sfsync.core.sending.verdict import CallKind
from sfsync.core.writes import Answer, ConditionalCall, ConvertCall, GraphCall, WriteCall
from sfsync.salesforce.collections import collection_request, read_collections
from sfsync.salesforce.conditional import conditional_request, read_conditional
from sfsync.salesforce.convert_lead import convert_request, read_converted
from sfsync.salesforce.graph import graph_body, read_graphs
from sfsync.salesforce.session import Request
from sfsync.salesforce.writing import kind_of


def request_of(call: WriteCall, api_path: str, api_version: str) -> Request:
    """The request of a call.

    Raises:
        ValueError: a value cannot be sent.
    """
    kind = kind_of(call)
    if isinstance(call, GraphCall):
        return Request("POST", f"{api_path}/composite/graph", kind, graph_body(call, api_path))
    if isinstance(call, ConditionalCall):
        return conditional_request(call, api_path)
    if isinstance(call, ConvertCall):
        return convert_request(call, api_version, kind)
    method, path, body = collection_request(call, api_path)
    return Request(method, path, kind, body)


def read_answers(call: WriteCall, document: Any, kind: CallKind) -> dict[str, Answer]:
    """The answer of each node that the document of a call has one for."""
    if isinstance(call, GraphCall):
        return read_graphs(call, document)
    if isinstance(call, ConditionalCall):
        return read_conditional(call, document)
    if isinstance(call, ConvertCall):
        return read_converted(call, document)
    return read_collections(call, document, kind)
