"""The command adopt: one record at once, candidates in a file, or one question after another."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.ending import current
from sfsync.cli.naming import named_job
from sfsync.cli.options import json_option, org_option
from sfsync.cli.output import asked, print_json, surroundings

if TYPE_CHECKING:
    from sfsync.app.adoptions import Adopted, Desk
    from sfsync.app.workplace import Surroundings
    from sfsync.core.job import Job

MOST_SHOWN = 20


@click.command(short_help="Say which records of the org rows are that have none by their key.")
@click.argument("job")
@click.argument("key", required=False)
@click.argument("record_id", required=False)
@click.option(
    "--candidates", is_flag=True, help="Show which deals of the org may be rows of the job; write nothing."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Save the candidates to this CSV, to be filled in."
)
@click.option(
    "--confirm",
    "confirmed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Adopt the lines of FILE whose column adopt says yes.",
)
@org_option
@json_option
def adopt_command(
    job: str,
    key: str | None,
    record_id: str | None,
    *,
    candidates: bool,
    out: Path | None,
    confirmed: Path | None,
    org: str | None,
    as_json: bool,
) -> int:
    """Say which records of the org are rows of JOB that have none by their key.

    With KEY and RECORD_ID: the row with that row_key is that record, for rows that were sent once and of which
    nobody can say. With --candidates: the deals of the org that may be rows, each with a score and its reasons;
    --out saves them as a CSV. Fill in yes under adopt, then --confirm FILE: their keys are written to the records
    that nobody has modified since. Without either, on a terminal, it asks about one match after the other. Nothing
    is adopted without a person's word, and the next run updates what differs. Example:

    sfsync adopt nightly --candidates --out adopt.csv
    """
    _refuse_mixed(key, record_id, candidates=candidates, out=out, confirmed=confirmed)
    with surroundings("none") as around:
        named = named_job(job, org=org, environ=around.environ)
        if key and record_id:
            return _adopt_one(named, key, record_id, around, as_json=as_json)
        if confirmed is not None:
            from sfsync.app.adoptions import confirm_file

            return _tell(named, confirm_file(named, confirmed, around), as_json=as_json)
        return _look(named, around, out=out, asks=not candidates, as_json=as_json)


def _refuse_mixed(
    key: str | None, record_id: str | None, *, candidates: bool, out: Path | None, confirmed: Path | None
) -> None:
    """Lets one way through at a time."""
    from sfsync.app.run_files import require_writable

    if key and not record_id:
        raise click.UsageError("RECORD_ID is missing behind KEY")
    ways = sum((bool(key), candidates, confirmed is not None))
    if ways > 1:
        raise click.UsageError("give one of KEY RECORD_ID, --candidates and --confirm FILE")
    if out is not None and not candidates:
        raise click.UsageError("--out belongs to --candidates")
    if not ways and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "there is nobody to ask here: give --candidates --out FILE, then --confirm FILE"
        )
    if out is not None:
        require_writable(out)


def _adopt_one(job: Job, key: str, record_id: str, around: Surroundings, *, as_json: bool) -> int:
    from sfsync.app.memory import adopt

    change_id = adopt(job, key, record_id, around=around)
    _tell_end(job, "1 row is adopted")
    if as_json:
        print_json({"schema": "sfsync.adopt/1", "change": change_id, "record_id": record_id, "exit_code": 0})
    else:
        click.echo(f"{change_id} is {record_id} from now on; the next run updates it where it differs.")
    return 0


def _look(job: Job, around: Surroundings, *, out: Path | None, asks: bool, as_json: bool) -> int:
    """Shows the candidates, and asks about them where that is wanted."""
    from sfsync.app.adoption_file import confirmed_of, write_candidates
    from sfsync.app.adoptions import adopting

    with adopting(job, around) as desk:
        if as_json:
            print_json(_document(job, desk))
        else:
            _draw(desk)
        if out is not None:
            write_candidates(desk.listing, out)
            click.echo(f"candidates saved: {out}  (fill in adopt, then: --confirm {out})", err=True)
        if not asks:
            found = len(desk.listing.candidates)
            _tell_end(job, f"{found:,} candidates were found, and nothing was adopted", out)
            return 0
        return _tell(job, desk.confirm([confirmed_of(row) for row in _asked(desk)]), as_json=as_json)


def _tell_end(job: Job, said: str, out: Path | None = None) -> None:
    """Keeps for the last sentence what came of it, and what to type next."""
    ending = current()
    if ending is None:
        return
    org = f" -o {shlex.quote(job.org)}" if job.org else ""
    name = shlex.quote(ending.job or job.name)
    if out is not None and not said.startswith("0 "):
        ending.told(said, f"fill in adopt, then: sfsync adopt {name}{org} --confirm {shlex.quote(str(out))}")
    else:
        ending.told(said, f"the next run updates what differs: sfsync run {name}{org}")


def _document(job: Job, desk: Desk) -> dict[str, Any]:
    from sfsync.app.adoption_file import candidate_rows
    from sfsync.report.safe_text import json_text

    listing = desk.listing
    rows = [{name: json_text(cell) for name, cell in row.items()} for row in candidate_rows(listing)]
    return {
        "schema": "sfsync.candidates/1",
        "job": job.name,
        "rows_without_a_record": len(listing.rows),
        "candidates": [
            {**row, "score": each.pair.score.value, "reasons": list(each.pair.score.reasons)}
            for row, each in zip(rows, listing.candidates, strict=True)
        ],
        "notes": [each.message for each in listing.notes],
        "exit_code": 0,
    }


def _draw(desk: Desk) -> None:
    from sfsync.app.adoption_file import candidate_rows
    from sfsync.report.safe_text import visible

    listing = desk.listing
    rows = candidate_rows(listing)
    click.echo(
        f"rows without a record by their key: {len(listing.rows):,}; candidates in the org: {len(rows):,}"
    )
    for row in rows[:MOST_SHOWN]:
        click.echo(f"  {row['score']} {row['standing']}: {visible(_said(row))}")
        click.echo(f"       {visible(row['reasons'])}")
    if len(rows) > MOST_SHOWN:
        click.echo(f"  ... and {len(rows) - MOST_SHOWN:,} more; --out FILE has all")
    for note in listing.notes:
        click.echo(f"  note: {visible(note.message)} {note.hint}".rstrip())


def _said(row: dict[str, str]) -> str:
    return f'"{row["row_name"]}" ({row["change"]}, line {row["line"]}) is {row["record_id"]} "{row["record_name"]}"'


def _asked(desk: Desk) -> list[dict[str, str]]:
    """The matches that a person says yes to, one question each; ties are for the file."""
    from sfsync.app.adoption_file import candidate_rows, is_match
    from sfsync.report.safe_text import visible

    return [row for row in filter(is_match, candidate_rows(desk.listing)) if asked(f"{visible(_said(row))}?")]


def _tell(job: Job, adopted: Adopted, *, as_json: bool) -> int:
    """Says what was adopted and what was not; writes the files of the run that stamped keys."""
    from sfsync.report.files.folder import write_run_folder
    from sfsync.report.safe_text import json_text, visible

    rows = "row is" if len(adopted.pairs) == 1 else "rows are"
    _tell_end(job, f"{len(adopted.pairs):,} {rows} adopted, {len(adopted.refused):,} refused")
    if adopted.report is not None and adopted.folder is not None:
        files = write_run_folder(adopted.report, adopted.folder)
        if adopted.report.stopped is not None and (ending := current()) is not None:
            ending.reported(adopted.report, files)
    refused = [(each, each.row) for each in adopted.refused]
    if as_json:
        problems = [
            {
                "code": each.code,
                "file": json_text(row.file) if row else "",
                "line": row.line if row else 0,
                "key": json_text(each.value),
                "message": json_text(each.message),
                "hint": json_text(each.hint),
            }
            for each, row in refused
        ]
        pairs = [{"change": json_text(name), "record_id": found} for name, found in adopted.pairs]
        run = adopted.report.run_id if adopted.report else ""
        already = [json_text(name) for name, _ in adopted.pairs if name in adopted.already]
        document = {
            "adopted": pairs,
            "already": already,
            "refused": problems,
            "run": run,
            "exit_code": adopted.exit_code,
        }
        print_json({"schema": "sfsync.adopt/1", **document})
        return adopted.exit_code
    for name, found in adopted.pairs:
        since = (
            "already" if name in adopted.already else "from now on; the next run updates it where it differs"
        )
        click.echo(f"{visible(name)} is {found} {since}.")
    for each, row in refused:
        where = f"{row.file} line {row.line}: " if row else ""
        click.echo(f"not adopted: {visible(where + each.message)}  {visible(each.hint)}")
    if adopted.report is not None and adopted.report.stopped is not None:
        stopped = adopted.report.stopped
        click.echo(f"Stopped: {visible(stopped.message)}. {visible(stopped.hint)}", err=True)
    if adopted.report is not None and any(name not in adopted.already for name, _ in adopted.pairs):
        click.echo(f"To take the keys away again: sfsync undo {adopted.report.run_id}")
    if not adopted.pairs and not refused:
        click.echo("Nothing was adopted: no line says yes.")
    return adopted.exit_code
