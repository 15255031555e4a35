"""What is done about a run that is over or was cut off: go on with it, try its failed rows again, take it back.

Part of the composition root. All three need the run's saved plan and the journal, and none needs the source.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sfsync.app.books import go_on, keyless_of, nobody, undo_book, undone_in
from sfsync.app.run_files import new_name, plan_of_run
from sfsync.app.workplace import Surroundings, Workplace, opened
from sfsync.core.job import NO_LIMITS, Job, UpdateMode
from sfsync.core.plans.partition import read_partition
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_book import PlanBook
from sfsync.core.ports import Journal, RunRecord
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.sending.routes import raised_routes
from sfsync.core.writes import Route
from sfsync.engine.applying.books import Watch
from sfsync.engine.applying.in_doubt.accepting import accepted_notes
from sfsync.engine.applying.runs import known_results, run_plan
from sfsync.engine.planning.matching import refuse_forgotten
from sfsync.engine.planning.plan_making import PlanStamp
from sfsync.engine.planning.routing import OrgOffers, means_of
from sfsync.engine.retrying_rows import retry_plan
from sfsync.engine.undoing.undo_planning import undo_plan
from sfsync.errors import ConfigError, GuardError


@dataclass(frozen=True, slots=True)
class Beginning:
    """Who is told how far an old run has been taken up: `known` of its job before anything of the org is asked,
    `held` of its name as soon as its locks are held.
    """

    known: Callable[[Job], None] = lambda _: None
    held: Callable[[str], None] = lambda _: None


UNTOLD: Final = Beginning()


def find_run(journal: Journal, run_id: str | None, *, is_open: bool) -> RunRecord:
    """The run named, else the newest: of those that have not ended, or of those that have.

    Raises:
        ConfigError: there is none.
    """
    runs = [each for each in journal.runs() if (each.exit_code is None) == is_open]
    for run in runs:
        if run_id in (None, run.run_id):
            return run
    kind = "interrupted" if is_open else "ended"
    what = f"no {kind} run {run_id}" if run_id else f"no {kind} run"
    known = ", ".join(each.run_id for each in runs[:5]) or "none"
    raise ConfigError(f"there is {what}", code="NO_SUCH_RUN", hint=f"{kind.capitalize()} runs: {known}.")


def _first_part(journal: Journal, run: RunRecord) -> RunRecord:
    return journal.books.portions(run.run_id)[0] if run.portions else run


@contextmanager
def _taken_up(
    run_id: str | None,
    given: Surroundings,
    *,
    is_open: bool,
    has_guards: bool = True,
    beginning: Beginning = UNTOLD,
) -> Iterator[tuple[Workplace, Plan, RunRecord]]:
    """The run with its plan (of a book its first portion), and a place to work on it, which must be the run's org.

    The guards of its job file hold on, unless `has_guards` says that what follows is no bringing of rows.
    """
    from sfsync.journal import open_journal, state_place

    with open_journal(state_place(given.environ), clock=given.clock) as journal:
        run = find_run(journal, run_id, is_open=is_open)
        saved = plan_of_run(journal, _first_part(journal, run))
    limits = saved.limits if has_guards else NO_LIMITS
    partition = read_partition(saved.share) if saved.share else None
    job = Job(saved.job, saved.profile, {}, saved.job_digest, limits=limits, partition=partition)
    beginning.known(job)
    with opened(job, given) as place:
        if place.gateway.identity().org_id != saved.org.org_id:
            raise GuardError(
                f"run {run.run_id} is of org {saved.org.org_id}, profile {saved.profile} leads to another",
                code="OTHER_ORG",
                hint="Point the profile at the org of the run.",
            )
        refuse_forgotten(saved, place.journal, keyless_of(place.journal, run, saved))
        yield place, saved, run


def resume(
    run_id: str | None = None,
    *,
    around: Surroundings | None = None,
    watch: Watch = nobody,
    beginning: Beginning = UNTOLD,
) -> Report:
    """Goes on with an interrupted run: settles what is unknown, then applies the rest of its plan.

    Of a run in portions, `watch` is shown the whole report of each; the one returned holds what is to be looked at.

    Raises:
        ConfigError: there is no such run.
        SyncError: see `sfsync.errors`.
    """
    given = around or Surroundings()
    with (
        _taken_up(run_id, given, is_open=True, beginning=beginning) as (place, saved, run),
        place.lock(_keyless(place, run, saved)),
    ):
        beginning.held(run.run_id)
        place.gateway.hold_to(place.bench.limits.api_budget, keeps_reserve=True)
        place.run_folder(run.job, run.run_id)
        if run.portions:
            return go_on(place, run.run_id, watch=watch)
        return run_plan(saved, place.bench, run_id=run.run_id)


def _keyless(place: Workplace, run: RunRecord, saved: Plan) -> list[str]:
    return keyless_of(place.journal, run, saved)


@contextmanager
def retrying(
    run_id: str | None,
    codes: Collection[str],
    around: Surroundings,
    *,
    route: Route | None = None,
    update_mode: UpdateMode | None = None,
    beginning: Beginning = UNTOLD,
) -> Iterator[tuple[Workplace, Plan]]:
    """The plan of a run's rows that failed or were blocked, and the place to apply it, under the run's locks.

    `route` and `update_mode` take the place of what the run had.

    Raises:
        ConfigError: there is no such run, or nothing in it to try again, or the org cannot give the route.
    """
    taken_up = _taken_up(run_id, around, is_open=False, beginning=beginning)
    with taken_up as (place, saved, run), place.locked(_keyless(place, run, saved)):
        beginning.held(run.run_id)
        accepted = _accepted(place, run)
        tried, known = undone_in(place, run)
        results = {**known, **accepted}
        plan = retry_plan(
            tried, results, codes=codes, journal=place.journal, accepted=accepted, stamp=_stamp(place)
        )
        if plan.is_empty():
            raise ConfigError(
                f"run {run.run_id} has no failed rows that can be tried again as they are",
                code="NOTHING_TO_RETRY",
                hint="Rows that never came as far as the org are in its rejects file; correct and import that."
                " Rows that another run has brought since, or may have, are that run's.",
            )
        if route is not None:
            routes = raised_routes(plan.routes, means_of(OrgOffers(place.gateway)), wanted=route)
            plan = replace(plan, routes=routes)
        if update_mode is not None:
            plan = replace(plan, is_strict=update_mode is UpdateMode.STRICT)
        yield place, replace(plan, notes=(*plan.notes, *accepted_notes(plan.changes, place.accepted)))


def _accepted(place: Workplace, run: RunRecord) -> dict[str, RowResult]:
    """The rows of the run of which nobody can say and that go again at a person's word, as if they had failed."""
    own = (record for each, record in place.accepted if run.run_id in (each.run_id, each.whole))
    names = [record.change_id for record in own]
    return {name: RowResult(name, Outcome.REJECTED) for name in names}


@contextmanager
def undoing(run_id: str, around: Surroundings) -> Iterator[tuple[Workplace, Plan | PlanBook]]:
    """The plan that takes a run back, and the place to apply it, under the run's locks; of a book it is one too.

    Raises:
        ConfigError: there is no such run.
    """
    allowed = replace(around, limits=replace(around.limits, allow_deletes=True))
    taken_up = _taken_up(run_id, allowed, is_open=False, has_guards=False)
    with taken_up as (place, saved, run), place.locked(_keyless(place, run, saved)):
        if run.portions:
            with undo_book(place, run, _stamp(place)) as book:
                yield place, book
            return
        results = known_results(saved, place.bench, run_id=run.run_id)
        yield (
            place,
            undo_plan(
                saved,
                results,
                gateway=place.gateway,
                journal=place.journal,
                load=partial(plan_of_run, place.journal),
                stamp=_stamp(place),
            ),
        )


def _stamp(place: Workplace) -> PlanStamp:
    return PlanStamp(new_name(place.around.clock()), place.bench.now())
