"""A book: the plan of one large job as portions, each a plan of its own that is held in memory alone.

Each portion is planned, kept, begun, written and ended by itself; what has to be judged of the whole before the
first write is in `BookTotals`, which are added up portion by portion.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from sfsync.core.plans.plan import WRITES, Action, Plan, PredictedCalls

Numbers = Mapping[str, Mapping[str, int]]
"""sObject -> a word (an action, a field) -> how many."""


@dataclass(frozen=True, slots=True)
class BookTotals:
    """What guards and reports have to know of a whole; `+` adds two portions of it up.

    `actions` counts all changes by sObject and action, `rows` those of them that stand for an input row.
    `known_changes` are the writes to records that the job brought before, by sObject, and `cleared` how many of
    these empty a field; `left_over` are deals whose lead an earlier run converted. `vanished` counts the writes
    for rows that the source has no more, of the `brought` rows of their sObject. `digests` name the changes of
    each portion. `is_undo` and `reads_on` (from a watermark) hold for the whole if for one of its portions.
    `job_rows` counts by sObject and operation what goes by bulk jobs, which carry the rows of all portions;
    `read_backs` are the calls that read back by ids what each portion writes.
    """

    actions: Numbers = field(default_factory=dict)
    rows: Numbers = field(default_factory=dict)
    known_changes: Mapping[str, int] = field(default_factory=dict)
    cleared: Numbers = field(default_factory=dict)
    left_over: int = 0
    vanished: Mapping[str, int] = field(default_factory=dict)
    brought: Mapping[str, int] = field(default_factory=dict)
    predicted: PredictedCalls = field(default_factory=lambda: PredictedCalls(0, 0))
    digests: tuple[str, ...] = ()
    is_undo: bool = False
    reads_on: bool = False
    job_rows: Numbers = field(default_factory=dict)
    read_backs: int = 0

    def __add__(self, other: BookTotals) -> BookTotals:
        return BookTotals(
            actions=added(self.actions, other.actions),
            rows=added(self.rows, other.rows),
            known_changes=summed(self.known_changes, other.known_changes),
            cleared=added(self.cleared, other.cleared),
            left_over=self.left_over + other.left_over,
            vanished=summed(self.vanished, other.vanished),
            brought={**self.brought, **other.brought},
            predicted=PredictedCalls(
                self.predicted.reads + other.predicted.reads, self.predicted.writes + other.predicted.writes
            ),
            digests=self.digests + other.digests,
            is_undo=self.is_undo or other.is_undo,
            reads_on=self.reads_on or other.reads_on,
            job_rows=added(self.job_rows, other.job_rows),
            read_backs=self.read_backs + other.read_backs,
        )

    @property
    def row_count(self) -> int:
        """How many input rows the whole is about."""
        return sum(sum(each.values()) for each in self.rows.values())

    @property
    def writes(self) -> int:
        """How many changes write."""
        return sum(self.count(action) for action in WRITES)

    @property
    def confirm(self) -> str:
        """The name of exactly these changes, by which a person confirms them; of one portion its own."""
        return joined_digest(self.digests)

    def count(self, action: Action) -> int:
        """How many changes have that action."""
        return sum(each.get(action.value, 0) for each in self.actions.values())


NOTHING: Final = BookTotals()


class PlanBook(Protocol):
    """The portions of one plan, read one at a time; portions are numbered from 1."""

    @property
    def plan_id(self) -> str:
        """The name of the whole; a portion's plan has it as `whole`, and `portion_id` as its own."""
        ...

    @property
    def portions(self) -> int:
        """How many there are."""
        ...

    @property
    def totals(self) -> BookTotals:
        """What the portions come to together; their digests stand in the order of the portions."""
        ...

    def plan(self, number: int) -> Plan:
        """One portion."""
        ...

    def page(self, number: int) -> bytes:
        """One portion as it is saved: packed, as `pack_plan` does it."""
        ...


def portion_id(whole: str, number: int) -> str:
    """The name of a portion's plan and run."""
    return f"{whole}.{number:04d}"


def first_part(run_id: str, portions: int) -> str:
    """The run that has the first plan of a run: of a book its first portion, else the run itself."""
    return portion_id(run_id, 1) if portions else run_id


def joined_digest(digests: tuple[str, ...]) -> str:
    """One digest for several in their order; of a single one itself."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.blake2b(" ".join(digests).encode(), digest_size=6).hexdigest()


def added(some: Numbers, more: Numbers) -> dict[str, dict[str, int]]:
    """The numbers of both."""
    return {name: summed(some.get(name, {}), more.get(name, {})) for name in dict.fromkeys((*some, *more))}


def summed(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """The sums of two countings, names in the order of their first."""
    return {name: some.get(name, 0) + more.get(name, 0) for name in dict.fromkeys((*some, *more))}
