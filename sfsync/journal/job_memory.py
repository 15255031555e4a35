"""Which rows each job brought to an org, what became of them, and how far a job has read that org.

Implements `core.job_memory.JobMemory` for the journal, which lends its transactions: each call is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Select, or_, select

from sfsync.core.job_memory import DELETED, JobMemory, JobRow
from sfsync.journal.prints import SqlPrints
from sfsync.journal.rows import in_pieces
from sfsync.journal.schema import JOB_ROWS, WATERMARKS
from sfsync.journal.upserts import Upserts

T = TypeVar("T")

NOT_DELETED: Final = or_(JOB_ROWS.c.fate.is_(None), JOB_ROWS.c.fate != DELETED)
"""Of the rows of jobs, those of which more is remembered than that their record was deleted."""

PAGE_ROWS: Final = 5_000

_COLUMNS: Final = [JOB_ROWS.c[name] for name in JobRow.__dataclass_fields__]


class Transactions(Protocol):
    """How the journal lends its transactions."""

    def __call__(self, work: Callable[[Connection], T]) -> T:
        """Does the work in one transaction."""
        ...


class SqlJobMemory:
    """The rows of jobs in a journal."""

    def __init__(self, read: Transactions, write: Transactions, upserts: Callable[[], Upserts]) -> None:
        self._read, self._write, self._upserts = read, write, upserts
        self._prints = SqlPrints(read, write)

    @property
    def prints(self) -> SqlPrints:
        """The prints of settled rows."""
        return self._prints

    def rows(
        self, org_id: str, job: str, sobject: str, keys: Iterable[str] | None = None
    ) -> dict[str, JobRow]:
        """The rows of the sObject that the job brought and that are not forgotten or deleted, by key."""
        query = _of(select(*_COLUMNS), org_id, job, sobject).where(NOT_DELETED)
        queries = [query]
        if keys is not None:
            queries = [query.where(JOB_ROWS.c.key.in_(some)) for some in in_pieces(keys)]

        def work(connection: Connection) -> dict[str, JobRow]:
            return {each.key: each for some in queries for each in _rows(connection, some)}

        return self._read(work) if queries else {}

    def pages(self, org_id: str, job: str, sobject: str) -> Iterator[list[JobRow]]:
        """The same rows, some at a time; each page is a transaction of its own."""
        query = _of(select(*_COLUMNS), org_id, job, sobject).where(NOT_DELETED).limit(PAGE_ROWS)
        rows = self._read(lambda connection: _rows(connection, query))
        while rows:
            yield rows
            further = query.where(JOB_ROWS.c.key > rows[-1].key)
            rows = self._read(lambda connection, further=further: _rows(connection, further))  # type: ignore[misc]

    def deleted(self, org_id: str, job: str, sobject: str) -> frozenset[str]:
        """The keys of all vanished rows whose records the job deleted and that have not come back since."""
        query = _of(select(*_COLUMNS), org_id, job, sobject).where(JOB_ROWS.c.fate == DELETED)
        return frozenset(each.key for each in self._read(lambda connection: _rows(connection, query)))

    def put_rows(self, org_id: str, job: str, rows: Iterable[JobRow]) -> None:
        """Writes or replaces rows of the job, in one commit."""
        bodies: list[dict[str, Any]] = [
            {"job": job, "org_id": org_id} | {column.name: getattr(each, column.name) for column in _COLUMNS}
            for each in rows
        ]
        if bodies:
            self._write(lambda connection: self._upserts().job_row.put(connection, bodies))

    def other_jobs(self, org_id: str, job: str, sobject: str, record_ids: Iterable[str]) -> dict[str, str]:
        """Those of the records that another job still brings, each with the name of one such job."""
        query = select(JOB_ROWS.c.record_id, JOB_ROWS.c.job).where(
            JOB_ROWS.c.org_id == org_id,
            JOB_ROWS.c.sobject == sobject,
            JOB_ROWS.c.job != job,
            JOB_ROWS.c.fate.is_(None),
        )
        chunks = list(in_pieces(record_ids))

        def work(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for some in chunks:
                for row in connection.execute(query.where(JOB_ROWS.c.record_id.in_(some))):
                    found[row.record_id] = row.job
            return found

        return self._read(work) if chunks else {}

    def watermark(self, org_id: str, job: str, name: str) -> str | None:
        """How far the job has read the org for that purpose, in the words that were noted."""
        query = select(WATERMARKS.c.value).where(
            WATERMARKS.c.job == job, WATERMARKS.c.org_id == org_id, WATERMARKS.c.name == name
        )
        return self._read(lambda connection: connection.scalar(query))

    def put_watermark(self, org_id: str, job: str, name: str, value: str) -> None:
        """Notes how far the job has read."""
        row = {"job": job, "org_id": org_id, "name": name, "value": value}
        self._write(lambda connection: self._upserts().watermark.put(connection, [row]))


def _of(query: Select[Any], org_id: str, job: str, sobject: str) -> Select[Any]:
    return query.where(
        JOB_ROWS.c.org_id == org_id, JOB_ROWS.c.job == job, JOB_ROWS.c.sobject == sobject
    ).order_by(JOB_ROWS.c.key)


def _rows(connection: Connection, query: Select[Any]) -> list[JobRow]:
    return [JobRow(*row) for row in connection.execute(query).all()]


if TYPE_CHECKING:
    _contract: type[JobMemory] = SqlJobMemory
