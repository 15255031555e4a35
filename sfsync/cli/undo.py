"""The command undo."""

from __future__ import annotations

import click

from sfsync.cli.books import show_book_only, write_book
from sfsync.cli.options import json_option, progress_option
from sfsync.cli.output import is_terminal, surroundings
from sfsync.cli.run import show_only, write_plan


@click.command(short_help="Take back what a run wrote.")
@click.argument("run")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, and what would stay.")
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal it must be given.")
@json_option
@progress_option
def undo_command(run: str, *, dry_run: bool, yes: bool, as_json: bool, progress: str) -> int:
    """Take back what RUN wrote: created records are deleted, changed fields get their old values back.

    Who was the primary contact of a deal before the run is it again, unless the flag has moved on since. What
    somebody or a later run has touched since stays as it is, and so does a record on which others depend by
    now; each is named. The plan is shown first. The rows are forgotten, so that they can be brought again. Example:

    sfsync undo 20260930T120000Z-a1b2c3 --dry-run
    """
    from sfsync.app.past_runs import undoing
    from sfsync.core.plans.plan import Plan

    if not (dry_run or yes or (is_terminal() and not as_json)):
        raise click.UsageError("there is nobody to ask: give --yes, or --dry-run to look at the plan first")
    with surroundings(progress, as_json=as_json) as around, undoing(run, around) as (place, plan):
        if not isinstance(plan, Plan):
            if dry_run:
                return show_book_only(place, plan, as_json=as_json)
            return write_book(place, plan, is_fresh=True, yes=yes, as_json=as_json)
        if dry_run:
            return show_only(place, plan, as_json=as_json)
        return write_plan(place, plan, is_fresh=True, yes=yes, as_json=as_json)
