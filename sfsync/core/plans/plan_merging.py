"""Adds the plans of portions, or of partitions of one job, up to the plan that a report of the whole shows.

Of each plan no more is held than that one shows: not what it knows for a later run, not its catalogue of stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.deals.forecast_basis import ForecastBasis
from sfsync.core.deals.gone import NO_GONE, GoneRows
from sfsync.core.plans.plan import Change, OffStage, Plan, PredictedCalls, SourceImage
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reading.source_marks import is_greater
from sfsync.core.references.open_references import OpenReference
from sfsync.core.reports.results import Problem
from sfsync.core.writes import Route

_NO_CALLS: Final = PredictedCalls(0, 0)

MOST_NAMES: Final = 10_000
"""So many records are called by their names; others by their ids."""


@dataclass(slots=True)
class PlanSum:
    """What was added until now; `plan` gives the plan of the whole."""

    _first: Plan | None = None
    _names_of_plans: dict[str, None] = field(default_factory=dict)
    _key_fields: dict[str, str] = field(default_factory=dict)
    _routes: dict[str, Route] = field(default_factory=dict)
    _notes: dict[Problem, None] = field(default_factory=dict)
    _predicted: PredictedCalls = _NO_CALLS
    _basis: ForecastBasis | None = None
    _open: dict[OpenReference, None] = field(default_factory=dict)
    _off_stage_total: int = 0
    _gone: GoneRows = NO_GONE
    _names: dict[tuple[str, str], None] = field(default_factory=dict)
    _marks: dict[str, SourceMark] = field(default_factory=dict)

    @property
    def basis(self) -> ForecastBasis | None:
        """The deals, stages and owners of all that was added; None where no plan has any."""
        return self._basis

    def add(self, plan: Plan) -> None:
        """Takes one more plan in, without its changes and its sources."""
        if self._first is None:
            self._first = replace(plan, changes=(), sources={}, sifted=None)
        self._names_of_plans[plan.whole or plan.plan_id] = None
        self._key_fields |= plan.key_fields
        self._routes |= plan.routes
        self._notes |= dict.fromkeys(plan.notes)
        self._predicted = PredictedCalls(
            self._predicted.reads + plan.predicted.reads, self._predicted.writes + plan.predicted.writes
        )
        self._basis = _both_bases(self._basis, plan.forecast)
        self._open |= dict.fromkeys(plan.open_references)
        self._off_stage_total += plan.off_stage_total
        self._gone = _both_gone(self._gone, plan.gone)
        self._names |= dict.fromkeys(plan.names[: max(0, MOST_NAMES - len(self._names))])
        for mark in plan.marks:
            self._marks[mark.section] = _farther(self._marks.get(mark.section), mark)

    def plan(
        self,
        changes: tuple[Change, ...],
        sources: Mapping[str, SourceImage],
        off_stage: tuple[OffStage, ...],
    ) -> Plan:
        """The plan of the whole, with what is shown of its changes, its sources and its deals off their stage."""
        assert self._first is not None  # a sum of none is nothing
        return replace(
            self._first,
            plan_id=", ".join(self._names_of_plans),
            whole="",
            portion=0,
            changes=changes,
            key_fields=self._key_fields,
            routes=self._routes,
            notes=tuple(self._notes),
            sources=sources,
            predicted=self._predicted,
            forecast=self._basis,
            open_references=tuple(self._open),
            off_stage=off_stage,
            off_stage_total=self._off_stage_total,
            gone=self._gone,
            names=tuple(self._names),
            marks=tuple(self._marks.values()),
        )


def _both_bases(one: ForecastBasis | None, other: ForecastBasis | None) -> ForecastBasis | None:
    if one is None or other is None:
        return one or other
    if not other.deals and other.owners.items() <= one.owners.items():
        return one
    return replace(one, deals={**one.deals, **other.deals}, owners={**one.owners, **other.owners})


def _both_gone(one: GoneRows, other: GoneRows) -> GoneRows:
    vanished, followed = (*one.vanished, *other.vanished), (*one.followed, *other.followed)
    return GoneRows(vanished, followed, {**one.known, **other.known})


def _farther(known: SourceMark | None, mark: SourceMark) -> SourceMark:
    """Of two marks of a section the one that came farther."""
    if known is None or mark.greatest is None:
        return known or mark
    is_farther = known.greatest is None or is_greater(mark.kind, mark.greatest, known.greatest)
    return mark if is_farther else known
