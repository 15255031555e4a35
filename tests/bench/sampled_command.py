"""Runs a command of sfsync and says where its CPU went, by samples: how much of that of applying is the journal.

    python sampled_command.py FILE COMMAND ...

Each sample is worth the CPU time that was used since the one before: of the whole process (the sampler's own left
out) while the main thread applies, of the main thread while it stands in the journal. So neither waiting for the
org nor waiting for the disk counts.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Final

_EVERY_S: Final = 0.002


class Sampler:
    """Looks at one thread again and again."""

    def __init__(self, thread_id: int) -> None:
        self._thread_id = thread_id
        self._clock = time.pthread_getcpuclockid(thread_id)
        self._before = (0.0, 0.0)
        self.counts = {"applying": 0.0, "journal": 0.0, "all": 0.0}
        self._stop = threading.Event()

    def watch(self) -> None:
        """Samples until stopped."""
        self._before = self._used()
        while not self._stop.is_set():
            time.sleep(_EVERY_S)
            frame = sys._current_frames().get(self._thread_id)
            if frame is not None:
                self._note(frame)

    def stop(self) -> None:
        """Ends the watch."""
        self._stop.set()

    def _used(self) -> tuple[float, float]:
        """CPU seconds of the process without this thread, and of the watched thread."""
        return time.process_time() - time.thread_time(), time.clock_gettime(self._clock)

    def _note(self, frame: FrameType) -> None:
        used = self._used()
        whole, main = used[0] - self._before[0], used[1] - self._before[1]
        self._before = used
        self.counts["all"] += whole
        files = []
        at: FrameType | None = frame
        while at is not None:
            files.append(at.f_code.co_filename)
            at = at.f_back
        if not any("/engine/applying/" in each for each in files):
            return
        self.counts["applying"] += whole
        if any("/sfsync/journal/" in each for each in files):
            self.counts["journal"] += main


def main() -> None:
    """Run the command, then write the samples."""
    from sfsync.cli.main import run

    sampler = Sampler(threading.get_ident())
    thread = threading.Thread(target=sampler.watch, daemon=True)
    thread.start()
    code = run(sys.argv[2:])
    sampler.stop()
    counts = sampler.counts
    share = round(counts["journal"] / counts["applying"], 3) if counts["applying"] else None
    Path(sys.argv[1]).write_text(json.dumps(counts | {"journal_share": share}))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
