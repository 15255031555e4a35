"""The composition root: from a job to its parts, and the operations that the command line and Python share.

`Workplace` holds everything one command works with: the org's gateway, the journal, the state folder, the
clock. It prints nothing, ends no process, and keeps nothing between calls.
"""

from __future__ import annotations

import _thread
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfsync.app.job_locks import job_locked
from sfsync.app.planning import Planned, plan_book, plan_whole
from sfsync.app.run_files import plan_of_run, run_folder, save_plan
from sfsync.core.events import Listener, Noticed, ignore_events
from sfsync.core.job import NO_LIMITS, Job, Limits
from sfsync.core.orgs.org_profile import OrgProfile
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_codec import pack_plan
from sfsync.core.plans.portions import PORTION_ROWS
from sfsync.core.ports import RunRecord
from sfsync.core.presets.fitting import fitted_to_images
from sfsync.core.reports.following import NOBODY, Follower
from sfsync.core.reports.report import Report
from sfsync.core.sending.pace import USUAL_THREADS
from sfsync.core.sending.receipts import RECEIPT
from sfsync.engine.applying.in_doubt.accepting import NONE, Accepted, accept_unknown, take_over
from sfsync.engine.applying.pausing import pause
from sfsync.engine.applying.runs import (
    Bench,
    begin_run,
    end_earlier,
    refuse_excess,
    refuse_stale,
    run_plan,
    settle_earlier,
)
from sfsync.engine.garbage import seldom_collecting
from sfsync.errors import ConfigError, GuardError, Interrupted, LimitReached

if TYPE_CHECKING:
    from sfsync.journal import SqlJournal
    from sfsync.salesforce.gateway import SalesforceGateway


MAX_OUTAGE_S: Final = 1800.0
"""How long a run waits for an org that stops answering in the middle, when nobody says otherwise."""


class StopFlag(threading.Event):
    """Raised to stop a run between two calls; every wait of a run wakes up on it."""

    signal_number: int = signal.SIGINT
    _is_signalled: bool = False

    def is_set(self) -> bool:
        """Whether a stop was asked for."""
        return self._is_signalled or super().is_set()

    def set_by_signal(self, number: int) -> None:
        """Raises the flag from a signal handler, for good.

        The handler may have interrupted a `wait` of the same thread that holds the event's lock, which `set` needs
        too; so another thread wakes the waits up, started without the locks of `threading` for the same reason.
        """
        self.signal_number = number
        self._is_signalled = True
        _thread.start_new_thread(self.set, ())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process gives a command: its environment, a listener, a stop flag, limits and the clock.

    `max_outage_s` is how long a run waits for an org that went away; None leaves it to the org's profile.
    With `accept_after_s`, rows that were sent once without any fence, and of which nobody can say, go again that
    many seconds after they were sent. A job of more rows than `portion_rows` is planned in portions of so many. At
    most `threads` calls are in flight at a time; None leaves it to the job. The listener may be called by each of
    these threads.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    listener: Listener = ignore_events
    stop: StopFlag = field(default_factory=StopFlag)
    limits: Limits = NO_LIMITS
    accept_after_s: float | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    max_outage_s: float | None = None
    portion_rows: int = PORTION_ROWS
    threads: int | None = None
    follower: Follower = NOBODY


@dataclass(slots=True)
class Workplace:
    """The parts of one job, opened: use `opened` to get one."""

    job: Job
    around: Surroundings
    gateway: SalesforceGateway
    journal: SqlJournal
    state: Path
    profile: OrgProfile
    opened_at: float = field(default_factory=time.monotonic)
    accepted: Accepted = NONE

    @property
    def bench(self) -> Bench:
        """The parts as the engine takes them."""
        return Bench(
            gateway=self.gateway,
            journal=self.journal,
            now=lambda: self.around.clock().isoformat(timespec="seconds"),
            seconds=time.monotonic,
            pause=lambda tries: pause(self.around.stop, tries),
            wait=self.around.stop.wait,
            stop=self.around.stop,
            listener=self.around.listener,
            limits=self.around.limits.over(self.job.limits),
            threads=self.around.threads or USUAL_THREADS,
            slowest_s=lambda: self.gateway.slowest_s,
        )

    def plan(self, *, is_full: bool = False) -> Plan:
        """Makes one plan, however large the job is, with `is_full` of all rows; nothing is written to the org."""
        return plan_whole(self, is_full=is_full)

    def plan_book(self, *, is_full: bool = False) -> Planned:
        """Makes a plan, in portions where the job is large; nothing is written to the org."""
        return plan_book(self, is_full=is_full)

    def excess(self, plan: Plan) -> GuardError | LimitReached | None:
        """What would stop the plan if it were to be written now; None when nothing would."""
        try:
            refuse_excess(plan, self.bench)
        except (GuardError, LimitReached) as error:
            return error
        return None

    @contextmanager
    def lock(self, keyless: Iterable[str] | None = None) -> Iterator[None]:
        """Keeps other runs of the job against this org out; see `job_locks`."""
        with job_locked(self.journal, self.job, self.gateway.identity().org_id, keyless):
            yield

    @contextmanager
    def locked(self, keyless: Iterable[str] | None = None) -> Iterator[None]:
        """Keeps other runs out, and settles what earlier runs left open, which stay resumable."""
        with self.lock(keyless):
            org_id = self.gateway.identity().org_id
            settle_earlier(self.job.name, org_id, self.bench, load=self._plan_of, share=self.job.share)
            if self.around.accept_after_s is not None:
                self.accepted = accept_unknown(
                    self.job.name,
                    org_id,
                    self.bench,
                    load=self._plan_of,
                    after_s=self.around.accept_after_s,
                    wait=self.around.stop.wait,
                )
            yield

    def end_earlier(self) -> None:
        """Ends what is interrupted of the job, because a person's word changes what its rows are."""
        org_id = self.gateway.identity().org_id
        end_earlier(self.job.name, org_id, self.bench, share=self.job.share)

    def _plan_of(self, run: RunRecord) -> Plan:
        return plan_of_run(self.journal, run)

    def apply(self, plan: Plan, *, is_fresh: bool) -> Report:
        """Applies a plan under the lock; `is_fresh` says that it was made under the same lock.

        Raises:
            GuardError: the plan is stale, for another org, or was applied before.
        """
        if not is_fresh:
            refuse_stale(plan, fitted_to_images(self.job, plan.sources), self.bench)
        refuse_excess(plan, self.bench)
        folder = self.run_folder(plan.job, plan.plan_id)
        packed = pack_plan(plan)
        plan_file = save_plan(folder, packed)
        begin_run(plan, self.bench, run_id=plan.plan_id, plan_file=str(plan_file), packed=packed)
        take_over(plan.changes, self.accepted, self.bench)
        self.gateway.hold_to(self.bench.limits.api_budget, keeps_reserve=True)
        return run_plan(plan, self.bench, run_id=plan.plan_id)

    def run_folder(self, job: str, run_id: str) -> Path:
        """The folder of one run's plan and results, made if need be."""
        folder = run_folder(self.state, job, run_id)
        self.around.follower.keeps(folder, run_id)
        return folder


def wait_to_start(around: Surroundings, *, most_s: int) -> None:
    """Waits a random time of at most `most_s` seconds, so that what a scheduler starts together comes one by one.

    Call it before a run opens anything: no lock is held, no login used up, nothing is in the journal.

    Raises:
        Interrupted: a stop was asked for; there is nothing to resume.
    """
    if most_s == 0:
        return
    wait_s = secrets.randbelow(most_s * 1000 + 1) / 1000
    around.listener(Noticed(f"the run begins in {wait_s:.0f} s (--start-jitter)"))
    around.stop.wait(wait_s)
    if around.stop.is_set():
        raise Interrupted("the run was stopped before it began", signal_number=around.stop.signal_number)


@contextmanager
def opened(job: Job, around: Surroundings) -> Iterator[Workplace]:
    """Opens everything a job needs, and closes it again.

    Raises:
        ConfigError: the job names no org, or there is no such profile.
        AccessError: the org refuses the login.
        JournalError: the journal cannot be opened.
    """
    from sfsync.journal import open_journal, state_place

    around.follower.begins(job.name, job.org or "")
    profile = org_of(job, around)
    state = state_place(around.environ)
    around = replace(around, threads=around.threads or job.threads)
    job = replace(job, threads=around.threads)
    journal = open_journal(state, clock=around.clock)
    try:
        needed = (*(each.sobject for each in job.sections.values()), RECEIPT)
        with seldom_collecting(), connected(profile, around, expects=needed) as gateway:
            around.follower.connected(lambda: gateway.usage)
            place = Workplace(job, around, gateway, journal, state.folder, profile)
            gateway.hold_to(place.bench.limits.api_budget)
            yield place
    finally:
        journal.close()


def org_of(job: Job, around: Surroundings) -> OrgProfile:
    """The profile of a job's org.

    Raises:
        ConfigError: the job names no org, or there is no such profile.
    """
    from sfsync.jobs import load_org

    if not job.org:
        raise ConfigError(
            f"job {job.name} names no org",
            code="NO_ORG",
            hint='Set org = "NAME" in the job, or give -o NAME.',
        )
    return load_org(job.org, environ=around.environ)


@contextmanager
def connected(
    profile: OrgProfile, around: Surroundings, *, expects: Iterable[str] = ()
) -> Iterator[SalesforceGateway]:
    """A gateway to the org of the profile; the describes that it `expects` come with the first call.

    Raises:
        GuardError: the profile is for one org, and another one answers.
    """
    from sfsync.salesforce.breaker import Outages
    from sfsync.salesforce.gateway import SalesforceGateway
    from sfsync.salesforce.retrying import RetryPolicy

    given = (around.max_outage_s, profile.max_outage_s, MAX_OUTAGE_S)
    policy = RetryPolicy(outages=Outages(max_outage_s=next(each for each in given if each is not None)))
    gateway = SalesforceGateway(
        profile,
        clock=around.clock,
        listener=around.listener,
        stop=around.stop,
        policy=policy,
        threads=around.threads or USUAL_THREADS,
    )
    try:
        if profile.org_id is not None:
            gateway.identity()  # before anything else of the org is read
        gateway.expect(expects)
        yield gateway
    finally:
        gateway.close()


def plan(job: Job, *, around: Surroundings | None = None) -> Plan:
    """Makes a plan for a job; nothing is written to the org.

    Raises:
        SyncError: the job, the source, the login or the org is at fault; see `sfsync.errors`.
    """
    with opened(job, around or Surroundings()) as place:
        return place.plan()


def apply(plan: Plan, job: Job, *, around: Surroundings | None = None) -> Report:
    """Applies a plan that `plan` made for the job, and nothing but it.

    Raises:
        GuardError: the plan is stale, for another org, or was applied before.
        SyncError: see `sfsync.errors`.
    """
    with opened(job, around or Surroundings()) as place, place.locked():
        return place.apply(plan, is_fresh=False)
