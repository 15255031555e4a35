"""The commands below emulator; the emulator is a program of its own that sfsync only starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from sfsync.errors import ConfigError


@click.group(short_help="Serve a local Salesforce emulator for rehearsals.")
def emulator_command() -> None:
    """A local stand-in for a Salesforce org, on loopback only, to rehearse an import on."""


@emulator_command.command("serve", short_help="Serve an org until stopped.")
@click.option("--port", type=int, default=0, help="Port on 127.0.0.1; any free one by default.")
@click.option(
    "--org",
    "org_file",
    type=click.Path(path_type=Path),
    help="Org file: custom fields, stages, record types, seed records. By default config/emulator/org.toml.",
)
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path),
    help="Play the org of this snapshot (sfsync org snapshot); --org then adds users, hooks and records to it.",
)
@click.option(
    "--db", type=click.Path(path_type=Path), help="Keep the records in this file; else they are forgotten."
)
@click.option("--tls", is_flag=True, help="Speak https, with an authority made for this start (see ca_file).")
@click.option(
    "--jwt-certificate",
    "jwt_certificates",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Register this certificate (PEM) for JWT logins; may be given several times.",
)
@click.option("--clock", help="Stand still at this time, such as 2026-09-30T12:00Z; docs/emulator-faults.md.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line once it listens: where, and the token."
)
def serve_command(
    port: int,
    org_file: Path | None,
    snapshot: Path | None,
    db: Path | None,
    *,
    tls: bool,
    jwt_certificates: tuple[Path, ...],
    clock: str | None,
    as_json: bool,
) -> int:
    """Serve an emulated Salesforce org on loopback until SIGTERM or Ctrl-C.

    It plays the platform strictly: what it does not know it refuses with the platform's own error.
    """
    from sfsync.emulator.org.definition import DefinitionError
    from sfsync.emulator.server import ServeOptions, serve

    options = ServeOptions(
        port=port,
        org=org_file or (None if snapshot else default_org_file()),
        json=as_json,
        db=db,
        snapshot=snapshot,
        tls=tls,
        jwt_certificates=jwt_certificates,
        clock=_time(clock) if clock else None,
    )
    try:
        return serve(options)
    except (DefinitionError, OSError) as error:
        raise ConfigError(str(error), code="EMULATOR", hint="See sfsync emulator serve --help.") from None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        hint = "Write it like 2026-09-30T12:00Z."
        raise ConfigError(f"--clock: {text!r} is no time", code="EMULATOR", hint=hint) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@emulator_command.command("coverage", short_help="Print what the emulator plays.")
def coverage_command() -> int:
    """Print which parts of the platform the emulator plays, as a table."""
    from sfsync.emulator.coverage import coverage_table

    click.echo(coverage_table())
    return 0


def default_org_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """The config folder's own org file, where there is one; else the emulator's built-in org is served."""
    from sfsync.jobs import find_config_folder

    folder = find_config_folder(environ)
    org_file = folder / "emulator" / "org.toml" if folder else None
    return org_file if org_file is not None and org_file.is_file() else None
