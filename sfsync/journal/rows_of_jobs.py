"""The step that lets a journal say which job brought which row, and fills that in from the runs it knows.

The ledger knows a record by its key alone, which jobs may share. What earlier runs wrote stands in `changes` under
the name of its row, so the rows of each job are taken from there, as far as the ledger still has their records.
Rows that a job only ever met as it wanted them were never written; the next run adds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_TABLES: Final = (
    """CREATE TABLE job_rows (
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
        PRIMARY KEY (job, org_id, sobject, key))""",
    "CREATE INDEX job_rows_of_record ON job_rows (org_id, sobject, record_id)",
    """CREATE TABLE watermarks (
        job TEXT NOT NULL,
        org_id TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (job, org_id, name))""",
)


def _filled() -> Iterator[str]:
    """One statement for each sObject that has keys, and for each way that the ledger names a row."""
    for sobject in ("Account", "Contact", "Opportunity"):
        start = len(sobject) + 2
        key = f"substr(changes.change_id, {start})"
        for name, key_field in ((key, "NULL"), (f"runs.job || '\n' || {key}", "''")):
            yield f"""INSERT INTO job_rows (job, org_id, sobject, key, record_id, key_field, origin)
                SELECT runs.job, runs.org_id, '{sobject}', {key}, ledger.record_id, {key_field},
                    max(CASE WHEN changes.outcome = 'created' THEN 'created' END)
                FROM changes
                JOIN runs ON runs.run_id = changes.run_id
                JOIN ledger ON ledger.org_id = runs.org_id AND ledger.sobject = '{sobject}'
                    AND ledger.key = {name} AND ledger.record_id = changes.record_id
                WHERE substr(changes.change_id, 1, {start - 1}) = '{sobject}:'
                GROUP BY runs.job, runs.org_id, {key}, ledger.record_id
                ON CONFLICT DO NOTHING"""  # noqa: S608 - names of our own alone


ROWS_OF_JOBS: Final = (*_TABLES, *_filled())
