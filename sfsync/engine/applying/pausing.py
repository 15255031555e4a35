"""How long a run waits before it tries rows again: longer each time, with jitter, and never past a stop."""

from __future__ import annotations

import secrets
import threading


def pause(stop: threading.Event, tries: int) -> None:
    """Waits before rows are tried again: 1, 2, 4 ... seconds with jitter, 15 at most; a stop ends it."""
    longest = min(2.0 ** (tries - 1), 15.0)
    stop.wait(longest * (0.5 + secrets.randbelow(512) / 1024))
