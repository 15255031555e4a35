"""The composition root: from a job to its parts, and the operations that the command line and Python share.

`Workplace` holds everything one command works with: the org's gateway, the journal, the state folder, the
clock. It prints nothing, ends no process, and keeps nothing between calls.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.core.events import Listener, ignore_events
from sfsync.core.guards import NO_LIMITS, Limits
from sfsync.core.job import Job, OrgProfile
from sfsync.core.plan import Plan
from sfsync.core.plan_codec import dump_plan, load_plan
from sfsync.core.ports import RunRecord
from sfsync.core.report import Report
from sfsync.core.rows import RowSource
from sfsync.engine.planning import PlanStamp, make_plan
from sfsync.engine.runs import Bench, begin_run, refuse_excess, refuse_stale, run_plan, settle_earlier
from sfsync.errors import ConfigError, GuardError

if TYPE_CHECKING:
    from sfsync.journal import SqliteJournal
    from sfsync.salesforce.gateway import SalesforceGateway


class StopFlag(threading.Event):
    """Raised to stop a run between two calls; every wait of a run wakes up on it."""

    signal_number: int = signal.SIGINT


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process gives a command: its environment, a listener, a stop flag, limits and the clock."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    listener: Listener = ignore_events
    stop: StopFlag = field(default_factory=StopFlag)
    limits: Limits = NO_LIMITS
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True)
class Workplace:
    """The parts of one job, opened: use `opened` to get one."""

    job: Job
    around: Surroundings
    gateway: SalesforceGateway
    journal: SqliteJournal
    state: Path

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
            limits=self.around.limits,
        )

    def plan(self) -> Plan:
        """Makes a plan; nothing is written to the org."""
        stamp = PlanStamp(new_name(self.around.clock()), self.bench.now())
        return make_plan(
            self.job,
            open_sources(self.job),
            gateway=self.gateway,
            journal=self.journal,
            stamp=stamp,
            listener=self.around.listener,
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs of the job against this org out, and settles what earlier runs left open."""
        from sfsync.journal import run_lock

        org_id = self.gateway.identity().org_id
        with ExitStack() as held:
            for name in _lock_names(self.job, org_id):
                held.enter_context(run_lock(self.state, name, clock=self.around.clock))
            settle_earlier(self.job.name, org_id, self.bench, load=read_plan)
            yield

    def apply(self, plan: Plan, *, is_fresh: bool) -> Report:
        """Applies a plan under the lock; `is_fresh` says that it was made under the same lock.

        Raises:
            GuardError: the plan is stale, for another org, or was applied before.
        """
        if not is_fresh:
            refuse_stale(plan, self.job, self.bench)
        refuse_excess(plan, self.bench)
        folder = self.run_folder(plan.job, plan.plan_id)
        plan_file = folder / "plan.json"
        write_private(plan_file, dump_plan(plan))
        begin_run(plan, self.bench, run_id=plan.plan_id, plan_file=str(plan_file))
        return run_plan(plan, self.bench, run_id=plan.plan_id)

    def run_folder(self, job: str, run_id: str) -> Path:
        """The folder of one run's plan and results, made if need be."""
        return run_folder(self.state, job, run_id)


def _lock_names(job: Job, org_id: str) -> list[str]:
    """The locks of a run, in one order for all: its job's, and one for each sObject that it writes without a key.

    Two jobs that write keyless rows of one sObject could not tell each other's records from their own.
    """
    keyless = sorted(each.sobject for each in job.sections.values() if each.row_key is not None)
    return [f"{job.name}-{org_id}", *(f"{sobject} without a key-{org_id}" for sobject in keyless)]


@contextmanager
def opened(job: Job, around: Surroundings) -> Iterator[Workplace]:
    """Opens everything a job needs, and closes it again.

    Raises:
        ConfigError: the job names no org, or there is no such profile.
        AccessError: the org refuses the login.
        JournalError: the journal cannot be opened.
    """
    from sfsync.journal import open_journal, state_folder

    profile = org_of(job, around)
    state = state_folder(around.environ)
    journal = open_journal(state, clock=around.clock)
    try:
        with connected(profile, around) as gateway:
            yield Workplace(job, around, gateway, journal, state)
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
    """A gateway to the org of the profile."""
    from sfsync.salesforce.gateway import SalesforceGateway

    gateway = SalesforceGateway(profile, clock=around.clock, listener=around.listener, stop=around.stop)
    try:
        yield gateway
    finally:
        gateway.close()


def admit(job: Job, *, around: Surroundings | None = None) -> str:
    """Notes a person's word that a job without keys never ran against its org with another journal.

    Returns the id of the org.
    """
    with opened(job, around or Surroundings()) as place:
        org_id = place.gateway.identity().org_id
        place.journal.admit_job(job.name, org_id, at=place.bench.now())
    return org_id


def open_sources(job: Job) -> dict[str, RowSource]:
    """The sources of a job, by section name.

    Raises:
        SourceError: one of them is missing, unreadable or empty.
    """
    from sfsync.sources import open_source

    return {name: open_source(section) for name, section in job.sections.items()}


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


def find_run(journal: SqliteJournal, run_id: str | None) -> RunRecord:
    """The run to resume: the one named, else the newest that has not ended.

    Raises:
        ConfigError: there is none.
    """
    open_runs = [each for each in journal.runs() if each.exit_code is None]
    for run in open_runs:
        if run_id in (None, run.run_id):
            return run
    what = f"no interrupted run {run_id}" if run_id else "no interrupted run"
    known = ", ".join(each.run_id for each in open_runs) or "none"
    raise ConfigError(f"there is {what} to resume", code="NO_SUCH_RUN", hint=f"Interrupted runs: {known}.")


def resume(run_id: str | None = None, *, around: Surroundings | None = None) -> Report:
    """Goes on with an interrupted run: settles what is unknown, then applies the rest of its plan.

    Raises:
        ConfigError: there is no such run.
        SyncError: see `sfsync.errors`.
    """
    from sfsync.journal import open_journal, run_lock, state_folder

    given = around or Surroundings()
    state = state_folder(given.environ)
    journal = open_journal(state, clock=given.clock)
    try:
        run = find_run(journal, run_id)
    finally:
        journal.close()
    saved = read_plan(run.plan_file)
    job = Job(saved.job, saved.profile, {}, saved.job_digest)
    with opened(job, given) as place:
        if place.gateway.identity().org_id != saved.org.org_id:
            raise GuardError(
                f"run {run.run_id} is of org {saved.org.org_id}, profile {saved.profile} leads to another",
                code="OTHER_ORG",
                hint="Point the profile at the org of the run.",
            )
        with run_lock(state, f"{saved.job}-{saved.org.org_id}", clock=given.clock):
            return run_plan(saved, place.bench, run_id=run.run_id)


def read_plan(file: str) -> Plan:
    """A saved plan.

    Raises:
        GuardError: the file is gone, or is not a plan as it was written.
    """
    try:
        return load_plan(Path(file).read_bytes())
    except OSError as error:
        raise GuardError(
            f"the plan file {file} cannot be read: {error.strerror}",
            code="PLAN_FILE_MISSING",
            hint="Without it, what an interrupted run sent cannot be settled; restore the file.",
        ) from None


def run_folder(state: Path, job: str, run_id: str) -> Path:
    """The private folder of one run."""
    folder = state / "runs" / _safe(job) / _safe(run_id)
    for each in (state / "runs", folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _safe(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name).lstrip(".") or "_"


def write_private(path: Path, data: bytes) -> None:
    """Writes a file that only its owner can read, wholly or not at all."""
    write_whole(path, data, mode=0o600)


def write_whole(path: Path, data: bytes, *, mode: int) -> None:
    """Writes a file of that mode, wholly or not at all."""
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def new_name(now: datetime) -> str:
    """A name for a plan and its run that sorts by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def with_rows(job: Job, **rows: object) -> Job:
    """The job with rows given in Python in place of the named sections' files.

    `with_rows(job, opportunities=[Opportunity(...)], contact_roles=[...])`: local models, or mappings whose
    keys are the columns that the section's rules name.
    """
    from sfsync.core.job import SECTIONS, Section, SourceSpec

    sections = dict(job.sections)
    for name, given in rows.items():
        if name not in SECTIONS:
            raise ConfigError(
                f"{name} is not a section of a job",
                code="UNKNOWN_SECTION",
                hint=f"Sections: {', '.join(SECTIONS)}.",
            )
        spec = SourceSpec("rows", rows=given)  # type: ignore[arg-type]
        known = sections.get(name)
        sections[name] = replace(known, source=spec) if known else Section(name, SECTIONS[name], spec, ())
    return replace(job, sections=sections)


def _pause(stop: threading.Event, tries: int) -> None:
    """Waits before rows are tried again: 1, 2, 4 ... seconds with jitter, 15 at most; a stop ends it."""
    longest = min(2.0 ** (tries - 1), 15.0)
    stop.wait(longest * (0.5 + secrets.randbelow(512) / 1024))
