"""The step that keeps SQLite's large tables in one tree each, ordered by their keys.

An ordinary table of SQLite with a key of texts is two trees: the rows by a number that nobody asks for, and an
index that holds every key a second time. Where the key is the table, SQLite would look for the open changes of a
run among all of its changes, so that their index tells the state too.
Source: SQLite, "Clustered Indexes and the WITHOUT ROWID Optimization".
"""

from __future__ import annotations

from typing import Final

_CHANGES: Final = """
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    change_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('intent', 'done', 'refused', 'unknown')),
    outcome TEXT,
    record_id TEXT,
    detail TEXT,
    attempt_id TEXT,
    updated_at TEXT NOT NULL,
    token TEXT,
    PRIMARY KEY (run_id, change_id),
    FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, attempt_id)"""

_LEDGER: Final = """
    org_id TEXT NOT NULL,
    sobject TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id TEXT NOT NULL,
    sent TEXT NOT NULL,
    seen TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (org_id, sobject, key)"""

_JOB_ROWS: Final = """
    job TEXT NOT NULL,
    org_id TEXT NOT NULL,
    sobject TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id TEXT NOT NULL,
    key_field TEXT,
    origin TEXT,
    modified_at TEXT,
    recreated_at TEXT,
    fate TEXT,
    PRIMARY KEY (job, org_id, sobject, key)"""


def _rebuilt(table: str, columns: str) -> tuple[str, ...]:
    """The table made anew with what it holds; its indexes go with the old one."""
    names = ", ".join(line.split()[0] for line in columns.strip().splitlines() if line.split()[0].islower())
    return (
        f"CREATE TABLE new_{table} ({columns}) WITHOUT ROWID",
        f"INSERT INTO new_{table} ({names}) SELECT {names} FROM {table}",  # noqa: S608 - names of our own alone
        f"DROP TABLE {table}",
        f"ALTER TABLE new_{table} RENAME TO {table}",
    )


_OPEN: Final = "CREATE INDEX open_changes ON changes (run_id, state) WHERE state IN ('intent', 'unknown')"

OPEN_BY_STATE: Final = ("DROP INDEX open_changes", _OPEN)
"""What the step is in PostgreSQL, whose tables stay as they are."""

SINGLE_TREES: Final = (
    *_rebuilt("changes", _CHANGES),
    _OPEN,
    *_rebuilt("ledger", _LEDGER),
    *_rebuilt("job_rows", _JOB_ROWS),
    "CREATE INDEX job_rows_of_record ON job_rows (org_id, sobject, record_id)",
)
