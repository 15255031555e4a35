"""What a follower keeps of a command: phases with their calls, and a log that waits until its folder is known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from sfsync.core.events import CallRetried, Noticed, PhaseAdvanced, PhaseStarted
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.phases import PhaseSpent
from sfsync.report.watching.run_follower import FIRST_PHASE, RunFollower

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)


class Passing:
    """Seconds that pass, and calls that are used."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.used = ApiUsage()

    def log(self) -> RunFollower:
        """A log of a command whose org is open."""
        log = RunFollower(lambda: NOW, lambda: self.seconds)
        log.connected(lambda: self.used)
        return log


def test_a_phase_takes_the_seconds_and_calls_until_the_next_begins() -> None:
    """Phases of the same name, as portions have them, are one."""
    passing = Passing()
    log = passing.log()
    passing.seconds, passing.used = 1.0, ApiUsage(reads=2)
    for number in (1, 2):
        log(PhaseStarted("create Opportunity", 10, portion=f"portion {number} of 2"))
        log(PhaseAdvanced("create Opportunity", 10, number))
        passing.seconds, passing.used = 1.0 + 2 * number, ApiUsage(reads=2, writes=number)
        log(PhaseStarted("read back"))
    assert log.phases() == (
        PhaseSpent(FIRST_PHASE, 1.0, 2, 0),
        PhaseSpent("create Opportunity", 4.0, 0, 2, 20, 3),
        PhaseSpent("read back", 0.0, 0, 0),
    )


def test_what_happens_before_the_folder_is_known_stands_in_it_first(tmp_path: Path) -> None:
    """And a later command of the run, such as a resume, writes behind it."""
    for event in (Noticed("first"), CallRetried("UNAVAILABLE", 1, 0.5)):
        log = Passing().log()
        log.begins("nightly", "sandbox")
        log(event)
        log.keeps(tmp_path, "R-1")
        log.failed("LOCK_HELD", 99)
        log.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(each["event"], each["level"]) for each in lines] == [
        ("begun", "info"),
        ("noticed", "info"),
        ("ended", "error"),
        ("begun", "info"),
        ("call_retried", "warning"),
        ("ended", "error"),
    ]
    assert {each["run"] for each in lines} == {"R-1"}


def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    """Nor is a link in the log's place followed."""
    log = Passing().log()
    log.keeps(tmp_path / "gone", "R-1")
    (tmp_path / "log.jsonl").symlink_to(tmp_path / "elsewhere")
    log.keeps(tmp_path, "R-1")
    log(Noticed("still here"))
    assert not (tmp_path / "elsewhere").exists()
