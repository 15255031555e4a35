"""What the journal remembers of a job's rows: which it brought, which record each is, and what became of it.

The ledger knows records by keys that jobs may share; this says whose they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from sfsync.core.resync.memory import PrintMemory

DELETED: Final = "deleted"
"""The fate of a row whose record the job deleted: of the row nothing else is remembered."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """That a job brought a row, and which record it is.

    `key_field` is the field of the org that the key was in: "" where only the journal knew the row, None where that
    is not known any more. `origin` is "created" where the job made the record. `modified_at` is the record's
    LastModifiedDate when it was last read back. `recreated_at` is when a record that somebody had deleted was made
    anew. `fate` is None while the source has the row; then "gone", or "closed" where the job closed its deal, or
    `DELETED` where it deleted it.
    """

    sobject: str
    key: str
    record_id: str
    key_field: str | None = None
    origin: str | None = None
    modified_at: str | None = None
    recreated_at: str | None = None
    fate: str | None = None


class JobMemory(Protocol):
    """Which rows each job brought to an org. Every method is durable when it returns."""

    def rows(
        self, org_id: str, job: str, sobject: str, keys: Iterable[str] | None = None
    ) -> dict[str, JobRow]:
        """The rows of the sObject that the job brought and that are not forgotten or deleted, by key.

        All of them, or those with one of the `keys`: of a large job nobody holds all.
        """
        ...

    def pages(self, org_id: str, job: str, sobject: str) -> Iterator[list[JobRow]]:
        """The same rows, some at a time."""
        ...

    def deleted(self, org_id: str, job: str, sobject: str) -> frozenset[str]:
        """The keys of all vanished rows whose records the job deleted and that have not come back since."""
        ...

    def put_rows(self, org_id: str, job: str, rows: Iterable[JobRow]) -> None:
        """Writes or replaces rows of the job, in one commit."""
        ...

    def other_jobs(self, org_id: str, job: str, sobject: str, record_ids: Iterable[str]) -> dict[str, str]:
        """Those of the records that another job still brings, each with the name of one such job."""
        ...

    @property
    def prints(self) -> PrintMemory:
        """The prints of settled rows."""
        ...

    def watermark(self, org_id: str, job: str, name: str) -> str | None:
        """How far the job has read the org for that purpose; None if it never did."""
        ...

    def put_watermark(self, org_id: str, job: str, name: str, value: str) -> None:
        """Notes how far the job has read."""
        ...
