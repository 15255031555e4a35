"""Calls that go side by side: never two that lock one account, and the same end whatever happens to them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from client_processes import Nursery
from main_job_bench import BARE_ORG, Bench, Carrying, Ending, assert_every_row_counts_once, deal, role

from sfsync.app.workplace import Surroundings
from sfsync.core.events import Event, Noticed
from sfsync.core.plans.guards import changes_digest
from sfsync.core.sending import batches
from sfsync.emulator.fault_actions import Drop, FailRows, Hold, Kill, Refuse, Truncate
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running

CALLS = 8
"""How many calls change the deals: one for each account."""

DEALS_EACH = 25
CONDITION, GRAPH = "If-Unmodified-Since", '"graphId"'
"""What only a call of updates, or only one of new deals, has in it."""

NARROW = "import sfsync.core.sending.batches as b; b.GRAPHS_PER_CALL = 2"
"""Lets a client process send few graphs a call."""

LIMIT = Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])


@dataclass
class WideBench(Bench):
    """A bench that sends with so many threads, and keeps what is announced."""

    threads: int = 4
    events: list[Event] = field(default_factory=list)

    @property
    def around(self) -> Surroundings:
        """What a run is given of its process."""
        return replace(super().around, threads=self.threads, listener=self.events.append)

    def run(self, **limits: Any) -> Ending:
        """Plans and applies the job, as a person lets it who has seen that it changes every deal."""
        return super().run(confirmed=changes_digest(self.plan().changes), **limits)

    def counting(self, text: str) -> FaultScript:
        """A script that does nothing but count the calls with that text."""
        return self.emulator.faults.add(Carrying(Drop(), text=text, count=0))


@dataclass
class Meeting(Carrying):
    """No fault: calls wait for each other in the org, until so many of them are there."""

    size: int = 1
    most: int = 0
    inside: int = 0
    deed: Callable[[], None] = field(default=lambda: None)

    def __post_init__(self) -> None:
        Carrying.__post_init__(self)
        self.count = None
        self.lock = threading.Lock()
        self.barrier = threading.Barrier(self.size, action=self.deed)

    def met(self) -> bool:
        """Waits for the others, in the call's own thread."""
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.barrier.wait(20)
        with self.lock:
            self.inside -= 1
        return False


def rows(amount: str, *, accounts: int = CALLS, each: int = DEALS_EACH) -> list[dict[str, str]]:
    """Deals of the accounts."""
    return [
        deal(f"D-{account}-{number}", account=f"WIDE-{account}", amount=amount)
        for account in range(accounts)
        for number in range(each)
    ]


def made_bench(bench: WideBench) -> WideBench:
    """The bench with eight accounts more in its org."""
    for account in range(CALLS):
        bench.create("Account", Name=f"Wide {account}", Sfsync_Key__c=f"WIDE-{account}")
    return bench


@pytest.fixture
def wide(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[WideBench]:
    """Two hundred deals of eight accounts in the org, and a job that gives each another amount by eight calls."""
    with running(BARE_ORG) as emulator:
        bench = made_bench(WideBench(emulator, tmp_path, threads=getattr(request, "param", 4)))
        bench.write_job(rows("100.00"), [role("D-0-0")])
        assert bench.run().exit_code == 0
        bench.write_job(rows("250.00"), [role("D-0-0")])
        yield bench


@pytest.fixture
def empty(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WideBench]:
    """An org without deals, and a job that creates forty-eight of eight accounts by eight calls of two graphs."""
    monkeypatch.setattr(batches, "GRAPHS_PER_CALL", 2)
    with running(BARE_ORG) as emulator:
        bench = made_bench(WideBench(emulator, tmp_path, threads=getattr(request, "param", 4)))
        bench.write_job(rows("250.00", each=6), [role("D-0-0")])
        yield bench


def amounts(bench: WideBench) -> dict[float, int]:
    """How many deals have which amount; the seed deals of the org have others."""
    counted: dict[float, int] = {}
    for each in bench.emulator.org.storage.select("Opportunity", '"Sfsync_Key__c" LIKE ?', "D-%"):
        counted[each["Amount"]] = counted.get(each["Amount"], 0) + 1
    return counted


def assert_done(bench: WideBench, ending: Ending, *, deals: int) -> None:
    """All is in the org once, every row is accounted for, and another run writes nothing."""
    assert_every_row_counts_once(ending.counts)
    assert amounts(bench) == {250.0: deals}
    before = len(bench.emulator.audit.commits)
    assert bench.run().exit_code == 0
    assert len(bench.emulator.audit.commits) == before


@pytest.mark.parametrize("wide", [1, 2, 4, 8], indirect=True)
def test_as_many_calls_are_in_flight_as_there_are_threads(wide: WideBench) -> None:
    """Eight calls of eight accounts go one, two, four or eight at a time, never more, and no row stays locked."""
    meeting = Meeting(Drop(), text=CONDITION, size=wide.threads)
    wide.emulator.faults.add(meeting)
    ending = wide.run()
    assert (ending.exit_code, meeting.most, meeting.seen) == (0, wide.threads, CALLS)
    assert_done(wide, ending, deals=CALLS * DEALS_EACH)


@pytest.mark.parametrize("empty", [1, 4], indirect=True)
def test_new_deals_go_side_by_side_too(empty: WideBench) -> None:
    """Calls of graphs meet in the org as calls of updates do, and each deal is made once."""
    meeting = Meeting(Drop(), text=GRAPH, size=empty.threads)
    empty.emulator.faults.add(meeting)
    ending = empty.run()
    assert (ending.exit_code, meeting.most, meeting.seen) == (0, empty.threads, CALLS)
    assert_done(empty, ending, deals=48)


def test_S8_deals_of_one_account_are_never_in_flight_twice(empty: WideBench) -> None:
    """In an org that holds its locks until it has answered, forty-eight deals of one account meet no locked row."""
    empty.write_job(rows("250.00", accounts=1, each=48), [role("D-0-0")])
    empty.emulator.org.latency_s = 0.01
    calls = empty.counting(GRAPH)
    ending = empty.run()
    assert (ending.exit_code, calls.seen) == (0, CALLS)
    assert_done(empty, ending, deals=48)


def test_S8_a_lane_that_ends_in_the_middle_of_a_call_meets_no_locked_row(empty: WideBench) -> None:
    """Where accounts do not fit the calls, calls that share one wait for each other; no call is sent more often."""
    empty.write_job(rows("250.00", accounts=7, each=7), [role("D-0-0")])
    empty.emulator.org.latency_s = 0.01
    calls = empty.counting(GRAPH)
    ending = empty.run()
    assert (ending.exit_code, calls.seen) == (0, 9)
    assert_done(empty, ending, deals=49)


def test_S8_locked_rows_make_fewer_calls_fly(wide: WideBench) -> None:
    """When every call has a locked row, those rows go again, and all are written in the end."""
    wide.emulator.faults.add(Carrying(FailRows(rows=(0,)), text=CONDITION, count=CALLS))
    ending = wide.run()
    assert ending.exit_code == 0
    assert_done(wide, ending, deals=CALLS * DEALS_EACH)


LOST = {
    "N4_before_it_is_read": (Drop(), BEFORE_READ),
    "N5_before_the_commit": (Drop(), BEFORE_COMMIT),
    "N5_after_the_commit": (Drop(), AFTER_COMMIT),
    "N7_cut_short": (Truncate(), BEFORE_READ),
}


@pytest.mark.parametrize("way", LOST)
@pytest.mark.parametrize("empty", [1, 4], indirect=True)
def test_lost_answers_of_new_deals_change_nothing(empty: WideBench, way: str) -> None:
    """Answers of four calls in flight are lost, and the org ends as with one thread: each deal there once."""
    action, phase = LOST[way]
    empty.emulator.faults.add(Carrying(action, phase, text=GRAPH, nth=3, count=4))
    ending = empty.run()
    assert ending.exit_code == 0
    assert empty.inserted()["Opportunity"] == 48
    assert_done(empty, ending, deals=48)


@pytest.mark.parametrize("way", LOST)
def test_lost_answers_of_updates_change_nothing(wide: WideBench, way: str) -> None:
    """Answers of four calls in flight are lost; what was written is found, the rest is written."""
    action, phase = LOST[way]
    wide.emulator.faults.add(Carrying(action, phase, text=CONDITION, nth=3, count=4))
    ending = wide.run()
    assert ending.exit_code == 0
    assert_done(wide, ending, deals=CALLS * DEALS_EACH)


def test_P2_after_a_stop_the_calls_in_flight_are_recorded(wide: WideBench) -> None:
    """Four calls are there when the signal comes: their rows are done, no other call leaves, resume goes on."""
    meeting = Meeting(Drop(), text=CONDITION, size=4, deed=wide.stop.set)
    wide.emulator.faults.add(meeting)
    ending = wide.run()
    assert (ending.exit_code, meeting.seen) == (130, 4)
    assert ending.counts["Opportunity"] | {"updated": 100, "unprocessed": 100} == ending.counts["Opportunity"]
    assert amounts(wide) == {250.0: 100, 100.0: 100}
    wide.emulator.faults.clear()
    wide.stop.clear()
    assert wide.resume().exit_code == 0
    assert amounts(wide) == {250.0: 200}


def test_S3_a_limit_that_one_call_meets_ends_the_run_and_the_others_count(wide: WideBench) -> None:
    """Three of four calls in flight are recorded; the fourth was not carried out, and resume brings it."""
    meeting = Meeting(Drop(), text=CONDITION, size=4)
    wide.emulator.faults.add(meeting)
    wide.emulator.faults.add(Carrying(LIMIT, text=CONDITION, nth=2))
    ending = wide.run()
    assert (ending.exit_code, meeting.seen) == (75, 4)
    assert ending.counts["Opportunity"] | {"updated": 75, "unprocessed": 125} == ending.counts["Opportunity"]
    wide.emulator.faults.clear()
    assert wide.resume().exit_code == 0
    assert amounts(wide) == {250.0: 200}


def test_P2_a_stop_with_calls_in_flight_and_calls_that_wait(empty: WideBench) -> None:
    """Four calls of new deals are in flight and four wait: four are recorded, none of the others leaves."""
    meeting = Meeting(Drop(), text=GRAPH, size=4, deed=empty.stop.set)
    empty.emulator.faults.add(meeting)
    ending = empty.run()
    assert (ending.exit_code, meeting.seen) == (130, 4)
    assert ending.counts["Opportunity"] | {"created": 24, "unprocessed": 24} == ending.counts["Opportunity"]
    empty.emulator.faults.clear()
    empty.stop.clear()
    assert empty.resume().exit_code == 0
    assert empty.inserted()["Opportunity"] == 48


def test_S3_after_a_limit_no_call_that_waits_leaves(empty: WideBench) -> None:
    """Four calls in flight are refused by the limit: nothing is in doubt, and no fifth call leaves."""
    meeting = Meeting(Drop(), text=GRAPH, size=4)
    empty.emulator.faults.add(meeting)
    empty.emulator.faults.add(Carrying(LIMIT, text=GRAPH, count=4))
    ending = empty.run()
    assert (ending.exit_code, meeting.seen) == (75, 4)
    assert ending.counts["Opportunity"] | {"created": 0, "unprocessed": 48} == ending.counts["Opportunity"]
    empty.emulator.faults.clear()
    assert empty.resume().exit_code == 0
    assert empty.inserted()["Opportunity"] == 48


def test_the_guard_of_failures_lets_the_calls_in_flight_end(wide: WideBench) -> None:
    """A row too many is refused: no further call leaves, and what the others wrote is known."""
    meeting = Meeting(Drop(), text=CONDITION, size=4)
    wide.emulator.faults.add(meeting)
    bad = FailRows(rows=(0,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")
    wide.emulator.faults.add(Carrying(bad, text=CONDITION, count=4))
    ending = wide.run(max_failures=0)
    assert (ending.exit_code, meeting.seen) == (6, 4)
    assert ending.counts["Opportunity"] | {"updated": 96, "rejected": 4} == ending.counts["Opportunity"]


@pytest.mark.parametrize("phase", [BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT])
@pytest.mark.parametrize("nth", [1, 4, 6])
def test_P1_a_kill_with_four_calls_in_flight(
    empty: WideBench, nursery: Nursery, phase: str, nth: int
) -> None:
    """Whatever the four calls in flight have come to, resume ends with each deal there once."""
    client = nursery.start(
        "run",
        empty.job,
        "--threads",
        "4",
        "--json",
        environ=empty.environ,
        folder=empty.folder,
        prelude=NARROW,
    )
    empty.emulator.faults.add(Carrying(Kill(client.pid), phase, text=GRAPH, nth=nth))
    assert client.run() == -9
    empty.emulator.faults.clear()
    ending = empty.resume()
    assert ending.exit_code == 0
    assert empty.inserted()["Opportunity"] == 48
    assert_done(empty, ending, deals=48)


def test_P2_calls_that_hang_are_left(empty: WideBench, nursery: Nursery) -> None:
    """Four requests that get no answer are given up when the grace is over; what they do later does no harm."""
    client = nursery.start(
        "run",
        empty.job,
        "--threads",
        "4",
        "--json",
        environ=empty.environ,
        folder=empty.folder,
        prelude=NARROW,
        grace_s=0.3,
    )
    empty.emulator.faults.add(Carrying(Hold(cut="hang"), BEFORE_COMMIT, text=GRAPH, count=4))
    client.go()
    assert empty.emulator.faults.wait_for_held()
    os.kill(client.pid, signal.SIGTERM)
    assert client.end() == 143
    empty.emulator.faults.clear()
    ending = empty.resume()
    assert ending.exit_code == 0
    assert empty.inserted()["Opportunity"] == 48
    assert_done(empty, ending, deals=48)


def test_calls_begin_small_in_an_org_that_is_slow(empty: WideBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the plan's answers took long, calls begin small and grow, and the run says that there may be more."""
    monkeypatch.setattr("sfsync.core.sending.pace.SLOW_S", 0.0)
    monkeypatch.setattr("sfsync.core.sending.pace.ROWS_PER_COLLECTION", 3)
    calls = empty.counting(GRAPH)
    ending = empty.run()
    assert ending.exit_code == 0
    assert calls.seen > CALLS
    said = [each.message for each in empty.events if isinstance(each, Noticed)]
    assert any("at most 3 rows for now, so there may be more calls than planned" in each for each in said)
    assert_done(empty, ending, deals=48)
