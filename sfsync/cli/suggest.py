"""The command suggest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.job_writing import require_new, write_job
from sfsync.cli.options import json_option, org_option
from sfsync.cli.output import print_json, surroundings

if TYPE_CHECKING:
    from sfsync.core.suggesting.suggestion import Suggestion


@click.command(short_help="Look at a file and write a job for it to review; nothing is applied.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--roles", type=click.Path(path_type=Path), help="A file of contact roles.")
@org_option
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with this snapshot in place of the org (sfsync org snapshot): no login, no network.",
)
@click.option("--key", metavar="COLUMN", help="The column that tells the deals apart, when you know it.")
@click.option("--key-field", metavar="FIELD", help="The org's field for the key: External ID and Unique.")
@click.option("--encoding", help="The encoding of the files, when it is known.")
@click.option("--delimiter", help="The delimiter, when it cannot be told from the header and the first rows.")
@click.option(
    "--sheet", metavar="NAME", help="The sheet, when FILE is a workbook of which several have rows."
)
@click.option("--roles-sheet", metavar="NAME", help="The same of the file given with --roles.")
@click.option("--out", type=click.Path(path_type=Path), metavar="JOB.toml", help="Write the job file there.")
@click.option("--force", is_flag=True, help="With --out: take the place of a file that is there.")
@json_option
def suggest_command(file: Path, *, out: Path | None, force: bool, as_json: bool, **options: Any) -> int:
    """Look at all of FILE, and print a job for it: how it is written, what each column is, which stage is which.

    Each guess has its evidence in a comment. What the file does not prove stands there as a line that begins with
    DECIDE:, and sfsync check refuses the job until you have decided. Nothing is written to the org. Example:

    sfsync suggest deals.csv -o sandbox --out deals.toml
    """
    from sfsync.app.suggestions import SuggestRequest, suggest
    from sfsync.core.suggesting.job_text import job_text, open_count

    if options["org"] and options["snapshot"]:
        raise click.UsageError("give either -o NAME or --snapshot FILE: the one stands in for the other")
    if out is not None:
        require_new(out, force=force)
    folder = out.parent if out is not None else Path()
    with surroundings("none") as around:
        found = suggest(
            SuggestRequest(deals=file, folder=folder, roles_encoding=options["encoding"], **options),
            around=around,
        )
    text = job_text(found)
    if out is not None:
        write_job(out, text)
    if as_json:
        print_json(document(found, text, out))
    elif out is None:
        click.echo(text, nl=False)
    else:
        _say_next(out, open_count(text))
    return 0


def document(found: Suggestion, text: str, out: Path | None) -> dict[str, Any]:
    """The findings as a document, with the job that they make."""
    from sfsync.core.suggesting.job_text import open_count
    from sfsync.core.suggesting.suggestion import SCHEMA

    return {
        "schema": SCHEMA,
        **asdict(found),
        "undecided": open_count(text),
        "job": text,
        "out": str(out) if out is not None else None,
    }


def _say_next(out: Path, undecided: int) -> None:
    from sfsync.report.safe_text import visible

    shown = visible(str(out))
    lines = "1 line is" if undecided == 1 else f"{undecided} lines are"
    if undecided:
        click.echo(f"{shown} is written; {lines} marked DECIDE: for you. Then: sfsync check {shown}")
    else:
        click.echo(f"{shown} is written; nothing is undecided. Review it, then: sfsync check {shown}")
