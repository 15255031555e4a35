"""What the journal costs, and what a killed run repeats: figures that no clock gives.

Commits are counted from outside, by strace: SQLite in WAL with synchronous=FULL syncs the log once for each. The
share of CPU is taken by samples of the stack while a plan is applied. A kill is a SIGKILL at a moment
chosen by a seed, in the middle of the writing; what the stub then gets twice is counted by their unique keys.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import time
from pathlib import Path
from typing import Any, Final

from measured_processes import HERE, ROOT, run
from sfsync_cases import PROGRAM, QUIET, Desk, is_write

_SYNC: Final = re.compile(r"\b(?:fsync|fdatasync)\(\d+<[^>]*-wal>")
_CHECKPOINT: Final = re.compile(r"\b(?:fsync|fdatasync)\(\d+<[^>]*/journal\.sqlite>")
_SYNCS_A_CHECKPOINT: Final = 2
"""A checkpoint syncs the log before it syncs the database, and the log's new head when it begins anew; neither is a
commit. Source: SQLite, "Write-Ahead Logging", "Checkpointing"; "PRAGMA synchronous"."""


def commits(small: Desk, large: Desk) -> dict[str, Any]:
    """Commits for one more write call: the difference of two first loads, without what every run commits."""
    if shutil.which("strace") is None:
        return {"note": "strace is missing"}
    counted = [_syncs(desk) for desk in (small, large)]
    if None in counted:
        return {"note": "strace is not allowed to watch a process here"}
    (syncs, calls), (more_syncs, more_calls) = counted
    more = more_calls - calls
    return {
        "syncs": more_syncs,
        "write_calls": more_calls,
        "commits_per_call": round((more_syncs - syncs) / more, 2) if more else None,
    }


def _syncs(desk: Desk) -> tuple[int, int] | None:
    desk.fresh()
    log = desk.folder / "strace.txt"
    watch = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(log)]
    command = [*watch, *PROGRAM, "run", str(desk.job), *QUIET]
    taken = run(command, cwd=ROOT, environ=desk.stub.environ(desk.state), scratch=desk.folder)
    if taken.exit_code != 0:
        return None
    kinds = desk.stub.counts()["calls"]
    writes = sum(count for kind, count in kinds.items() if is_write(kind))
    return commits_of(log.read_text(encoding="utf-8", errors="replace")), writes


def commits_of(log: str) -> int:
    """The commits that a log of syncs shows, up to a number that is the same for every load."""
    return len(_SYNC.findall(log)) - _SYNCS_A_CHECKPOINT * len(_CHECKPOINT.findall(log))


def journal_share(desk: Desk) -> dict[str, Any]:
    """The share of apply's CPU that goes into the journal."""
    desk.fresh()
    found = desk.folder / "samples.json"
    command = [*PROGRAM[:1], str(HERE / "sampled_command.py"), str(found), "run", str(desk.job), *QUIET]
    run(command, cwd=ROOT, environ=desk.stub.environ(desk.state), scratch=desk.folder)
    if not found.exists():
        return {"note": "the samples are missing"}
    return dict(json.loads(found.read_text()))


def killed(desk: Desk, *, seed: int, latency_ms: int = 80) -> dict[str, Any]:
    """Kills a first load in the middle of its writing, resumes it, and counts what went twice."""
    desk.fresh()
    whole = desk.case("whole", "run", latency_ms=latency_ms)
    desk.fresh()
    desk.stub.set_latency(latency_ms)
    chance = random.Random(seed)
    moment = Moment(
        desk, chance.randint(1, max(whole.write_calls - 1, 1)), chance.uniform(0, latency_ms / 1000)
    )
    desk.taken("run", kill_when=moment)
    before = desk.stub.counts()
    resumed = desk.case("resume", "resume", latency_ms=latency_ms)
    again = desk.stub.counts()
    return {
        "deals": desk.deals,
        "killed_after_calls": moment.calls,
        "write_calls": whole.write_calls,
        "sent_before": before["written"],
        "in_flight": before["most_in_flight"],
        "repeated_calls": again["repeating_calls"],
        "repeated_creates": again["repeated_creates"],
        "repeated_updates": again["repeated_updates"],
        "held": again["records"],
        "exit_code": resumed.exit_code,
        "note": resumed.note,
    }


class Moment:
    """The time for a kill: some write calls were answered, and a part of the next one's time is over."""

    def __init__(self, desk: Desk, calls: int, after_s: float) -> None:
        self._desk, self.calls, self._after_s = desk, calls, after_s

    def __call__(self) -> bool:
        """Whether it has come."""
        kinds = self._desk.stub.counts()["calls"]
        if sum(count for kind, count in kinds.items() if is_write(kind)) < self.calls:
            return False
        time.sleep(self._after_s)
        return True


def desks(stub: Any, root: Path) -> list[Desk]:
    """Two sizes of one portion each, whose difference is some write calls; and one of several portions."""
    return [Desk(stub, root / f"journal-{deals}", deals) for deals in (300, 1_300, 3_000)]
