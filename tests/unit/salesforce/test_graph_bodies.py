"""What a graph looks like on the wire."""

from __future__ import annotations

import json

from sfsync.core.writes import Graph, GraphCall, Node, Receipt, Route
from sfsync.salesforce.graph import graph_body


def test_n5_receipts_stand_in_front_of_what_they_fence() -> None:
    """A graph that was saved before must fail on its receipt, before a rule of the org refuses another node."""
    nodes = tuple(
        Node(
            f"r{place}", f"OpportunityContactRole:{place}", "OpportunityContactRole", None, {"Role": "Other"}
        )
        for place in range(2)
    )
    receipts = (Receipt("Opportunity:1", frozenset({nodes[0].change_id}), head="r0", token="t0"),)
    call = GraphCall((Graph("g0", nodes, receipts),), Route.RECEIPT_FENCE)
    [graph] = json.loads(graph_body(call, "/services/data/v66.0"))["graphs"]
    assert [each["referenceId"] for each in graph["compositeRequest"]] == [
        "receipt0",
        "r0",
        "r1",
        "receipt0id",
    ]
