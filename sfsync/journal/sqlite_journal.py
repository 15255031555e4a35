"""The journal on SQLite: intents before they leave, outcomes as they come, and what was last brought.

Implements `core.ports.Journal`. Every call is one transaction, committed and synced when it returns; one
lock lets threads share the one connection. Lists of any length cost one commit.
Invariants: a plan digest begins one run; a change that is done is never marked as about to be sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import Connection, Engine, Row, RowMapping, and_, delete, func, insert, select, update

from sfsync.core.ports import Attempt, ChangeRecord, ChangeState, Journal, LedgerEntry, RunRecord
from sfsync.errors import GuardError, JournalError
from sfsync.journal.database import reading, writing
from sfsync.journal.encoding import read_detail, read_values, write_detail, write_values
from sfsync.journal.failures import translated
from sfsync.journal.marker import LastSeen, Marker, alone
from sfsync.journal.schema import ADMITTED, ATTEMPTS, CHANGES, IS_OPEN, LEDGER, RUNS
from sfsync.journal.upserts import PUT_ADMITTED, PUT_CHANGE, PUT_INTENT, PUT_LEDGER

_KEYS_A_QUERY: Final = 500
"""Below the 999 variables that older builds of SQLite allow in a statement (SQLite, "Limits")."""

_RUN: Final = [RUNS.c[name] for name in RunRecord.__dataclass_fields__]
_CHANGE: Final = [CHANGES.c[name] for name in ChangeRecord.__dataclass_fields__]


class SqliteJournal:
    """One open journal; made by `open_journal`. Safe to share between threads, not between processes."""

    def __init__(self, engine: Engine, *, marker: Marker, path: Path, clock: Callable[[], datetime]) -> None:
        self.path = path
        self._engine = engine
        self._marker = marker
        self._clock = clock
        self._lock = RLock()
        self._is_closed = False

    def begin_run(self, run: RunRecord) -> None:
        """Opens a run.

        Raises:
            GuardError: the plan was begun before (`PLAN_CONSUMED`).
        """
        with self._writing() as connection:
            _refuse_consumed(connection, run)
            number = connection.scalar(select(func.coalesce(func.max(RUNS.c.number), 0))) or 0
            row = {column.name: getattr(run, column.name) for column in _RUN}
            connection.execute(insert(RUNS), {**row, "number": number + 1})

    def end_run(self, run_id: str, *, exit_code: int, ended_at: str) -> None:
        """Notes how a run ended; its open changes stay open."""
        statement = update(RUNS).where(RUNS.c.run_id == run_id)
        with self._writing() as connection:
            ended = connection.execute(statement.values(exit_code=exit_code, ended_at=ended_at))
            if ended.rowcount != 1:
                raise JournalError(
                    f"The journal knows no run {run_id}.",
                    code="RUN_UNKNOWN",
                    hint="Check that SFSYNC_STATE names the folder that the run was started with.",
                )

    def runs(self, job: str | None = None) -> list[RunRecord]:
        """The runs known, newest first; of one job, or of all."""
        query = select(*_RUN).order_by(RUNS.c.number.desc())
        if job is not None:
            query = query.where(RUNS.c.job == job)
        with self._reading() as connection:
            return [_run(row) for row in connection.execute(query).mappings()]

    def intend(self, run_id: str, attempt: Attempt, *, at: str) -> None:
        """Marks the attempt's changes as about to be sent; on the disk when it returns.

        Raises:
            JournalError: it cannot be kept, or a change is done already (`ALREADY_DONE`): send nothing.
        """
        row = {
            "run_id": run_id,
            "attempt_id": attempt.attempt_id,
            "route": attempt.route.value,
            "body_hash": attempt.body_hash,
            "intended_at": at,
        }
        marks = [_intent(change_id, attempt) for change_id in attempt.change_ids]
        with self._writing() as connection:
            connection.execute(insert(ATTEMPTS), row)
            if marks and _put_changes(connection, PUT_INTENT, run_id, marks, at=at) != len(marks):
                raise _already_done(attempt)

    def record(self, run_id: str, records: Iterable[ChangeRecord]) -> None:
        """Writes what became of changes; one that names no attempt keeps the attempt it had."""
        words = list(records)
        if not words:
            return
        with self._writing() as connection:
            _put_changes(connection, PUT_CHANGE, run_id, words, at=self._clock().isoformat())

    def changes(self, run_id: str) -> dict[str, ChangeRecord]:
        """The last word on every change of the run that was ever sent, by change id."""
        query = select(*_CHANGE).where(CHANGES.c.run_id == run_id)
        with self._reading() as connection:
            return {row["change_id"]: _change(row) for row in connection.execute(query).mappings()}

    def open_changes(self, job: str, org_id: str) -> list[tuple[RunRecord, ChangeRecord]]:
        """Changes of the job's runs against the org that are still INTENT or UNKNOWN, oldest run first."""
        query = (
            select(*_RUN, *_CHANGE)
            .join(CHANGES, CHANGES.c.run_id == RUNS.c.run_id)
            .where(and_(RUNS.c.job == job, RUNS.c.org_id == org_id, IS_OPEN))
            .order_by(RUNS.c.number, CHANGES.c.updated_at, CHANGES.c.change_id)
        )
        with self._reading() as connection:
            return [(_run(row), _change(row)) for row in connection.execute(query).mappings()]

    def serial(self, job: str, org_id: str) -> int:
        """How many runs of the job against the org have begun."""
        query = select(func.count()).where(RUNS.c.job == job, RUNS.c.org_id == org_id)
        with self._reading() as connection:
            return connection.scalar(query) or 0

    def knows_job(self, job: str, org_id: str) -> bool:
        """Whether a run of the job against the org has begun here, or a person said that it may begin here."""
        query = select(ADMITTED.c.job).where(ADMITTED.c.job == job, ADMITTED.c.org_id == org_id)
        with self._reading() as connection:
            is_admitted = connection.execute(query).first() is not None
        return is_admitted or self.serial(job, org_id) > 0

    def admit_job(self, job: str, org_id: str, *, at: str) -> None:
        """Notes a person's word that the job never ran against the org with another journal."""
        with self._writing() as connection:
            connection.execute(PUT_ADMITTED, {"job": job, "org_id": org_id, "admitted_at": at})

    def ledger(self, org_id: str, sobject: str, keys: Iterable[str]) -> dict[str, LedgerEntry]:
        """The entries of those keys that exist, by key."""
        found: dict[str, LedgerEntry] = {}
        of_sobject = select(LEDGER).where(LEDGER.c.org_id == org_id, LEDGER.c.sobject == sobject)
        with self._reading() as connection:
            for some in _chunks(dict.fromkeys(keys)):
                rows = connection.execute(of_sobject.where(LEDGER.c.key.in_(some)))
                found.update((row.key, _entry(row)) for row in rows)
        return found

    def count_ledger(self, org_id: str) -> dict[str, int]:
        """How many records of the org the journal knows, by sObject."""
        query = select(LEDGER.c.sobject, func.count()).where(LEDGER.c.org_id == org_id)
        with self._reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(LEDGER.c.sobject))}

    def put_ledger(self, org_id: str, entries: Iterable[LedgerEntry]) -> None:
        """Writes or replaces entries; the last of several with one key counts."""
        now = self._clock().isoformat()
        rows = [_ledger_row(entry, org_id=org_id, at=now) for entry in entries]
        if not rows:
            return
        with self._writing() as connection:
            connection.execute(PUT_LEDGER, rows)

    def drop_ledger(self, org_id: str, sobject: str, record_ids: Iterable[str]) -> None:
        """Forgets the records with those ids, in one commit."""
        of_sobject = delete(LEDGER).where(LEDGER.c.org_id == org_id, LEDGER.c.sobject == sobject)
        with self._writing() as connection:
            for some in _chunks(dict.fromkeys(record_ids)):
                connection.execute(of_sobject.where(LEDGER.c.record_id.in_(some)))

    def close(self) -> None:
        """Lets go of the file; a second call does nothing."""
        with self._lock, translated(self.path):
            if self._is_closed:
                return
            self._is_closed = True
            with alone(self.path.parent):
                self._marker.write(LastSeen.CLOSED)
                self._engine.dispose()
                self._marker.note_left()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._lock, translated(self.path):
            self._refuse_closed()
            with writing(self._engine) as connection:
                yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock, translated(self.path):
            self._refuse_closed()
            with reading(self._engine) as connection:
                yield connection

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise JournalError(
                f"The journal {self.path} is closed.",
                code="JOURNAL_CLOSED",
                hint="Open it again with open_journal.",
            )


def _refuse_consumed(connection: Connection, run: RunRecord) -> None:
    earlier = connection.execute(
        select(RUNS.c.run_id, RUNS.c.started_at).where(RUNS.c.plan_digest == run.plan_digest)
    ).first()
    if earlier is None:
        return
    raise GuardError(
        f"This plan was begun before, by run {earlier.run_id} at {earlier.started_at}; a plan is used once.",
        code="PLAN_CONSUMED",
        hint="Plan again. If that run was cut off, `sfsync resume` goes on with it.",
    )


def _already_done(attempt: Attempt) -> JournalError:
    return JournalError(
        f"Attempt {attempt.attempt_id} would send a change again that is done, or names one twice.",
        code="ALREADY_DONE",
        hint="Nothing of it was sent. This is a fault of sfsync: please report it.",
    )


def _intent(change_id: str, attempt: Attempt) -> ChangeRecord:
    token = attempt.tokens.get(change_id)
    return ChangeRecord(change_id, ChangeState.INTENT, attempt_id=attempt.attempt_id, token=token)


def _put_changes(
    connection: Connection, statement: Any, run_id: str, words: Sequence[ChangeRecord], *, at: str
) -> int:
    rows = [
        {
            "run_id": run_id,
            "change_id": word.change_id,
            "state": word.state.value,
            "outcome": word.outcome,
            "record_id": word.record_id,
            "detail": write_detail(word.detail),
            "attempt_id": word.attempt_id,
            "token": word.token,
            "updated_at": word.updated_at or at,
        }
        for word in words
    ]
    return connection.execute(statement, rows).rowcount


def _run(row: RowMapping) -> RunRecord:
    return RunRecord(**{column.name: row[column.name] for column in _RUN})


def _change(row: RowMapping) -> ChangeRecord:
    values = {column.name: row[column.name] for column in _CHANGE}
    state, detail = ChangeState(values.pop("state")), read_detail(values.pop("detail"))
    return ChangeRecord(state=state, detail=detail, **values)


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        sobject=row.sobject,
        key=row.key,
        record_id=row.record_id,
        sent=read_values(row.sent),
        seen=read_values(row.seen),
    )


def _ledger_row(entry: LedgerEntry, *, org_id: str, at: str) -> dict[str, str]:
    return {
        "org_id": org_id,
        "sobject": entry.sobject,
        "key": entry.key,
        "record_id": entry.record_id,
        "sent": write_values(entry.sent),
        "seen": write_values(entry.seen),
        "updated_at": at,
    }


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, _KEYS_A_QUERY)):
        yield some


if TYPE_CHECKING:
    _contract: type[Journal] = SqliteJournal
