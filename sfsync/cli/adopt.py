"""The command adopt."""

from __future__ import annotations

import click

from sfsync.cli.naming import named_job
from sfsync.cli.options import json_option, org_option
from sfsync.cli.output import print_json, surroundings


@click.command(short_help="Say which record of the org a row without a key is.")
@click.argument("job")
@click.argument("key")
@click.argument("record_id")
@org_option
@json_option
def adopt_command(job: str, key: str, record_id: str, *, org: str | None, as_json: bool) -> int:
    """Say that the row of JOB with KEY (its row_key) is the record RECORD_ID of the org.

    For rows that were sent once and of which nobody can say, and for records that were there before the job. The
    record is looked up and not changed; the next run updates it where it differs. Example:

    sfsync adopt nightly D-17 0065g00000XyZabAAF
    """
    from sfsync.memory import adopt

    with surroundings("none") as around:
        change_id = adopt(named_job(job, org=org, environ=around.environ), key, record_id, around=around)
    if as_json:
        print_json({"schema": "sfsync.adopt/1", "change": change_id, "record_id": record_id, "exit_code": 0})
    else:
        click.echo(f"{change_id} is {record_id} from now on; the next run updates it where it differs.")
    return 0
