"""The commands plan, run and resume."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.options import json_option, org_option, outage_option, progress_option
from sfsync.cli.output import asked_to_write, console, deliver, surroundings

if TYPE_CHECKING:
    from sfsync.app import Surroundings
    from sfsync.core.job import Job
    from sfsync.core.plan import Plan

CHANGES_WAIT = 8


@click.command(short_help="Show what a job would change; nothing is written.")
@click.argument("job")
@org_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="Save the plan; sfsync run JOB --plan FILE applies it."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 8 when changes wait and no row is left undone.")
@json_option
@progress_option
def plan_command(
    job: str, *, org: str | None, out: Path | None, detailed_exitcode: bool, as_json: bool, progress: str
) -> int:
    """Show what JOB would change in its org, field by field, and what that would cost. Nothing is written.

    JOB is the name of a file in config/jobs/, or a path to a job file.
    """
    from sfsync.core.plan_codec import dump_plan
    from sfsync.jobs import load_job
    from sfsync.run_files import write_private

    with surroundings("none" if as_json and progress == "auto" else progress) as around:
        loaded = load_job(job, org=org, environ=around.environ)
        code, plan = plan_and_deliver(loaded, around, as_json=as_json)
    if out is not None:
        write_private(out, dump_plan(plan))
        click.echo(f"plan saved: {out}  (apply it with: sfsync run {job} --plan {out})", err=True)
    if code == 0 and detailed_exitcode and not plan.is_empty():
        return CHANGES_WAIT
    return code


def plan_and_deliver(job: Job, around: Surroundings, *, as_json: bool) -> tuple[int, Plan]:
    """Makes a plan, shows it, and writes its run folder; returns the exit code and the plan."""
    from sfsync.app import opened
    from sfsync.core.report import Report
    from sfsync.report.terminal import draw_plan

    with opened(job, around) as place:
        bench = place.bench
        started = bench.seconds()
        plan = place.plan()
        report = Report(plan, False, plan.plan_id, place.gateway.usage, bench.seconds() - started)  # noqa: FBT003
        folder = place.run_folder(plan.job, plan.plan_id)
    if not as_json:
        draw_plan(plan, console())
    return deliver(report, folder, as_json=as_json), plan


@click.command(short_help="Plan a job, then write the plan.")
@click.argument("job")
@org_option
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path), help="Apply this saved plan, and nothing else."
)
@click.option("--dry-run", is_flag=True, help="Plan only, like sfsync plan.")
@click.option("--yes", is_flag=True, help="On a terminal, do not ask before writing.")
@outage_option
@json_option
@progress_option
def run_command(
    job: str,
    *,
    org: str | None,
    plan_file: Path | None,
    dry_run: bool,
    yes: bool,
    max_outage: int | None,
    as_json: bool,
    progress: str,
) -> int:
    """Plan JOB, show the plan, and write it to the org.

    On a terminal sfsync asks before it writes; elsewhere (cron, CI) it goes on. Every row ends in exactly one
    count; rows that were not done are in the rejects file, which can be corrected and imported as it is.
    """
    from sfsync.jobs import load_job

    form = "none" if as_json and progress == "auto" else progress
    with surroundings(form, max_outage_min=max_outage) as around:
        loaded = load_job(job, org=org, environ=around.environ)
        if dry_run:
            return plan_and_deliver(loaded, around, as_json=as_json)[0]
        return write_and_deliver(loaded, around, plan_file=plan_file, yes=yes, as_json=as_json)


def write_and_deliver(
    job: Job, around: Surroundings, *, plan_file: Path | None, yes: bool, as_json: bool
) -> int:
    """Plans (or takes a saved plan), shows, writes and reports; returns the exit code."""
    from sfsync.app import opened
    from sfsync.report.terminal import draw_plan
    from sfsync.run_files import read_plan

    with opened(job, around) as place, place.locked():
        plan = read_plan(str(plan_file)) if plan_file else place.plan()
        if not as_json:
            draw_plan(plan, console())
        if not (yes or as_json or plan.is_empty()) and sys.stdin.isatty() and sys.stdout.isatty():
            asked_to_write()
        report = place.apply(plan, is_fresh=plan_file is None)
        report = dataclasses.replace(report, usage=place.gateway.usage)
        folder = place.run_folder(plan.job, plan.plan_id)
    return deliver(report, folder, as_json=as_json)


@click.command(short_help="Go on with an interrupted run.")
@click.argument("run", required=False)
@outage_option
@json_option
@progress_option
def resume_command(run: str | None, *, max_outage: int | None, as_json: bool, progress: str) -> int:
    """Go on with RUN, or with the newest run that was interrupted.

    What the interrupted run may have sent is looked up in the org first; then the rest of its plan is written.
    The source files are not needed.
    """
    from sfsync.journal import state_folder
    from sfsync.past_runs import resume
    from sfsync.run_files import run_folder

    form = "none" if as_json and progress == "auto" else progress
    with surroundings(form, max_outage_min=max_outage) as around:
        report = resume(run, around=around)
        folder = run_folder(state_folder(dict(os.environ)), report.plan.job, report.run_id)
        return deliver(report, folder, as_json=as_json)
