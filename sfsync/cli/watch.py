"""A run seen from outside: what it tells to metrics, pings, hooks and logs when it begins and when it ends.

Nothing here fails a run or changes its exit code; what goes wrong is a note on stderr. All that goes out at the end
goes at the same time and is given up after `PATIENCE_S`, or `HURRY_S` where a signal has ended the run.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from sfsync.core.events import Event, Listener
from sfsync.core.reports.run_ending import RunEnding, ending_of
from sfsync.errors import ConfigError, Interrupted, SyncError

if TYPE_CHECKING:
    from sfsync.app.run_history import JobHealth
    from sfsync.core.job import Job
    from sfsync.core.reports.report import Report
    from sfsync.hooks.errands import Errands
    from sfsync.report.watching.metrics import RunMoments
    from sfsync.report.watching.run_log import RunLog

PATIENCE_S: Final = 10.0
"""No run is held longer by those that are told of its end."""

HURRY_S: Final = 1.5
"""After a signal the process ends within ten seconds, eight of which a call under way may have taken."""

_SLACK_S: Final = 0.5
"""By which an errand's own patience is shorter, so that it says itself why it failed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    metrics_file: Path | None = None
    ping: str | None = None
    notify_webhook: str | None = None
    notify_command: tuple[str, ...] = ()
    log_file: Path | None = None
    log: str | None = None


@dataclass(slots=True)
class Watch:
    """What is known of the run under way; `code` is its exit code once it has one."""

    asked: Asked
    errands: Errands
    log: RunLog | None = None
    began: float = field(default_factory=time.monotonic)
    code: int | None = None
    error_code: str = ""
    job: str = ""
    org: str = ""
    share: str = ""
    ping: str | None = None
    report: Report | None = None
    has_begun: bool = False
    is_declined: bool = False
    notes: dict[str, None] = field(default_factory=dict)

    def listener(self, shown: Listener) -> Listener:
        """What follows the run: what is shown, and the log."""
        log = self.log
        if log is None:
            return shown

        def both(event: Event) -> None:
            shown(event)
            log(event)

        return both

    def read(self, job: Job) -> None:
        """The job is known; nothing of it has begun."""
        self.job, self.org, self.share = job.name, job.org or "", job.share
        self.ping = self.asked.ping or job.ping or self._ping_of_org()
        if self.log:
            self.log.name(job=job.name)

    def begins(self) -> None:
        """No other run is at work on the job, so this one begins: its ping says so."""
        if not self.has_begun:
            self.has_begun = True
            self._tell_ping("start", b"", timeout_s=PATIENCE_S)

    def writes(self, run_id: str) -> None:
        """The plan is made; the run has its name from here on."""
        self.begins()
        if self.log:
            self.log.name(run=run_id)
            self.log.write("run_started")

    def reported(self, report: Report) -> None:
        """The run has a report."""
        self.report = report
        self.job, self.org, self.share = report.plan.job, report.plan.profile, report.plan.share
        self.ping = self.ping or self._ping_of_org()
        if self.log:
            self.log.name(job=self.job, run=report.run_id)
            self.log.rows(report)

    def _ping_of_org(self) -> str | None:
        """The address that the org's profile names; one that cannot be used is a note, as nothing else needs it."""
        from sfsync.jobs.pings import org_ping

        try:
            return org_ping(self.org, environ=os.environ) if self.org else None
        except ConfigError as error:
            self.notes[f"the ping of org profile {self.org} is left out: {error.message}"] = None
            return None

    def _tell_ping(self, signal: str, body: bytes, *, timeout_s: float) -> None:
        if self.ping:
            from sfsync.core.hook_address import ping_address, shown_address
            from sfsync.hooks.posting import post

            address = ping_address(self.ping, signal)
            self.errands.start(
                f"ping {shown_address(self.ping)}",
                lambda: post(address, body, content_type="text/plain; charset=utf-8", timeout_s=timeout_s),
            )

    def end(self) -> None:
        """Tells everybody how the run ended."""
        from sfsync.report.watching.ending_words import ending_sentence

        ending = self._ending()
        patience_s = HURRY_S if ending.exit_code in (130, 143) else PATIENCE_S
        until = time.monotonic() + patience_s
        notes = list(self.notes)
        if not (ending.was_kept_out or self.is_declined):
            body = ending_sentence(ending).encode()
            self._tell_ping("" if ending.is_success else "fail", body, timeout_s=patience_s - _SLACK_S)
            notes += _quietly(
                "the notice failed", lambda: self._notify(ending, timeout_s=patience_s - _SLACK_S)
            )
        what = f"the metrics {self.asked.metrics_file} cannot be written"
        notes += _quietly(what, lambda: self._measure(ending, until=until))
        notes += self.errands.finish(until - time.monotonic())
        if self.log:
            self._log_end(ending, notes)
        for each in notes:
            _say(f"sfsync: note: {each}")

    def _ending(self) -> RunEnding:
        code = 1 if self.code is None else self.code
        if self.report is not None and self.report.exit_code == code:
            return ending_of(self.report)
        return RunEnding(self.job, code, org=self.org, share=self.share, code=self.error_code)

    def _notify(self, ending: RunEnding, *, timeout_s: float) -> None:
        from sfsync.cli.noticing import Hearers, notify

        def last_good(org_id: str) -> datetime | None:
            health = _health(ending.job, org_id, ending.share, within_s=timeout_s)
            return health.last_success if health else None

        hearers = Hearers(self.asked.notify_webhook, self.asked.notify_command, self.errands, timeout_s)
        notify(ending, hearers, last_good)

    def _measure(self, ending: RunEnding, *, until: float) -> None:
        """Writes the metrics, which a collector of another user reads."""
        if self.asked.metrics_file is None:
            return
        from sfsync.app.run_files import write_whole
        from sfsync.report.watching.metrics import metrics_text

        org_id = self.report.plan.org.org_id if self.report else None
        health = _health(
            ending.job, org_id, ending.share or None, within_s=until - time.monotonic() - _SLACK_S
        )
        text = metrics_text(ending, _moments(health, self.began), self.report)
        write_whole(self.asked.metrics_file, text.encode(), mode=0o644)

    def _log_end(self, ending: RunEnding, notes: list[str]) -> None:
        assert self.log is not None
        for each in notes:
            self.log.write("note", level="warning", message=each)
        self.log.write(
            "run_ended",
            level="info" if ending.is_success else "error",
            exit_code=ending.exit_code,
            code=ending.code,
            rows=ending.rows,
            not_done=ending.not_done,
            codes=dict(ending.codes),
            seconds=round(time.monotonic() - self.began, 3),
        )


def _health(job: str, org_id: str | None, share: str | None, *, within_s: float) -> JobHealth | None:
    """What the journal says of the job, of all its orgs or shares where none is known.

    None where it cannot be asked, or does not answer in time.
    """
    from sfsync.app.run_history import job_health
    from sfsync.app.workplace import Surroundings
    from sfsync.hooks.errands import Errands

    found: list[JobHealth] = []

    def look() -> str:
        with contextlib.suppress(SyncError, OSError):
            found.append(job_health(Surroundings(), job=job, org_id=org_id, share=share))
        return ""

    looking = Errands()
    looking.start("journal", look)
    looking.finish(max(0.0, within_s))
    return found[0] if found else None


def _moments(health: JobHealth | None, began: float) -> RunMoments:
    from sfsync.report.watching.metrics import RunMoments

    now = datetime.now(UTC)
    success = health.last_success if health else None
    open_s = None
    if health is not None:
        open_s = (now - health.oldest_open).total_seconds() if health.oldest_open else 0.0
    return RunMoments(
        ended=now.timestamp(),
        seconds=time.monotonic() - began,
        last_success=success.timestamp() if success else None,
        oldest_open_s=open_s,
    )


@contextlib.contextmanager
def watching(asked: Asked, *, job: str = "") -> Iterator[Watch]:
    """A watch around a command; `job` is what was typed, until the job's own name is known."""
    from sfsync.hooks.errands import Errands

    with _log_of(asked) as log:
        watch = Watch(asked, Errands(), log, job=Path(job).stem if job else "", ping=asked.ping)
        if log:
            log.name(job=watch.job)
        try:
            yield watch
        except Interrupted as error:
            watch.code, watch.error_code = error.process_exit_code, error.code
            raise
        except SyncError as error:
            watch.code, watch.error_code = error.exit_code, error.code
            raise
        except click.UsageError:
            watch.code, watch.error_code = 2, "USAGE"
            raise
        except click.Abort:
            watch.code, watch.is_declined = 130, True
            raise
        except KeyboardInterrupt:
            watch.code, watch.error_code = 130, "INTERRUPTED"
            raise
        except BrokenPipeError:
            watch.code, watch.error_code = 141, "OUTPUT_LOST"
            raise
        except Exception:
            watch.code, watch.error_code = 1, "FAULT"
            raise
        finally:
            watch.end()


@contextlib.contextmanager
def _log_of(asked: Asked) -> Iterator[RunLog | None]:
    """The log that was asked for; one that cannot be opened is a note."""
    if asked.log_file is None and asked.log is None:
        yield None
        return
    from sfsync.report.watching.run_log import RunLog

    def clock() -> datetime:
        return datetime.now(UTC)

    with contextlib.ExitStack() as stack:
        streams: list[TextIO] = [sys.stderr] if asked.log else []
        if asked.log_file is not None:
            try:
                file = _appended(asked.log_file)
                stack.callback(_closed, file, asked.log_file)
                streams.append(file)
            except OSError as error:
                _say(f"sfsync: note: the log {asked.log_file} cannot be written: {error.strerror}")
        yield RunLog(streams, clock=clock, invocation=secrets.token_hex(4)) if streams else None


def _closed(file: TextIO, path: Path) -> None:
    """Closes a log; one that takes no more, with lines that it still holds, is a note."""
    try:
        file.close()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        _say(f"sfsync: note: the log {path} is not complete: {why}")


def _appended(path: Path) -> TextIO:
    """A file of its owner alone, to whose end lines are added; a pipe that nobody reads is refused."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _quietly(what: str, work: Callable[[], None]) -> list[str]:
    """Does something that must not fail the run; a note where it failed."""
    try:
        work()
    except SyncError as error:
        return [f"{what}: {error.code}"]
    except OSError as error:
        return [f"{what}: {error.strerror or type(error).__name__}"]
    return []


def _say(text: str) -> None:
    from sfsync.report.safe_text import visible

    with contextlib.suppress(OSError):
        click.echo(visible(text), err=True)
