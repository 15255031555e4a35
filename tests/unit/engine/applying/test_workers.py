"""Threads that carry calls: what comes back, in which order, and what a failure looks like."""

from __future__ import annotations

import threading

import pytest

from sfsync.engine.applying.workers import Workers


def test_with_one_thread_a_task_is_done_when_it_is_handed_out() -> None:
    """One thread is the caller's own."""
    workers: Workers[int] = Workers(1)
    workers.hand_out(7, threading.get_ident)
    assert workers.in_flight == 1
    assert (workers.landed().value, workers.in_flight) == (threading.get_ident(), 0)


def test_tasks_come_back_in_the_order_in_which_they_end() -> None:
    """The first task ends when the second has been taken back."""
    workers: Workers[str] = Workers(2)
    gate = threading.Event()

    def slow() -> str:
        assert gate.wait(10)
        return "slow"

    workers.hand_out(1, slow)
    workers.hand_out(2, lambda: "quick")
    assert workers.landed().number == 2
    gate.set()
    assert workers.landed().value == "slow"
    workers.close()


@pytest.mark.parametrize("threads", [1, 4])
def test_what_a_task_raises_comes_back_with_its_number(threads: int) -> None:
    """No error is lost in a thread."""
    workers: Workers[None] = Workers(threads)

    def fail() -> None:
        raise KeyError("x")

    workers.hand_out(3, fail)
    landed = workers.landed()
    workers.close()
    assert (landed.number, type(landed.error)) == (3, KeyError)


def test_no_more_threads_are_made_than_are_allowed() -> None:
    """Nine tasks that wait for each other by threes are carried by three threads."""
    workers: Workers[str] = Workers(3)
    meeting = threading.Barrier(3)

    def meet() -> str:
        meeting.wait(10)
        return threading.current_thread().name

    for number in range(9):
        workers.hand_out(number, meet)
    names = {workers.landed().value for _ in range(9)}
    workers.close()
    assert len(names) == 3
