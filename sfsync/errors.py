"""Every error that sfsync raises on purpose, and the exit code each one means.

SyncError                      code, message, hint, exit_code, retryable
 |- ConfigError          2     usage, a job file, an org profile or a mapping is wrong; nothing was sent
 |- AccessError          4     login or permission refused
 |- SourceError          5     a source is missing, unreadable, drifted or empty
 |- GuardError           6     a guard stopped the run, or the plan is stale, altered or for another org
 |- OrgUnavailable      75     the org did not answer well within all retries: try later
 |   `- LimitReached    75     the org's API limit is used up
 |- LockHeld            99     another run holds the lock
 |- JournalError         1     the journal cannot be read or written; no write leaves without it
 `- Interrupted   130, 143     a signal stopped the run; `sfsync resume` goes on

A single bad row is never an exception: it is a `core.reports.results.Problem` and the other rows go on.
Messages name the place, the value and what is wrong; the hint names the next step.
"""

from __future__ import annotations

from typing import ClassVar


class SyncError(Exception):
    """A failure that stops a command, with a stable code, a hint for a person and an exit code."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


class ConfigError(SyncError):
    """Usage, a job file, an org profile or a mapping is wrong; nothing was sent."""

    exit_code = 2


class AccessError(SyncError):
    """The org refused the login, or the user lacks a permission the job needs."""

    exit_code = 4


class SourceError(SyncError):
    """A source is missing, unreadable, empty, or its columns are not those of the mapping."""

    exit_code = 5


class GuardError(SyncError):
    """A guard stopped the run before it did harm: a stale or altered plan, or another org."""

    exit_code = 6


SUPERSEDED = GuardError.exit_code
"""The exit code on record for an interrupted run that a later run of its job has taken over."""


class OrgUnavailable(SyncError):
    """The org did not answer well within all retries; the state is saved, a later run goes on."""

    exit_code = 75
    retryable = True


class LimitReached(OrgUnavailable):
    """The org's limit of API requests is used up."""


class LockHeld(SyncError):
    """Another run of the same job holds the lock."""

    exit_code = 99
    retryable = True


class JournalError(SyncError):
    """The journal cannot be read or written; without it no write may leave."""


class Interrupted(SyncError):
    """A signal stopped the run between two writes; everything is saved and resumable."""

    exit_code = 130

    def __init__(
        self, message: str, *, signal_number: int, code: str = "INTERRUPTED", hint: str = ""
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.signal_number = signal_number

    @property
    def process_exit_code(self) -> int:
        """128 plus the signal's number, as shells report it."""
        return 128 + self.signal_number
