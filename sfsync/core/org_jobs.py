"""What the engine needs of an org's bulk jobs: a port of its own beside `ports`.

`salesforce/` implements it. Rows on their way to a job, and the results that come back, lie on disk: an upload is
written row by row and sent from there, a file of results is fetched whole, counted, and gone through as often as
needed. So memory does not grow with a job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from sfsync.core.sending.bulk import JobProgress, JobShape, ResultFile, ResultRow
from sfsync.errors import SyncError

if TYPE_CHECKING:
    from sfsync.core.ports import Lookup, Record

MOST_UPLOAD_BYTES: Final = 100_000_000
"""How much one job takes: 150 MB after base64, which makes 100 MB the safe ceiling. Source: "Limits"."""


def no_room(error: OSError) -> SyncError:
    """What is said when the disk does not take a temporary file."""
    return SyncError(
        f"a temporary file for a bulk job cannot be written: {error.strerror or error}",
        code="NO_TEMPORARY_FILE",
        hint="Make room in the folder for temporary files, or name another in TMPDIR; sfsync resume goes on.",
    )


class JobUpload(Protocol):
    """The rows of one job on disk, in a private file without a name that ends with its process."""

    @property
    def rows(self) -> int:
        """How many rows there are, the header left out."""
        ...

    @property
    def digest(self) -> str:
        """A hash of what will be sent."""
        ...

    def add(self, cells: Sequence[str]) -> bool:
        """Appends a row; False, and nothing appended, when the job would be larger than it may be.

        Raises:
            SyncError: the disk does not take it.
        """
        ...

    def cells(self) -> Iterator[tuple[str, ...]]:
        """The rows again, in the order added."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...


class JobRows(Protocol):
    """One file of results on disk. `is_whole` says that it did not end within a row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the upload, as the job repeats them."""
        ...

    @property
    def count(self) -> int:
        """How many rows there are."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether the file ends where a row ends."""
        ...

    def __iter__(self) -> Iterator[ResultRow]:
        """The rows, in the file's order.

        Raises:
            OrgUnavailable: a row is not what it must be.
        """
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...


class OrgJobs(Protocol):
    """Bulk API 2.0 jobs of one org. Every method may raise `AccessError` or `OrgUnavailable`."""

    def is_allowed(self) -> bool:
        """Whether this user may run jobs in this org."""
        ...

    def upload(self, shape: JobShape) -> JobUpload:
        """A place for the rows of one job; nothing is sent by it."""
        ...

    def create(self, shape: JobShape) -> str | None:
        """A new, empty job; None when the answer was lost, which may leave an empty job behind."""
        ...

    def fill(self, job_id: str, upload: JobUpload) -> bool:
        """Uploads the rows, once; unless it says True the job must never be closed."""
        ...

    def close(self, job_id: str) -> None:
        """Lets the job work: the one commit point. Whether it took effect is for `progress` to say."""
        ...

    def abort(self, job_id: str) -> None:
        """Asks the job to stop; rows that it has saved stay."""
        ...

    def progress(self, job_id: str) -> JobProgress | None:
        """How far the job is; None when the org does not know it any more."""
        ...

    def results(self, job_id: str, file: ResultFile, shape: JobShape) -> JobRows:
        """One file of what the job says of its rows."""
        ...

    def ask(self, lookup: Lookup) -> str:
        """A new query job for a look-up of one statement, which begins to work at once; it writes nothing."""
        ...

    def asked(self, job_id: str) -> JobProgress | None:
        """How far a query job is; `processed` counts the records found. None when the org does not know it."""
        ...

    def answers(self, job_id: str, lookup: Lookup, rows: int) -> Iterable[Sequence[Record]]:
        """The records that a query job found, some at a time, complete: `rows` in all.

        Raises:
            OrgUnavailable: a page cannot be read, or there are not as many records as the job counted.
        """
        ...
