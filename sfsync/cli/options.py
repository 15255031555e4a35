"""Options that several commands share, spelled and explained once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def org_option(command: _Command) -> _Command:
    """`-o NAME`: which org."""
    return click.option(
        "-o",
        "--target-org",
        "org",
        metavar="NAME",
        help="The org: a profile in config/orgs/, or SFSYNC_ORGS__NAME__... in the environment.",
    )(command)


def json_option(command: _Command) -> _Command:
    """`--json`: one document on stdout."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else."
    )(command)


def outage_option(command: _Command) -> _Command:
    """`--max-outage MINUTES`: how long a run waits for an org that went away."""
    return click.option(
        "--max-outage",
        type=click.IntRange(0, 1440),
        metavar="MINUTES",
        help="Wait so long when the org stops answering in the middle; by default 30 minutes, for an import 0.",
    )(command)


def progress_option(command: _Command) -> _Command:
    """`--progress`: how progress is shown on stderr."""
    return click.option(
        "--progress",
        type=click.Choice(["auto", "bar", "lines", "json", "none"]),
        default="auto",
        show_default=True,
        help="How progress is shown on stderr; auto is a bar on a terminal and a line now and then on a pipe.",
    )(command)
