"""Calls side by side on the command line: --threads N and threads in the job, seen from the org."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from safety_desk import ORG_FILE, SafetyDesk, desk_on, row

from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.wire.messages import Request

DEALS = 48
"""Two calls of updates on a condition, which hold 25 each."""


@dataclass
class Together(FaultScript):
    """No fault: each call of updates waits in the org until so many are there."""

    size: int = 1
    inside: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        FaultScript.__post_init__(self)
        self.count = None
        self.barrier = threading.Barrier(self.size)

    def matches(self, request: Request) -> bool:
        """Whether it is a call of updates on a condition."""
        return b"If-Unmodified-Since" in request.body

    def met(self) -> bool:
        """Waits for the others, and counts how many were there at most."""
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.barrier.wait(20)
        with self.lock:
            self.inside -= 1
        return False


def rows(name: str) -> str:
    """The deals, each with this in its name."""
    return "".join(row(f"D-{number}", f"{name} {number}") for number in range(DEALS))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The deals in the org, and a job that changes all of them by two calls."""
    with desk_on(ORG_FILE, tmp_path) as made:
        made.write(rows("Old"))
        made.run()
        made.write(rows("New"))
        yield made


def in_flight(desk: SafetyDesk, expected: int, *arguments: str) -> int:
    """How many calls of the run were in the org at the same time."""
    together = desk.emulator.faults.add(Together(Drop(), size=expected))
    document = desk.run(*arguments)
    assert isinstance(together, Together)
    assert (document["counts"]["Opportunity"]["updated"], together.seen) == (DEALS, 2)
    assert len(desk.deals("New 0")) == 1
    return together.most


def test_calls_go_side_by_side_when_nobody_says_otherwise(desk: SafetyDesk) -> None:
    """Both calls are in the org at the same time, and all deals are updated."""
    assert in_flight(desk, 2) == 2


def test_with_one_thread_one_call_goes_after_the_other(desk: SafetyDesk) -> None:
    """--threads 1 sends a call when the one before has been answered."""
    assert in_flight(desk, 1, "--threads", "1") == 1


def test_a_job_says_how_many_calls_may_go_at_a_time(desk: SafetyDesk) -> None:
    """Threads = 1 in the job holds for its runs."""
    desk.write(rows("New"), top="threads = 1")
    assert in_flight(desk, 1) == 1


def test_the_option_wins_over_the_job(desk: SafetyDesk) -> None:
    """--threads 2 lets two calls go where the job says one."""
    desk.write(rows("New"), top="threads = 1")
    assert in_flight(desk, 2, "--threads", "2") == 2


def test_a_saved_plan_goes_whatever_the_number_of_threads(desk: SafetyDesk) -> None:
    """The number of threads is no part of a plan: another one in the job makes no plan stale."""
    assert desk.command("plan", "./job.toml", "--out", "plan.json").exit_code == 0
    desk.write(rows("New"), top="threads = 1")
    assert in_flight(desk, 2, "--plan", "plan.json", "--threads", "8") == 2


def test_numbers_that_are_none_are_refused(desk: SafetyDesk) -> None:
    """0 and 9 threads are wrong on the command line and in the job, before anything is asked of the org."""
    before = len(desk.emulator.audit.requests)
    assert desk.command("run", "./job.toml", "--threads", "9").exit_code == 2
    assert desk.command("resume", "--threads", "0").exit_code == 2
    desk.write(rows("New"), top="threads = 9")
    done = desk.command("run", "./job.toml")
    assert done.exit_code == 2
    assert "threads" in done.err
    assert len(desk.emulator.audit.requests) == before
