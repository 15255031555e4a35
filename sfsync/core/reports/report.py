"""The report as a value: what became of every change of a plan, what it cost, and the exit code it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.deals.forecast import Effect
from sfsync.core.plans.condensed_plan import planned_effect
from sfsync.core.plans.plan import PLANNED_OUTCOME, WRITES, Change, Plan, PredictedCalls
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.audit import Audit
from sfsync.core.reports.phases import PhaseSpent
from sfsync.core.reports.report_merging import ReportSum, condensed
from sfsync.core.reports.report_numbers import Tally, counts_in, is_end, not_done_in, tally_of
from sfsync.core.reports.results import (
    NOT_DONE,
    REMARKS,
    Outcome,
    Problem,
    RowResult,
    Stage,
    count_outcomes,
    with_tally,
)
from sfsync.errors import Interrupted, SyncError

_WRITTEN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED})

ROWS_NOT_DONE = 3
"""The exit code of a finished run that left rows undone."""


@dataclass(frozen=True, slots=True)
class Report:
    """One plan or one applied run, or several as one (`merge`).

    `results` holds one entry for each change that apply settled; a plan that was not applied has none.
    `stopped` is what ended the run early; `notes` are remarks that make no row undone.
    `audit` is what reading back found; None where nobody asked or the run did not come so far. `spent` are the
    calls that applying took, planning left out, and `api_budget` is how many the run was allowed in all.
    A report that is `condensed` holds only some of the changes; then `tally` counts all of them
    (`core.reports.report_numbers`), `effect` is the forecast's and `confirm` the digest of all. They are empty
    where every change is held. `phases` say what each phase of the command took, where somebody has followed it.
    """

    plan: Plan
    applied: bool
    run_id: str
    usage: ApiUsage
    seconds: float
    results: Mapping[str, RowResult] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    stopped: SyncError | None = None
    audit: Audit | None = None
    spent: PredictedCalls | None = None
    api_budget: int | None = None
    tally: Tally = field(default_factory=dict)
    effect: Effect | None = None
    confirm: str = ""
    phases: tuple[PhaseSpent, ...] = ()
    _numbers: list[Tally] = field(default_factory=list, init=False, repr=False, compare=False)
    _effect: list[Effect | None] = field(default_factory=list, init=False, repr=False, compare=False)

    def result(self, change: Change) -> RowResult:
        """What became of a change, or what is planned for it."""
        settled = self.results.get(change.change_id)
        if settled is not None:
            return _with_remarks(settled, change)
        outcome = PLANNED_OUTCOME[change.action]
        if self.applied and change.action in WRITES:
            outcome = Outcome.UNPROCESSED
        return RowResult(change.change_id, outcome, change.record_id, change.problems, change.adopted)

    def rows(self) -> Iterator[tuple[Change, RowResult]]:
        """Every input row's change with its result; writes that no row asks for are left out."""
        for change in self.plan.changes:
            if change.row is not None:
                yield change, self.result(change)

    def ends(self) -> Iterator[tuple[Change, RowResult]]:
        """Every input row's change, and every write that no row asks for, with its result.

        A reference that a new record goes without is among them, as it leaves something undone.
        """
        for change in self.plan.changes:
            if is_end(change):
                yield change, self.result(change)

    def numbers(self) -> Tally:
        """Everything that is counted, of all changes, whether they are held or not; counted once."""
        if not self._numbers:
            every = ((each, self.result(each)) for each in self.plan.changes)
            self._numbers.append(
                self.tally or tally_of(every, self.plan.routes, self.plan.choices, self.plan.untouched)
            )
        return self._numbers[0]

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows per sObject and outcome; those that the plan left out as they were are unchanged."""
        if self.tally:
            return counts_in(self.tally)
        counted = ((change.sobject, result.outcome) for change, result in self.rows())
        return with_tally(count_outcomes(counted, unchanged=self.plan.untouched), self.plan.tally)

    def problems(self) -> list[tuple[Change, Outcome, Problem]]:
        """Every problem of every row or write that is not done, in the order of the plan."""
        return [
            (change, result.outcome, problem)
            for change, result in self.ends()
            if result.outcome in NOT_DONE
            for problem in result.problems or (_unexplained(change, result.outcome),)
        ]

    def forecast(self) -> Effect | None:
        """The effect on the forecast: of the plan, and once it is applied of what was written.

        None when the plan does not know. It is added up once, however many views of the report tell it.
        """
        if self.effect is not None:
            return self.effect
        if not self._effect:
            written = {name for name, each in self.results.items() if each.outcome in _WRITTEN}
            self._effect.append(planned_effect(self.plan, written if self.applied else None))
        return self._effect[0]

    def remarks(self) -> list[tuple[Change, Outcome, Problem]]:
        """What is said of rows that are not undone: why they were left out, and what they go without."""
        return [
            (change, result.outcome, problem)
            for change, result in self.rows()
            if result.outcome not in NOT_DONE
            for problem in result.problems
            if result.outcome is Outcome.SKIPPED or problem.code in REMARKS
        ]

    @property
    def exit_code(self) -> int:
        """The process exit code that this end of a run means."""
        if isinstance(self.stopped, Interrupted):
            return self.stopped.process_exit_code
        if self.stopped is not None:
            return self.stopped.exit_code
        if self.tally:
            return ROWS_NOT_DONE if not_done_in(self.tally) else 0
        return ROWS_NOT_DONE if any(result.outcome in NOT_DONE for _, result in self.ends()) else 0

    def condensed(self, *, confirm: str = "") -> Report:
        """The report without the rows that are done and of which nothing is said; they stay counted.

        So many reports can be held and merged. `confirm` is the digest of the changes, where that is known.
        """
        return condensed(self, confirm=confirm)

    @staticmethod
    def merge(reports: Iterable[Report]) -> Report:
        """One report of several: of portions of one run, or of partitions of one job.

        Counts, calls and effects are added up, problems and rows stand in the order of their sources, a note that
        several have is told once. It ends as the worst of them; `seconds` is the longest. The reports are taken
        one at a time, and of condensed ones no more is held than the result holds.

        Raises:
            ValueError: there is none.
        """
        whole = ReportSum()
        for each in reports:
            whole.add(each)
        return whole.total()


def _with_remarks(settled: RowResult, change: Change) -> RowResult:
    """What became of a change, with what the plan said of it."""
    said = tuple(each for each in change.problems if each.code in REMARKS and each not in settled.problems)
    if not said or settled.outcome in NOT_DONE:
        return settled
    return replace(settled, problems=(*settled.problems, *said))


def _unexplained(change: Change, outcome: Outcome) -> Problem:
    if outcome is Outcome.UNPROCESSED:
        return Problem(
            "NOT_REACHED",
            Stage.ORG,
            "the run ended before this row was sent",
            "Run sfsync resume.",
            row=change.row,
        )
    message = f"the row is {outcome.value}, and no reason was recorded"
    hint = "Look at the record in the org, then run the job again."
    return Problem(outcome.name, Stage.ORG, message, hint, row=change.row)
