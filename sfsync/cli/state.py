"""The commands below state: what the journal remembers of a job, and what a person may tell it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.naming import named_job
from sfsync.cli.options import json_option, org_id_option, org_option
from sfsync.cli.output import print_json, surroundings
from sfsync.errors import LockHeld

if TYPE_CHECKING:
    from sfsync.app.memory import Memory

MOST_SHOWN = 20


@click.group(short_help="Look after the journal: what it remembers, who holds its locks.")
def state_command() -> None:
    """Look after the journal. It is how an interrupted run is settled and how rows without a key are known."""


@state_command.command("show", short_help="What the journal remembers of a job; the org is not asked.")
@click.argument("job")
@org_id_option
@json_option
def show_command(job: str, *, org_id: str | None, as_json: bool) -> int:
    """Show the runs of JOB, the rows that are still open, and how many records the journal knows.

    Needs neither a login nor a network. JOB may also be the name of an import, such as import-deals. Example:

    sfsync state show nightly
    """
    from sfsync.app.memory import remembered
    from sfsync.app.run_history import known_runs

    with surroundings("none") as around:
        name = named_job(job, org=None, environ=around.environ).name
        memory = remembered(name, org_id=_checked(org_id), around=around)
        is_open = any(each.exit_code is None for each in memory.runs)
        runs = known_runs(around, job=name) if is_open and not as_json else []
    if as_json:
        print_json(_document(name, memory))
    else:
        _draw(name, memory, {each.record.run_id: each.holder.described() for each in runs if each.holder})
    return 0


def _document(name: str, memory: Memory) -> dict[str, Any]:
    return {
        "schema": "sfsync.state/1",
        "job": name,
        "org_id": memory.org_id,
        "may_begin": memory.may_begin,
        "runs": [asdict(each) for each in memory.runs],
        "open": [
            {
                "run": run.whole or run.run_id,
                "change": record.change_id,
                "state": record.state.value,
                "since": record.updated_at,
            }
            for run, record in memory.still_open
        ],
        "known": memory.known,
        "exit_code": 0,
    }


def _draw(name: str, memory: Memory, holders: Mapping[str, str]) -> None:
    """Says it to a person; `holders` are who holds the lock of a run that has not ended, by run."""
    from sfsync.core.wording import suggestion
    from sfsync.report.safe_text import visible

    if not memory.org_id:
        click.echo(f"the journal has never seen job {name}")
        if memory.other_jobs:
            click.echo(f"  {visible(suggestion(name, memory.other_jobs))}")
        return
    click.echo(f"job {name} in org {memory.org_id}: {len(memory.runs):,} runs")
    for run in memory.runs[:MOST_SHOWN]:
        end = f"exit code {run.exit_code}"
        if run.exit_code is None:
            holder = holders.get(run.run_id)
            end = (
                f"not ended; its job is being run by {holder}"
                if holder
                else "interrupted; sfsync resume goes on"
            )
        click.echo(f"  {run.run_id}: {run.rows:,} rows, {end}")
    if len(memory.runs) > MOST_SHOWN:
        click.echo(f"  ... and {len(memory.runs) - MOST_SHOWN:,} older ones")
    known = ", ".join(f"{count:,} {sobject}" for sobject, count in sorted(memory.known.items()))
    click.echo(f"records known in this org, by all jobs: {known or 'none'}")
    if memory.still_open:
        click.echo(f"open: {len(memory.still_open):,} rows that were sent and of which nobody can say yet")
    for run, record in memory.still_open[:MOST_SHOWN]:
        click.echo(f"  {visible(record.change_id)} ({record.state.value}) of run {run.whole or run.run_id}")
    if len(memory.still_open) > MOST_SHOWN:
        click.echo(f"  ... and {len(memory.still_open) - MOST_SHOWN:,} more; --json has all")
    if memory.still_open:
        click.echo(
            "sfsync resume or the next run looks for them. A row without a key in the org that was found by hand:"
        )
        click.echo(f"  sfsync adopt {shlex.quote(name)} KEY RECORD_ID")


@state_command.command("init", short_help="Say once that a job without keys has never run before.")
@click.argument("job")
@org_option
@org_id_option
@json_option
def init_command(job: str, *, org: str | None, org_id: str | None, as_json: bool) -> int:
    """Say that JOB never ran against its org with another journal, so that it may begin with this one.

    Asked for where rows have no key in the org (row_key): there, only the journal tells a new row from one that is
    in the org already. If the job did run before, put its journal back instead. Example:

    sfsync state init nightly -o production
    """
    from sfsync.app.memory import admit

    with surroundings("none") as around:
        found = named_job(job, org=org, environ=around.environ)
        admitted = admit(found, org_id=_checked(org_id), around=around)
    if as_json:
        print_json(
            {
                "schema": "sfsync.state/1",
                "job": found.name,
                "org_id": admitted,
                "may_begin": True,
                "exit_code": 0,
            }
        )
    else:
        click.echo(f"job {found.name} may begin in org {admitted} with this journal")
    return 0


@state_command.command("forget", short_help="Forget rows, so that they are planned as if never sent.")
@click.argument("job")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@org_option
@org_id_option
@json_option
def forget_command(
    job: str, keys: tuple[str, ...], *, org: str | None, org_id: str | None, as_json: bool
) -> int:
    """Forget the rows of JOB with these KEYs: the next run plans them as if they had never been sent.

    Only for rows that surely are not in the org: a row that is there would be created a second time, unless a
    key of the org prevents it. Logs in first, to settle what can be settled; --org-id does without, unless a run
    of JOB was interrupted. Example:

    sfsync state forget nightly D-17
    """
    from sfsync.app.memory import forget

    with surroundings("none") as around:
        found = named_job(job, org=org, environ=around.environ)
        forgotten = forget(found, keys, org_id=_checked(org_id), around=around)
    if as_json:
        print_json({"schema": "sfsync.state/1", "job": found.name, "forgotten": forgotten, "exit_code": 0})
    else:
        click.echo(f"forgotten: {', '.join(forgotten)}")
    return 0


@state_command.command("unlock", short_help="Who holds which lock; locks free themselves.")
@json_option
def unlock_command(*, as_json: bool) -> int:
    """Say who holds which lock.

    A lock belongs to a process and is free the moment that process is gone, also after kill -9. So there is
    nothing to break: while a process lives, this refuses with exit code 99 and says which to stop. Example:

    sfsync state unlock
    """
    from sfsync.journal import open_journal, state_place

    with (
        surroundings("none") as around,
        open_journal(state_place(around.environ), clock=around.clock) as journal,
    ):
        held = journal.facts().holders
    code = LockHeld.exit_code if held else 0
    if as_json:
        print_json({"schema": "sfsync.locks/1", "locks": [asdict(each) for each in held], "exit_code": code})
        return code
    for each in held:
        click.echo(f"{each.name}: held by {each.described()}")
    if held:
        click.echo("A lock is free as soon as its process has ended: wait for it, or stop it.", err=True)
    else:
        click.echo("No lock is held.")
    return code


@state_command.command("upgrade", short_help="Bring the journal up to this version, with a copy beside it.")
@json_option
def upgrade_command(*, as_json: bool) -> int:
    """Bring the journal up to this version of sfsync; a copy of it is put beside it first.

    Every start does this by itself; here it is done and said without a run. To go back to the older version, put
    the copy in the journal's place. A journal in PostgreSQL is not copied: make a dump first. Example:

    sfsync state upgrade
    """
    from sfsync.journal import state_place, upgrade_journal

    with surroundings("none") as around:
        upgrade = upgrade_journal(state_place(around.environ), clock=around.clock)
    backup = str(upgrade.backup or "")
    if as_json:
        document = {
            "journal": upgrade.place,
            "steps": list(upgrade.steps),
            "backup": backup,
            "exit_code": 0,
        }
        print_json({"schema": "sfsync.upgrade/1", **document})
    elif upgrade.steps:
        copy = f"; the journal as it was: {backup}" if backup else ""
        click.echo(f"{upgrade.place}: {', '.join(upgrade.steps)} applied{copy}")
    else:
        click.echo(f"{upgrade.place} is up to date")
    return 0


def _checked(org_id: str | None) -> str | None:
    """The id of the org in its 18 characters."""
    from sfsync.core.sobject import record_id

    if org_id is None:
        return None
    full_id = record_id(org_id)
    if full_id is None or not full_id.startswith("00D"):
        raise click.BadParameter("is not the id of an org; it begins with 00D", param_hint="--org-id")
    return full_id
