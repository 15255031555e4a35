"""A job of deals and roles on an emulated org whose clock is moved by hand: what a later run plans, reads and
leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from main_job_bench import ORG_FILE, Bench, Ending

from sfsync.app.books import sync
from sfsync.app.planning import fully_read
from sfsync.app.workplace import Surroundings
from sfsync.core.plans.plan import Plan
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import running
from sfsync.jobs import load_job

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
DAY = 86_400.0


class TickingClock(VirtualClock):
    """A time that goes on by a second whenever somebody looks, so that no two calls are in one
    second.
    """

    def now(self) -> datetime:
        """The time, a little later than at the last look."""
        self.advance(1)
        return VirtualClock.now(self)


@dataclass
class ResyncDesk(Bench):
    """A bench that counts what a run asked and planned."""

    clock: VirtualClock | None = None

    @property
    def around(self) -> Surroundings:
        """The process has the org's time."""
        assert self.clock is not None
        return replace(Bench.around.fget(self), clock=self.clock.now)  # type: ignore[attr-defined]

    def later(self, seconds: float = DAY) -> None:
        """Lets time pass in the org, whose sessions end, and logs in again."""
        assert self.clock is not None
        self.clock.advance(seconds)
        self.renew_token()

    def _call(self, method: str, path: str, values: Any, *, token: str = "") -> Any:
        return Bench._call(self, method, path, values, token=token or self.token)

    def run_in_full(self) -> Ending:
        """Runs the job as `--full` does."""
        report = sync(fully_read(load_job(self.job, environ=self.environ)), around=self.around)
        return Ending(report.exit_code, report)

    def settled(self) -> Ending:
        """Runs the job, which has nothing to complain of, and lets a day pass."""
        ending = self.run()
        assert ending.exit_code == 0, ending.codes()
        self.later()
        return ending

    def queries(self, since: int = 0) -> list[str]:
        """The paths of the calls that the org has got."""
        return [each.path for each in self.emulator.audit.requests if each.n > since]

    def last_call(self) -> int:
        """The number of the last call."""
        return max((each.n for each in self.emulator.audit.requests), default=0)


def planned_keys(plan: Plan) -> set[str]:
    """The keys of the deals that a plan has."""
    return {each.key for each in plan.changes if each.sobject == "Opportunity"}


@contextmanager
def resync_desk(folder: Path, org: Any = ORG_FILE, **words: Any) -> Iterator[ResyncDesk]:
    """A desk on a fresh org, a month old."""
    clock = TickingClock(START)
    with running(org, clock=clock) as emulator:
        desk = ResyncDesk(emulator, folder, clock=clock, **words)
        desk.later(30 * DAY)
        yield desk
