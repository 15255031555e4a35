"""Units of work packed into few calls: which rows go together, and how many calls that makes.

A `Unit` is what must not be torn: a new deal with its roles, the roles of one deal that exists, or one
record. Units that share an account stay together, because the platform locks the account. Packing is pure,
so a plan can say before it is applied what it will cost.
Source: REST API Developer Guide, limits of "Composite Graph", "Composite" and "sObject Collections".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sfsync.core.sending.strategy import Strategy
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.writes import (
    CollectionCall,
    ConditionalCall,
    Graph,
    GraphCall,
    Node,
    Receipt,
    Route,
    WriteCall,
)

GRAPHS_PER_CALL: Final = 75
NODES_PER_CALL: Final = 500
DEALS_PER_GRAPH: Final = 3
"""A refused deal takes its graph down with it, so graphs stay small and payloads full."""

ROWS_PER_CONDITIONAL: Final = 25
"""Updates with a header each, in one composite request. Source: REST API Developer Guide, "Composite"."""

ROWS_PER_COLLECTION: Final = 200
COLLECTIONS_PER_CALL: Final = 5


@dataclass(frozen=True, slots=True)
class Unit:
    """Nodes that go together; the first is the unit's head.

    `account` groups units, `alone` keeps a unit out of others' transactions, `tries` counts how often it was
    sent and surely not saved. `keeps_id` asks the receipt to keep the id of the record that the head makes.
    `also_locks` names what a write of it locks besides the account; see `sending.lanes`.
    """

    unit_id: str
    nodes: tuple[Node, ...]
    route: Route
    account: str | None = None
    alone: bool = False
    tries: int = 0
    keeps_id: bool = False
    also_locks: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many nodes it is on the wire, receipts included."""
        if self.route is not Route.RECEIPT_FENCE:
            return len(self.nodes)
        return len(self.nodes) + (2 if self.keeps_id else 1)

    @property
    def receipt(self) -> Receipt | None:
        """The receipt that goes in front of it, where its route asks for one."""
        if self.route is not Route.RECEIPT_FENCE:
            return None
        covers = frozenset(node.change_id for node in self.nodes)
        return Receipt(self.unit_id, covers, head=self.nodes[0].ref if self.keeps_id else None)


def by_account(units: Iterable[Unit]) -> list[Unit]:
    """The units with those of one account side by side, in a stable order."""
    return sorted(units, key=lambda each: (each.account is None, each.account or ""))


def create_calls(
    units: Sequence[Unit], *, way: Strategy | None = None
) -> Iterator[tuple[WriteCall, tuple[Unit, ...]]]:
    """Calls that carry creates: in graphs where rows must commit together, else as the plan has chosen."""
    needs_graphs = any(len(each.nodes) > 1 or each.receipt is not None for each in units)
    is_deal = any(node.sobject == OPPORTUNITY for unit in units for node in unit.nodes)
    by_graphs = needs_graphs or way is Strategy.GRAPHS or (is_deal and way is not Strategy.COLLECTIONS)
    yield from graph_calls(units) if by_graphs else collection_calls(units)


def unconditional_calls(
    units: Sequence[Unit], *, way: Strategy
) -> Iterator[tuple[WriteCall, tuple[Unit, ...]]]:
    """Calls that carry updates without a condition."""
    yield from graph_calls(units) if way is Strategy.GRAPHS else collection_calls(units)


def graph_calls(units: Sequence[Unit]) -> Iterator[tuple[GraphCall, tuple[Unit, ...]]]:
    """Calls of composite graphs that carry the units in order, each with the units it carries."""
    taken: list[Unit] = []
    graphs: list[tuple[Unit, ...]] = []
    nodes = 0
    for group in _graph_groups(units):
        size = sum(each.size for each in group)
        if graphs and (len(graphs) == GRAPHS_PER_CALL or nodes + size > NODES_PER_CALL):
            yield _graph_call(graphs), tuple(taken)
            taken, graphs, nodes = [], [], 0
        graphs.append(group)
        taken.extend(group)
        nodes += size
    if graphs:
        yield _graph_call(graphs), tuple(taken)


def _graph_groups(units: Sequence[Unit]) -> Iterator[tuple[Unit, ...]]:
    group: list[Unit] = []
    for unit in units:
        size = sum(each.size for each in group) + unit.size
        is_full = len(group) == DEALS_PER_GRAPH or size > NODES_PER_CALL
        if group and (is_full or unit.alone or group[-1].alone):
            yield tuple(group)
            group = []
        group.append(unit)
    if group:
        yield tuple(group)


def _graph_call(groups: Sequence[tuple[Unit, ...]]) -> GraphCall:
    graphs = tuple(
        Graph(
            f"g{number}",
            tuple(node for unit in group for node in unit.nodes),
            tuple(receipt for unit in group if (receipt := unit.receipt) is not None),
        )
        for number, group in enumerate(groups)
    )
    return GraphCall(graphs, groups[0][0].route)


def collection_calls(units: Sequence[Unit]) -> Iterator[tuple[CollectionCall, tuple[Unit, ...]]]:
    """Composite calls of sObject Collections that carry one-node units in order."""
    pages = _pages(units)
    while group := list(islice(pages, COLLECTIONS_PER_CALL)):
        collections = tuple(tuple(unit.nodes[0] for unit in page) for page in group)
        yield CollectionCall(collections, group[0][0].route), tuple(unit for page in group for unit in page)


def update_batches(
    units: Sequence[Unit], *, is_strict: bool, way: Strategy = Strategy.COLLECTIONS
) -> Iterator[tuple[Unit, ...]]:
    """Updates of single records in batches that are read again and then sent in one call."""
    if is_strict:
        for start in range(0, len(units), ROWS_PER_CONDITIONAL):
            yield tuple(units[start : start + ROWS_PER_CONDITIONAL])
    else:
        yield from (batch for _, batch in unconditional_calls(units, way=way))


def conditional_calls(
    units: Sequence[Unit], unmodified_since: Mapping[str, datetime]
) -> Iterator[tuple[ConditionalCall, tuple[Unit, ...]]]:
    """Calls of conditional updates; `unmodified_since` is given by change id."""
    for batch in update_batches(units, is_strict=True):
        nodes = tuple(unit.nodes[0] for unit in batch)
        conditions = {node.change_id: unmodified_since[node.change_id] for node in nodes}
        yield ConditionalCall(nodes, conditions), batch


def _pages(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    page: list[Unit] = []
    for unit in units:
        if page and (len(page) == ROWS_PER_COLLECTION or unit.alone or page[-1].alone):
            yield page
            page = []
        page.append(unit)
    if page:
        yield page
