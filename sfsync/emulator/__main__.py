"""The emulator's own command line: `python -m sfsync.emulator serve` and `coverage`.

A thin door; the product's command line calls the same functions.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sfsync.emulator", description="Plays the Salesforce platform."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve an org on a loopback port")
    serve.add_argument("--port", type=int, default=0, help="port to listen on (0: any free one)")
    serve.add_argument("--org", type=Path, help="org file (TOML); without it the shipped one")
    serve.add_argument(
        "--snapshot",
        type=Path,
        help="play the org of this snapshot; --org then adds to it (users, hooks, records)",
    )
    serve.add_argument("--db", type=Path, help="keep the records in this file")
    serve.add_argument("--host", default="127.0.0.1", choices=("127.0.0.1", "::1"))
    serve.add_argument(
        "--tls", action="store_true", help="speak https, with an authority made for this start"
    )
    serve.add_argument(
        "--jwt-certificate",
        type=Path,
        action="append",
        default=[],
        help="register this certificate (PEM) for JWT logins; may be given several times",
    )
    serve.add_argument(
        "--clock",
        type=datetime.fromisoformat,
        help="stand still at this time until /_emulator/clock moves it",
    )
    serve.add_argument("--json", action="store_true", help="print one JSON line once it listens")
    commands.add_parser("coverage", help="print which resources are played")
    chosen = parser.parse_args(arguments)
    return _coverage() if chosen.command == "coverage" else _serve(chosen)


def _serve(chosen: argparse.Namespace) -> int:
    from sfsync.emulator.org.definition import DefinitionError
    from sfsync.emulator.server import ServeOptions, serve

    options = ServeOptions(
        port=chosen.port,
        org=chosen.org,
        json=chosen.json,
        db=chosen.db,
        host=chosen.host,
        snapshot=chosen.snapshot,
        clock=chosen.clock,
        tls=chosen.tls,
        jwt_certificates=tuple(chosen.jwt_certificate),
    )
    try:
        return serve(options)
    except (DefinitionError, OSError) as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2


def _coverage() -> int:
    from sfsync.emulator.coverage import coverage_table

    sys.stdout.write(coverage_table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
