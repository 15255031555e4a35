"""The command retry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sfsync.cli.options import Safety, json_option, progress_option, safety_options
from sfsync.cli.output import is_terminal, surroundings
from sfsync.cli.rejects_option import rejects_format_option
from sfsync.cli.run import show_only, write_plan
from sfsync.cli.watch_options import current_watch, watch_options

if TYPE_CHECKING:
    from sfsync.app.past_runs import Beginning


@click.command(short_help="Try the failed rows of a run again.")
@click.argument("run", required=False)
@click.option(
    "--code",
    "codes",
    multiple=True,
    metavar="CODE",
    help="Only rows that failed by this code, such as UNABLE_TO_LOCK_ROW; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan only.")
@click.option("--yes", is_flag=True, help="On a terminal, do not ask before writing.")
@rejects_format_option
@safety_options(plans=False)
@json_option
@progress_option
@watch_options
def retry_command(
    run: str | None,
    *,
    codes: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    safety: Safety,
    as_json: bool,
    progress: str,
) -> int:
    """Try the rows of RUN again that the org refused, and those that waited for them; by default of the newest run.

    For rows that fail for reasons outside the row: a lock, a rule that was corrected, a right that was given.
    The source files are not needed, and nothing that is in the org is sent again. Example:

    sfsync retry --code UNABLE_TO_LOCK_ROW
    """
    from sfsync.app.past_runs import retrying

    with (
        surroundings(progress, as_json=as_json) as around,
        retrying(
            run,
            codes,
            safety.around(around),
            route=safety.route,
            update_mode=safety.update_mode,
            beginning=_beginning(may_ask=not (yes or as_json)),
        ) as (place, plan),
    ):
        again = plan if safety.verify is None else replace(plan, is_audited=safety.verify)
        if dry_run:
            return show_only(place, again, as_json=as_json)
        return write_plan(place, again, is_fresh=True, yes=yes, as_json=as_json)


def _beginning(*, may_ask: bool) -> Beginning:
    """Tells those who watch that the retry begins; where a person may still say no, it begins with the answer."""
    from sfsync.app.past_runs import UNTOLD, Beginning

    watch = current_watch()
    if watch is None:
        return UNTOLD
    if may_ask and is_terminal():
        return Beginning(known=watch.read)
    return Beginning(known=watch.read, held=lambda _: watch.begins())
