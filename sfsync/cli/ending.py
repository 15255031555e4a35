"""Knows how the command under way stands, and says its last sentence on stderr.

One `Ending` for each command that runs a job; the command tells it what it learns. The sentence is said once, by
whoever ends the command: `main` at the end, or a second signal in the middle of a call.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from sfsync.core.reports.report import Report
    from sfsync.report.document import Files
    from sfsync.report.watching.last_sentence import Failure
    from sfsync.report.watching.run_follower import RunFollower

TELLS: Final = frozenset({"plan", "run", "import", "resume", "retry", "undo", "adopt", "pull"})
"""The commands that run a job."""


@dataclass(slots=True)
class Ending:
    """What is known of a command; `job` and `org` as they were typed until the job is opened."""

    command: str
    job: str = ""
    org: str = ""
    again: str = ""
    log: RunFollower | None = None
    report: Report | None = None
    files: Files = field(default_factory=dict)
    failure: Failure | None = None
    said: str = ""
    then: str = ""
    is_json: bool = False

    def typed(self, context: click.Context) -> None:
        """Takes from the command line what the job and the org are called there."""
        given = context.params
        self.job = str(given.get("job") or "")
        self.org = str(given.get("org") or "")
        self.is_json = "json" in (given.get("progress"), given.get("log"))
        if self.command in ("plan", "run") and self.job:
            org = f" -o {shlex.quote(self.org)}" if self.org else ""
            self.again = f"sfsync run {shlex.quote(self.job)}{org}"

    def reported(self, report: Report, files: Files) -> None:
        """The command has made a report."""
        self.report, self.files = report, files

    def told(self, said: str, then: str = "") -> None:
        """What a command says that makes no report: how far it came, and what to type next."""
        self.said, self.then = said, then

    def failed(self, failure: Failure, exit_code: int) -> None:
        """The command ended by an error, which has been printed."""
        self.failure = failure
        if self.log is not None:
            self.log.failed(failure.code, exit_code)

    def is_to_be_said(self) -> bool:
        """Whether there is anything to say: a help text that was asked for has no end."""
        return self.log is not None or self.failure is not None

    def sentence(self, exit_code: int) -> str:
        """The last sentence."""
        from sfsync.report.watching.last_sentence import Ended, last_sentence

        log = self.log
        return last_sentence(
            Ended(
                self.command,
                exit_code,
                job=(log.job if log else "") or self.job,
                org=(log.org if log else "") or self.org,
                again=self.again,
                by_job=self.job or (log.job if log else ""),
                report=self.report,
                files=self.files,
                failure=self.failure,
                writes=log.usage.writes if log else None,
                said=self.said,
                then=self.then,
            )
        )

    def say(self, exit_code: int) -> None:
        """Says it on stderr; where progress is JSON lines, as one of them."""
        text = self.sentence(exit_code)
        if self.is_json:
            from sfsync.report.watching.progress import PROGRESS_SCHEMA

            line = {"schema": PROGRESS_SCHEMA, "event": "ended", "exit_code": exit_code, "sentence": text}
            text = json.dumps(line)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def say_at_once(self, exit_code: int) -> None:
        """Says that it was interrupted, from a signal handler: without a lock or a stream that may be in use."""
        subject = (self.log.job if self.log else "") or self.job or self.command
        org = (self.log.org if self.log else "") or self.org
        where = f" on {shlex.quote(org)}" if org else ""
        text = (
            f"sfsync: {shlex.quote(subject)}{where} ended with {exit_code}: "
            "it was interrupted in the middle of a call; look up what that did and go on: sfsync resume\n"
        )
        with contextlib.suppress(OSError):
            os.write(2, text.encode("utf-8", "backslashreplace"))


_current: ContextVar[Ending | None] = ContextVar("_current", default=None)


def current() -> Ending | None:
    """That of the command under way; None where it runs no job."""
    return _current.get()


@contextlib.contextmanager
def ending_of(arguments: list[str]) -> Iterator[Ending | None]:
    """That of the command with these arguments, for as long as it takes."""
    known = Ending(arguments[0]) if arguments and arguments[0] in TELLS else None
    token = _current.set(known)
    try:
        yield known
    finally:
        if known is not None and known.log is not None:
            known.log.close()
        _current.reset(token)
