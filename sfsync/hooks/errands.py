"""Errands that run beside each other and beside the run, and are given up when their time is over.

Each is a thread of its own that nobody has to wait for, so neither a server that answers a byte a minute nor a name
that is looked up for ever can hold the process. An errand's answer is "" or the sentence of what went wrong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Errand:
    name: str
    thread: threading.Thread
    said: list[str] = field(default_factory=list)


class Errands:
    """The errands of one run."""

    def __init__(self) -> None:
        self._errands: list[_Errand] = []

    def start(self, name: str, work: Callable[[], str]) -> None:
        """Begins an errand; one of the same name as an earlier one waits for that one first."""
        earlier = [each.thread for each in self._errands if each.name == name]
        said: list[str] = []

        def run() -> None:
            for each in earlier:
                each.join()
            try:
                said.append(work())
            except Exception as error:  # noqa: BLE001 - an errand never fails a run
                said.append(f"it failed ({type(error).__name__})")

        thread = threading.Thread(target=run, name=f"sfsync {name}", daemon=True)
        self._errands.append(_Errand(name, thread, said))
        thread.start()

    def finish(self, within_s: float) -> list[str]:
        """Waits for all errands, so long in all; returns what went wrong, each with its errand's name."""
        until = time.monotonic() + within_s
        told: dict[str, None] = {}
        for each in self._errands:
            each.thread.join(max(0.0, until - time.monotonic()))
            why = each.said[0] if each.said else "it did not answer in time"
            if why:
                told[f"{each.name}: {why}"] = None
        self._errands.clear()
        return list(told)
