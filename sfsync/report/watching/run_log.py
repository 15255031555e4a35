"""The log of a run for machines: one JSON object a line, with the ids of the run and of its rows.

A listener of the engine's events, and told what became of the rows that are not done. No line holds a value of a
row or a message of the org: ids, places, codes, counts. A log that cannot be written falls silent; a run never ends
because of its log.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, TextIO

from sfsync.core.events import CallAnswered, Event, PhaseAdvanced
from sfsync.core.reports.report import Report
from sfsync.report.safe_text import json_text
from sfsync.report.watching.progress import EVENT_NAMES

SCHEMA: Final = "sfsync.log/1"

_LEFT_OUT: Final = (CallAnswered, PhaseAdvanced)
"""Events that come with every call: a log would be nothing else."""


class RunLog:
    """The log of one command; `clock` gives aware times, `invocation` tells its lines from those of others."""

    def __init__(self, streams: Sequence[TextIO], *, clock: Callable[[], datetime], invocation: str) -> None:
        self._streams = list(streams)
        self._clock = clock
        self._ids = {"invocation": invocation, "job": "", "run": ""}
        self._lock = threading.Lock()

    def name(self, *, job: str = "", run: str = "") -> None:
        """Says of which job and run the following lines are, as far as it is known."""
        known = {name: value for name, value in (("job", job), ("run", run)) if value}
        self._ids |= known

    def __call__(self, event: Event) -> None:
        """Takes an event of the engine in."""
        if not isinstance(event, _LEFT_OUT):
            self.write(EVENT_NAMES[type(event)], **asdict(event))

    def rows(self, report: Report) -> None:
        """One line for each row that is not done."""
        for change, outcome, problem in report.problems():
            row = problem.row or change.row
            self.write(
                "row_not_done",
                level="warning",
                row=change.change_id,
                sobject=change.sobject,
                record_id=report.result(change).record_id or "",
                file=row.file if row else "",
                line=row.line if row else 0,
                column=problem.column,
                field=problem.field,
                outcome=outcome.value,
                code=problem.code,
            )

    def write(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """Writes one line."""
        at = self._clock().isoformat(timespec="milliseconds")
        line = {"schema": SCHEMA, "at": at, "level": level, "event": event} | self._ids | facts
        safe = {name: json_text(value) if isinstance(value, str) else value for name, value in line.items()}
        with self._lock:
            for stream in list(self._streams):
                try:
                    stream.write(json.dumps(safe) + "\n")
                    stream.flush()
                except (OSError, ValueError):
                    self._streams.remove(stream)
