"""Which plans a journal takes and keeps: each begins one run, and those of runs long past are dropped."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, delete, func, select

from sfsync.core.ports import RunRecord
from sfsync.errors import GuardError
from sfsync.journal.rows import in_pieces
from sfsync.journal.schema import CHANGES, IS_OPEN, PAGES, PLANS, RUNS

_PLANS_KEPT: Final = 50
"""The plans of so many runs (a book is one) are kept, whatever became of them: `retry` and `undo` need them on any
host."""


def refuse_consumed(connection: Connection, run: RunRecord) -> None:
    """Refuses a run whose plan was begun before.

    Raises:
        GuardError: it was (`PLAN_CONSUMED`).
    """
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


def drop_plans_of(connection: Connection, run_ids: Collection[str]) -> int:
    """Drops the plans of those runs, of a book all its pages; returns of how many. What is open keeps its own."""
    name = func.coalesce(func.nullif(RUNS.c.whole, ""), RUNS.c.run_id)
    still_open = select(CHANGES.c.run_id).where(IS_OPEN)
    dropped = 0
    for some in in_pieces(run_ids):
        ended = select(RUNS.c.run_id).where(RUNS.c.exit_code.is_not(None), name.in_(some))
        for table in (PLANS, PAGES):
            spent = delete(table).where(table.c.run_id.in_(ended), table.c.run_id.not_in(still_open))
            dropped += connection.execute(spent).rowcount
    return dropped


def drop_spent_plans(connection: Connection) -> None:
    """Drops the plans of runs that have ended, have nothing open and are long past; run folders keep theirs."""
    name = func.coalesce(func.nullif(RUNS.c.whole, ""), RUNS.c.run_id)
    newest = func.max(RUNS.c.number)
    old = connection.scalar(
        select(newest).group_by(name).order_by(newest.desc()).offset(_PLANS_KEPT).limit(1)
    )
    if old is None:
        return
    ended = select(RUNS.c.run_id).where(RUNS.c.exit_code.is_not(None), RUNS.c.number <= old)
    still_open = select(CHANGES.c.run_id).where(IS_OPEN)
    for table in (PLANS, PAGES):
        spent = delete(table).where(table.c.run_id.in_(ended), table.c.run_id.not_in(still_open))
        connection.execute(spent)
