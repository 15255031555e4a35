"""The command pull: what the org holds of a job's deals, back into a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.ending import current
from sfsync.cli.options import json_option, org_option, outage_option, progress_option
from sfsync.cli.output import print_json, surroundings

if TYPE_CHECKING:
    from sfsync.app.pulls import Pulled


@click.command(short_help="Bring deals of the org back into a file; nothing is written to the org.")
@click.argument("job")
@org_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file; JOB.deals.csv by default. It is replaced wholly or not at all.",
)
@click.option(
    "--since",
    metavar="TIME|last",
    help="last: read only what has changed since the last pull into this file, and keep the rest of it. A time "
    "such as 2026-09-30T12:00:00Z: a file of the deals that have changed since then.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="Its form.",
)
@click.option(
    "--all", "every_deal", is_flag=True, help="Every deal of the org that has a key, of this job or not."
)
@outage_option
@json_option
@progress_option
def pull_command(  # noqa: PLR0913 - an argument for each option
    job: str,
    *,
    org: str | None,
    out: Path | None,
    since: str | None,
    form: str,
    every_deal: bool,
    max_outage: int | None,
    as_json: bool,
    progress: str,
) -> int:
    """Write where JOB's deals stand in the org to a file: key, id, stage, amount, close date, owner and roles.

    Deleted deals are marked. A pull that is cut off leaves the old file and goes on from the old time. A role that
    somebody removed is seen by a pull without --since, or when its deal changes. Example:

    sfsync pull nightly --out deals.csv --since last
    """
    from sfsync.app.pulls import PullRequest, pull
    from sfsync.jobs import load_job

    at = None if since in (None, "last") else _time(str(since))
    with surroundings(progress, as_json=as_json, max_outage_min=max_outage) as around:
        loaded = load_job(job, org=org, environ=around.environ)
        file = out or Path(f"{loaded.name}.deals.{form}")
        request = PullRequest(file, form, every_deal=every_deal, is_incremental=since == "last", since=at)
        done = pull(loaded, request, around=around)
    if (ending := current()) is not None:
        deals = "1 deal is" if done.counts["deals"] == 1 else f"{done.counts['deals']:,} deals are"
        ending.told(f"{deals} in {done.file}, and nothing was written to the org")
    if as_json:
        print_json(_document(done))
    else:
        _draw(done)
    return 0


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f'--since "{text}" is neither "last" nor a time; an example is 2026-09-30T12:00:00Z'
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _document(done: Pulled) -> dict[str, Any]:
    return {
        "schema": "sfsync.pull/1",
        "job": done.job,
        "org": {"id": done.org.org_id, "name": done.org.name, "sandbox": done.org.is_sandbox},
        "file": str(done.file),
        "written": done.is_written,
        "since": done.since.isoformat() if done.since else "",
        "watermark": done.watermark.isoformat() if done.watermark else "",
        "counts": done.counts,
        "notes": list(done.notes),
        "api_calls": done.usage.reads + done.usage.writes,
        "seconds": round(done.seconds, 3),
        "exit_code": 0,
    }


def _draw(done: Pulled) -> None:
    from sfsync.report.safe_text import visible

    counts = ", ".join(
        f"{count:,} {name}" for name, count in done.counts.items() if name != "deals" and count
    )
    state = "" if done.is_written else " (unchanged, not written again)"
    deals = "deal" if done.counts["deals"] == 1 else "deals"
    in_brackets = f" ({counts})" if counts else ""
    click.echo(f"{visible(str(done.file))}{state}: {done.counts['deals']:,} {deals}{in_brackets}")
    if done.since is not None:
        click.echo(f"Read were changes since {done.since:%Y-%m-%d %H:%M:%S} UTC.")
    for each in done.notes:
        click.echo(f"Note: {visible(each)}")
    click.echo(f"It took {done.usage.reads} API calls. Nothing was written to the org.")
