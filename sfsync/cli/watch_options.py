"""The options of who is told about a run from outside, and the watch that they open around a command.

The command itself does not see them: what it has to tell goes to `current_watch`.
"""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from sfsync.core.hook_address import address_mistake

if TYPE_CHECKING:
    from sfsync.cli.watch import Watch

_Command = TypeVar("_Command", bound=Callable[..., Any])

_WATCH: Final = "sfsync.watch"
_NAMES: Final = ("metrics_file", "ping", "notify_webhook", "notify_command", "log_file", "log")


def watch_options(command: _Command) -> _Command:
    """`--metrics-file`, `--ping`, `--notify-...`, `--log-file`, `--log`: the command runs in a watch of them."""

    @functools.wraps(command)
    def watched(*args: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in _NAMES}
        context = click.get_current_context()
        if options.get("dry_run"):  # nothing runs, so there is nothing to tell
            return command(*args, **options)
        from sfsync.cli.watch import Asked, watching

        job = options.get("job")
        with watching(Asked(**given), job=str(job) if job else "") as watch:
            context.meta[_WATCH] = watch
            code = command(*args, **options)
            watch.code = code
            return code

    return functools.reduce(lambda made, option: option(made), reversed(_OPTIONS), watched)  # type: ignore[return-value]


def current_watch() -> Watch | None:
    """The watch of the command under way, if it has one."""
    context = click.get_current_context(silent=True)
    return context.meta.get(_WATCH) if context else None


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """An address that a hook may go to; a wrong one is not repeated."""
    mistake = address_mistake(value) if value else ""
    if mistake:
        raise click.BadParameter(f"the address {mistake}", ctx=context, param=parameter)
    return value or None


def _words(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """A command in its words, as a shell would part them; no shell runs it."""
    try:
        words = tuple(shlex.split(value or ""))
    except ValueError:
        raise click.BadParameter("has an open quote", ctx=context, param=parameter) from None
    return words


_OPTIONS: Final = (
    click.option(
        "--metrics-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the run as Prometheus metrics (for node_exporter's textfile collector), also of a failure.",
    ),
    click.option(
        "--ping",
        metavar="URL",
        callback=_address,
        help="Tell URL/start, then URL or URL/fail, as healthchecks.io takes it; https only. Or in the job.",
    ),
    click.option(
        "--notify-webhook",
        metavar="URL",
        callback=_address,
        help="POST a JSON document when the run fails, is the first good one again, or the org's setup changed.",
    ),
    click.option(
        "--notify-command",
        metavar="COMMAND",
        callback=_words,
        help="Run COMMAND then, without a shell, with the JSON document on its stdin.",
    ),
    click.option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Append a log of JSON lines with the ids of the run and of its rows, without values.",
    ),
    click.option("--log", type=click.Choice(["json"]), help="The same lines on stderr."),
)
