"""Records that were in the org before the job: which rows they may be, and making them theirs at a person's word.

Part of the composition root. Where the org keeps the rows' keys, the key is stamped on the record by a run like any
other: its intents are in the journal first, `resume` goes on with it, `undo` takes it back. Where it does not, the
journal remembers the record, and nothing is written to the org.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sfsync.app.adoption_file import read_confirmed
from sfsync.app.memory import remember_adopted
from sfsync.app.run_files import new_name, save_plan
from sfsync.app.workplace import Surroundings, Workplace, opened
from sfsync.core.job import NO_LIMITS, Job
from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.plans.plan_codec import pack_plan
from sfsync.core.ports import Lookup
from sfsync.core.records import MODIFIED, full_id
from sfsync.core.reports.report import ROWS_NOT_DONE, Report
from sfsync.core.reports.results import NOT_DONE, Problem
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.wording import suggestion
from sfsync.engine.applying.runs import begin_run, run_plan
from sfsync.engine.planning.adopting import (
    Confirmed,
    Listing,
    adoption_plan,
    list_candidates,
    refusal_of,
)
from sfsync.engine.planning.plan_making import PlanStamp
from sfsync.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of the confirmed pairs; `report` is that of the run that stamped keys, where there was one.

    `already` are the changes whose pair was adopted before.
    """

    pairs: tuple[tuple[str, str], ...]
    refused: tuple[Problem, ...]
    report: Report | None = None
    folder: Path | None = None
    already: frozenset[str] = frozenset()

    @property
    def exit_code(self) -> int:
        """0 when every confirmed pair is adopted."""
        if self.report is not None:
            return self.report.exit_code
        return ROWS_NOT_DONE if self.refused else 0


@dataclass(frozen=True, slots=True)
class Desk:
    """One job, planned under its locks, with what its rows may be in the org."""

    place: Workplace
    plan: Plan
    listing: Listing

    def confirm(self, confirmed: Sequence[Confirmed]) -> Adopted:
        """Adopts the pairs; what does not hold any more is left alone and said.

        Raises:
            ConfigError: a row is not in the source.
        """
        return _adopt(self.place, self.plan, confirmed)


@contextmanager
def adopting(job: Job, around: Surroundings) -> Iterator[Desk]:
    """The desk at which a person looks at the candidates of a job's deals, and confirms some, under its locks.

    Raises:
        ConfigError: the job brings no deals.
    """
    _require_deals(job)
    with opened(replace(job, limits=NO_LIMITS), around) as place, place.locked():
        plan = place.plan(is_full=True)
        yield Desk(place, plan, list_candidates(plan, place.gateway, place.journal))


def confirm_file(job: Job, path: Path, around: Surroundings) -> Adopted:
    """Adopts what the file says.

    Raises:
        ConfigError: the file contradicts itself, or names rows that are not in the source; nothing was adopted.
    """
    _require_deals(job)
    confirmed = read_confirmed(path)
    if not confirmed:
        return Adopted((), ())
    with opened(replace(job, limits=NO_LIMITS), around) as place, place.locked():
        return _adopt(place, place.plan(is_full=True), confirmed)


def _require_deals(job: Job) -> None:
    if OPPORTUNITY not in {each.sobject for each in job.sections.values()}:
        raise ConfigError(
            f"job {job.name} brings no deals",
            code="NOTHING_TO_ADOPT",
            hint="Candidates are sought for deals only, not for accounts and contacts.",
        )


def _adopt(place: Workplace, plan: Plan, confirmed: Sequence[Confirmed]) -> Adopted:
    rows = {each.change_id: each for each in plan.changes if each.sobject == OPPORTUNITY}
    _require_rows(confirmed, rows)
    if OPPORTUNITY in plan.key_fields:
        return _stamped(place, plan, confirmed)
    return _remembered(place, rows, confirmed)


def _require_rows(confirmed: Iterable[Confirmed], rows: dict[str, Change]) -> None:
    strange = [each.change_id for each in confirmed if each.change_id not in rows]
    if strange:
        raise ConfigError(
            "\n".join(f"{each} is no row of the source. {suggestion(each, rows)}" for each in strange),
            code="NO_SUCH_ROW",
            hint="Nothing was adopted. List the candidates again: the source has changed.",
        )


def _stamped(place: Workplace, plan: Plan, confirmed: Sequence[Confirmed]) -> Adopted:
    """Stamps the keys by a run of the job."""
    bench = place.bench
    stamp = PlanStamp(new_name(place.around.clock()), bench.now())
    made = adoption_plan(plan, confirmed, place.gateway, stamp)
    folder = place.run_folder(made.job, made.plan_id)
    packed = pack_plan(made)
    begin_run(
        made,
        bench,
        run_id=made.plan_id,
        plan_file=str(save_plan(folder, packed)),
        rows=plan.row_count,
        packed=packed,
    )
    report = run_plan(made, bench, run_id=made.plan_id)
    report = replace(report, usage=place.gateway.usage)
    ends = [(change, report.result(change)) for change in made.changes]
    pairs = [(each.change_id, end.record_id or "") for each, end in ends if end.outcome not in NOT_DONE]
    already = frozenset(each.change_id for each in made.changes if each.action is Action.NOOP)
    problems = tuple(problem for _, _, problem in report.problems())
    return Adopted(tuple(pairs), problems, report, folder, already)


def _remembered(place: Workplace, rows: dict[str, Change], confirmed: Sequence[Confirmed]) -> Adopted:
    """Lets the journal remember the records; nothing is written to the org."""
    ids = tuple(each.record_id for each in confirmed)
    [records] = place.gateway.fetch([Lookup(OPPORTUNITY, ("Id", MODIFIED), "Id", ids)])
    by_id = {full_id(each): each for each in records}
    describe = place.gateway.describe(OPPORTUNITY)
    pairs: list[tuple[str, str]] = []
    refused: list[Problem] = []
    already: set[str] = set()
    for each in confirmed:
        row = rows[each.change_id]
        if row.record_id == each.record_id:
            pairs.append((each.change_id, each.record_id))
            already.add(each.change_id)
            continue
        problem = refusal_of(row, each, by_id.get(each.record_id), describe)
        if problem is None:
            remember_adopted(place, OPPORTUNITY, row.key, each.record_id)
            pairs.append((each.change_id, each.record_id))
        else:
            refused.append(problem)
    return Adopted(tuple(pairs), tuple(refused), already=frozenset(already))
