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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfsync.core.events import Listener, Noticed, ignore_events
from sfsync.core.job import NO_LIMITS, Job, Limits
from sfsync.core.org_profile import OrgProfile
from sfsync.core.plan import Plan
from sfsync.core.plan_codec import dump_plan
from sfsync.core.ports import RunRecord
from sfsync.core.presets.fitting import fitted_to_images
from sfsync.core.references.parents import makes_without_key
from sfsync.core.report import Report
from sfsync.engine.applying.accepting import NONE, Accepted, accept_unknown, take_over
from sfsync.engine.applying.runs import (
    Bench,
    begin_run,
    end_earlier,
    refuse_excess,
    refuse_stale,
    run_plan,
    settle_earlier,
)
from sfsync.errors import ConfigError, GuardError, Interrupted
from sfsync.planning import made_plan
from sfsync.run_files import plan_of_run, run_folder, write_private

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
    many seconds after they were sent.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    listener: Listener = ignore_events
    stop: StopFlag = field(default_factory=StopFlag)
    limits: Limits = NO_LIMITS
    accept_after_s: float | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    max_outage_s: float | None = None


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
            pause=lambda tries: _pause(self.around.stop, tries),
            stop=self.around.stop,
            listener=self.around.listener,
            limits=self.around.limits.over(self.job.limits),
        )

    def plan(self, *, is_full: bool = False) -> Plan:
        """Makes a plan, with `is_full` of all rows; nothing is written to the org."""
        return made_plan(self, is_full=is_full)

    def excess(self, plan: Plan) -> GuardError | None:
        """What would stop the plan if it were to be written now; None when nothing would."""
        try:
            refuse_excess(plan, self.bench)
        except GuardError as error:
            return error
        return None

    @contextmanager
    def lock(self, keyless: Iterable[str] | None = None) -> Iterator[None]:
        """Keeps other runs of the job against this org out.

        Two jobs that write rows of one sObject without a key could not tell each other's records from their own,
        so there is one more lock for each such sObject (`keyless`, by default those of the job).
        """
        org_id = self.gateway.identity().org_id
        if keyless is None:
            keyless = {each.sobject for each in self.job.sections.values() if each.row_key is not None}
            keyless |= set(makes_without_key(self.job))
        names = [self.job.name, *(f"{sobject} without a key" for sobject in sorted(keyless))]
        with ExitStack() as held:
            for name in names:
                held.enter_context(self.journal.locked(f"{name}-{org_id}"))
            yield

    @contextmanager
    def locked(self, keyless: Iterable[str] | None = None) -> Iterator[None]:
        """Keeps other runs out, and settles what earlier runs left open, which stay resumable."""
        with self.lock(keyless):
            org_id = self.gateway.identity().org_id
            settle_earlier(self.job.name, org_id, self.bench, load=self._plan_of)
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
        end_earlier(self.job.name, self.gateway.identity().org_id, self.bench)

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
        plan_file = folder / "plan.json"
        write_private(plan_file, dump_plan(plan))
        begin_run(plan, self.bench, run_id=plan.plan_id, plan_file=str(plan_file))
        take_over(plan.changes, self.accepted, self.bench)
        return run_plan(plan, self.bench, run_id=plan.plan_id)

    def run_folder(self, job: str, run_id: str) -> Path:
        """The folder of one run's plan and results, made if need be."""
        return run_folder(self.state, job, run_id)


def wait_to_start(around: Surroundings, *, most_s: int) -> None:
    """Waits a random time of at most `most_s` seconds, so that what a scheduler starts together comes one by one.

    Call it before anything of a run is opened: no lock is held, no login is used up, nothing is in the journal.

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

    profile = org_of(job, around)
    state = state_place(around.environ)
    journal = open_journal(state, clock=around.clock)
    try:
        with connected(profile, around) as gateway:
            yield Workplace(job, around, gateway, journal, state.folder, profile)
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
def connected(profile: OrgProfile, around: Surroundings) -> Iterator[SalesforceGateway]:
    """A gateway to the org of the profile.

    Raises:
        GuardError: the profile is for one org, and another one answers.
    """
    from sfsync.salesforce.breaker import Outages
    from sfsync.salesforce.gateway import SalesforceGateway
    from sfsync.salesforce.retrying import RetryPolicy

    given = (around.max_outage_s, profile.max_outage_s, MAX_OUTAGE_S)
    max_outage_s = next(each for each in given if each is not None)
    gateway = SalesforceGateway(
        profile,
        clock=around.clock,
        listener=around.listener,
        stop=around.stop,
        policy=RetryPolicy(outages=Outages(max_outage_s=max_outage_s)),
    )
    try:
        if profile.org_id is not None:
            gateway.identity()  # before anything else of the org is read
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


def sync(job: Job, *, around: Surroundings | None = None) -> Report:
    """Plans a job and applies the plan.

    Raises:
        SyncError: see `sfsync.errors`.
    """
    with opened(job, around or Surroundings()) as place, place.locked():
        return place.apply(place.plan(), is_fresh=True)


def with_rows(job: Job, **rows: object) -> Job:
    """The job with rows given in Python in place of the named sections' files.

    `with_rows(job, opportunities=[Opportunity(...)], contact_roles=[...])`: local models, or mappings,
    dataclasses or frames whose keys are the columns that the section's rules name.
    """
    from sfsync.core.job import SECTIONS, Section
    from sfsync.core.source_spec import SourceSpec
    from sfsync.sources.python_values import as_given

    sections = dict(job.sections)
    for name, given in rows.items():
        if name not in SECTIONS:
            raise ConfigError(
                f"{name} is not a section of a job",
                code="UNKNOWN_SECTION",
                hint=f"Sections: {', '.join(SECTIONS)}.",
            )
        spec = SourceSpec("rows", rows=as_given(given))
        known = sections.get(name)
        sections[name] = replace(known, source=spec) if known else Section(name, SECTIONS[name], spec, ())
    return replace(job, sections=sections)


def _pause(stop: threading.Event, tries: int) -> None:
    """Waits before rows are tried again: 1, 2, 4 ... seconds with jitter, 15 at most; a stop ends it."""
    longest = min(2.0 ** (tries - 1), 15.0)
    stop.wait(longest * (0.5 + secrets.randbelow(512) / 1024))
