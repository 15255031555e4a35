"""What commands print: people's text, or exactly one JSON document on stdout."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from sfsync.cli.ending import Ending, current
from sfsync.cli.github import annotate_error, annotate_report
from sfsync.cli.rejects_option import rejects_format
from sfsync.cli.watch_options import current_watch
from sfsync.core.events import Event, Listener, ignore_events
from sfsync.errors import Interrupted

if TYPE_CHECKING:
    from rich.console import Console

    from sfsync.app.workplace import StopFlag, Surroundings
    from sfsync.core.reports.report import Report
    from sfsync.report.files.kept_rows import KeptRows
    from sfsync.report.watching.run_follower import RunFollower

GRACE_S: Final = 8.0
"""How long a call under way may still take after the first signal; then the process ends at once."""

_progress: ContextVar[Listener] = ContextVar("_progress", default=ignore_events)
"""What follows the command on stderr; a bar of it would stand in the middle of a text on the same terminal."""

_YES: Final = frozenset({"y", "yes"})
_NO: Final = frozenset({"", "n", "no"})


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout."""
    _clear_progress()
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def print_error(
    message: str, *, code: str, hint: str, exit_code: int, as_json: bool, has_more: bool = False
) -> None:
    """An error for a person on stderr, and for a program on stdout.

    Names and texts from files and from the org may be in it, so what a terminal would obey is spelled out. A list
    of mistakes has a line for each, all indented, so that nobody takes one for an error of its own. `has_more` says
    to a person where to read what became of the data.
    """
    from sfsync.report.safe_text import visible

    annotate_error(code, message)
    first, *further = message.split("\n")
    more = [f"sfsync explain {code} says more"] if has_more else []
    below = [*further, *hint.splitlines(), *more]
    lines = [f"error: {visible(first)}", *(f"       {visible(each)}" for each in below)]
    with contextlib.suppress(OSError):
        click.echo("\n".join(lines), err=True)
    if as_json:
        print_json(
            {
                "schema": "sfsync.error/1",
                "code": code,
                "message": message,
                "hint": hint,
                "exit_code": exit_code,
            }
        )


def console() -> Console:
    """A console on stdout, without colours where it is no terminal; progress makes room for what it draws."""
    _clear_progress()
    from rich.console import Console

    width = None if sys.stdout.isatty() else 110
    return Console(highlight=False, soft_wrap=False, width=width)


@contextlib.contextmanager
def surroundings(
    progress: str, *, as_json: bool = False, max_outage_min: int | None = None
) -> Iterator[Surroundings]:
    """The process as a command meets it: environment, progress in the given form, and signals.

    With `as_json` progress is shown only where it was asked for in so many words.
    """
    from sfsync.app.workplace import StopFlag, Surroundings
    from sfsync.report.watching.progress import progress_listener

    stop = StopFlag()
    log = _log_of(current())
    form = "none" if as_json and progress == "auto" else progress
    watch = current_watch()
    with progress_listener(form, stream=sys.stderr) as listener, _signals(stop):
        max_outage_s = None if max_outage_min is None else max_outage_min * 60.0
        token = _progress.set(listener)
        try:
            heard = watch.listener(listener) if watch else listener
            plain = Surroundings(listener=heard, stop=stop, max_outage_s=max_outage_s)
            yield plain if log is None else replace(plain, listener=_both(log, heard), follower=log)
        finally:
            _progress.reset(token)


def _log_of(ending: Ending | None) -> RunFollower | None:
    """The log of a command that runs a job; its last sentence asks it."""
    if ending is None:
        return None
    from sfsync.report.watching.run_follower import RunFollower

    ending.log = RunFollower(lambda: datetime.now(UTC), time.monotonic)
    ending.typed(click.get_current_context())
    return ending.log


def _both(log: RunFollower, listener: Listener) -> Listener:
    def tell(event: Event) -> None:
        log(event)
        listener(event)

    return tell


def _clear_progress() -> None:
    from sfsync.report.watching.progress import clear_progress

    clear_progress(_progress.get())


@contextlib.contextmanager
def _signals(stop: StopFlag) -> Iterator[None]:
    """First signal: stop before the next call, end within `GRACE_S`. Second: end at once."""
    timers: list[threading.Timer] = []
    ending = current()  # of this thread; a timer's has none

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set():
            _end_now(number, ending)
        stop.set_by_signal(number)
        timer = threading.Timer(GRACE_S, _end_now, args=(number, ending))
        timer.daemon = True
        timer.start()
        timers.append(timer)

    try:
        with _handling(handle):
            yield
    finally:
        for timer in timers:
            timer.cancel()


def _end_now(number: int, ending: Ending | None) -> None:
    """Ends the process; what is in the journal is all that a resume needs."""
    with contextlib.suppress(OSError):
        os.write(2, b"error: interrupted in the middle of a call\n       sfsync resume goes on\n")
    if ending is not None:
        ending.say_at_once(128 + number)
    os._exit(128 + number)


@contextlib.contextmanager
def _handling(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def asked_to_write() -> None:
    """Asks whether the plan is to be written; a signal at the question is an answer too.

    Raises:
        click.Abort: no; the last sentence says so.
        Interrupted: a signal came instead.
    """
    if asked("Write this plan to the org?"):
        return
    if (ending := current()) is not None:
        ending.told(
            "nothing was written, because the answer was no",
            "type the same command again and answer y to write the plan",
        )
    raise click.Abort


def asked(question: str) -> bool:
    """Asks a person; only y or yes is yes.

    Raises:
        Interrupted: a signal came instead.
    """
    while True:
        answer = line_asked(f"{question} [y/N]: ").strip().lower()
        if answer in _YES:
            return True
        if answer in _NO:
            return False
        click.echo("Please answer y or n.")


def line_asked(prompt: str) -> str:
    """A line that a person types, with its end; "" where there is nobody any more.

    Raises:
        Interrupted: a signal came instead.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise Interrupted("nothing was written", signal_number=number)

    _clear_progress()
    with _handling(leave), _woken_by_signals() as woken:
        click.echo(prompt, nl=False)
        # A signal between the prompt and the read would wait for the next key, so both are waited for at once.
        select.select([sys.stdin, woken], [], [])
        return sys.stdin.readline()


@contextlib.contextmanager
def _woken_by_signals() -> Iterator[int]:
    """A descriptor that can be read as soon as a signal has come.

    Source: Python, signal.set_wakeup_fd (the descriptor must not block).
    """
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)


def deliver(report: Report, folder: Path, *, as_json: bool, kept: KeptRows | None = None) -> int:
    """Writes the run's files, prints the report, and returns the exit code.

    `kept` has the rows that a report of a run in portions does not hold.
    """
    from sfsync.report.document import row_entries, run_document
    from sfsync.report.files.folder import write_run_folder
    from sfsync.report.files.rejects_form import rejects_notes
    from sfsync.report.words.terminal import draw_report

    form, ending = rejects_format(), current()
    log = ending.log if ending else None
    report = replace(
        report,
        notes=(*report.notes, *rejects_notes(report, form)),
        phases=log.phases() if log else (),
    )
    if watch := current_watch():
        watch.reported(report)
    files = write_run_folder(report, folder, form, kept=kept)
    if ending is not None and log is not None:
        log.ended(report, kept.rows() if kept else row_entries(report))
        ending.reported(report, files)
    annotate_report(report)
    if as_json:
        print_json(run_document(report, files=files))
    else:
        draw_report(report, console(), files=files)
    return report.exit_code


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()
