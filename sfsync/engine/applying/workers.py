"""Threads that carry calls, each call by one thread; one thread alone means the caller's own.

What a task returns or raises comes back through `landed`, in the order in which tasks end. The threads are daemons:
a call that hangs keeps no process from ending, and the journal knows that it was sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Landed(Generic[T]):
    """The end of a task: its number, and what it returned or raised."""

    number: int
    value: T | None = None
    error: BaseException | None = None


class Workers(Generic[T]):
    """So many threads at most, made when they are needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made = 0
        self._tasks: SimpleQueue[tuple[int, Callable[[], T]] | None] = SimpleQueue()
        self._ends: SimpleQueue[Landed[T]] = SimpleQueue()
        self._out = 0

    @property
    def in_flight(self) -> int:
        """How many tasks were handed out and have not been taken back by `landed`."""
        return self._out

    def hand_out(self, number: int, task: Callable[[], T]) -> None:
        """Lets a thread carry out the task; with one thread it is done when this returns."""
        self._out += 1
        if self._most == 1:
            self._ends.put(_carried_out(number, task))
            return
        if self._made < min(self._most, self._out):
            self._made += 1
            threading.Thread(target=self._work, name=f"call {self._made}", daemon=True).start()
        self._tasks.put((number, task))

    def landed(self) -> Landed[T]:
        """Waits for the next task to end; a signal handler may run meanwhile."""
        end = self._ends.get()
        self._out -= 1
        return end

    def close(self) -> None:
        """Lets the threads go when their tasks are done; it waits for none."""
        for _ in range(self._made):
            self._tasks.put(None)
        self._made = 0

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._ends.put(_carried_out(*task))


def _carried_out(number: int, task: Callable[[], T]) -> Landed[T]:
    try:
        return Landed(number, task())
    except BaseException as error:  # noqa: BLE001 - it is raised again where it is taken back
        return Landed(number, error=error)
