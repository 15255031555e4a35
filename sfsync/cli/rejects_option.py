"""The option --rejects-format, apart from those that need the forms of jobs: every command may ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import click

if TYPE_CHECKING:
    from sfsync.report.files.rejects_form import RejectsFormat

_Command = TypeVar("_Command", bound=Callable[..., object])

_REJECTS_FORMAT: Final = "sfsync.rejects_format"


def rejects_format_option(command: _Command) -> _Command:
    """`--rejects-format`: as what the rows come back that were not done; `rejects_format` tells what was said."""

    def keep(context: click.Context, _: click.Parameter, value: str) -> None:
        context.meta[_REJECTS_FORMAT] = value

    return click.option(
        "--rejects-format",
        type=click.Choice(["source", "xlsx"]),
        default="source",
        show_default=True,
        expose_value=False,
        callback=keep,
        help="How rows come back that were not done: as their source wrote them, or as an Excel workbook of text "
        "cells. JSON documents stay JSON Lines.",
    )(command)


def rejects_format() -> RejectsFormat:
    """What the command under way was told by `--rejects-format`."""
    from sfsync.report.files.rejects_form import RejectsFormat

    context = click.get_current_context(silent=True)
    return RejectsFormat(context.meta.get(_REJECTS_FORMAT, "source") if context else "source")
