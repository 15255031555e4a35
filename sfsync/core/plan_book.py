"""A plan of many rows as a book: portions of whole groups, each a plan of its own, and what all of them come to.

A portion is planned, written and held in memory by itself. What has to be judged of the whole before the first
write (guards, a person's look) is in its totals, which are added up while the portions are planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from sfsync.core.deals.gone import vanished_writes
from sfsync.core.plan import NEW, WRITES, Action, Change, Plan, PredictedCalls
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY

Tally = Mapping[str, Mapping[str, int]]
"""sObject -> a name of something -> how many."""


class PlanBook(Protocol):
    """A plan in portions. A portion's plan_id is `portion_id` of the whole's, its `whole` the whole's plan_id."""

    @property
    def plan_id(self) -> str:
        """The name of the whole."""
        ...

    @property
    def portions(self) -> int:
        """How many there are; at least one."""
        ...

    @property
    def totals(self) -> BookTotals:
        """What all portions come to."""
        ...

    def plan(self, number: int) -> Plan:
        """The plan of one portion, the first is 1; read anew each time.

        Raises:
            GuardError: it cannot be read, or was altered.
        """
        ...


def portion_id(whole: str, number: int) -> str:
    """The plan_id of a portion, which is also its run's."""
    return f"{whole}.{number:04d}"


@dataclass(frozen=True, slots=True)
class BookTotals:
    """What plans come to, in numbers that add up.

    `actions` counts changes by sObject and action. `moved` counts by sObject the writes to records that were
    brought before (neither new, nor left over from an earlier run, nor roles of such deals), `cleared` the fields
    that these empty. `vanished` counts by sObject the closed and deleted vanished rows, of `known` that the job
    ever brought. `reads` and `writes` are predicted calls. `is_partial` says that a source was read on from a
    watermark.
    """

    rows: int = 0
    actions: Tally = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=dict)
    cleared: Tally = field(default_factory=dict)
    left_over: int = 0
    vanished: Mapping[str, int] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    is_partial: bool = False

    def __add__(self, other: BookTotals) -> BookTotals:
        """Both together."""
        return BookTotals(
            rows=self.rows + other.rows,
            actions=added_tallies(self.actions, other.actions),
            moved=added(self.moved, other.moved),
            cleared=added_tallies(self.cleared, other.cleared),
            left_over=self.left_over + other.left_over,
            vanished=added(self.vanished, other.vanished),
            known=added(self.known, other.known),
            reads=self.reads + other.reads,
            writes=self.writes + other.writes,
            is_partial=self.is_partial or other.is_partial,
        )

    @property
    def predicted(self) -> PredictedCalls:
        """The API calls that applying everything takes when nothing fails."""
        return PredictedCalls(self.reads, self.writes)

    def count(self, *actions: Action) -> int:
        """How many changes have one of these actions."""
        return sum(of.get(each.value, 0) for of in self.actions.values() for each in actions)

    @property
    def written(self) -> int:
        """How many changes write."""
        return self.count(*WRITES)


NOTHING: Final = BookTotals()


def totals_of(plan: Plan) -> BookTotals:
    """What one plan comes to."""
    actions: dict[str, dict[str, int]] = {}
    for each in plan.changes:
        of_sobject = actions.setdefault(each.sobject, {})
        of_sobject[each.action.value] = of_sobject.get(each.action.value, 0) + 1
    written = (each.change_id for each in plan.changes if each.action in WRITES)
    moved, cleared = _moved(plan.changes)
    return BookTotals(
        rows=plan.row_count,
        actions=actions,
        moved=moved,
        cleared=cleared,
        left_over=sum(each.is_left_over for each in plan.changes),
        vanished=vanished_writes(plan.gone, written),
        known=plan.gone.known,
        reads=plan.predicted.reads,
        writes=plan.predicted.writes,
        is_partial=bool(plan.marks),
    )


def _moved(changes: Iterable[Change]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """The writes to records that were brought before, and the fields that they empty, by sObject."""
    changes = tuple(changes)
    own = {each.change_id for each in changes if each.is_left_over or each.action in NEW}
    moved: dict[str, int] = {}
    cleared: dict[str, dict[str, int]] = {}
    for each in changes:
        is_of_own = each.sobject == CONTACT_ROLE and each.parent in own
        if each.action not in WRITES or each.change_id in own or is_of_own:
            continue
        moved[each.sobject] = moved.get(each.sobject, 0) + 1
        for name, value in each.values.items():
            if value is None:
                of_sobject = cleared.setdefault(each.sobject, {})
                of_sobject[name] = of_sobject.get(name, 0) + 1
    return moved, cleared


def known_records(totals: BookTotals, sobject: str, brought: int) -> int:
    """How many of the brought records of an sObject a plan is measured against: not what it finishes itself."""
    return brought - totals.left_over if sobject == OPPORTUNITY else brought


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """The sums of two countings, names in the order of their first."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in dict.fromkeys((*one, *other))}


def added_tallies(one: Tally, other: Tally) -> dict[str, dict[str, int]]:
    """The sums of two tallies."""
    return {name: added(one.get(name, {}), other.get(name, {})) for name in dict.fromkeys((*one, *other))}
