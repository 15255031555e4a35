"""The command schema."""

from __future__ import annotations

import click

from sfsync.cli.options import json_option
from sfsync.cli.output import print_json


@click.command(short_help="Print the JSON Schema of job files and org profiles.")
@click.argument("what", type=click.Choice(["job", "org"]), default="job")
@json_option
def schema_command(what: str, *, as_json: bool) -> int:
    """Print the JSON Schema of a job file or an org profile, for editors and reviews.

    With the "Even Better TOML" extension, put `#:schema ./job.schema.json` on the first line of a job file.
    """
    del as_json  # the schema is JSON either way
    from sfsync.jobs import job_json_schema, org_json_schema

    print_json(job_json_schema() if what == "job" else org_json_schema())
    return 0
