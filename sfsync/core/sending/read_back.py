"""Whether what was written is read back by ids or by a query job: whichever costs fewer calls, by counting.

By ids, one composite of five queries brings 10,000 records. A query job costs its creation, its polls and a call
for each 50,000 records, whatever they are; it finds them by when they were modified, because 100,000 ids fit no
statement. What it does not find is read by ids.
Source: REST API Developer Guide, "Query" (2,000 records a page); Bulk API 2.0 Query, maxRecords.
"""

from __future__ import annotations

from typing import Final

from sfsync.core.sending.job_waits import polls_expected

ROWS_PER_CALL: Final = 10_000
ROWS_PER_PAGE: Final = 50_000

QUERY_SPEED: Final = 10
"""How many times as fast as writing an org reads: assumed, and of weight for the number of polls alone."""

POLLS_BESIDE: Final = 2
"""Polls that a queue may cost beside those of the work; assumed, so that the job must be clearly cheaper."""

MOST_OF_OTHERS: Final = 2
"""How many times the records that were written a query job may find before it is left for the ids."""


def calls_by_ids(rows: int) -> int:
    """The calls that read so many records by their ids."""
    return -(-rows // ROWS_PER_CALL)


def calls_by_job(rows: int) -> int:
    """The calls of a query job that finds so many records."""
    polls = polls_expected(rows // QUERY_SPEED, rows_per_s=1_000) + POLLS_BESIDE
    return 1 + polls + max(1, -(-rows // ROWS_PER_PAGE))


def is_for_job(rows: int) -> bool:
    """Whether a query job reads so many records with fewer calls."""
    return calls_by_job(rows) < calls_by_ids(rows)
