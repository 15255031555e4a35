"""Bulk jobs as values: what was asked, the state it is in, and what became of every row.

A job knows nothing of HTTP, of CSV or of how it is worked on. State moves in one direction only:
Open -> UploadComplete -> InProgress -> JobComplete | Failed, with Aborted from the first three.
Invariant: a row has at most one result, found by its place in the upload.
Source: Bulk API 2.0 Guide, Get Job Info and Job States [D].
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sfsync.emulator.org.clock import stamp

DELIMITERS: Final = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDS: Final = {"LF": "\n", "CRLF": "\r\n"}


class JobState(StrEnum):
    """Where a job stands."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


ENDED: Final = frozenset({JobState.JOB_COMPLETE, JobState.FAILED, JobState.ABORTED})


class JobFailedError(Exception):
    """A job that cannot be worked on further; the text is its errorMessage."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: saved (no error) or refused; the id is empty when none is known."""

    id: str
    created: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What the client asked for when it created the job."""

    operation: str
    object: str
    external_id_field: str | None = None
    delimiter: str = "COMMA"
    line_end: str = "LF"
    assignment_rule_id: str | None = None
    query: str | None = None

    @property
    def is_query(self) -> bool:
        """Whether the job reads."""
        return self.query is not None


@dataclass(slots=True)
class Job:
    """One job. The uploads are kept as received; the results of an ingest job are rendered from them."""

    id: str
    request: JobRequest
    created_by: str
    created: datetime
    version: str
    modified: datetime
    state: JobState = JobState.OPEN
    uploads: list[bytes] = field(default_factory=list)
    closed_by_request: int = 0
    results: list[RowResult | None] = field(default_factory=list)
    answer: Any = None
    processed: int = 0
    failed: int = 0
    retries: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    error_message: str | None = None
    chunk_in_flight: bool = False
    polls_awaited: int = 0
    after_polls: Callable[[], None] | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)

    def move(self, state: JobState, now: datetime) -> None:
        """Enter a state."""
        self.state = state
        self.modified = now
        if state is JobState.IN_PROGRESS:
            self.started = now
        elif state in ENDED:
            self.ended = now

    def polled(self) -> Callable[[], None] | None:
        """Count a poll, and return the work that was waiting for it, if it was the last one awaited."""
        with self.guard:
            if not self.polls_awaited:
                return None
            self.polls_awaited -= 1
            if self.polls_awaited:
                return None
            work, self.after_polls = self.after_polls, None
        return work

    def info(self) -> dict[str, Any]:
        """Return the job info that a create, a close or an abort answers."""
        request = self.request
        shown: dict[str, Any] = {
            "id": self.id,
            "operation": request.operation,
            "object": request.object,
            "createdById": self.created_by,
            "createdDate": _platform_time(self.created),
            "systemModstamp": _platform_time(self.modified),
            "state": self.state.value,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": request.line_end,
            "columnDelimiter": request.delimiter,
        }
        if not request.is_query:
            shown["contentUrl"] = f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"
        if request.external_id_field is not None:
            shown["externalIdFieldName"] = request.external_id_field
        if request.assignment_rule_id is not None:
            shown["assignmentRuleId"] = request.assignment_rule_id
        return shown

    def full_info(self, now: datetime) -> dict[str, Any]:
        """Return the job info that a poll answers."""
        spent = ((self.ended or now) - self.started).total_seconds() if self.started else 0.0
        shown = {
            **self.info(),
            "jobType": "V2Query" if self.request.is_query else "V2Ingest",
            "numberRecordsProcessed": self.processed,
            "retries": self.retries,
            "totalProcessingTime": round(spent * 1000),
        }
        if not self.request.is_query:
            shown |= {
                "numberRecordsFailed": self.failed,
                "apiActiveProcessingTime": round(spent * 1000),
                "apexProcessingTime": 0,
            }
        if self.error_message is not None:
            shown["errorMessage"] = self.error_message
        return shown


def _platform_time(moment: datetime) -> str:
    return stamp(moment)[:-1] + "+0000"
