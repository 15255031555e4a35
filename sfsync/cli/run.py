"""The commands plan, run and resume."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.ending import current
from sfsync.cli.options import (
    Safety,
    budget_option,
    full_option,
    jitter_option,
    json_option,
    org_option,
    outage_option,
    partition_option,
    progress_option,
    safety_options,
    threads_option,
)
from sfsync.cli.output import asked_to_write, console, deliver, is_terminal, surroundings
from sfsync.cli.rejects_option import rejects_format_option
from sfsync.cli.watch_options import current_watch, watch_options

if TYPE_CHECKING:
    from sfsync.app.planning import Planned
    from sfsync.app.workplace import Surroundings, Workplace
    from sfsync.core.job import Job
    from sfsync.core.plans.plan import Plan

CHANGES_WAIT = 8


@click.command(short_help="Show what a job would change; nothing is written.")
@click.argument("job")
@org_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="Save the plan; sfsync run JOB --plan FILE applies it."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 8 when changes wait and no row is left undone.")
@full_option
@partition_option
@rejects_format_option
@safety_options(repeats=False)
@json_option
@progress_option
def plan_command(  # noqa: PLR0913 - an argument for each option
    job: str,
    *,
    org: str | None,
    out: Path | None,
    detailed_exitcode: bool,
    full: bool,
    partition: str | None,
    safety: Safety,
    as_json: bool,
    progress: str,
) -> int:
    """Show what JOB would change in its org, field by field, and what that would cost. Nothing is written.

    JOB is the name of a file in config/jobs/, or a path to a job file. With limits such as --max-changes the plan
    says whether they would stop it. Example:

    sfsync plan nightly -o sandbox --out nightly.plan.json
    """
    from sfsync.app.run_files import require_writable
    from sfsync.core.wording import typed
    from sfsync.jobs import load_job

    if out is not None:
        require_writable(out)
    with surroundings(progress, as_json=as_json) as around:
        loaded = _read_in_full(safety.of(load_job(job, org=org, environ=around.environ)), full=full)
        loaded = _shared_out(loaded, partition)
        code, planned = plan_and_deliver(loaded, safety.around(around), as_json=as_json)
    if out is not None:
        save_plan(planned, out)
        name, option = typed(job, org)
        apply = f"sfsync run {name}{option} --plan {shlex.quote(str(out))}"
        if (ending := current()) is not None:
            ending.again = apply
        click.echo(f"plan saved: {out}  (apply it with: {apply})", err=True)
    if code == 0 and detailed_exitcode and not planned.shown.is_empty():
        return CHANGES_WAIT
    return code


def plan_and_deliver(job: Job, around: Surroundings, *, as_json: bool) -> tuple[int, Planned]:
    """Makes a plan, shows it, and writes its run folder; returns the exit code and the plan."""
    from sfsync.app.workplace import opened

    with opened(job, around) as place:
        planned = place.plan_book()
        if not planned.is_whole:
            from sfsync.cli.books import show_book_only

            return show_book_only(place, planned.book, planned.shown, as_json=as_json), planned
        return show_only(place, planned.shown, as_json=as_json), planned


def save_plan(planned: Planned, out: Path) -> None:
    """Writes a plan as a file: one document, or a book where it is in portions."""
    from sfsync.app.plan_books import StoredBook
    from sfsync.app.run_files import write_private
    from sfsync.core.plans.plan_codec import dump_plan

    if isinstance(planned.book, StoredBook):
        planned.book.copy_to(out)
    else:
        write_private(out, dump_plan(planned.shown))


def show_only(place: Workplace, plan: Plan, *, as_json: bool) -> int:
    """Shows a plan that is not to be written now, and what would stop it; returns the exit code."""
    from sfsync.core.reports.report import Report
    from sfsync.core.reports.results import Problem, Stage
    from sfsync.report.words.terminal import draw_plan

    excess = place.excess(plan)
    notes = (Problem(excess.code, Stage.PLAN, excess.message, excess.hint),) if excess else ()
    seconds = place.bench.seconds() - place.opened_at
    report = Report(plan, False, plan.plan_id, place.gateway.usage, seconds, notes=notes)  # noqa: FBT003
    if not as_json:
        draw_plan(plan, console())
    return deliver(report, place.run_folder(plan.job, plan.plan_id), as_json=as_json)


@click.command(short_help="Plan a job, then write the plan.")
@click.argument("job")
@org_option
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path), help="Apply this saved plan, and nothing else."
)
@click.option("--dry-run", is_flag=True, help="Plan only, like sfsync plan.")
@click.option("--yes", is_flag=True, help="On a terminal, do not ask before writing.")
@jitter_option
@full_option
@partition_option
@rejects_format_option
@safety_options()
@json_option
@progress_option
@watch_options
def run_command(  # noqa: PLR0913 - an argument for each option
    job: str,
    *,
    org: str | None,
    plan_file: Path | None,
    dry_run: bool,
    yes: bool,
    start_jitter: int,
    full: bool,
    partition: str | None,
    safety: Safety,
    as_json: bool,
    progress: str,
) -> int:
    """Plan JOB, show the plan, and write it to the org.

    On a terminal sfsync asks before it writes; elsewhere (cron, CI) it goes on. Every row ends in exactly one
    count; rows that were not done are in the rejects file, which can be corrected and imported as it is. Example:

    sfsync run nightly -o production --max-changes 5000 --canary 10
    """
    from sfsync.app.workplace import wait_to_start
    from sfsync.jobs import load_job

    words = (safety.accept_after_s, safety.route, safety.update_mode, safety.verify, safety.strategy)
    if plan_file is not None and (full or any(each is not None for each in words)):
        raise click.UsageError(
            "a saved plan goes as it is: --route, --updates, --strategy, --verify, --full and --accept-duplicates "
            "belong to planning"
        )
    with surroundings(progress, as_json=as_json) as plain:
        loaded = _read_in_full(safety.of(load_job(job, org=org, environ=plain.environ)), full=full)
        loaded = _shared_out(loaded, partition)
        plain.follower.begins(loaded.name, loaded.org or "")
        around = safety.around(plain)
        wait_to_start(around, most_s=start_jitter)
        if dry_run:
            return plan_and_deliver(loaded, around, as_json=as_json)[0]
        return write_and_deliver(loaded, around, plan_file=plan_file, yes=yes, as_json=as_json)


def _read_in_full(job: Job, *, full: bool) -> Job:
    """The job with all rows of its sources where that is asked for."""
    from sfsync.app.planning import fully_read

    return fully_read(job) if full else job


def _shared_out(job: Job, partition: str | None) -> Job:
    """The job, or that share of it."""
    from sfsync.core.plans.partition import read_partition

    return job if partition is None else job.of_partition(read_partition(partition))


def write_and_deliver(
    job: Job, around: Surroundings, *, plan_file: Path | None, yes: bool, as_json: bool
) -> int:
    """Plans (or takes a saved plan), shows, writes and reports; returns the exit code."""
    from sfsync.app.planning import saved_plan
    from sfsync.app.workplace import opened

    watch = current_watch()
    if watch:
        watch.read(job)
    with opened(job, around) as place, place.locked():
        if watch and (yes or as_json or not is_terminal()):  # else a person may still say no
            watch.begins()
        planned = saved_plan(plan_file) if plan_file else place.plan_book()
        return write_planned(place, planned, is_fresh=plan_file is None, yes=yes, as_json=as_json)


def write_plan(place: Workplace, plan: Plan, *, is_fresh: bool, yes: bool, as_json: bool) -> int:
    """Shows a plan, asks where there is somebody to ask, writes it and reports; returns the exit code."""
    from sfsync.app.plan_books import WholePlan
    from sfsync.app.planning import Planned

    return write_planned(place, Planned(WholePlan(plan), plan), is_fresh=is_fresh, yes=yes, as_json=as_json)


def write_planned(place: Workplace, planned: Planned, *, is_fresh: bool, yes: bool, as_json: bool) -> int:
    """The same of a plan that may be in portions."""
    from sfsync.report.words.terminal import draw_plan

    plan = planned.shown
    if not planned.is_whole:
        from sfsync.cli.books import write_book

        return write_book(place, planned.book, plan, is_fresh=is_fresh, yes=yes, as_json=as_json)
    if not as_json:
        draw_plan(plan, console())
    if not (yes or as_json or plan.is_empty()) and is_terminal():
        asked_to_write()
    if watch := current_watch():
        watch.writes(plan.plan_id)
    report = place.apply(plan, is_fresh=is_fresh)
    report = dataclasses.replace(report, usage=place.gateway.usage)
    return deliver(report, place.run_folder(plan.job, plan.plan_id), as_json=as_json)


@click.command(short_help="Go on with an interrupted run.")
@click.argument("run", required=False)
@budget_option
@outage_option
@threads_option
@rejects_format_option
@json_option
@progress_option
@watch_options
def resume_command(
    run: str | None,
    *,
    api_budget: int | None,
    max_outage: int | None,
    threads: int | None,
    as_json: bool,
    progress: str,
) -> int:
    """Go on with RUN, or with the newest run that was interrupted.

    What the interrupted run may have sent is looked up in the org first; then the rest of its plan is written.
    The source files are not needed. Example:

    sfsync resume
    """
    from sfsync.app.past_runs import UNTOLD, Beginning, resume
    from sfsync.app.run_files import run_folder
    from sfsync.journal import state_folder
    from sfsync.report.files.kept_rows import KeptRows

    with surroundings(progress, as_json=as_json, max_outage_min=max_outage) as around, KeptRows() as kept:
        limits = dataclasses.replace(around.limits, api_budget=api_budget)
        watch = current_watch()
        report = resume(
            run,
            around=dataclasses.replace(around, threads=threads, limits=limits),
            watch=kept.add,
            beginning=Beginning(known=watch.read, held=watch.writes) if watch else UNTOLD,
        )
        folder = run_folder(state_folder(dict(os.environ)), report.plan.job, report.run_id)
        return deliver(report, folder, as_json=as_json, kept=kept if report.tally else None)
