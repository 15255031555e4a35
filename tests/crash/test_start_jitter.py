"""C6: `--start-jitter` on a virtual clock: the wait comes before everything, and what starts together is spread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from inner_org import START, InnerBench, Ticking, inner_bench
from main_job_bench import BARE_ORG

import sfsync.app.workplace
from sfsync.app.workplace import Surroundings, wait_to_start
from sfsync.cli import main
from sfsync.emulator.org.clock import VirtualClock
from sfsync.errors import Interrupted

MOST_S = 900


@dataclass
class Scheduled:
    """The command line on an org of this process whose clock moves by what a run waits."""

    bench: InnerBench
    waits: list[float] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    is_untouched: bool = True

    def run(self, *options: str) -> int:
        """Runs the example with these options; the exit code."""
        return main.run(["run", "trailhead", *options])

    def has_begun(self) -> bool:
        """Whether the org was asked anything, or the journal and its locks were made."""
        return bool(self.asked_at) or (self.bench.folder / "state").exists()


@dataclass
class Noted(Ticking):
    """A stop flag that notes how long its waits are, and whether the run had begun before."""

    desk: Scheduled

    def __hash__(self) -> int:
        return id(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Lets the time pass."""
        self.desk.waits.append(timeout or 0.0)
        self.desk.is_untouched = self.desk.is_untouched and not self.desk.has_begun()
        return super().wait(timeout)


@pytest.fixture(name="desk")
def _desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduled]:
    """A desk whose process has the bench's environment; the example itself waits for nothing."""
    with inner_bench(BARE_ORG) as bench:
        desk = Scheduled(bench)
        clock = bench.emulator.org.clock
        assert isinstance(clock, VirtualClock)
        monkeypatch.setattr(sfsync.app.workplace, "StopFlag", lambda: Noted(clock, desk))
        for name, value in bench.environ.items():
            monkeypatch.setenv(name, value)
        bench.emulator_watch(lambda *_: desk.asked_at.append(clock.now()))
        yield desk


def test_C6_a_run_waits_before_it_asks_or_locks_anything(
    desk: Scheduled, capsys: pytest.CaptureFixture[str]
) -> None:
    """start_jitter: the first call leaves when the time is over; stderr says how long that is."""
    assert desk.run("--start-jitter", str(MOST_S), "--progress", "lines") == 3
    [wait_s] = desk.waits
    assert 0 < wait_s <= MOST_S
    assert desk.is_untouched
    assert desk.asked_at[0] == START + timedelta(seconds=wait_s)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"sfsync: the run begins in {wait_s:.0f} s (--start-jitter)"


@pytest.mark.parametrize("options", [("--json",), ("--progress", "none")])
def test_C6_a_quiet_run_waits_in_silence(
    desk: Scheduled, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    """With --json, or without progress, stderr has the last sentence alone; a dry run waits like the run."""
    assert desk.run("--start-jitter", str(MOST_S), "--dry-run", *options) == 3
    assert len(desk.waits) == 1
    printed = capsys.readouterr()
    [sentence] = printed.err.splitlines()
    assert sentence.startswith("sfsync: trailhead on local ended with 3: ")
    assert "--json" not in options or json.loads(printed.out)["schema"] == "sfsync.run/1"


@pytest.mark.parametrize("options", [(), ("--start-jitter", "0")])
def test_C6_without_it_a_run_begins_at_once(desk: Scheduled, options: tuple[str, ...]) -> None:
    """Nobody waits who did not ask for it."""
    assert desk.run("--json", *options) == 3
    assert desk.waits == []
    assert desk.asked_at[0] == START


@pytest.mark.parametrize("seconds", ["-1", "3601", "5m", "1.5", ""])
def test_C6_a_jitter_out_of_bounds_is_refused(
    desk: Scheduled, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    """Whole seconds of one hour; anything else is exit 2 with the bounds, and nothing is waited for or asked."""
    assert desk.run("--start-jitter", seconds) == 2
    said = capsys.readouterr().err
    assert "--start-jitter" in said
    assert "0<=x<=3600" in said or "integer" in said
    assert desk.waits == []
    assert not desk.has_begun()


def test_C6_what_starts_together_is_spread() -> None:
    """A hundred starts of one moment use the whole time, each its own, and none goes beyond it."""
    clock = VirtualClock(START)
    stop = Ticking(clock)
    waits = []
    for _ in range(100):
        began = clock.now()
        wait_to_start(Surroundings(stop=stop), most_s=MOST_S)
        waits.append((clock.now() - began).total_seconds())
    assert all(0 <= each <= MOST_S for each in waits)
    assert len(set(waits)) > 90
    assert min(waits) < MOST_S / 3 < 2 * MOST_S / 3 < max(waits)


def test_C6_a_stop_during_the_wait_is_the_end() -> None:
    """Whoever stopped the process is not made to wait for a run that then stops."""
    stop = Ticking(VirtualClock(START))
    stop.set()
    with pytest.raises(Interrupted) as ended:
        wait_to_start(Surroundings(stop=stop), most_s=MOST_S)
    assert ended.value.process_exit_code == 130
