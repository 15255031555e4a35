"""The one place with SQL that is not the same in every database: insert a row, or replace the one there.

PostgreSQL spells it in the same words under its own dialect; a journal there changes only this file.
Source: SQLite, "UPSERT"; SQLAlchemy, "INSERT...ON CONFLICT (Upsert)".
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Insert, Table, func
from sqlalchemy.dialects.sqlite import insert

from sfsync.journal.schema import ADMITTED, CHANGES, LEDGER


def _replacing(table: Table, *, keep: tuple[str, ...] = (), unless: str | None = None) -> Insert:
    statement = insert(table)
    new: dict[str, ColumnElement[Any]] = {
        each.name: statement.excluded[each.name] for each in table.columns if not each.primary_key
    }
    new |= {name: func.coalesce(statement.excluded[name], table.c[name]) for name in keep}
    where = table.c.state != unless if unless is not None else None
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=new, where=where)


PUT_ADMITTED: Final = _replacing(ADMITTED)
"""Notes that a job may begin, or notes it again."""

PUT_LEDGER: Final = _replacing(LEDGER)
"""Writes an entry, or replaces the one with its key."""

PUT_CHANGE: Final = _replacing(CHANGES, keep=("attempt_id", "token"))
"""Writes the last word on a change; one that names no attempt or token keeps the one known."""

PUT_INTENT: Final = _replacing(CHANGES, unless="done")
"""Marks a change as about to be sent; one that is done is left alone and not counted."""
