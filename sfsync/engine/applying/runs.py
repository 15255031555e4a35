"""The life of a run: begin it, settle what was open, apply the plan, end it, and say how it went.

A plan is refused before anything is sent when it is for another org, another state of the job or of the
org's schema, or when a run of the job has begun or gone on since it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sfsync.core.events import Listener, Noticed
from sfsync.core.job import NO_LIMITS, Job, Limits
from sfsync.core.plans.guards import UNNAMED, changes_digest, refuse_totals, totals_of
from sfsync.core.plans.partition import read_partition
from sfsync.core.plans.plan import Plan, PredictedCalls
from sfsync.core.plans.plan_book import BookTotals
from sfsync.core.plans.plan_codec import PackedPlan
from sfsync.core.ports import ApiUsage, ChangeState, Journal, OrgGateway, RunRecord
from sfsync.core.reading.source_marks import marks_after
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.sending.budget import refuse_over_budget
from sfsync.engine.applying.in_doubt.recovering import recover
from sfsync.engine.applying.in_doubt.settling import unknown
from sfsync.engine.applying.job_rows import remember_gone
from sfsync.engine.applying.other_portions import learn_other_portions, referred_elsewhere
from sfsync.engine.applying.plan_applying import Ending, apply_changes
from sfsync.engine.applying.read_back.read_ahead import Ahead
from sfsync.engine.applying.read_back.verifying import verify
from sfsync.engine.applying.run_state import Reading, RunState, Stop
from sfsync.engine.planning.routing import org_calls
from sfsync.engine.planning.schema import read_schema
from sfsync.engine.sifting.remembering import remember, unsettle
from sfsync.engine.undoing.undo_applying import forget_deleted
from sfsync.errors import SUPERSEDED, GuardError, JournalError, SyncError


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run works with; `seconds` is a clock that never goes back, `pause` waits before a new try.

    `wait` waits so many seconds, or until the run is stopped. At most `threads` calls are in flight at a time;
    `slowest_s` says how long the slowest answer took until now.
    """

    gateway: OrgGateway
    journal: Journal
    now: Callable[[], str]
    seconds: Callable[[], float]
    pause: Callable[[int], None]
    wait: Callable[[float], object]
    stop: Stop
    listener: Listener
    limits: Limits = NO_LIMITS
    threads: int = 1
    slowest_s: Callable[[], float] = lambda: 0.0


def refuse_stale(plan: Plan, job: Job, bench: Bench) -> None:
    """Checks that the world is still the one the plan was made for.

    Raises:
        GuardError: the plan is for another org, or the job, the schema or the journal has moved on.
    """
    org = bench.gateway.identity()
    if org.org_id != plan.org.org_id:
        raise _stale("OTHER_ORG", f"it was made for org {plan.org.org_id}, this is {org.org_id} ({org.name})")
    if (job.name, job.digest) != (plan.job, plan.job_digest):
        why = "it was changed since, or the plan was made by another version of sfsync"
        raise _stale(
            "JOB_CHANGED", f"job {job.name} is not the one that the plan of {plan.job} was made from: {why}"
        )
    if read_schema(job, bench.gateway).digest != plan.schema_digest:
        raise _stale("SCHEMA_CHANGED", "fields, picklist values or stages of the org were changed since")
    if bench.journal.serial(job.name, org.org_id, plan.share) != plan.serial:
        raise _stale("PLAN_STALE", "a run of this job has begun or gone on since the plan was made")


def _stale(code: str, why: str) -> GuardError:
    return GuardError(f"the plan is stale: {why}", code=code, hint="Make a new plan with sfsync plan.")


def refuse_excess(plan: Plan, bench: Bench) -> None:
    """Checks the plan against the limits of the run and against what the job has brought so far.

    Raises:
        GuardError: it goes too far.
    """
    totals = totals_of(plan, UNNAMED)
    org_id, share = plan.org.org_id, plan.share
    refuse_excess_of(
        totals, plan.job, org_id, bench, share=share, confirm=lambda: changes_digest(plan.changes)
    )


def refuse_excess_of(
    totals: BookTotals,
    job: str,
    org_id: str,
    bench: Bench,
    *,
    share: str,
    confirm: Callable[[], str] | None = None,
) -> None:
    """The same of what all portions of a plan come to; `confirm` makes the plan's name where it has none yet.

    Raises:
        GuardError: they go too far.
    """
    begun = [each for each in bench.journal.runs(job) if (each.org_id, each.share) == (org_id, share)]
    last_rows = begun[0].rows if begun else 0
    parts = read_partition(share).of if share else 1
    managed = {name: count // parts for name, count in bench.journal.count_ledger(org_id).items()}
    named = confirm or (lambda: totals.confirm)
    refuse_totals(totals, bench.limits, managed=managed, last_rows=last_rows, confirm=named)
    usage = bench.gateway.usage
    taken, org = usage.reads + usage.writes, org_calls(bench.gateway)
    refuse_over_budget(totals.predicted, bench.limits, taken=taken, org=org)


def begin_run(
    plan: Plan, bench: Bench, *, run_id: str, plan_file: str, packed: PackedPlan, rows: int | None = None
) -> RunRecord:
    """Opens a run for the plan; `rows` is how many the source has, where the plan is about some of them only.

    `packed` is the plan as it is kept.

    What interrupted runs of the job left undone is this run's from here on; they cannot be resumed any more.

    Raises:
        GuardError: the plan was applied before.
    """
    digest, org_id = packed.digest, plan.org.org_id
    count = plan.row_count if rows is None else rows
    run = RunRecord(
        run_id, plan.job, org_id, digest, plan_file, started_at=bench.now(), rows=count, share=plan.share
    )
    over = interrupted(plan.job, org_id, bench, share=plan.share)
    unsettle(plan, bench.journal.memory)  # before the run is there, so before anything of it is sent
    bench.journal.begin_run(run, packed.packed, takes_over=over)
    return run


def interrupted(job: str, org_id: str, bench: Bench, *, share: str) -> list[str]:
    """The runs of a job, or of its share, that have not ended, books by the name of the whole."""
    runs = [each for each in bench.journal.runs(job) if each.org_id == org_id and each.exit_code is None]
    return [each.run_id for each in runs if concerns(each, share)]


def concerns(run: RunRecord, share: str) -> bool:
    """Whether a run is for a process to settle that works on that share of the job; "" works on all."""
    return share in ("", run.share)


def end_earlier(job: str, org_id: str, bench: Bench, *, share: str = "") -> None:
    """Ends the interrupted runs of a job: what a person says of its rows by now goes before what they planned."""
    for run_id in interrupted(job, org_id, bench, share=share):
        bench.journal.end_run(run_id, exit_code=SUPERSEDED, ended_at=bench.now())


def run_plan(plan: Plan, bench: Bench, *, run_id: str) -> Report:
    """Applies a plan whose run has begun, or goes on with one that was interrupted."""
    applied = applied_plan(plan, bench, run_id=run_id)
    report = applied.report
    if report.stopped is None:
        bench.journal.end_run(run_id, exit_code=report.exit_code, ended_at=bench.now())
        # After the end: a kill between the two leaves the old marks, and the rows are read once more.
        for name, value in marks_after(report).items():
            bench.journal.memory.put_watermark(plan.org.org_id, plan.job, name, value)
        applied.remember(bench.journal)
    return report


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a plan came to: how many rows have failed until then, and what was read back last."""

    report: Report
    failures: int
    read_back: Reading

    def remember(self, journal: Journal) -> None:
        """Remembers what was settled, when the run has ended in the journal."""
        back = self.read_back
        remember(self.report, journal.memory, there=back.there, read_at=back.at, user=back.user)


def applied_plan(
    plan: Plan, bench: Bench, *, run_id: str, failures: int = 0, ahead: Ahead | None = None
) -> Applied:
    """Applies a plan and leaves its run open; failures are counted on top of `failures`.

    `ahead` is what was read back before for all portions of a book.
    """
    started, before = bench.seconds(), bench.gateway.usage
    state = open_state(plan, bench, run_id, failures=failures)
    ending = _recovered(state)
    if ending is None:
        state.ahead = ahead.at(state.attempts) if ahead is not None else None
        ending = apply_changes(state)
    report = Report(
        plan=plan,
        applied=True,
        run_id=run_id,
        usage=bench.gateway.usage,
        seconds=bench.seconds() - started,
        results=state.results | (_in_doubt(state) if ending.stopped else {}),
        notes=ending.notes,
        stopped=ending.stopped,
        audit=state.audit if ending.stopped is None else None,
        spent=_since(before, bench.gateway.usage),
        api_budget=bench.limits.api_budget,
    )
    return Applied(report, state.failures, state.read_back)


def _since(before: ApiUsage, now: ApiUsage) -> PredictedCalls:
    """The calls between two moments, to be held against those that were predicted."""
    return PredictedCalls(now.reads - before.reads, now.writes - before.writes)


def _in_doubt(state: RunState) -> dict[str, RowResult]:
    """What a run that was stopped had sent and not settled: it may be in the org, though nothing is final yet."""
    try:
        records = state.journal.changes(state.run_id)
    except JournalError:
        return {}
    return {
        name: unknown(change)
        for name, record in records.items()
        if record.state in (ChangeState.INTENT, ChangeState.UNKNOWN) and name not in state.results
        if (change := state.by_id.get(name)) is not None
    }


def known_results(plan: Plan, bench: Bench, *, run_id: str) -> dict[str, RowResult]:
    """What the journal knows of the changes of a run, and of those of other portions that these refer to."""
    state = open_state(plan, bench, run_id)
    elsewhere = {
        name: RowResult(name, Outcome.CREATED, found)
        for name in referred_elsewhere(plan)
        if (found := state.ids.get(name)) is not None
    }
    state.recall()
    return elsewhere | state.results


def results_so_far(plan: Plan, bench: Bench, *, run_id: str) -> dict[str, RowResult]:
    """What a run that was stopped while nobody worked on it has come to, with what it has sent and not settled."""
    state = open_state(plan, bench, run_id)
    state.recall()
    return state.results | _in_doubt(state)


def _recovered(state: RunState) -> Ending | None:
    """Settles what an earlier process left open; an `Ending` when the org cannot be asked now."""
    try:
        recover(state)
    except SyncError as error:
        return Ending(stopped=error)
    return None


def settle_earlier(
    job: str, org_id: str, bench: Bench, *, load: Callable[[RunRecord], Plan], share: str = ""
) -> int:
    """Settles the open changes of every earlier run of the job or of its share; `load` reads the plan of a run.

    Returns how many changes were open. Those that could not be settled stay open and are planned around.
    The runs stay interrupted until another one begins, so that one which a guard stops takes nothing from them.
    What they saved is remembered: it must not be taken for somebody's edit, nor an edit that was made since for the
    platform's doing.
    """
    still_open: dict[str, set[str]] = {}
    for run, record in bench.journal.open_changes(job, org_id):
        still_open.setdefault(run.run_id, set()).add(record.change_id)
    settled = 0
    for run in _one_by_one(job, org_id, bench):
        is_cut_off = run.exit_code is None
        if not concerns(run, share) or not (is_cut_off or run.run_id in still_open):
            continue
        try:
            state = open_state(load(run), bench, run.run_id)
        except GuardError:  # its plan is gone, which matters only where something is open
            if run.run_id in still_open:
                raise
        else:
            settled += len(recover(state))
            if state.plan.undoes is not None:
                forget_deleted(state)
            # A run that has ended remembered its own; later runs may know better of the same records by now.
            verify(state, among=state.results if is_cut_off else still_open[run.run_id])
            if is_cut_off and state.plan.undoes is None:
                remember_gone(state)
    if settled:
        bench.listener(Noticed(f"{settled} changes of an interrupted run were looked up in the org"))
    return settled


def _one_by_one(job: str, org_id: str, bench: Bench) -> Iterator[RunRecord]:
    """The runs of a job, oldest first; of a book those portions that have sent something."""
    for run in reversed(bench.journal.runs(job)):
        if run.org_id != org_id:
            continue
        if not run.portions:
            yield run
        for portion in bench.journal.books.portions(run.run_id) if run.portions else ():
            if portion.exit_code is not None or bench.journal.changes(portion.run_id):
                yield portion


def open_state(plan: Plan, bench: Bench, run_id: str, *, failures: int = 0) -> RunState:
    """The state of a run that has begun, with what other portions of its book have done for it.

    `failures` counts the rows of other portions that have failed.
    """
    state = RunState(
        plan=plan,
        run_id=run_id,
        gateway=bench.gateway,
        journal=bench.journal,
        now=bench.now,
        pause=bench.pause,
        wait=bench.wait,
        stop=bench.stop,
        listener=bench.listener,
        limits=bench.limits,
        threads=bench.threads,
        seconds=bench.seconds,
        slowest_s=bench.slowest_s,
        failures=failures,
    )
    learn_other_portions(state)
    return state
