"""Reports of portions, or of partitions of one job, as one report of the whole; and what such a report may forget.

A report that is condensed keeps what somebody has to look at: rows that are not done, rows of which something is
said, and the first writes of each sObject, which a report shows field by field. Everything else is only counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sfsync.core.deals.forecast import Effect, Mover
from sfsync.core.deals.forecast_sums import both_effects
from sfsync.core.deals.probability import MOST_LISTED
from sfsync.core.plans.guards import changes_digest
from sfsync.core.plans.image_merging import merged_image, with_rows_of
from sfsync.core.plans.plan import WRITES, Change, OffStage, PredictedCalls, SourceImage
from sfsync.core.plans.plan_book import added, joined_digest
from sfsync.core.plans.plan_merging import PlanSum
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.audit import Audit, Finding
from sfsync.core.reports.report_numbers import Tally, is_end
from sfsync.core.reports.report_places import Place, places, rank
from sfsync.core.reports.results import NOT_DONE, REMARKS, Outcome, Problem, RowResult
from sfsync.core.sobject import OPPORTUNITY

if TYPE_CHECKING:
    from sfsync.core.reports.report import Report

MOST_SHOWN: Final = 100
"""Writes of each sObject that a condensed report keeps to show."""

_Entry = tuple[Place, int, Change]
"""A change with its place, and which of the reports it is of."""

_Order = tuple[Place, int]
"""Where a change stands among all: its place, then its report."""


def condensed(report: Report, *, confirm: str = "") -> Report:
    """The report with the rows alone that somebody has to look at; all are counted in its tally.

    `confirm` is the digest of its changes, where that is known.
    """
    if report.tally:
        return report
    plan = report.plan
    told = {each.change_id for each in plan.changes if _is_told(report, each)}
    told |= {each.change_id for each in plan.gone.vanished}
    told |= {each.completes for each in plan.changes if each.completes and each.change_id in told}
    held = told | _shown(plan.changes)
    changes = tuple(each for each in plan.changes if each.change_id in held)
    undone = [each for each in changes if each.change_id in told]
    mentioned = {value for each in changes for value in (*each.desired.values(), *each.values.values())}
    basis = plan.forecast
    kept = replace(
        plan,
        changes=changes,
        sources={name: with_rows_of(each, _ordinals(name, undone)) for name, each in plan.sources.items()},
        names=tuple(pair for pair in plan.names if pair[0] in mentioned),
        forecast=replace(basis, deals={}) if basis is not None else None,
    )
    return replace(
        report,
        plan=kept,
        results={name: each for name, each in report.results.items() if name in held},
        tally=report.numbers(),
        effect=report.forecast(),
        confirm=confirm or report.confirm or changes_digest(plan.changes),
    )


def _shown(changes: Iterable[Change]) -> set[str]:
    counts: dict[str, int] = {}
    shown: set[str] = set()
    for each in changes:
        if each.action in WRITES and counts.get(each.sobject, 0) < MOST_SHOWN:
            counts[each.sobject] = counts.get(each.sobject, 0) + 1
            shown.add(each.change_id)
    return shown


def _is_told(report: Report, change: Change) -> bool:
    """Whether something is said of a change: that it is not done, or why, or what it goes without."""
    result = report.result(change)
    if result.outcome in NOT_DONE:
        return is_end(change)
    return result.outcome is Outcome.SKIPPED or any(each.code in REMARKS for each in result.problems)


def _ordinals(source: str, changes: Iterable[Change]) -> set[int]:
    rows = [each for each in changes if each.row is not None and each.row.source == source]
    return {each.row.ordinal for each in rows if each.row is not None} | {each.merged_into for each in rows}


class ReportSum:
    """Reports added one after the other; of condensed ones no more is held than their sum holds."""

    def __init__(self) -> None:
        self._first: Report | None = None
        self._count = 0
        self._held: list[_Entry] = []
        self._shown: dict[str, list[_Entry]] = {}
        self._results: dict[str, RowResult] = {}
        self._images: dict[str, list[SourceImage]] = {}
        self._plan = PlanSum()
        self._tally: Tally = {}
        self._is_condensed = False
        self._run_ids: dict[str, None] = {}
        self._notes: dict[Problem, None] = {}
        self._effect: Effect | None = None
        self._moved: dict[str, _Order] = {}
        self._off_stage: list[tuple[_Order | None, OffStage]] = []
        self._findings: list[Finding] = []
        self._audited: int | None = None
        self._usage = ApiUsage()
        self._spent: PredictedCalls | None = None
        self._confirms: list[str] = []

    def add(self, report: Report) -> None:
        """Takes one more report in."""
        if self._first is None or self._first.stopped is None:
            self._first = report if self._first is None else replace(self._first, stopped=report.stopped)
        self._count += 1
        self._is_condensed |= bool(report.tally)
        self._tally = added(self._tally, report.numbers())
        entries = [
            (place, self._count, change)
            for place, change in zip(places(report.plan.changes), report.plan.changes, strict=True)
        ]
        effect = report.forecast()
        self._note_places(report, effect, entries)
        self._hold(report, entries)
        plan = report.plan
        for name, image in plan.sources.items():
            images = self._images.setdefault(name, [])
            if image.rows or not images:
                images.append(image)
        self._plan.add(plan)
        self._run_ids[plan.whole or report.run_id] = None
        self._notes |= dict.fromkeys(report.notes)
        if plan.forecast is not None:
            self._effect = both_effects(self._effect, effect, plan.forecast.stages, most=None)
        if report.audit is not None:
            self._audited = (self._audited or 0) + report.audit.rows
            self._findings += report.audit.findings
        self._usage = _added_usage(self._usage, report.usage)
        self._spent = _added_calls(self._spent, report.spent)
        self._confirms.append(report.confirm or changes_digest(plan.changes))
        self._first = replace(self._first, seconds=max(self._first.seconds, report.seconds))

    def _note_places(self, report: Report, effect: Effect | None, entries: list[_Entry]) -> None:
        """Notes where the deals stand that the forecast and the list of probabilities name."""
        movers = (*effect.backward, *effect.reopened, *effect.pushed) if effect else ()
        moved = {each.change_id for each in movers}
        off = dict.fromkeys(each.key for each in report.plan.off_stage)
        places_off: dict[str | None, _Order] = {}
        for entry in entries:
            change = entry[2]
            if change.sobject == OPPORTUNITY and change.change_id in moved:
                self._moved.setdefault(change.change_id, _order(entry))
            if change.sobject == OPPORTUNITY and change.key in off:
                places_off.setdefault(change.key, _order(entry))
        self._off_stage += [(places_off.get(each.key), each) for each in report.plan.off_stage]
        if len(self._off_stage) > 2 * MOST_LISTED:
            self._cut_off_stage()

    def _cut_off_stage(self) -> None:
        """Keeps the first of the deals off their stage; those without a place stand behind the others."""
        self._off_stage.sort(key=lambda each: (1,) if each[0] is None else (0, each[0]))
        del self._off_stage[MOST_LISTED:]

    def _hold(self, report: Report, entries: list[_Entry]) -> None:
        vanished = {each.change_id for each in report.plan.gone.vanished}
        completed = {each.completes for each in report.plan.changes if each.completes}
        for entry in entries:
            change = entry[2]
            is_named = change.change_id in vanished or change.change_id in completed
            if not report.tally or is_named or _is_told(report, change):
                self._held.append(entry)
                self._keep_result(report, change)
            else:
                self._show(report, entry)

    def _show(self, report: Report, entry: _Entry) -> None:
        shown, change = self._shown.setdefault(entry[2].sobject, []), entry[2]
        shown.append(entry)
        self._keep_result(report, change)
        if len(shown) >= 2 * MOST_SHOWN:
            self._cut(shown)

    def _cut(self, shown: list[_Entry]) -> None:
        shown.sort(key=_order)
        for _, _, change in shown[MOST_SHOWN:]:
            self._results.pop(change.change_id, None)
        del shown[MOST_SHOWN:]

    def _keep_result(self, report: Report, change: Change) -> None:
        result = report.results.get(change.change_id)
        if result is not None:
            self._results[change.change_id] = result

    def total(self) -> Report:
        """The report of all that was added.

        Raises:
            ValueError: nothing was.
        """
        if self._first is None:
            raise ValueError("there is no report to merge")
        for shown in self._shown.values():
            self._cut(shown)
        entries = sorted((*self._held, *(each for some in self._shown.values() for each in some)), key=_order)
        self._cut_off_stage()
        plan = self._plan.plan(
            tuple(change for _, _, change in entries),
            {name: merged_image(images) for name, images in self._images.items()},
            tuple(each for _, each in self._off_stage),
        )
        findings = tuple(sorted(self._findings, key=_finding_place))
        return replace(
            self._first,
            plan=plan,
            run_id=", ".join(self._run_ids),
            usage=self._usage,
            spent=self._spent,
            results=self._results,
            notes=tuple(self._notes),
            audit=None if self._audited is None else Audit(self._audited, findings),
            tally=self._tally if self._is_condensed else {},
            effect=self._ordered_effect(),
            confirm=joined_digest(tuple(self._confirms)),
        )

    def _ordered_effect(self) -> Effect | None:
        """The effect, in which deals stand in the order of the whole; those whose place is not known come last."""
        if self._effect is None:
            return None
        known = {name: number for number, (name, _) in enumerate(sorted(self._moved.items(), key=_place))}

        def ordered(movers: Iterable[Mover]) -> tuple[Mover, ...]:
            return tuple(sorted(movers, key=lambda each: known.get(each.change_id, len(known))))

        return replace(
            self._effect,
            backward=ordered(self._effect.backward),
            reopened=ordered(self._effect.reopened),
            pushed=ordered(self._effect.pushed),
        )


def _order(entry: _Entry) -> _Order:
    return entry[0], entry[1]


def _place(item: tuple[str, _Order]) -> _Order:
    return item[1]


def _finding_place(finding: Finding) -> tuple[int, int]:
    return rank(finding.sobject), finding.row.ordinal if finding.row else 0


def _added_calls(some: PredictedCalls | None, more: PredictedCalls | None) -> PredictedCalls | None:
    """What applying took together; None where neither was applied, or both had ended before."""
    if some is None or more is None:
        return some or more
    return PredictedCalls(some.reads + more.reads, some.writes + more.writes)


def _added_usage(some: ApiUsage, more: ApiUsage) -> ApiUsage:
    used = [each for each in (some.limit_used, more.limit_used) if each is not None]
    most = [each for each in (some.limit_max, more.limit_max) if each is not None]
    return ApiUsage(
        reads=some.reads + more.reads,
        writes=some.writes + more.writes,
        logins=some.logins + more.logins,
        retries=some.retries + more.retries,
        limit_used=max(used, default=None),
        limit_max=max(most, default=None),
    )
