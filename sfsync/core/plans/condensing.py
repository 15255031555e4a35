"""Makes one condensed plan of portions, one after the other; of each nothing is kept but what is listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from sfsync.core.deals.forecast import Effect, effect_of
from sfsync.core.deals.forecast_sums import both_effects
from sfsync.core.deals.gone import CHANGE_PREFIX, GoneRows
from sfsync.core.deals.probability import MOST_LISTED
from sfsync.core.plans.condensed_plan import TAKEN_OVER, WRITTEN, CondensedPlan, PlanFigures
from sfsync.core.plans.guards import totals_of
from sfsync.core.plans.plan import PLANNED_OUTCOME, WRITES, Action, Change, OffStage, Plan, SourceImage
from sfsync.core.plans.plan_book import NOTHING, BookTotals, added, summed
from sfsync.core.reading.quoting import add_run, marks_at
from sfsync.core.references.open_references import OpenReference
from sfsync.core.reports.results import NOT_DONE, Outcome, Problem, Stage
from sfsync.core.sending.costs import creates_by_route
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY

MOST_HELD: Final = 100
"""Changes of each sObject and action that are held though nothing is wrong with them; a report lists no more."""

MOST_TOLD: Final = 1_000
"""Rows of each sObject that are held because something is to be said of them and they are left out."""

_IN_ORG: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})

_Held = dict[int, tuple[tuple[str, ...], str, str]]
"""By ordinal the raw cells of a row, their quotes and their types."""


@dataclass(slots=True)
class Condenser:
    """Takes portions in any order of planning; `plan` gives what they come to."""

    totals: BookTotals = NOTHING
    _first: Plan | None = None
    _changes: list[Change] = field(default_factory=list)
    _held: Counter[tuple[str, Action]] = field(default_factory=Counter)
    _tally: dict[str, dict[str, int]] = field(default_factory=dict)
    _images: dict[str, tuple[SourceImage, _Held]] = field(default_factory=dict)
    _figures: PlanFigures = field(default_factory=PlanFigures)
    _effect: Effect | None = None
    _open: dict[OpenReference, None] = field(default_factory=dict)
    _off_stage: list[OffStage] = field(default_factory=list)
    _off_stage_total: int = 0
    _names: dict[str, str] = field(default_factory=dict)
    _gone: GoneRows = field(default_factory=GoneRows)
    _untold: int = 0

    def add(self, plan: Plan) -> BookTotals:
        """Takes in the plan of a portion; returns what it comes to by itself."""
        self._first = self._first or plan
        of_plan = totals_of(plan)
        self.totals += of_plan
        held = self._chosen(plan)
        self._changes += held
        kept = {each.change_id for each in held}
        rest = Counter(
            (each.sobject, PLANNED_OUTCOME[each.action].value)
            for each in plan.changes
            if each.row is not None and each.change_id not in kept
        )
        for (sobject, outcome), count in rest.items():
            of_sobject = self._tally.setdefault(sobject, {})
            of_sobject[outcome] = of_sobject.get(outcome, 0) + count
        self._take_rows(plan, held)
        self._take_figures(plan)
        asked = {value for each in held for value in _texts(each)}
        self._names |= {name: label for name, label in plan.names if name in asked}
        return of_plan

    def plan(self, plan_id: str, notes: Iterable[Problem]) -> CondensedPlan:
        """The condensed plan of everything that was added."""
        first = self._first
        assert first is not None  # a book has a portion
        said = list(notes)
        if self._untold:
            text = f"{self._untold:,} more rows are left out, each for a reason that its portion of the plan tells"
            said.append(Problem("MORE_LEFT_OUT", Stage.PLAN, text, "Nothing; they are counted as skipped."))
        figures = replace(self._figures, totals=self.totals, confirm=self.totals.confirm, effect=self._effect)
        own = replace(
            first,
            plan_id=plan_id,
            changes=tuple(self._changes),
            notes=tuple(said),
            sources={name: _image(image, held) for name, (image, held) in self._images.items()},
            predicted=self.totals.predicted,
            forecast=None,
            open_references=tuple(self._open),
            off_stage=tuple(self._off_stage),
            off_stage_total=self._off_stage_total,
            gone=self._gone,
            names=tuple(self._names.items()),
            tally=self._tally,
        )
        values: dict[str, Any] = {each.name: getattr(own, each.name) for each in fields(Plan)}
        return CondensedPlan(**values, figures=figures)

    def _chosen(self, plan: Plan) -> list[Change]:
        """What is held of a portion: rows that are not done, vanished ones, the first of all others."""
        undone = {
            (each.row.source, each.row.ordinal)
            for each in plan.changes
            if each.row is not None and PLANNED_OUTCOME[each.action] in NOT_DONE
        }
        shown: set[str | None] = set()
        held: list[Change] = []
        for each in plan.changes:
            if PLANNED_OUTCOME[each.action] in NOT_DONE or each.change_id.startswith(CHANGE_PREFIX):
                held.append(each)
            elif each.merged_into and each.row and (each.row.source, each.merged_into) in undone:
                held.append(each)  # both together are the row that comes back
            elif self._has_room(each, shown):
                held.append(each)
                if each.sobject == OPPORTUNITY:
                    shown.add(each.change_id)
        return held

    def _has_room(self, change: Change, shown: set[str | None]) -> bool:
        place = (change.sobject, change.action)
        most = MOST_TOLD if change.action is Action.SKIP or change.problems else MOST_HELD
        is_shown = change.sobject == CONTACT_ROLE and change.parent in shown
        if self._held[place] >= most and not is_shown:
            self._untold += change.action is Action.SKIP
            return False
        self._held[place] += 1
        return True

    def _take_rows(self, plan: Plan, held: Iterable[Change]) -> None:
        """Keeps the raw text of rows that come back to a person."""
        wanted: dict[str, set[int]] = {}
        for each in held:
            if each.row is not None and (PLANNED_OUTCOME[each.action] in NOT_DONE or each.merged_into):
                wanted.setdefault(each.row.source, set()).add(each.row.ordinal)
        for name, image in plan.sources.items():
            _, rows = self._images.setdefault(name, (replace(image, rows={}), {}))
            for ordinal in wanted.get(name, ()):
                raw = image.rows.get(ordinal, ())
                rows[ordinal] = (raw, marks_at(image.quotes, ordinal), marks_at(image.types, ordinal))

    def _take_figures(self, plan: Plan) -> None:
        now, own = self._figures, _figures_of(plan)
        self._figures = replace(
            now,
            by_route=added(now.by_route, own.by_route),
            overview=added(now.overview, own.overview),
            marks=added(now.marks, own.marks),
            blocks=added(now.blocks, own.blocks),
            keyless=tuple(sorted({*now.keyless, *plan.keyless()})),
        )
        if plan.forecast is not None:
            self._effect = both_effects(self._effect, effect_of(plan), plan.forecast.stages)
        self._open |= dict.fromkeys(plan.open_references)
        self._off_stage += plan.off_stage[: MOST_LISTED - len(self._off_stage)]
        self._off_stage_total += plan.off_stage_total
        self._gone = GoneRows(
            (*self._gone.vanished, *plan.gone.vanished),
            (*self._gone.followed, *plan.gone.followed),
            summed(self._gone.known, plan.gone.known),
        )


def _figures_of(plan: Plan) -> PlanFigures:
    """What one portion adds to the figures, all of which are sums."""
    overview: dict[str, Counter[str]] = {}
    marks: dict[str, Counter[str]] = {}
    written: dict[str, set[str | None]] = {}
    taken_over: Counter[str] = Counter()
    for each in plan.changes:
        is_vanished = each.change_id.startswith(CHANGE_PREFIX)
        if each.row is not None or each.action is Action.DELETE or is_vanished or each.made_for:
            overview.setdefault(each.sobject, Counter())[each.action.value] += 1
        for name in _marks(each):
            marks.setdefault(each.sobject, Counter())[name] += 1
        if each.action in WRITES and each.completes is None:
            is_role = each.sobject == CONTACT_ROLE
            place, block = (OPPORTUNITY, each.parent) if is_role else (each.sobject, each.change_id)
            written.setdefault(place, set()).add(block)
        elif each.action is Action.NOOP and each.because and each.sobject != CONTACT_ROLE:
            written.setdefault(each.sobject, set()).add(each.change_id)
        taken_over[each.sobject] += each.adopted and each.action is Action.NOOP and not each.because
    return PlanFigures(
        by_route=creates_by_route(plan.changes, plan.routes, plan.choices),
        overview=overview,
        marks=marks,
        blocks={
            name: {WRITTEN: len(written.get(name, ())), TAKEN_OVER: taken_over[name]}
            for name in dict.fromkeys((*written, *taken_over))
        },
    )


def _marks(change: Change) -> Iterator[str]:
    outcome = PLANNED_OUTCOME[change.action]
    if change.row is not None and outcome in _IN_ORG:
        if change.adopted:
            yield "adopted"
        if change.other_account:
            yield "other_account"
    if outcome is Outcome.DELETED:
        yield "deleted"
    if change.made_for and outcome is Outcome.CREATED:
        yield "created_for_references"


def _texts(change: Change) -> Iterator[str]:
    """The ids and changes that a report may want names of."""
    for value in (*change.values.values(), *change.before.values()):
        if isinstance(value, str):
            yield value
    yield from change.waits_for()


def _image(image: SourceImage, held: Mapping[int, tuple[tuple[str, ...], str, str]]) -> SourceImage:
    """A source's form with the rows that are held of it."""
    quotes: list[tuple[int, str]] = []
    types: list[tuple[int, str]] = []
    add_run(quotes, 0, marks_at(image.quotes, 0))
    for ordinal in sorted(held):
        add_run(quotes, ordinal, held[ordinal][1])
        add_run(types, ordinal, held[ordinal][2])
    rows = {ordinal: held[ordinal][0] for ordinal in sorted(held)}
    return replace(image, rows=rows, quotes=tuple(quotes), types=tuple(types))
