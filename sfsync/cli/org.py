"""The commands below org: what an org is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.options import json_option, org_option, progress_option
from sfsync.cli.output import print_json, surroundings

if TYPE_CHECKING:
    from sfsync.snapshots import SavedSnapshot


@click.group(short_help="Look at an org: its fields, stages and picklists.")
def org_command() -> None:
    """Look at an org. Nothing in it is changed."""


@org_command.command("snapshot", short_help="Save what an org is made of to a file.")
@org_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to save it; ORG.snapshot.json by default. An older snapshot is replaced.",
)
@click.option("--sobject", "also", multiple=True, metavar="NAME", help="One more object; may be repeated.")
@progress_option
@json_option
def snapshot_command(
    org: str | None, out: Path | None, also: tuple[str, ...], *, progress: str, as_json: bool
) -> int:
    """Save the org's objects and fields, stages, record types and picklists, as this user sees them.

    The file holds no record, no secret, no user, and neither the address nor the id of the org: it is made
    for a repository, and two snapshots of an unchanged org are equal. sfsync emulator serve --snapshot FILE
    plays the org it describes, sfsync check JOB --snapshot FILE checks a job without any org.
    """
    from sfsync.snapshots import save_snapshot

    if not org:
        raise click.UsageError("which org? Give -o NAME")
    with surroundings(progress) as around:
        saved = save_snapshot(org, file=out or Path(f"{org}.snapshot.json"), also=also, around=around)
    if as_json:
        print_json(_document(saved))
    else:
        _draw(saved)
    return 0


def _counts(saved: SavedSnapshot) -> dict[str, int]:
    objects = saved.snapshot.objects.values()
    return {
        "objects": len(objects),
        "fields": sum(len(each.fields) for each in objects),
        "record_types": sum(len(each.record_types) for each in objects),
        "stages": len(saved.snapshot.stages),
    }


def _document(saved: SavedSnapshot) -> dict[str, Any]:
    return {
        "schema": "sfsync.org-snapshot/1",
        "file": str(saved.file),
        "changed": saved.is_changed,
        **_counts(saved),
        "left_out": [each.model_dump() for each in saved.snapshot.left_out],
        "api_calls": saved.usage.reads + saved.usage.logins,
        "exit_code": 0,
    }


def _draw(saved: SavedSnapshot) -> None:
    from sfsync.report.safe_text import visible

    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in _counts(saved).items())
    calls = saved.usage.reads + saved.usage.logins
    state = "" if saved.is_changed else " (unchanged)"
    click.echo(f"snapshot of {visible(saved.snapshot.organization.name)} in {saved.file}{state}: {counts}")
    for each in saved.snapshot.left_out:
        click.echo(f"  left out: {visible(each.what)} ({visible(each.why)})")
    click.echo(f"It took {calls} API calls. There is no record and no secret in it.")
