"""How a journal came to its present tables: named steps, each applied once, all in one transaction.

A released step is never edited; a new need is a new step at the end. The steps are the same in every database;
their SQL is what SQLite and PostgreSQL both read, but for the word of a type and for what only one of them
needs. A journal with a step that this version does not know belongs to a newer one and is refused: going on would
drop what that version remembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, inspect, select

from sfsync.errors import JournalError
from sfsync.journal.print_tables import PRINT_TABLES
from sfsync.journal.rows_of_jobs import ROWS_OF_JOBS
from sfsync.journal.schema import MIGRATIONS
from sfsync.journal.single_trees import OPEN_BY_STATE, SINGLE_TREES


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its name for ever, its statements, and those that only one of the databases gets."""

    name: str
    statements: tuple[str, ...]
    on_postgresql: tuple[str, ...] = ()
    on_sqlite: tuple[str, ...] = ()

    def sql(self, dialect: str) -> list[str]:
        """The statements in the words of that database."""
        own = self.on_postgresql if dialect == "postgresql" else self.on_sqlite
        words = _WORDS[dialect]
        return [
            each.replace("{binary}", words[0]).replace("{without_rowid}", words[1])
            for each in (*self.statements, *own)
        ]


_WORDS: Final = {"sqlite": ("BLOB", " WITHOUT ROWID"), "postgresql": ("BYTEA", "")}
"""The type of bytes, and what keeps a table in its primary key alone."""


STEPS: Final = (
    Migration(
        "0001_first_tables",
        (
            "CREATE TABLE migrations (name TEXT PRIMARY KEY NOT NULL, applied_at TEXT NOT NULL)",
            """CREATE TABLE runs (
                run_id TEXT PRIMARY KEY NOT NULL,
                number INTEGER NOT NULL UNIQUE,
                job TEXT NOT NULL,
                org_id TEXT NOT NULL,
                plan_digest TEXT NOT NULL UNIQUE,
                plan_file TEXT NOT NULL,
                started_at TEXT NOT NULL,
                exit_code INTEGER,
                ended_at TEXT)""",
            "CREATE INDEX runs_of_job ON runs (job, org_id)",
            """CREATE TABLE attempts (
                run_id TEXT NOT NULL REFERENCES runs (run_id),
                attempt_id TEXT NOT NULL,
                route TEXT NOT NULL,
                body_hash TEXT NOT NULL,
                intended_at TEXT NOT NULL,
                PRIMARY KEY (run_id, attempt_id))""",
            """CREATE TABLE changes (
                run_id TEXT NOT NULL REFERENCES runs (run_id),
                change_id TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('intent', 'done', 'refused', 'unknown')),
                outcome TEXT,
                record_id TEXT,
                detail TEXT,
                attempt_id TEXT,
                updated_at TEXT NOT NULL,
                PRIMARY KEY (run_id, change_id),
                FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, attempt_id))""",
            "CREATE INDEX open_changes ON changes (run_id) WHERE state IN ('intent', 'unknown')",
            """CREATE TABLE ledger (
                org_id TEXT NOT NULL,
                sobject TEXT NOT NULL,
                key TEXT NOT NULL,
                record_id TEXT NOT NULL,
                sent TEXT NOT NULL,
                seen TEXT NOT NULL,
                updated_at TEXT NOT NULL,
                PRIMARY KEY (org_id, sobject, key))""",
        ),
    ),
    Migration("0002_tokens_of_receipts", ("ALTER TABLE changes ADD COLUMN token TEXT",)),
    Migration(
        "0003_admitted_jobs",
        (
            """CREATE TABLE admitted_jobs (
                job TEXT NOT NULL,
                org_id TEXT NOT NULL,
                admitted_at TEXT NOT NULL,
                PRIMARY KEY (job, org_id))""",
        ),
    ),
    Migration("0004_rows_of_runs", ("ALTER TABLE runs ADD COLUMN rows INTEGER NOT NULL DEFAULT 0",)),
    Migration(
        "0005_identity_and_restorations",
        (
            """CREATE TABLE identity (
                journal_id TEXT PRIMARY KEY NOT NULL,
                home TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                restorations INTEGER NOT NULL DEFAULT 0,
                restored_at TEXT,
                made_at TEXT NOT NULL)""",
            "ALTER TABLE admitted_jobs ADD COLUMN restorations INTEGER NOT NULL DEFAULT 0",
        ),
    ),
    Migration(
        "0006_plans_of_runs",
        (
            """CREATE TABLE plans (
                run_id TEXT PRIMARY KEY NOT NULL REFERENCES runs (run_id),
                body {binary} NOT NULL)""",
        ),
    ),
    Migration(
        "0007_writers_and_run_locks",
        (),
        on_postgresql=(
            """CREATE TABLE writers (
                writer_id TEXT PRIMARY KEY NOT NULL,
                host TEXT NOT NULL,
                pid TEXT NOT NULL,
                opened_at TEXT NOT NULL,
                last_write INTEGER NOT NULL)""",
            """CREATE TABLE run_locks (
                name TEXT PRIMARY KEY NOT NULL,
                lock_key BIGINT NOT NULL,
                token TEXT NOT NULL,
                backend INTEGER NOT NULL,
                host TEXT NOT NULL,
                pid TEXT NOT NULL,
                started_at TEXT NOT NULL)""",
        ),
    ),
    Migration("0008_rows_of_jobs", ROWS_OF_JOBS),
    Migration("0009_shares_of_jobs", ("ALTER TABLE runs ADD COLUMN share TEXT NOT NULL DEFAULT ''",)),
    Migration(
        "0010_runs_of_portions",
        (
            "ALTER TABLE runs ADD COLUMN whole TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE runs ADD COLUMN has_parents INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE runs ADD COLUMN said {binary}",
            "ALTER TABLE runs ADD COLUMN totals {binary}",
            "CREATE INDEX runs_of_whole ON runs (whole)",
            """CREATE TABLE pages (
                run_id TEXT PRIMARY KEY NOT NULL,
                job TEXT NOT NULL,
                org_id TEXT NOT NULL,
                body {binary} NOT NULL)""",
        ),
    ),
    Migration("0011_single_trees", (), on_sqlite=SINGLE_TREES, on_postgresql=OPEN_BY_STATE),
    Migration("0012_prints_of_rows", PRINT_TABLES),
)


def applied_steps(connection: Connection) -> list[str]:
    """The names of the steps that this journal has had; none for a new one."""
    if not inspect(connection).has_table(MIGRATIONS.name):
        return []
    return list(connection.scalars(select(MIGRATIONS.c.name).order_by(MIGRATIONS.c.name)))


def missing_steps(connection: Connection, place: str) -> list[Migration]:
    """The steps still to apply, in order.

    Raises:
        JournalError: the journal was written by a newer version.
    """
    applied = applied_steps(connection)
    unknown = sorted(set(applied) - {step.name for step in STEPS})
    if unknown:
        raise JournalError(
            f"The journal {place} was written by a newer version of sfsync ({', '.join(unknown)}).",
            code="JOURNAL_NEWER",
            hint="Use that version again. To go back, put back the backup that was made before the upgrade.",
        )
    return [step for step in STEPS if step.name not in applied]


def apply_steps(connection: Connection, steps: list[Migration], *, at: str) -> None:
    """Applies the steps inside the caller's transaction."""
    for step in steps:
        for statement in step.sql(connection.dialect.name):
            connection.exec_driver_sql(statement)
        connection.execute(insert(MIGRATIONS), {"name": step.name, "applied_at": at})
