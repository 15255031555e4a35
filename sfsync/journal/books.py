"""Runs of books: pages of plans in several commits, then the runs of all portions in one.

Implements `core.plans.book_runs.BookRuns` for the journal, which lends its transactions. A page whose run is not
there belongs to a book that was cut off before it began; it has written nothing, and nobody sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from sfsync.core.plans.plan_codec import packed_digest
from sfsync.core.ports import ChangeRecord, RunRecord
from sfsync.errors import SUPERSEDED
from sfsync.journal.identity import next_sequence
from sfsync.journal.job_memory import Transactions
from sfsync.journal.plans_kept import drop_spent_plans, refuse_consumed
from sfsync.journal.rows import CHANGE, RUN, change_of, in_pieces, run_of, run_row
from sfsync.journal.schema import CHANGES, PAGES, RUNS
from sfsync.journal.store import Store

if TYPE_CHECKING:
    from sfsync.core.plans.book_runs import BookRuns

_PAGES_A_COMMIT: Final = 16
"""About 10 MB at a time: a commit of all pages of a large book would keep other runs waiting for minutes."""


class SqlBookRuns:
    """The runs of books in a journal."""

    def __init__(self, read: Transactions, write: Transactions, store: Store) -> None:
        self._read, self._write, self._store = read, write, store

    def begin(
        self,
        runs: Sequence[RunRecord],
        page: Callable[[int], bytes],
        totals: bytes,
        *,
        takes_over: Collection[str] = (),
    ) -> None:
        """Begins the runs of all portions at once when their pages are kept.

        Raises:
            GuardError: one of the plans was begun before (`PLAN_CONSUMED`).
        """
        digests: list[str] = []
        first = replace(runs[0], plan_digest=packed_digest(page(1)))
        self._write(lambda connection: _make_room(connection, first))
        for start in range(0, len(runs), _PAGES_A_COMMIT):
            numbers = range(start + 1, min(start + _PAGES_A_COMMIT, len(runs)) + 1)
            bodies = [page(number) for number in numbers]
            digests += [packed_digest(each) for each in bodies]
            named = [(runs[number - 1].run_id, body) for number, body in zip(numbers, bodies, strict=True)]
            rows = [_page_row(first, run_id, body) for run_id, body in named]
            self._write(lambda connection, rows=rows: connection.execute(insert(PAGES), rows))  # type: ignore[misc]
        begun = [replace(run, plan_digest=digest) for run, digest in zip(runs, digests, strict=True)]
        self._store.note_sequence(
            self._write(lambda connection: self._begin(connection, begun, totals, takes_over))
        )

    def _begin(
        self, connection: Connection, runs: Sequence[RunRecord], totals: bytes, takes_over: Collection[str]
    ) -> int:
        sequence = next_sequence(connection)  # first: it makes runs that begin at once wait for each other
        self._store.refuse_lost_locks(connection)
        for run in runs:
            refuse_consumed(connection, run)
        connection.execute(ending(takes_over, exit_code=SUPERSEDED, ended_at=runs[0].started_at))
        number = connection.scalar(select(func.coalesce(func.max(RUNS.c.number), 0))) or 0
        rows = [run_row(run, number=number + place) for place, run in enumerate(runs, start=1)]
        connection.execute(insert(RUNS), rows)
        with_totals = update(RUNS).where(RUNS.c.run_id == runs[0].run_id).values(totals=totals)
        connection.execute(with_totals)
        drop_spent_plans(connection)
        return sequence

    def portions(self, whole: str) -> list[RunRecord]:
        """The runs of a book's portions in their order."""
        query = select(*RUN).where(RUNS.c.whole == whole).order_by(RUNS.c.number)
        if not whole:
            return []
        return self._read(lambda connection: [run_of(row) for row in connection.execute(query).mappings()])

    def totals(self, whole: str) -> bytes | None:
        """What the portions come to together."""
        query = select(RUNS.c.totals).where(RUNS.c.whole == whole).order_by(RUNS.c.number).limit(1)
        return self._read(lambda connection: connection.scalar(query))

    def outcomes(self, whole: str, change_ids: Iterable[str]) -> dict[str, ChangeRecord]:
        """The last word on changes of other portions."""
        with_parents = select(RUNS.c.run_id).where(RUNS.c.whole == whole, RUNS.c.has_parents == 1)
        query = select(CHANGES.c.run_id, *CHANGE).where(CHANGES.c.run_id.in_(with_parents))
        chunks = list(in_pieces(change_ids))

        def work(connection: Connection) -> dict[str, ChangeRecord]:
            found: dict[str, ChangeRecord] = {}
            for some in chunks:
                rows = connection.execute(query.where(CHANGES.c.change_id.in_(some))).mappings()
                found.update((row["change_id"], change_of(row["run_id"], row)) for row in rows)
            return found

        return self._read(work) if chunks else {}

    def end(self, run_id: str, *, exit_code: int, ended_at: str, said: bytes, has_parents: bool) -> None:
        """Closes the run of one portion."""
        values = {
            "exit_code": exit_code,
            "ended_at": ended_at,
            "said": said,
            "has_parents": int(has_parents),
        }
        statement = update(RUNS).where(RUNS.c.run_id == run_id).values(values)
        self._write(lambda connection: connection.execute(statement))

    def note_parents(self, run_id: str) -> None:
        """Says of a portion that goes on that later portions may refer to records of it."""
        statement = update(RUNS).where(RUNS.c.run_id == run_id).values(has_parents=1)
        self._write(lambda connection: connection.execute(statement))

    def said(self, run_id: str) -> bytes | None:
        """What the report of a portion said beside the outcomes."""
        query = select(RUNS.c.said).where(RUNS.c.run_id == run_id)
        return self._read(lambda connection: connection.scalar(query))


def ending(run_ids: Collection[str], *, exit_code: int, ended_at: str) -> Any:
    """The statement that ends runs which have not ended; of books all portions that have not."""
    named = or_(RUNS.c.run_id.in_(run_ids), RUNS.c.whole.in_(run_ids))
    statement = update(RUNS).where(and_(named, RUNS.c.exit_code.is_(None)))
    return statement.values(exit_code=exit_code, ended_at=ended_at)


def as_wholes(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs, newest first, with the portions of a book as one run; they stand side by side."""
    wholes: list[RunRecord] = []
    for name, some in groupby(runs, key=lambda each: each.whole or each.run_id):
        together = list(some)
        wholes.append(_whole(name, together) if together[0].whole else together[0])
    return wholes


def _whole(name: str, newest_first: Sequence[RunRecord]) -> RunRecord:
    """The run of a book: it has ended when all portions have, as badly as the worst of them."""
    codes = [each.exit_code for each in newest_first if each.exit_code is not None]
    is_over = len(codes) == len(newest_first)
    return replace(
        newest_first[-1],
        run_id=name,
        exit_code=max(codes) if is_over else None,
        ended_at=max(each.ended_at or "" for each in newest_first) if is_over else None,
        rows=sum(each.rows for each in newest_first),
        whole="",
        portions=len(newest_first),
    )


def _make_room(connection: Connection, first: RunRecord) -> None:
    """Takes the pages away that a beginning of the job which was cut off has left; the job's lock is held."""
    refuse_consumed(connection, first)
    of_job = delete(PAGES).where(PAGES.c.job == first.job, PAGES.c.org_id == first.org_id)
    connection.execute(of_job.where(PAGES.c.run_id.not_in(select(RUNS.c.run_id))))


def _page_row(run: RunRecord, run_id: str, body: bytes) -> dict[str, Any]:
    return {"run_id": run_id, "job": run.job, "org_id": run.org_id, "body": body}


if TYPE_CHECKING:
    _contract: type[BookRuns] = SqlBookRuns
