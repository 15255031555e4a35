"""Follows a command: what each phase took, and log.jsonl in the run's folder, one JSON object for each event.

Every line has at (the time), level, event and, once it is known, run. What happens before the run's folder is known
waits in memory. The log holds places, keys, codes and counts, never a value of a record and never a secret; events
hold none either (`core.events`). Invariant: nothing that goes wrong here ends a run.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from sfsync.core.events import CallRetried, Event, PhaseAdvanced, PhaseStarted
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.phases import PhaseSpent
from sfsync.core.reports.results import NOT_DONE, Outcome
from sfsync.report.safe_text import json_text
from sfsync.report.watching.progress import EVENT_NAMES

if TYPE_CHECKING:
    from sfsync.core.reports.following import Follower
    from sfsync.core.reports.report import Report

FILE: Final = "log.jsonl"
FIRST_PHASE: Final = "log in and look at the org"

MOST_WAITING: Final = 10_000
"""Events that wait for the run's folder; of more the number is told."""

_QUIET: Final = frozenset({Outcome.UNCHANGED.value, Outcome.SKIPPED.value})
"""Ends of rows that are counted and have no line of their own."""

_UNDONE: Final = frozenset(each.value for each in NOT_DONE)


@dataclass(slots=True)
class _Open:
    """The phase under way: when it began, and what had been used by then."""

    spent: PhaseSpent
    began: float
    usage: ApiUsage


class RunFollower:
    """A listener of a command's events and its follower; `clock` tells the time, `seconds` counts on."""

    def __init__(self, clock: Callable[[], datetime], seconds: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._usage: Callable[[], ApiUsage] = ApiUsage
        self._phases: dict[str, PhaseSpent] = {}
        self._open = _Open(PhaseSpent(FIRST_PHASE, 0.0, 0, 0), seconds(), ApiUsage())
        self._waiting: list[dict[str, Any]] = []
        self._dropped = 0
        self._file: IO[bytes] | None = None
        self._run = ""
        self._lock = threading.RLock()
        self.job = ""
        self.org = ""

    def begins(self, job: str, org: str) -> None:
        """The command is about this job, against the org of that profile."""
        if (job, org) != (self.job, self.org):
            self.job, self.org = job, org
            self.note("begun", job=job, org=org)

    def connected(self, usage: Callable[[], ApiUsage]) -> None:
        """The org can be asked."""
        with self._lock:
            self._usage = usage

    def keeps(self, folder: Path, run_id: str) -> None:
        """The log goes on in the run's folder, behind what an earlier command has written of the run."""
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(folder / FILE, flags, 0o600), "ab")
            self._run = run_id
            waiting, self._waiting = self._waiting, []
            for entry in waiting:
                self._write(entry)
            if self._dropped:
                self.note("events_left_out", level="warning", count=self._dropped)

    def __call__(self, event: Event) -> None:
        """Takes an event in."""
        with self._lock:
            match event:
                case PhaseStarted(phase=name, unit=unit):
                    self._end_phase()
                    spent = PhaseSpent(name, 0.0, 0, 0, unit=unit)
                    self._open = _Open(spent, self._seconds(), self._usage())
                case PhaseAdvanced(done=done, not_done=not_done):
                    spent = self._open.spent
                    self._open.spent = replace(
                        spent, done=spent.done + done, not_done=spent.not_done + not_done
                    )
            level = "warning" if isinstance(event, CallRetried) else "info"
            self.note(EVENT_NAMES[type(event)], level=level, **asdict(event))

    def _end_phase(self) -> None:
        """Adds what the phase under way took to those of its name."""
        spent = self._under_way()
        self._phases[spent.name] = _added(self._phases.get(spent.name), spent)

    def _under_way(self) -> PhaseSpent:
        now, before = self._usage(), self._open.usage
        return replace(
            self._open.spent,
            seconds=self._seconds() - self._open.began,
            reads=now.reads - before.reads,
            writes=now.writes - before.writes,
        )

    def phases(self) -> tuple[PhaseSpent, ...]:
        """What each phase took until now, in the order in which they first began."""
        with self._lock:
            spent = self._under_way()
            found = {**self._phases, spent.name: _added(self._phases.get(spent.name), spent)}
            return tuple(found.values())

    @property
    def usage(self) -> ApiUsage:
        """The calls that the command has used until now."""
        return self._usage()

    def note(self, event: str, *, level: str = "info", **said: Any) -> None:
        """Writes one line."""
        self._write({"at": self._moment(), "level": level, "event": event, **said})

    def _moment(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")

    def _write(self, entry: Mapping[str, Any]) -> None:
        with self._lock:
            if self._file is None:
                if len(self._waiting) < MOST_WAITING:
                    self._waiting.append(dict(entry))
                else:
                    self._dropped += 1
                return
            line = {**entry, "run": self._run}
            with contextlib.suppress(OSError, ValueError, TypeError):
                self._file.write(orjson.dumps(line, default=str) + b"\n")
                self._file.flush()

    def ended(self, report: Report, rows: Iterator[Mapping[str, Any]]) -> None:
        """Writes what became of every row that changed or is not done, and the end of the run."""
        self._note_rows(rows if report.applied else iter(()))
        code = report.exit_code
        stopped = report.stopped.code if report.stopped else ""
        self.note(
            "ended",
            level="error" if stopped else "warning" if code else "info",
            exit_code=code,
            code=stopped,
            counts=report.counts(),
            api={"reads": report.usage.reads, "writes": report.usage.writes},
        )

    def _note_rows(self, rows: Iterator[Mapping[str, Any]]) -> None:
        moment, file = self._moment(), self._file
        if file is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError):
            for row in rows:
                outcome = row["outcome"]
                if outcome in _QUIET:
                    continue
                line = {
                    "at": moment,
                    "level": "warning" if outcome in _UNDONE else "info",
                    "event": "row",
                    "sobject": row["sobject"],
                    "row": f"{row['source']}:{row['line']}",
                    "outcome": outcome,
                    "record_id": row["record_id"],
                    "codes": [json_text(each) for each in row["codes"]],
                    "run": self._run,
                }
                file.write(orjson.dumps(line) + b"\n")

    def failed(self, code: str, exit_code: int) -> None:
        """Writes that the command ended by an error."""
        self.note("ended", level="error", exit_code=exit_code, code=code)

    def close(self) -> None:
        """Closes the file; what comes later is lost."""
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()


def _added(some: PhaseSpent | None, more: PhaseSpent) -> PhaseSpent:
    if some is None:
        return more
    return PhaseSpent(
        some.name,
        some.seconds + more.seconds,
        some.reads + more.reads,
        some.writes + more.writes,
        some.done + more.done,
        some.not_done + more.not_done,
        more.unit,
    )


if TYPE_CHECKING:
    _contract: type[Follower] = RunFollower
