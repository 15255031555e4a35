"""The commands below org: what an org is made of, and what makes it safest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.options import json_option, org_option, progress_option
from sfsync.cli.org_looking import limits_command, test_command
from sfsync.cli.org_profiles import add_command, list_command
from sfsync.cli.output import print_json, surroundings

if TYPE_CHECKING:
    from sfsync.app.snapshots import SavedSnapshot


@click.group(short_help="Look at orgs and their profiles, and write what makes them safest.")
def org_command() -> None:
    """List, add and test org profiles, look at an org and its limits, write the metadata that makes writes to it
    safest, and look after its receipts.
    """


for each in (list_command, add_command, test_command, limits_command):
    org_command.add_command(each)


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
    plays the org it describes, sfsync check JOB --snapshot FILE checks a job without any org. Example:

    sfsync org snapshot -o sandbox
    """
    from sfsync.app.snapshots import save_snapshot

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


@org_command.command("setup", short_help="Write the metadata that makes writes safe to repeat.")
@click.argument("job", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", required=True, help="The folder to write it to."
)
@click.option(
    "--with-deletes",
    is_flag=True,
    help="Let the permission set delete: for sfsync undo and the purge of receipts. Without it, it cannot.",
)
@json_option
def setup_command(job: str | None, *, out: Path, with_deletes: bool, as_json: bool) -> int:
    """Write metadata to DIR, ready for `sf project deploy start`: key fields, receipts, a permission set.

    With JOB the key fields and the rights are those that the job uses. No org is asked and none is changed; an
    administrator deploys the folder, whose README.md says how. Example:

    sfsync org setup nightly --out setup
    """
    from sfsync.app.org_setup import write_setup
    from sfsync.jobs import load_job

    with surroundings("none") as around:
        loaded = load_job(job, environ=around.environ) if job else None
        files = write_setup(out, loaded, with_deletes=with_deletes)
    if as_json:
        print_json({"schema": "sfsync.org-setup/1", "folder": str(out), "files": files, "exit_code": 0})
        return 0
    for name in files:
        click.echo(f"  {out / name}")
    click.echo(f"{len(files)} files. {out / 'README.md'} says what each is for and the two commands to type.")
    return 0


@org_command.command("receipts", short_help="Count the receipts in an org, and delete old ones.")
@org_option
@click.option(
    "--purge-older-than",
    "days",
    type=click.IntRange(min=1),
    metavar="DAYS",
    help="Delete receipts older than this, 7 days at least and 10,000 at a time; a dry run without --yes.",
)
@click.option("--yes", is_flag=True, help="Delete them; without it they are only counted.")
@json_option
def receipts_command(org: str | None, *, days: int | None, yes: bool, as_json: bool) -> int:
    """Count the receipts in an org; with --purge-older-than DAYS and --yes delete old ones.

    A receipt is needed while an answer may be out. Those that this machine's journal still waits for are kept,
    however old; so purge on the machine that runs the jobs. Example:

    sfsync org receipts -o production --purge-older-than 30 --yes
    """
    from sfsync.app.org_setup import purge_receipts

    if not org:
        raise click.UsageError("which org? Give -o NAME")
    with surroundings("none") as around:
        found = purge_receipts(org, older_than_days=days, is_dry=not yes, around=around)
    if as_json:
        numbers = {"there": found.there, "old": found.old, "kept": found.kept, "purged": found.purged}
        calls = found.usage.reads + found.usage.writes
        print_json({"schema": "sfsync.org-receipts/1", **numbers, "api_calls": calls, "exit_code": 0})
        return 0
    click.echo(f"{found.there:,} receipts in the org")
    if days is not None:
        waited_for = f", {found.kept:,} of which the journal still waits for" if found.kept else ""
        click.echo(f"{found.old:,} are older than {days} days{waited_for}; {found.purged:,} deleted")
        if not yes and found.old > found.kept:
            click.echo("Nothing was deleted: give --yes for that.")
    return 0
