"""The command init."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.job_writing import require_new, write_job


@click.command(short_help="Write a commented job to start from, blank or for a preset.")
@click.argument("preset", required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="JOB.toml", help="Write the job file there.")
@click.option("--force", is_flag=True, help="With --out: take the place of a file that is there.")
def init_command(preset: str | None, *, out: Path | None, force: bool) -> int:
    """Write a job to start from: for the exports that PRESET knows, or blank with every section explained.

    What only you can say stands there as a line that begins with DECIDE:, which sfsync check names. Example:

    sfsync init hubspot-deals --out deals.toml
    """
    from sfsync.core.suggesting.starter_text import BLANK, preset_starter
    from sfsync.jobs.preset_files import preset_folders, read_preset

    if out is not None:
        require_new(out, force=force)
    text = BLANK
    if preset is not None:
        folders = preset_folders(out.parent if out is not None else Path(), None)
        text = preset_starter(read_preset(preset, folders).preset)
    if out is None:
        click.echo(text, nl=False)
        return 0
    write_job(out, text)
    click.echo(f"{out} is written. Next:")
    click.echo("  write what is marked DECIDE:, or let sfsync suggest FILE -o ORG find it out")
    click.echo(f"  sfsync check {out}    names what is left, and checks every row that can be judged alone")
    click.echo(f"  sfsync plan {out}     shows what would be written")
    click.echo(f"  sfsync run {out}      writes it")
    return 0
