"""Counts what the stub is asked: calls by kind, statements by sObject, bytes, requests in flight, its own CPU time.

What a run repeats is counted here as well: creates whose unique key had been sent before, updates that changed
nothing, and the calls that held any of them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Counts:
    """The figures since the last reset; safe for threads."""

    calls: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    bytes_up: int = 0
    bytes_down: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    repeated_creates: int = 0
    repeated_updates: int = 0
    repeating_calls: int = 0
    first_request: float | None = None
    first_write: float | None = None
    last_answer: float | None = None
    cpu_from: float = field(default_factory=time.process_time)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """A request has arrived."""
        with self.guard:
            self.first_request = self.first_request or time.time()
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def end(self, kind: str, *, up: int, down: int) -> None:
        """Its answer is on its way."""
        with self.guard:
            self.in_flight -= 1
            self.calls[kind] += 1
            self.bytes_up += up
            self.bytes_down += down
            self.last_answer = time.time()

    def note_write(self, what: str, count: int, *, creates: int = 0, updates: int = 0) -> None:
        """So many rows came; so many of them had come before."""
        with self.guard:
            self.first_write = self.first_write or time.time()
            self.written[what] += count
            self.repeated_creates += creates
            self.repeated_updates += updates

    def note_repeating(self) -> None:
        """A call held rows that had come before."""
        with self.guard:
            self.repeating_calls += 1

    def note_statement(self, sobject: str) -> None:
        """One look-up of an sObject's records."""
        with self.guard:
            self.statements[sobject] += 1

    def note_refused(self, why: str) -> None:
        """Something that the stub cannot play; a benchmark with one of these is void."""
        with self.guard:
            self.refused.append(why)

    def document(self) -> dict[str, Any]:
        """The figures as JSON; times are seconds since the epoch, logins and the stub's own calls left out."""
        with self.guard:
            api = {kind: count for kind, count in self.calls.items() if kind != "login"}
            return {
                "calls": dict(self.calls),
                "api_calls": sum(api.values()),
                "statements": dict(self.statements),
                "written": dict(self.written),
                "refused": self.refused[:20],
                "bytes_up": self.bytes_up,
                "bytes_down": self.bytes_down,
                "most_in_flight": self.most_in_flight,
                "repeated_creates": self.repeated_creates,
                "repeated_updates": self.repeated_updates,
                "repeating_calls": self.repeating_calls,
                "first_request": self.first_request,
                "first_write": self.first_write,
                "last_answer": self.last_answer,
                "cpu_s": time.process_time() - self.cpu_from,
            }
