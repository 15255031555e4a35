"""The step that gives a journal the prints of settled rows, as small as they can be kept.

A print is 16 bytes and its group 8; with the numbers of job and section a row of SQLite takes about 45 bytes,
because the table is its own primary key (WITHOUT ROWID) and has no other index. What is looked up by group is
found by reading the table through, once a run. Source: SQLite, "Clustered Indexes and the WITHOUT ROWID
Optimization".
"""

from __future__ import annotations

from typing import Final

PRINT_TABLES: Final = (
    """CREATE TABLE print_scopes (
        org_id TEXT NOT NULL,
        job TEXT NOT NULL,
        scope INTEGER NOT NULL UNIQUE,
        PRIMARY KEY (org_id, job))""",
    """CREATE TABLE row_prints (
        scope INTEGER NOT NULL,
        print {binary} NOT NULL,
        section INTEGER NOT NULL,
        row_group {binary} NOT NULL,
        copies INTEGER NOT NULL,
        PRIMARY KEY (scope, print)){without_rowid}""",
    """CREATE TABLE print_sums (
        scope INTEGER NOT NULL,
        section INTEGER NOT NULL,
        total TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (scope, section)){without_rowid}""",
    """CREATE TABLE known_stamps (
        scope INTEGER NOT NULL,
        record_id TEXT NOT NULL,
        stamp BIGINT NOT NULL,
        whose INTEGER NOT NULL,
        PRIMARY KEY (scope, record_id)){without_rowid}""",
)
