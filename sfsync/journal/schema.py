"""The tables of the journal as the code uses them now; `migrations.py` builds them step by step.

`runs.number` counts up over all runs, because clocks may go back. `changes` holds the last word on each
change of a run; the index on open states makes a resume cheap however much was done before. `identity` has one
row: which journal this is, how many intents it has taken, where its database lay when it was last opened, and how
often it was found to be an older copy of itself. `runs.whole` ties the runs of a book's portions, `said` is what
the report of such a run says beside its changes. `pages` holds the plans of portions, which are there before their
runs are; `totals` stands with the first portion's run. `plans` holds the plans of runs that may have to be gone
on with, `job_rows` which job brought which row and what became of it, `watermarks` how far a job has read the org.
`print_scopes` numbers the jobs by org, so that the rows of `row_prints` (prints of settled rows), of `print_sums`
and of `known_stamps` are short.
A test holds the two descriptions of the schema equal.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

METADATA: Final = MetaData()

IS_OPEN: Final = text("state IN ('intent', 'unknown')")
"""Written out, not bound: only so does a database see that the partial index applies."""

MIGRATIONS: Final = Table(
    "migrations",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("applied_at", Text, nullable=False),
)

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("job", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("plan_digest", Text, nullable=False, unique=True),
    Column("plan_file", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("exit_code", Integer),
    Column("ended_at", Text),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("share", Text, nullable=False, server_default=""),
    Column("whole", Text, nullable=False, server_default=""),
    Column("has_parents", Integer, nullable=False, server_default="0"),
    Column("said", LargeBinary),
    Column("totals", LargeBinary),
    Index("runs_of_job", "job", "org_id"),
    Index("runs_of_whole", "whole"),
)

ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("attempt_id", Text, primary_key=True),
    Column("route", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("intended_at", Text, nullable=False),
    ForeignKeyConstraint(["run_id"], ["runs.run_id"]),
)

CHANGES: Final = Table(
    "changes",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("change_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("record_id", Text),
    Column("detail", Text),
    Column("attempt_id", Text),
    Column("updated_at", Text, nullable=False),
    Column("token", Text),
    ForeignKeyConstraint(["run_id"], ["runs.run_id"]),
    ForeignKeyConstraint(["run_id", "attempt_id"], ["attempts.run_id", "attempts.attempt_id"]),
    Index("open_changes", "run_id", "state"),  # of the open ones alone; said here, it would load each dialect
    sqlite_with_rowid=False,
)

ADMITTED: Final = Table(
    "admitted_jobs",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("org_id", Text, primary_key=True),
    Column("admitted_at", Text, nullable=False),
    Column("restorations", Integer, nullable=False, server_default="0"),
)

LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("org_id", Text, primary_key=True),
    Column("sobject", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("record_id", Text, nullable=False),
    Column("sent", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    sqlite_with_rowid=False,
)

JOB_ROWS: Final = Table(
    "job_rows",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("org_id", Text, primary_key=True),
    Column("sobject", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("record_id", Text, nullable=False),
    Column("key_field", Text),
    Column("origin", Text),
    Column("modified_at", Text),
    Column("recreated_at", Text),
    Column("fate", Text),
    Index("job_rows_of_record", "org_id", "sobject", "record_id"),
    sqlite_with_rowid=False,
)

WATERMARKS: Final = Table(
    "watermarks",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("org_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

PRINT_SCOPES: Final = Table(
    "print_scopes",
    METADATA,
    Column("org_id", Text, primary_key=True),
    Column("job", Text, primary_key=True),
    Column("scope", Integer, nullable=False, unique=True),
)

ROW_PRINTS: Final = Table(
    "row_prints",
    METADATA,
    Column("scope", Integer, primary_key=True, autoincrement=False),
    Column("print", LargeBinary, primary_key=True),
    Column("section", Integer, nullable=False),
    Column("row_group", LargeBinary, nullable=False),
    Column("copies", Integer, nullable=False),
    sqlite_with_rowid=False,
)

PRINT_SUMS: Final = Table(
    "print_sums",
    METADATA,
    Column("scope", Integer, primary_key=True, autoincrement=False),
    Column("section", Integer, primary_key=True, autoincrement=False),
    Column("total", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    sqlite_with_rowid=False,
)

KNOWN_STAMPS: Final = Table(
    "known_stamps",
    METADATA,
    Column("scope", Integer, primary_key=True, autoincrement=False),
    Column("record_id", Text, primary_key=True),
    Column("stamp", BigInteger, nullable=False),
    Column("whose", Integer, nullable=False),
    sqlite_with_rowid=False,
)

IDENTITY: Final = Table(
    "identity",
    METADATA,
    Column("journal_id", Text, primary_key=True),
    Column("home", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("restorations", Integer, nullable=False, server_default="0"),
    Column("restored_at", Text),
    Column("made_at", Text, nullable=False),
)

PLANS: Final = Table(
    "plans",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(["run_id"], ["runs.run_id"]),
)

PAGES: Final = Table(
    "pages",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("job", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
