"""A stop flag for runs that wait for bulk jobs: its waits end when the emulator has worked on what it was given."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from main_job_bench import Impatient

from sfsync.emulator.bulk.jobs import ENDED, JobState
from sfsync.emulator.server import RunningEmulator

_WAITING = ENDED | {JobState.OPEN}
_ENDS = 20.0


@dataclass(eq=False)
class UntilJobsEnd(Impatient):
    """Waits no longer than the jobs of the org take, however long it is asked to."""

    emulator: RunningEmulator
    _moment: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        Impatient.__init__(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Says whether a stop was asked for, when no job is at work any more."""
        del timeout
        for _ in range(round(_ENDS / 0.002)):
            if self.is_set() or not self._is_at_work():
                break
            self._moment.wait(0.002)
        return self.is_set()

    def _is_at_work(self) -> bool:
        """Whether a job that was handed over, of either kind, has not ended."""
        pages = (self.emulator.org.jobs.page(is_query=kind, after=None) for kind in (False, True))
        return any(job.state not in _WAITING for jobs, _next in pages for job in jobs)
