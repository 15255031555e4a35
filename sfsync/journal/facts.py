"""What a person may want to know of a journal as a whole: where it is, how far it has come, what is open in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, distinct, func, select

from sfsync.journal.identity import Identity, read_identity
from sfsync.journal.migrations import STEPS, applied_steps
from sfsync.journal.schema import ADMITTED, CHANGES, IS_OPEN, LEDGER, PAGES, PLANS, RUNS
from sfsync.journal.store import LockHolder


@dataclass(frozen=True, slots=True)
class AdmittedJob:
    """A job without keys that a person let begin here; `is_valid` is False once the journal was found restored."""

    job: str
    org_id: str
    admitted_at: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class JournalFacts:
    """A journal at one moment. `place` carries no password; `ledger` counts entries by org and sObject."""

    backend: str
    place: str
    identity: Identity
    steps: tuple[str, ...]
    missing_steps: tuple[str, ...]
    runs: int
    open_runs: tuple[str, ...]
    open_changes: int
    plans: int
    admitted: tuple[AdmittedJob, ...]
    ledger: Mapping[tuple[str, str], int]
    holders: tuple[LockHolder, ...] = ()


def read_facts(connection: Connection, *, backend: str, place: str) -> JournalFacts:
    """The facts of an open journal, but for who holds its locks."""
    identity = read_identity(connection)
    steps = applied_steps(connection)
    name = func.coalesce(func.nullif(RUNS.c.whole, ""), RUNS.c.run_id)
    unended = select(name).where(RUNS.c.exit_code.is_(None)).group_by(name)
    unended = unended.order_by(func.max(RUNS.c.number).desc())
    books = select(func.count(distinct(RUNS.c.whole))).where(RUNS.c.run_id.in_(select(PAGES.c.run_id)))
    admitted = select(ADMITTED).order_by(ADMITTED.c.job, ADMITTED.c.org_id)
    ledger = select(LEDGER.c.org_id, LEDGER.c.sobject, func.count()).group_by(
        LEDGER.c.org_id, LEDGER.c.sobject
    )
    return JournalFacts(
        backend=backend,
        place=place,
        identity=identity,
        steps=tuple(steps),
        missing_steps=tuple(each.name for each in STEPS if each.name not in steps),
        runs=_count(connection, select(func.count(distinct(name)))),
        open_runs=tuple(connection.scalars(unended)),
        open_changes=_count(connection, select(func.count()).select_from(CHANGES).where(IS_OPEN)),
        plans=_count(connection, select(func.count()).select_from(PLANS)) + _count(connection, books),
        admitted=tuple(
            AdmittedJob(row.job, row.org_id, row.admitted_at, row.restorations == identity.restorations)
            for row in connection.execute(admitted)
        ),
        ledger={(row[0], row[1]): row[2] for row in connection.execute(ledger)},
    )


def _count(connection: Connection, query: object) -> int:
    return int(connection.scalar(query) or 0)  # type: ignore[call-overload]
