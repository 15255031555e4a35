"""The command check."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.options import json_option, org_option
from sfsync.cli.output import print_json, surroundings
from sfsync.core.reports.report import ROWS_NOT_DONE
from sfsync.core.sending.guarantees import SAFE_BECAUSE

if TYPE_CHECKING:
    from sfsync.app.checking import CheckedJob


@click.command(short_help="Check a job against its org and its files; nothing is written.")
@click.argument("job")
@org_option
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check against this snapshot in place of the org (sfsync org snapshot): no login, no network.",
)
@json_option
def check_command(job: str, *, org: str | None, snapshot: Path | None, as_json: bool) -> int:
    """Check JOB: its file, the login, its fields and key in the org, and every row that can be judged alone.

    Says by which route each sObject is created, on what that rests, and what to change in the org for a better one.
    Nothing is written, and no record is read; sfsync plan does that too. With --snapshot the org is not asked at
    all, as a CI wants it. Example:

    sfsync check nightly -o sandbox
    """
    from sfsync.app.checking import check
    from sfsync.jobs import load_job

    if org and snapshot:
        raise click.UsageError("give either -o NAME or --snapshot FILE: the one stands in for the other")
    with surroundings("none") as around:
        checked = check(load_job(job, org=org, environ=around.environ), around=around, snapshot=snapshot)
    exit_code = ROWS_NOT_DONE if checked.problems else 0
    if as_json:
        print_json(_document(checked, exit_code=exit_code))
    else:
        _draw(checked)
    return exit_code


def _document(checked: CheckedJob, *, exit_code: int) -> dict[str, Any]:
    return {
        "schema": "sfsync.check/1",
        "job": checked.job,
        "org": {"id": checked.org.org_id, "name": checked.org.name, "sandbox": checked.org.is_sandbox},
        "rows": dict(checked.rows),
        "routes": {name: each.route.value for name, each in checked.creates.items()},
        "guarantees": {
            name: {"route": each.route.value, "rests_on": list(each.rests_on), "better": list(each.better)}
            for name, each in checked.creates.items()
        },
        "problems": [asdict(each) for each in checked.problems],
        "notes": [asdict(each) for each in checked.notes],
        "unchecked": list(checked.unchecked),
        "snapshot": checked.snapshot,
        "presets": [asdict(each) for each in checked.presets],
        "exit_code": exit_code,
    }


def _draw(checked: CheckedJob) -> None:
    from sfsync.report.nouns import where_shown
    from sfsync.report.safe_text import visible

    kind = "sandbox" if checked.org.is_sandbox else "production"
    which = f"snapshot {checked.snapshot}" if checked.snapshot else checked.org.org_id
    click.echo(f"job {checked.job} fits {visible(checked.org.name)} ({which}, {kind})")
    for sobject, creates in checked.creates.items():
        click.echo(f"  {sobject}: {checked.rows.get(sobject, 0)} rows, created by: {creates.route.value}")
        click.echo(f"    {SAFE_BECAUSE[creates.route]}")
        for line in creates.rests_on:
            click.echo(f"    rests on: {line}")
        for line in creates.better:
            click.echo(f"    better: {line}")
    for section in checked.presets:
        click.echo(visible(f"  {section.section}: preset {section.preset} ({section.file})"))
        for rule in section.rules:
            click.echo(visible(f"    {rule.text}"))
        if section.left_out:
            click.echo(visible(f"    known and left out: {', '.join(section.left_out)}"))
    for note in checked.notes:
        click.echo(f"  note: {note.message}  {note.hint}")
    for problem in checked.problems:
        line = where_shown(problem.row) if problem.row else ""
        column = f"{problem.column}: " if problem.column else ""
        click.echo(f"  {line}{column}{problem.message}  {problem.hint}")
    for each in checked.unchecked:
        click.echo(f"  unchecked: {each}")
    if checked.problems:
        click.echo(f"{len(checked.problems)} problems in the rows; the other rows can go.")
