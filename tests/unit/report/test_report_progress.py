"""How a run is followed: the bar, the heartbeat and the JSON lines."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest

from sfsync.core.events import CallAnswered, CallRetried, Noticed, PhaseAdvanced, PhaseStarted
from sfsync.report.watching.progress import Heartbeat, _beating, clear_progress, progress_listener

EVENTS = (
    PhaseStarted("create Opportunity", 1200),
    PhaseAdvanced("create Opportunity", 600, 2),
    CallRetried("SERVER_UNAVAILABLE", 1, 2.5),
    Noticed("line 3 \x1b[31m is odd"),
)


class Ticks:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """As a terminal answers."""
        return True


def test_a_short_run_on_a_pipe_writes_nothing():
    """Until ten seconds have passed a pipe gets no line about progress."""
    out, clock = io.StringIO(), Ticks()
    with progress_listener("auto", stream=out, clock=clock) as listener:
        for event in EVENTS[:3]:
            clock.now_s += 3
            listener(event)
    assert out.getvalue() == ""


def test_heartbeat_writes_at_most_every_ten_seconds():
    """A pipe gets one line in ten seconds, with the phase, its rows and what went wrong."""
    out, clock = io.StringIO(), Ticks()
    with progress_listener("lines", stream=out, clock=clock) as listener:
        for event in EVENTS[:3]:
            listener(event)
        clock.now_s += 10
        for _ in range(3):
            listener(PhaseAdvanced("create Opportunity", 100))
        clock.now_s += 10
        listener(PhaseStarted("read back"))
    assert out.getvalue().splitlines() == [
        "sfsync: create Opportunity: 700 of 1,200 rows, 2 not done, 1 call sent again, about 7 s left (10 s)",
        "sfsync: read back: 0 rows, 1 call sent again (20 s)",
    ]


def test_notices_are_harmless_and_few():
    """Notices come through at once without control characters, and after five the report has the rest."""
    out = io.StringIO()
    with progress_listener("lines", stream=out, clock=Ticks()) as listener:
        for _ in range(9):
            listener(EVENTS[3])
    lines = out.getvalue().splitlines()
    assert lines[0] == "sfsync: line 3 \\x1b[31m is odd"
    assert len(lines) == 6
    assert lines[5] == "sfsync: there is more to note; the report has it all"


def test_json_lines_carry_every_event():
    """Programs get one JSON object for each event, named by its kind."""
    out = io.StringIO()
    with progress_listener("json", stream=out) as listener:
        for event in EVENTS:
            listener(event)
        listener(CallAnswered(12, 41, 15000))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {line.pop("schema") for line in lines} == {"sfsync.progress/1"}
    assert lines == [
        {
            "event": "phase_started",
            "phase": "create Opportunity",
            "total": 1200,
            "unit": "rows",
            "portion": "",
        },
        {"event": "phase_advanced", "phase": "create Opportunity", "done": 600, "not_done": 2},
        {"event": "call_retried", "reason": "SERVER_UNAVAILABLE", "attempt": 1, "wait_s": 2.5},
        {"event": "noticed", "message": "line 3 \x1b[31m is odd"},
        {"event": "call_answered", "calls": 12, "org_used": 41, "org_allowed": 15000},
    ]


def test_a_terminal_gets_a_bar():
    """On a terminal the phase is drawn with its rows, those not done, and why a call is waiting."""
    out = FakeTerminal()
    with progress_listener("auto", stream=out) as listener:
        for event in EVENTS:
            listener(event)
        listener(PhaseStarted("read [bold] back"))
        listener(PhaseAdvanced("read [bold] back", 5))
    text = out.getvalue()
    assert "line 3 \\x1b[31m is odd" in text
    assert "read [bold] back: 5 rows" in text


def test_a_bar_makes_room_for_other_text_and_comes_back_with_the_next_phase():
    """While a plan is printed on the same terminal nothing is drawn, and stdout goes where it went."""
    out, before = FakeTerminal(), sys.stdout
    with progress_listener("bar", stream=out) as listener:
        listener(PhaseStarted("plan deals", 3))
        assert sys.stdout is before
        clear_progress(listener)
        drawn = out.getvalue()
        listener(PhaseAdvanced("plan deals", 3))
        assert out.getvalue() == drawn
        listener(PhaseStarted("create Opportunity", 3))
    assert "create Opportunity" in out.getvalue()


@pytest.mark.parametrize("form", ["none", "bar"])
def test_no_escape_byte_goes_to_a_stream_that_is_no_terminal(form):
    """A bar that is asked for on a pipe draws without escape sequences; none writes nothing."""
    out = io.StringIO()
    with progress_listener(form, stream=out) as listener:
        for event in EVENTS:
            listener(event)
    assert "\x1b" not in out.getvalue()
    assert (out.getvalue() == "") == (form == "none")


def test_a_bar_says_rate_rejects_api_use_and_time_left():
    """Once a phase has gone on for a while, the bar tells its speed, its calls and how long it may take."""
    out, clock = FakeTerminal(), Ticks()
    with progress_listener("bar", stream=out, clock=clock) as listener:
        listener(PhaseStarted("create Opportunity", 1200))
        clock.now_s += 6
        listener(PhaseAdvanced("create Opportunity", 600, 2))
        listener(CallAnswered(12, 6000, 15000))
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|━+|[0-9:]{7}", " ", out.getvalue())
    said = "create Opportunity: 600 of 1,200 rows, 2 not done, 100 rows/s, 12 calls, the org's day 40 %, 6 s left"
    assert said in " ".join(drawn.split())


def test_a_pipe_is_never_silent_for_more_than_thirty_seconds():
    """While one call takes minutes and nothing is announced, lines come all the same, by the clock alone."""
    out, clock, waits = io.StringIO(), Ticks(), iter([False] * 12 + [True])

    def wait(seconds):
        clock.now_s += seconds
        return next(waits)

    heartbeat = Heartbeat(out, clock)
    heartbeat(PhaseStarted("create Opportunity", 1200))
    heartbeat(CallAnswered(7))
    heard = []

    def beat():
        heartbeat.beat()
        heard.append((clock.now_s, out.getvalue().count("\n")))

    with _beating(beat, wait):
        pass
    assert len(heard) == 12
    assert out.getvalue().splitlines()[0] == "sfsync: create Opportunity: 0 of 1,200 rows, 7 calls (10 s)"
    assert all(lines >= (now_s - 100) // 30 for now_s, lines in heard)
