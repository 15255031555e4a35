"""What one write call carries, and what the org can answer for each of its rows.

A `GraphCall` is one request of composite graphs: each `Graph` commits wholly or not at all, and may begin with
the receipts of what it carries. A `CollectionCall` is one composite request of up to five sObject
Collections: each row stands for itself. Every row is a `Node`, and every answer is given by the node's change
id, never by place alone.
Source: REST API Developer Guide, "Composite Graph" and "sObject Collections".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sfsync.core.values import Value


class Route(StrEnum):
    """What makes a write safe to repeat: a unique key, a receipt, a bulk job, the record's id, or nothing."""

    KEY_FENCE = "key fence"
    RECEIPT_FENCE = "receipt fence"
    JOB_FENCE = "job fence"
    BY_ID = "by id"
    AT_MOST_ONCE = "at most once"


@dataclass(frozen=True, slots=True)
class NodeRef:
    """The id of a record that an earlier node of the same graph creates; `@{ref.id}` on the wire."""

    ref: str


@dataclass(frozen=True, slots=True)
class Node:
    """One record to insert (`record_id` is None), to update or to delete; `ref` is unique in its graph."""

    ref: str
    change_id: str
    sobject: str
    record_id: str | None
    body: Mapping[str, Value | NodeRef]
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """A record that goes in front of the nodes it stands for: a second commit of them fails on its token.

    `head` is the ref of the node whose id the receipt keeps, where the unit makes a record of its own.
    """

    unit_id: str
    covers: frozenset[str]
    head: str | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes that commit together or not at all, in order, behind their receipts."""

    graph_id: str
    nodes: tuple[Node, ...]
    receipts: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphCall:
    """One request of composite graphs: at most 75 graphs and 500 nodes."""

    graphs: tuple[Graph, ...]
    route: Route

    def nodes(self) -> tuple[Node, ...]:
        """Every node of the call, in the order sent."""
        return tuple(node for graph in self.graphs for node in graph.nodes)


@dataclass(frozen=True, slots=True)
class CollectionCall:
    """One composite request of at most five collections of at most 200 rows.

    The rows of one collection are of one sObject and are all inserts or all updates.
    """

    collections: tuple[tuple[Node, ...], ...]
    route: Route

    def nodes(self) -> tuple[Node, ...]:
        """Every node of the call, in the order sent."""
        return tuple(node for collection in self.collections for node in collection)


@dataclass(frozen=True, slots=True)
class ConditionalCall:
    """One request of at most 25 updates, each on the condition that its record was not modified meanwhile.

    `unmodified_since` gives each node's condition by its change id, as aware UTC times of the server. A single
    update is a call on the record itself, several are one composite request; each row stands for itself.
    Source: REST API Developer Guide, "Conditional Requests" (dates have a grain of one second).
    """

    rows: tuple[Node, ...]
    unmodified_since: Mapping[str, datetime]
    route: Route = Route.BY_ID

    def nodes(self) -> tuple[Node, ...]:
        """Every node of the call, in the order sent."""
        return self.rows


@dataclass(frozen=True, slots=True)
class ConvertCall:
    """One request that converts at most 100 leads; each stands for itself.

    A node is the lead (`record_id`) with `Status`, `Name` of the deal, and where given `OwnerId`,
    `ConvertedAccountId` and `ConvertedContactId`: the records that it is merged into.
    Source: SOAP API Developer Guide, convertLead.
    """

    rows: tuple[Node, ...]
    route: Route = Route.BY_ID

    def nodes(self) -> tuple[Node, ...]:
        """Every node of the call, in the order sent."""
        return self.rows


WriteCall = GraphCall | CollectionCall | ConditionalCall | ConvertCall


@dataclass(frozen=True, slots=True)
class Written:
    """The org saved the row; its id is proven by the answer's body."""

    record_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The org surely did not save the row, and says why; `code` is the platform's."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Halted:
    """The row was not saved because another row of its transaction was refused."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The org has the receipt of this write, or has converted the lead: an earlier sending of it was saved."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The record was modified after the time that the call named, so nothing was written."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody can say whether the row was saved: the answer was lost or proves nothing."""

    why: str


Answer = Written | Refused | Halted | Repeated | Moved | Unanswered
Answers = Mapping[str, Answer]
"""Change id -> answer; one for every node of the call."""
