"""The command schema."""

from __future__ import annotations

import click

from sfsync.cli.options import json_option
from sfsync.cli.output import print_json


@click.command(short_help="Print the JSON Schema of job files, org profiles and presets.")
@click.argument("what", type=click.Choice(["job", "org", "preset"]), default="job")
@json_option
def schema_command(what: str, *, as_json: bool) -> int:
    """Print the JSON Schema of a job file, an org profile or a preset, for editors and reviews.

    With the "Even Better TOML" extension, put `#:schema ./job.schema.json` on the first line of a job file.
    """
    del as_json  # the schema is JSON either way
    from sfsync.jobs import job_json_schema, org_json_schema, preset_json_schema

    schemas = {"job": job_json_schema, "org": org_json_schema, "preset": preset_json_schema}
    print_json(schemas[what]())
    return 0
