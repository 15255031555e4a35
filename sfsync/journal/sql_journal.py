"""The journal: intents before they leave, outcomes as they come, and what was last brought.

Implements `core.ports.Journal` with the same SQL on SQLite and PostgreSQL; a `Store` brings the transactions, which
are durable when they return, and the locks. Every call is one transaction; one lock lets threads share the store.
Invariants: a plan digest begins one run; a change that is done is never marked as about to be sent again; no intent
is committed once a run lock that was taken here is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import product
from threading import RLock
from typing import TYPE_CHECKING, Self, TypeVar

from sqlalchemy import Connection, and_, delete, func, insert, select, union_all, update

from sfsync.core.ports import Attempt, ChangeRecord, Journal, LedgerEntry, RunRecord
from sfsync.core.writes import Route
from sfsync.errors import SUPERSEDED, JournalError
from sfsync.journal.admissions import admission, is_known, orgs_of
from sfsync.journal.books import SqlBookRuns, as_wholes, ending
from sfsync.journal.facts import JournalFacts, read_facts
from sfsync.journal.identity import next_sequence, read_identity
from sfsync.journal.job_memory import NOT_DELETED, SqlJobMemory
from sfsync.journal.plans_kept import drop_plans_of, drop_spent_plans, refuse_consumed
from sfsync.journal.rows import (
    CHANGE,
    ENTRY,
    RUN,
    attempt_row,
    batches,
    change_of,
    change_rows,
    entry_of,
    in_pieces,
    intent_rows,
    ledger_row,
    plan_of,
    plan_row,
    run_of,
    run_row,
)
from sfsync.journal.schema import (
    ATTEMPTS,
    CHANGES,
    IS_OPEN,
    JOB_ROWS,
    LEDGER,
    PAGES,
    PLANS,
    RUNS,
)
from sfsync.journal.store import Store, Upgrade

T = TypeVar("T")


class SqlJournal:
    """One open journal; made by `open_journal`. Safe to share between threads, not between processes."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock
        self._lock = RLock()
        self._is_closed = False
        self._memory = SqlJobMemory(self._read, self._write, lambda: self.store.upserts)

    @property
    def memory(self) -> SqlJobMemory:
        """Which rows each job brought."""
        return self._memory

    @property
    def books(self) -> SqlBookRuns:
        """The runs whose plan is a book."""
        return SqlBookRuns(self._read, self._write, self.store)

    @property
    def upgrade(self) -> Upgrade:
        """What opening the journal changed."""
        return self.store.upgrade

    def begin_run(self, run: RunRecord, plan: bytes, *, takes_over: Collection[str] = ()) -> None:
        """Opens a run, keeps its plan, ends the runs that it takes over; plans of runs long past are dropped.

        Raises:
            GuardError: the plan was begun before (`PLAN_CONSUMED`).
        """
        body = plan_row(run.run_id, plan)
        over = ending(takes_over, exit_code=SUPERSEDED, ended_at=run.started_at)

        def work(connection: Connection) -> int:
            sequence = next_sequence(
                connection
            )  # first: it makes runs that begin at once wait for each other
            self.store.refuse_lost_locks(connection)
            refuse_consumed(connection, run)
            connection.execute(over)
            number = connection.scalar(select(func.coalesce(func.max(RUNS.c.number), 0))) or 0
            connection.execute(insert(RUNS), run_row(run, number=number + 1))
            drop_spent_plans(connection)
            connection.execute(insert(PLANS), body)
            return sequence

        self.store.note_sequence(self._write(work))

    def plan(self, run_id: str) -> bytes | None:
        """The plan that a run began with; None once the run is long past and nothing of it is open."""
        kept = (select(each.c.body).where(each.c.run_id == run_id) for each in (PLANS, PAGES))
        query = union_all(*kept)
        body = self._read(lambda connection: connection.scalar(query))
        return None if body is None else plan_of(body)

    def drop_plans(self, run_ids: Collection[str]) -> int:
        """Drops the plans of runs that have ended and have nothing open; returns how many pages that were."""
        return self._write(lambda connection: drop_plans_of(connection, run_ids))

    def end_run(self, run_id: str, *, exit_code: int, ended_at: str) -> None:
        """Notes how a run ended, or what has not ended of a book; its open changes stay open."""
        statement = update(RUNS).where(RUNS.c.run_id == run_id).values(exit_code=exit_code, ended_at=ended_at)
        of_book = ending([run_id], exit_code=exit_code, ended_at=ended_at)

        def work(connection: Connection) -> None:
            if connection.execute(statement).rowcount + connection.execute(of_book).rowcount < 1:
                raise JournalError(
                    f"The journal knows no run {run_id}.",
                    code="RUN_UNKNOWN",
                    hint="Check that SFSYNC_STATE names the place that the run was started with.",
                )

        self._write(work)

    def runs(self, job: str | None = None) -> list[RunRecord]:
        """The runs known, newest first, a book as one; of one job, or of all."""
        query = select(*RUN).order_by(RUNS.c.number.desc())
        if job is not None:
            query = query.where(RUNS.c.job == job)
        return as_wholes(
            self._read(lambda connection: [run_of(row) for row in connection.execute(query).mappings()])
        )

    def intend(self, run_id: str, attempt: Attempt, *, at: str) -> None:
        """Marks the attempt's changes as about to be sent; on the disk when it returns.

        Raises:
            JournalError: it cannot be kept, a change is done already (`ALREADY_DONE`), or a run lock is lost
                (`LOCK_LOST`): send nothing.
        """
        row, marks = attempt_row(run_id, attempt, at=at), intent_rows(run_id, attempt, at=at)

        def work(connection: Connection) -> int:
            self.store.refuse_lost_locks(connection)
            connection.execute(insert(ATTEMPTS), row)
            if marks and self.store.upserts.intent.put(connection, marks) != len(marks):
                raise _already_done(attempt)
            return next_sequence(connection)  # last: others who count wait from here on

        self.store.note_sequence(self._write(work))

    def record(self, run_id: str, records: Iterable[ChangeRecord]) -> None:
        """Writes what became of changes; one that names no attempt keeps the attempt it had."""
        rows = change_rows(run_id, list(records), at=self._clock().isoformat())
        if rows:
            self._write(lambda connection: self.store.upserts.change.put(connection, rows))

    def changes(self, run_id: str) -> dict[str, ChangeRecord]:
        """The last word on every change of the run that was ever sent, by change id."""
        query = select(*CHANGE).where(CHANGES.c.run_id == run_id)

        def work(connection: Connection) -> dict[str, ChangeRecord]:
            rows = connection.execute(query).mappings()
            return {row["change_id"]: change_of(run_id, row) for row in rows}

        return self._read(work)

    def open_changes(self, job: str, org_id: str) -> list[tuple[RunRecord, ChangeRecord]]:
        """Changes of the job's runs against the org that are still INTENT or UNKNOWN, oldest run first."""
        query = (
            select(*RUN, *CHANGE)
            .join(CHANGES, CHANGES.c.run_id == RUNS.c.run_id)
            .where(and_(RUNS.c.job == job, RUNS.c.org_id == org_id, IS_OPEN))
            .order_by(RUNS.c.number, CHANGES.c.updated_at, CHANGES.c.change_id)
        )

        def work(connection: Connection) -> list[tuple[RunRecord, ChangeRecord]]:
            rows = connection.execute(query).mappings()
            return [(run_of(row), change_of(row["run_id"], row)) for row in rows]

        return self._read(work)

    def serial(self, job: str, org_id: str, share: str = "") -> int:
        """How many runs of the job against the org have begun, and how many writes of theirs were to leave."""
        is_own = and_(RUNS.c.job == job, RUNS.c.org_id == org_id)
        if share:
            is_own = and_(is_own, RUNS.c.share.in_(["", share]))
        runs = select(func.count()).select_from(RUNS).where(is_own)
        writes = select(func.count()).select_from(ATTEMPTS.join(RUNS)).where(is_own)
        query = select(runs.scalar_subquery() + writes.scalar_subquery())
        return self._read(lambda connection: connection.scalar(query) or 0)

    def sendings(self, run_id: str) -> dict[str, tuple[Route, str]]:
        """By which route, and when, each change of the run was last about to be sent, by change id."""
        is_same = and_(ATTEMPTS.c.run_id == CHANGES.c.run_id, ATTEMPTS.c.attempt_id == CHANGES.c.attempt_id)
        query = (
            select(CHANGES.c.change_id, ATTEMPTS.c.route, ATTEMPTS.c.intended_at)
            .join(ATTEMPTS, is_same)
            .where(CHANGES.c.run_id == run_id)
        )

        def work(connection: Connection) -> dict[str, tuple[Route, str]]:
            return {row.change_id: (Route(row.route), row.intended_at) for row in connection.execute(query)}

        return self._read(work)

    def org_ids(self, job: str) -> list[str]:
        """The orgs against which the job has run or may begin, sorted."""
        return self._read(lambda connection: orgs_of(connection, job))

    def knows_job(self, job: str, org_id: str, *, since: str | None = None) -> bool:
        """Whether a run of the job against the org has begun here, or a person said that it may begin here.

        Once the journal was found to be an older copy of itself, only a word that was said since then counts;
        with `since` (ISO time) only one that was said later than that.
        """
        return self._read(lambda connection: is_known(connection, job, org_id, since=since))

    def restored_at(self) -> str | None:
        """When the journal was last found to be an older copy of itself; None if it never was."""
        return self._read(read_identity).restored_at

    def admit_job(self, job: str, org_id: str, *, at: str) -> None:
        """Notes a person's word that this journal knows all that the job ever brought to the org."""

        def work(connection: Connection) -> None:
            self.store.upserts.admitted.put(connection, [admission(connection, job, org_id, at=at)])

        self._write(work)

    def ledger(self, org_id: str, sobject: str, keys: Iterable[str]) -> dict[str, LedgerEntry]:
        """The entries of those keys that exist, by key."""
        of_sobject = select(*ENTRY).where(LEDGER.c.org_id == org_id, LEDGER.c.sobject == sobject)
        chunks = list(in_pieces(keys))

        def work(connection: Connection) -> dict[str, LedgerEntry]:
            found: dict[str, LedgerEntry] = {}
            for some in chunks:
                rows = connection.execute(of_sobject.where(LEDGER.c.key.in_(some))).all()
                found.update((row[0], entry_of(sobject, row)) for row in rows)
            return found

        return self._read(work) if chunks else {}

    def ledger_keys(self, org_id: str, sobject: str, record_id: str) -> list[str]:
        """The keys of the entries that lead to that record, sorted."""
        query = select(LEDGER.c.key).where(LEDGER.c.org_id == org_id, LEDGER.c.sobject == sobject)
        query = query.where(LEDGER.c.record_id == record_id).order_by(LEDGER.c.key)
        return self._read(lambda connection: list(connection.scalars(query)))

    def count_ledger(self, org_id: str) -> dict[str, int]:
        """How many records of the org the journal knows, by sObject."""
        query = select(LEDGER.c.sobject, func.count()).where(LEDGER.c.org_id == org_id)
        query = query.group_by(LEDGER.c.sobject)
        return self._read(lambda connection: {row[0]: row[1] for row in connection.execute(query)})

    def put_ledger(self, org_id: str, entries: Iterable[LedgerEntry]) -> None:
        """Writes or replaces entries; the last of several with one key counts."""
        now, known = self._clock().isoformat(timespec="seconds"), list(entries)

        def work(connection: Connection) -> None:
            for some in batches(known):  # the texts of all of them at once would be a copy of the memory
                rows = [ledger_row(org_id, entry, at=now) for entry in some]
                self.store.upserts.ledger.put(connection, rows)

        if known:
            self._write(work)

    def drop_ledger(self, org_id: str, sobject: str, record_ids: Iterable[str]) -> None:
        """Forgets the records with those ids, and the rows of jobs that are these, in one commit.

        Which of them a job deleted itself stays known.
        """
        chunks = list(in_pieces(record_ids))

        def work(connection: Connection) -> None:
            for some, table in product(chunks, (LEDGER, JOB_ROWS)):
                of_sobject = delete(table).where(table.c.org_id == org_id, table.c.sobject == sobject)
                of_sobject = of_sobject.where(NOT_DELETED) if table is JOB_ROWS else of_sobject
                connection.execute(of_sobject.where(table.c.record_id.in_(some)))

        self._write(work)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Holds the run lock of that name while the block runs; free at once when its holder dies.

        Raises:
            LockHeld: another run holds it; the message names its process, host and start.
        """
        with self.store.lock(name, at=self._clock().isoformat(timespec="seconds")):
            yield

    def facts(self) -> JournalFacts:
        """The journal as a whole, at this moment."""
        backend, place = self.store.backend, self.store.place
        facts = self._read(lambda connection: read_facts(connection, backend=backend, place=place))
        return replace(facts, holders=tuple(self.store.holders()))

    def close(self) -> None:
        """Lets go of the database; a second call does nothing."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            self._refuse_closed()
            return self.store.write(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            self._refuse_closed()
            return self.store.read(work)

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise JournalError(
                f"The journal {self.store.place} is closed.",
                code="JOURNAL_CLOSED",
                hint="Open it again with open_journal.",
            )


def _already_done(attempt: Attempt) -> JournalError:
    return JournalError(
        f"Attempt {attempt.attempt_id} would send a change again that is done, or names one twice.",
        code="ALREADY_DONE",
        hint="Nothing of it was sent. This is a fault of sfsync: please report it.",
    )


if TYPE_CHECKING:
    _contract: type[Journal] = SqlJournal
