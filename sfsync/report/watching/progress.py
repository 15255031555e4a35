"""How a run is followed while it works: a bar on a terminal, a heartbeat on a pipe, JSON lines for programs.

Each is a listener of the engine's events and writes to the stream it is given, which is stderr. A short run
on a pipe writes nothing, so that cron sends no mail about it; a long one at most one line in `HEARTBEAT_S`, and
at least one in `SILENCE_S`, also while a call or a bulk job keeps it waiting and nothing is announced.
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
    CallAnswered,
    CallRetried,
    Event,
    Listener,
    Noticed,
    PhaseAdvanced,
    PhaseStarted,
    ignore_events,
)
from sfsync.report.safe_text import json_text, visible
from sfsync.report.watching.phase_count import PhaseCount

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

HEARTBEAT_S: Final = 10.0

SILENCE_S: Final = 30.0
"""A run that works is never silent for longer on a pipe."""

PROGRESS_SCHEMA: Final = "sfsync.progress/1"
"""The schema that each of the JSON lines names."""

MOST_NOTICES: Final = 5
"""Notices that are shown while the run works; the report has them all."""

Wait = Callable[[float], bool]
"""Waits so many seconds; True where it was called off."""

EVENT_NAMES: Final = {
    PhaseStarted: "phase_started",
    PhaseAdvanced: "phase_advanced",
    CallRetried: "call_retried",
    CallAnswered: "call_answered",
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
        with _bar_on(stream, clock) as listener:
            yield _Unbreakable(listener)
    elif form == "lines":
        heartbeat = Heartbeat(stream, clock)
        listener = _Unbreakable(heartbeat)
        with _beating(lambda: listener.do(heartbeat.beat)):
            yield listener
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
        self.do(lambda: self._listener(event))

    def do(self, draw: Callable[[], None]) -> None:
        """Draws something, unless the stream is broken."""
        with self._lock:
            if self._is_broken:
                return
            try:
                draw()
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
        line = {"schema": PROGRESS_SCHEMA, "event": EVENT_NAMES[type(event)]} | asdict(event)
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()


class Heartbeat:
    """Writes now and then one line about the phase under way; `clock` counts seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._began = self._last = clock()
        self._phase = PhaseCount(PhaseStarted("start"), clock)
        self._retries = 0
        self._calls = 0
        self._notices = _FirstNotices()

    def __call__(self, event: Event) -> None:
        """Takes the event in, and writes a line when the last one is long ago."""
        match event:
            case PhaseStarted():
                self._phase = PhaseCount(event, self._clock)
            case PhaseAdvanced():
                self._phase.advance(event)
            case CallRetried():
                self._retries += 1
            case CallAnswered():
                self._calls = event.calls
            case Noticed():
                for text in self._notices.shown(event):
                    self._write(text)
        self.beat()

    def beat(self) -> None:
        """Writes a line when the last one is long ago."""
        now = self._clock()
        if now - self._last < HEARTBEAT_S:
            return
        self._last = now
        calls = f", {_counted_calls(self._calls)}" if self._calls else ""
        retries = f", {_counted_calls(self._retries)} sent again" if self._retries else ""
        left = self._phase.time_left()
        left = f", about {left} left" if left else ""
        self._write(f"{self._phase.text()}{calls}{retries}{left} ({now - self._began:.0f} s)")

    def _write(self, text: str) -> None:
        self._stream.write(f"sfsync: {text}\n")
        self._stream.flush()


def _counted_calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


@contextlib.contextmanager
def _beating(beat: Callable[[], None], wait: Wait | None = None) -> Iterator[None]:
    """Beats beside the run while the block runs, so that it is not silent where nothing is announced.

    `wait` waits for the next look; looks are a `HEARTBEAT_S` apart, so a line is due before `SILENCE_S` is over.
    """
    over = threading.Event()
    wait = wait or over.wait

    def keep_beating() -> None:
        while not wait(HEARTBEAT_S):
            beat()

    thread = threading.Thread(target=keep_beating, name="sfsync heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1.0)


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

    def __init__(self, progress: Progress, clock: Callable[[], float]) -> None:
        self._progress = progress
        self._clock = clock
        self._task: TaskID | None = None
        self._phase = PhaseCount(PhaseStarted("start"), clock)
        self._api = ""
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
            case CallAnswered():
                self._api = _api_words(event)
                self._draw()
            case Noticed():
                for text in self._notices.shown(event):
                    self._progress.print(text, markup=False, highlight=False)

    def _start(self, event: PhaseStarted) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._progress.start()
        self._phase = PhaseCount(event, self._clock)
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
        left = self._phase.time_left()
        said = (self._phase.text(), self._phase.rate(), self._api, f"{left} left" if left else "")
        note = remark or ", ".join(each for each in said if each)
        self._progress.update(self._task, completed=self._phase.done, note=note)


def _api_words(event: CallAnswered) -> str:
    """`12 calls, the org's day 41 %`."""
    calls = _counted_calls(event.calls)
    if not event.org_allowed or event.org_used is None:
        return calls
    return f"{calls}, the org's day {100 * event.org_used / event.org_allowed:.0f} %"


@contextlib.contextmanager
def _bar_on(stream: TextIO, clock: Callable[[], float]) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(file=stream, highlight=False)
    # On a narrow terminal the note takes a second line: its end says how long it may still take.
    note = TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=False))
    columns = (BarColumn(bar_width=20), note, TimeElapsedColumn())
    # Redirecting would send what is for stdout to stderr, where the bar is.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    with bar:
        yield _Bar(bar, clock)
