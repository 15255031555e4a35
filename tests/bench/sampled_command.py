"""Runs a command of sfsync and says where its main thread was, by samples: how much of applying is the journal.

    python sampled_command.py FILE COMMAND ...

A sample counts as busy unless the thread waits for the org: its innermost frame then stands in the socket module,
in ssl, or in threading.
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
_WAITING: Final = ("/socket.py", "/ssl.py", "/threading.py", "/selectors.py")


class Sampler:
    """Looks at one thread again and again."""

    def __init__(self, thread_id: int) -> None:
        self._thread_id = thread_id
        self.counts = {"applying": 0, "journal": 0, "waiting": 0, "all": 0}
        self._stop = threading.Event()

    def watch(self) -> None:
        """Samples until stopped."""
        while not self._stop.is_set():
            time.sleep(_EVERY_S)
            frame = sys._current_frames().get(self._thread_id)
            if frame is not None:
                self._note(frame)

    def stop(self) -> None:
        """Ends the watch."""
        self._stop.set()

    def _note(self, frame: FrameType) -> None:
        self.counts["all"] += 1
        is_waiting = frame.f_code.co_filename.endswith(_WAITING)
        files = []
        at: FrameType | None = frame
        while at is not None:
            files.append(at.f_code.co_filename)
            at = at.f_back
        if not any("/engine/applying/" in each for each in files):
            return
        self.counts["waiting"] += is_waiting
        self.counts["applying"] += not is_waiting
        self.counts["journal"] += not is_waiting and any("/sfsync/journal/" in each for each in files)


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
