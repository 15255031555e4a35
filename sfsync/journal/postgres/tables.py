"""The tables that only a PostgreSQL journal has: who has it open, and who holds its run locks.

`writers` has one row for each open journal, with the number of its last committed write: after a COMMIT whose
answer was lost, that number says whether it took effect. `run_locks` names the holder of each advisory lock,
and the token of its latest holder, by which an earlier one notices that it was overtaken.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

METADATA: Final = MetaData()

WRITERS: Final = Table(
    "writers",
    METADATA,
    Column("writer_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("last_write", Integer, nullable=False),
)

RUN_LOCKS: Final = Table(
    "run_locks",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("lock_key", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("backend", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Text, nullable=False),
    Column("started_at", Text, nullable=False),
)
