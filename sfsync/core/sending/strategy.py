"""How writes travel: by composite graphs, by collections or by bulk jobs, and what a plan has chosen of these.

A strategy says how rows are packed into calls; what makes them safe to repeat is their route
(`core.sending.routes`), which a strategy may narrow and never loosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Strategy(StrEnum):
    """How rows are packed: all-or-nothing graphs, five collections of 200 a call, or Bulk API 2.0 jobs."""

    GRAPHS = "graphs"
    COLLECTIONS = "collections"
    BULK = "bulk"


class Operation(StrEnum):
    """What is done to the rows that travel together."""

    CREATE = "create"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Price:
    """What one way of sending some rows costs when nothing fails: calls that read, calls that write, minutes."""

    strategy: Strategy
    reads: int
    writes: int
    minutes: float

    @property
    def calls(self) -> int:
        """Reads and writes together."""
        return self.reads + self.writes


@dataclass(frozen=True, slots=True)
class Choice:
    """How the creates or the updates of one sObject travel.

    `others` are what the other possible ways would cost. New deals are priced together with their new roles,
    which go in their graphs or follow them.
    """

    sobject: str
    operation: Operation
    rows: int
    price: Price
    others: tuple[Price, ...] = ()
    is_forced: bool = False

    @property
    def strategy(self) -> Strategy:
        """The way that was chosen."""
        return self.price.strategy


def strategy_of(choices: Iterable[Choice], sobject: str, operation: Operation) -> Strategy | None:
    """The way that a plan has chosen for these rows; None where it has not, as plans of before have not."""
    for each in choices:
        if each.sobject == sobject and each.operation is operation:
            return each.strategy
    return None
