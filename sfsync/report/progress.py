"""How a run is followed while it works: a bar on a terminal, a heartbeat on a pipe, JSON lines for programs.

Each is a listener of the engine's events and writes to the stream it is given, which is stderr. A short run
on a pipe writes nothing, so that cron sends no mail about it; a long one at most one line in `HEARTBEAT_S`.
rich is imported only when a bar is drawn.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, TextIO

from sfsync.core.events import (
    CallRetried,
    Event,
    Listener,
    Noticed,
    PhaseAdvanced,
    PhaseStarted,
    ignore_events,
)
from sfsync.report.safe_text import json_text, visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

HEARTBEAT_S: Final = 10.0

MOST_NOTICES: Final = 5
"""Notices that are shown while the run works; the report has them all."""

_EVENT_NAMES: Final = {
    PhaseStarted: "phase_started",
    PhaseAdvanced: "phase_advanced",
    CallRetried: "call_retried",
    Noticed: "noticed",
}


@contextlib.contextmanager
def progress_listener(
    form: str, *, stream: TextIO, clock: Callable[[], float] = time.monotonic
) -> Iterator[Listener]:
    """A listener of the form "bar", "lines", "json", "none" or "auto", for as long as the context is open.

    "auto" is a bar where the stream is a terminal, and lines elsewhere. `clock` counts seconds.
    """
    if form == "auto":
        form = "bar" if stream.isatty() else "lines"
    if form == "bar":
        with _bar_on(stream) as listener:
            yield _Unbreakable(listener)
    elif form == "lines":
        yield _Unbreakable(Heartbeat(stream, clock))
    elif form == "json":
        yield _Unbreakable(JsonLines(stream))
    else:
        yield ignore_events


def clear_progress(listener: Listener) -> None:
    """Takes away what the listener has drawn on a terminal; the next phase is drawn again."""
    if isinstance(listener, _Unbreakable):
        listener.clear()


class _Unbreakable:
    """Falls silent when the stream cannot be written any more: a run never ends because nobody watches it.

    Threads of a run announce at the same time, so one event is drawn at a time.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._is_broken = False
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._is_broken:
                return
            try:
                self._listener(event)
            except (OSError, ValueError):
                self._is_broken = True

    def clear(self) -> None:
        """Takes a bar away, where there is one."""
        if isinstance(self._listener, _Bar):
            with contextlib.suppress(OSError, ValueError):
                self._listener.clear()


class JsonLines:
    """Writes every event as one JSON object on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Writes the event."""
        self._stream.write(json.dumps({"event": _EVENT_NAMES[type(event)]} | asdict(event)) + "\n")
        self._stream.flush()


class Heartbeat:
    """Writes now and then one line about the phase under way; `clock` counts seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._began = self._last = clock()
        self._phase = _PhaseCount(PhaseStarted("start"))
        self._retries = 0
        self._notices = _FirstNotices()

    def __call__(self, event: Event) -> None:
        """Takes the event in, and writes a line when the last one is long ago."""
        match event:
            case PhaseStarted():
                self._phase = _PhaseCount(event)
            case PhaseAdvanced():
                self._phase.advance(event)
            case CallRetried():
                self._retries += 1
            case Noticed():
                for text in self._notices.shown(event):
                    self._write(text)
        self._beat()

    def _beat(self) -> None:
        now = self._clock()
        if now - self._last < HEARTBEAT_S:
            return
        self._last = now
        calls = "call" if self._retries == 1 else "calls"
        retries = f", {self._retries:,} {calls} sent again" if self._retries else ""
        self._write(f"{self._phase.text()}{retries} ({now - self._began:.0f} s)")

    def _write(self, text: str) -> None:
        self._stream.write(f"sfsync: {text}\n")
        self._stream.flush()


class _PhaseCount:
    """How far a phase has come."""

    def __init__(self, started: PhaseStarted) -> None:
        self.name = visible(started.phase)
        self.total = started.total
        self.unit = visible(started.unit)
        self.done = 0
        self.not_done = 0

    def advance(self, event: PhaseAdvanced) -> None:
        self.done += event.done
        self.not_done += event.not_done

    def text(self) -> str:
        """The phase in words: `create Opportunity: 200 of 1,000 rows, 2 not done`."""
        of_total = f" of {self.total:,}" if self.total is not None else ""
        not_done = f", {self.not_done:,} not done" if self.not_done else ""
        return f"{self.name}: {self.done:,}{of_total} {self.unit}{not_done}"


class _FirstNotices:
    """Lets the first few notices through, and says once that there are more."""

    def __init__(self) -> None:
        self._count = 0

    def shown(self, event: Noticed) -> Iterator[str]:
        self._count += 1
        if self._count <= MOST_NOTICES:
            yield visible(json_text(event.message))
        elif self._count == MOST_NOTICES + 1:
            yield "there is more to note; the report has it all"


class _Bar:
    """Draws the phase under way as a bar, with the rows done and not done; cleared, it waits for the next phase."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._phase = _PhaseCount(PhaseStarted("start"))
        self._notices = _FirstNotices()

    def __call__(self, event: Event) -> None:
        match event:
            case PhaseStarted():
                self._start(event)
            case PhaseAdvanced():
                self._phase.advance(event)
                self._draw()
            case CallRetried(reason=reason, wait_s=wait_s):
                self._draw(f"{visible(reason)}; trying again in {wait_s:.0f} s")
            case Noticed():
                for text in self._notices.shown(event):
                    self._progress.print(text, markup=False, highlight=False)

    def _start(self, event: PhaseStarted) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._progress.start()
        self._phase = _PhaseCount(event)
        self._task = self._progress.add_task(self._phase.name, total=event.total, note="")
        self._draw()

    def clear(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()

    def _draw(self, remark: str = "") -> None:
        if self._task is None:
            return
        self._progress.update(self._task, completed=self._phase.done, note=remark or self._phase.text())


@contextlib.contextmanager
def _bar_on(stream: TextIO) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=stream, highlight=False)
    note = TextColumn("{task.fields[note]}", markup=False)
    columns = (BarColumn(bar_width=30), note, TimeElapsedColumn())
    # Redirecting would send what is for stdout to stderr, where the bar is.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    with bar:
        yield _Bar(bar)
