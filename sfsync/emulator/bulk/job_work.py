"""A job while it is worked on: its call, its place in time, and the scripted faults meant for it."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sfsync.emulator.bulk.jobs import Job, JobFailedError
from sfsync.emulator.call import Call
from sfsync.emulator.fault_actions import AwaitPolls, Delay, FailJob, Hold, Kill, RetryBatch
from sfsync.emulator.faults import BEFORE_COMMIT, FaultScript

Wait = Delay | Hold | AwaitPolls


class StoppedError(Exception):
    """The work ends here without a word: the job was aborted, or the emulator stops."""


class WorkerLostError(Exception):
    """The worker of a batch is gone; what was not committed is not."""


@dataclass(slots=True)
class JobWork:
    """The work on one job; `due` is the time up to which it has been worked on."""

    job: Job
    call: Call
    scripts: tuple[FaultScript, ...]
    stopping: threading.Event
    due: datetime
    steps: Iterator[Wait] = field(default_factory=lambda: iter(()))

    def waits(self, phase: str, chunk: int | None = None) -> Iterator[Wait]:
        """Return the waits scripted for this moment."""
        for script in self._striking(phase, chunk):
            if isinstance(script.action, Delay | Hold | AwaitPolls):
                yield script.action

    def strike(self, phase: str, chunk: int | None = None) -> None:
        """Do what is scripted for this moment.

        Raises: JobFailedError, WorkerLostError as scripted.
        """
        for script in self._striking(phase, chunk):
            match script.action:
                case Kill(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                case FailJob(message):
                    raise JobFailedError(message)
                case RetryBatch():
                    raise WorkerLostError

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Keep the records to this job for a moment.

        Raises: StoppedError when the emulator stops.
        """
        with self.call.org.storage.lock:
            if self.stopping.is_set():
                raise StoppedError
            yield

    def _striking(self, phase: str, chunk: int | None) -> list[FaultScript]:
        """Return the scripts of a phase: of a chunk, counted from 1, or of the job as a whole."""
        first = 1 if phase == BEFORE_COMMIT else None
        return [
            script for script in self.scripts if script.phase == phase and (script.commit or first) == chunk
        ]
