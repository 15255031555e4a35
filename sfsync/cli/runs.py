"""The commands below runs: which there were, what became of one, where its report is, which files may go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.options import json_option
from sfsync.cli.output import print_json, surroundings

if TYPE_CHECKING:
    from sfsync.app.run_history import KnownRun

SCHEMA = "sfsync.runs/1"


@click.group(short_help="Look at past runs: list, show, report; prune old files.")
def runs_command() -> None:
    """Look at the runs that the journal knows. Needs neither a login nor a network."""


@runs_command.command("list", short_help="The runs that the journal knows, newest first.")
@click.option("--job", metavar="JOB", help="Only runs of this job, by its name.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N")
@json_option
def list_command(*, job: str | None, limit: int, as_json: bool) -> int:
    """List the runs that the journal knows: job, org, start, end, exit code and counts. Example:

    sfsync runs list --job nightly
    """
    from sfsync.app.run_history import known_runs

    with surroundings("none") as around:
        runs = known_runs(around, job=job)
    shown = runs[:limit]
    if as_json:
        entries = [_entry(each) for each in shown]
        print_json({"schema": SCHEMA, "runs": entries, "known": len(runs), "exit_code": 0})
        return 0
    for each in shown:
        click.echo(_line(each))
    if len(runs) > len(shown):
        click.echo(f"... and {len(runs) - len(shown):,} older ones; --limit shows more")
    if not runs:
        click.echo("the journal knows no run" + (f" of job {job}" if job else ""))
    return 0


@runs_command.command("show", short_help="What became of a run, and where its files are.")
@click.argument("run")
@json_option
def show_command(run: str, *, as_json: bool) -> int:
    """Show RUN: its end, its counts, what is open of it, and its files. Example:

    sfsync runs show 20260930T120000Z-a1b2c3
    """
    from sfsync.app.run_history import known_run

    with surroundings("none") as around:
        found = known_run(around, run)
    if as_json:
        print_json({"schema": SCHEMA, "runs": [_entry(found)], "known": 1, "exit_code": 0})
        return 0
    entry = _entry(found)
    click.echo(_line(found))
    for sobject, counted in entry["counts"].items():
        said = ", ".join(f"{name} {count:,}" for name, count in counted.items() if count)
        click.echo(f"  {sobject}: {said or 'no rows'}")
    if found.open_changes:
        click.echo(f"  open: {found.open_changes:,} changes of which nobody can say yet")
    for name in entry["files"]:
        click.echo(f"  {found.folder / name}")
    if not found.has_files:
        click.echo(f"  its files are gone, or on another host: {found.folder}")
    click.echo(f"  next: {_next_step(found)}")
    return 0


@runs_command.command("report", short_help="Where the report of a run is.")
@click.argument("run")
@json_option
def report_command(run: str, *, as_json: bool) -> int:
    """Print the path of the report.html of RUN, to be opened in a browser; one that is gone is made again. Example:

    sfsync runs report 20260930T120000Z-a1b2c3
    """
    from sfsync.app.run_history import REPORT, RESULTS, known_run
    from sfsync.errors import ConfigError
    from sfsync.report.files.folder import rebuild

    with surroundings("none") as around:
        found = known_run(around, run)
    if found.file(REPORT) is None and found.file(RESULTS) is not None:
        rebuild(found.folder)
    path = found.file(REPORT)
    if path is None:
        raise ConfigError(
            f"run {run} has no report in {found.folder}",
            code="NO_REPORT",
            hint="The run is under way, its files were pruned, or they are on the host that ran it.",
        )
    if as_json:
        print_json({"schema": SCHEMA, "run": run, "report": str(path), "exit_code": 0})
    else:
        click.echo(str(path))
    return 0


class _Age(click.ParamType[timedelta]):
    """A number of days such as 90d, or weeks such as 12w."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        number, unit = str(value)[:-1], str(value)[-1:]
        if not (number.isascii() and number.isdecimal() and len(number) <= 5 and unit in ("d", "w")):
            self.fail(f"{value!r} is no age; examples are 90d, 12w", param, ctx)
        return timedelta(days=int(number) * (7 if unit == "w" else 1))


@runs_command.command("prune", short_help="Take away the files of old runs, and their plans.")
@click.option("--older-than", type=_Age(), required=True, metavar="AGE", help="Such as 90d or 12w.")
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@json_option
def prune_command(*, older_than: timedelta, dry_run: bool, as_json: bool) -> int:
    """Take away run folders that are older than AGE, plans that were never applied, and the journal's old plans.

    A run that was interrupted, or has changes of which nobody can say, keeps everything. What the journal knows of
    runs and records stays. A run whose files are gone can be neither retried nor undone. Example:

    sfsync runs prune --older-than 90d --dry-run
    """
    from sfsync.app.run_history import drop_old_plans, old_folders, remove_folder

    with surroundings("none") as around:
        old = old_folders(around, older_than=older_than)
        gone = old if dry_run else [each for each in old if remove_folder(each)]
        plans = 0 if dry_run else drop_old_plans(around, older_than=older_than)
    freed = sum(each.bytes for each in gone)
    left = len(old) - len(gone)
    if as_json:
        folders = [{"job": each.job, "run": each.name, "bytes": each.bytes} for each in gone]
        document = {"schema": "sfsync.prune/1", "dry_run": dry_run, "folders": folders, "bytes": freed}
        print_json(document | {"plans": plans, "not_removed": left, "exit_code": 0})
        return 0
    for each in gone:
        click.echo(f"  {each.folder} ({_size(each.bytes)})")
    count = "1 folder" if len(gone) == 1 else f"{len(gone):,} folders"
    verb = "to go" if dry_run else "gone"
    of_plans = "" if dry_run else f"; plans dropped from the journal: {plans:,}"
    click.echo(f"{count} {verb}, {_size(freed)}{of_plans}")
    if left:
        click.echo(f"{left:,} could not be taken away: the file system refuses", err=True)
    return 0


def _entry(run: KnownRun) -> dict[str, Any]:
    from sfsync.app.run_history import counts_of

    record = run.record
    files = sorted(each.name for each in run.folder.iterdir() if each.is_file()) if run.has_files else []
    return {
        "run": record.run_id,
        "job": record.job,
        "org_id": record.org_id,
        "partition": record.share,
        "started_at": record.started_at,
        "ended_at": record.ended_at or "",
        "exit_code": record.exit_code,
        "under_way": run.is_under_way,
        "lock_held_by": run.holder.described() if run.holder else "",
        "rows": record.rows,
        "portions": record.portions,
        "open_changes": run.open_changes,
        "counts": counts_of(run),
        "folder": str(run.folder) if run.has_files else "",
        "files": files,
    }


def _line(run: KnownRun) -> str:
    from sfsync.report.nouns import rows_counted
    from sfsync.report.safe_text import visible

    record = run.record
    end = _open_end(run) if record.exit_code is None else f"exit {record.exit_code}"
    share = f" ({record.share})" if record.share else ""
    ended = f" to {record.ended_at}" if record.ended_at else ""
    return (
        f"{record.run_id}  {visible(record.job)}{share} in {record.org_id}: {end}, {rows_counted(record.rows)}, "
        f"{record.started_at}{ended}"
    )


def _open_end(run: KnownRun) -> str:
    if run.holder is None:
        return "interrupted"
    if run.is_under_way:
        return f"under way by {run.holder.described()}"
    return f"interrupted, and its job is being run by {run.holder.described()}"


def _next_step(run: KnownRun) -> str:
    from sfsync.app.run_history import standing_of, undone_by
    from sfsync.report.safe_text import visible
    from sfsync.report.words.standing_words import records_stay, take_back_too

    if run.is_under_way:
        return "nothing; wait for it to end"
    if run.holder is not None:
        return (
            f"wait until that process has ended; if it is still open then, sfsync resume {run.record.run_id}"
        )
    if run.record.exit_code is None:
        return f"sfsync resume {run.record.run_id}"
    left = standing_of(run)
    if run.record.exit_code == 0 and left.records:
        how = take_back_too(visible(undone_by(run)), [visible(each) for each in left.later_runs])
        look = f"look at why: sfsync runs report {run.record.run_id}"
        return f"{records_stay(left.records)}; {how or look}"
    if run.record.exit_code == 0:
        return "nothing; it is done"
    if not run.has_files:
        return "run the job again: it plans anew what was not done"
    return f"look at its report, then sfsync retry {run.record.run_id}, or correct and import its rejects"


def _size(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB" if count >= 1_000_000 else f"{count / 1000:,.1f} kB"
