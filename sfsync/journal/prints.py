"""The prints of settled rows in a journal, with their sums, and the stamps of records that are known.

Implements `core.resync.memory.PrintMemory` for the journal, which lends its transactions: each call is one, and
where it says so one for some thousands of rows. Invariant: the sum of a section is that of its prints, because both
are written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Table, delete, func, insert, select

from sfsync.core.resync.memory import KnownPrint, KnownStamp, PrintMemory, Whose
from sfsync.core.resync.prints import NOTHING, PrintSum
from sfsync.journal.rows import in_pieces
from sfsync.journal.schema import JOB_ROWS, KNOWN_STAMPS, PRINT_SCOPES, PRINT_SUMS, ROW_PRINTS

T = TypeVar("T")

BATCH: Final = 10_000
"""So many rows are written in one commit, and read at a time."""

_NUMBERS: Final = {"accounts": 1, "contacts": 2, "opportunities": 3, "contact_roles": 4}
"""What stands for a section in the tables, for ever."""

_NAMES: Final = {number: name for name, number in _NUMBERS.items()}
_VALUES: Final = 400
"""So many values stand in one statement: below the 999 that older builds of SQLite allow."""


class Transactions(Protocol):
    """How the journal lends its transactions."""

    def __call__(self, work: Callable[[Connection], T]) -> T:
        """Does the work in one transaction."""
        ...


class SqlPrints:
    """The prints of a journal's jobs."""

    def __init__(self, read: Transactions, write: Transactions) -> None:
        self._read, self._write = read, write

    def sums(self, org_id: str, job: str) -> dict[str, PrintSum]:
        """The sum of the settled rows of each section that has some."""
        return self._read(lambda connection: _sums(connection, _scope(connection, org_id, job)))

    def each(self, org_id: str, job: str, take: Callable[[Sequence[KnownPrint]], None]) -> None:
        """Hands all prints to `take`, some thousands at a time."""

        def work(connection: Connection) -> None:
            for rows in _pages(connection, _scope(connection, org_id, job)):
                take([KnownPrint(_NAMES[each[1]], each[0], each[2], each[3]) for each in rows])

        self._read(work)

    def drop(self, org_id: str, job: str, groups: Collection[bytes] | None = None) -> None:
        """Forgets the prints of the groups, or all; in one commit."""
        if groups is not None and not groups:
            return
        wanted = None if groups is None else frozenset(groups)

        def work(connection: Connection) -> None:
            scope = _scope(connection, org_id, job)
            if scope is None:
                return
            if wanted is None:
                for table in (ROW_PRINTS, PRINT_SUMS):
                    connection.execute(delete(table).where(table.c.scope == scope))
                return
            found = [row for rows in _pages(connection, scope) for row in rows if row[2] in wanted]
            _remove(connection, scope, found)

        self._write(work)

    def keep(self, org_id: str, job: str, prints: Iterable[KnownPrint]) -> None:
        """Keeps prints, in commits of bounded size; one that is there already is taken anew."""
        for some in _batches(prints):
            self._write(partial(_keep, org_id=org_id, job=job, prints=some))

    def stamps(self, org_id: str, job: str, record_ids: Iterable[str]) -> dict[str, KnownStamp]:
        """The stamps of those records that are known, by id."""
        pieces = list(in_pieces(record_ids))
        table = KNOWN_STAMPS.c

        def work(connection: Connection) -> dict[str, KnownStamp]:
            scope = _scope(connection, org_id, job)
            query = select(table.record_id, table.stamp, table.whose).where(table.scope == scope)
            return {
                row[0]: KnownStamp(row[0], row[1], Whose(row[2]))
                for some in (pieces if scope is not None else ())
                for row in connection.execute(query.where(table.record_id.in_(some)))
            }

        return self._read(work) if pieces else {}

    def count_stamps(
        self, org_id: str, job: str, prefix: str, *, since: int, until: int, whose: Collection[Whose]
    ) -> int:
        """How many records, whose ids begin so, have a known stamp of that kind in that span."""
        table = KNOWN_STAMPS.c

        def work(connection: Connection) -> int:
            query = select(func.count()).where(
                table.scope == _scope(connection, org_id, job),
                func.substr(table.record_id, 1, len(prefix)) == prefix,
                table.stamp >= since,
                table.stamp < until,
                table.whose.in_([each.value for each in whose]),
            )
            return connection.scalar(query) or 0

        return self._read(work)

    def keep_stamps(self, org_id: str, job: str, stamps: Iterable[KnownStamp], *, since: int) -> None:
        """Keeps stamps, in commits of bounded size, and forgets those of before `since`."""
        table = KNOWN_STAMPS

        def forget(connection: Connection) -> None:
            scope = _scope(connection, org_id, job)
            connection.execute(delete(table).where(table.c.scope == scope, table.c.stamp < since))

        def keep(connection: Connection, some: Sequence[KnownStamp]) -> None:
            scope = _made_scope(connection, org_id, job)
            for ids in in_pieces(each.record_id for each in some):
                connection.execute(delete(table).where(table.c.scope == scope, table.c.record_id.in_(ids)))
            last = {each.record_id: each for each in some}
            connection.execute(
                insert(table),
                [
                    {"scope": scope, "record_id": name, "stamp": each.at, "whose": each.whose.value}
                    for name, each in sorted(last.items())
                ],
            )

        self._write(forget)
        for some in _batches(each for each in stamps if each.at >= since):
            self._write(partial(keep, some=some))

    def keys(self, org_id: str, job: str, record_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """The sObject and key of the job's rows that are those records, by record id."""
        pieces = list(in_pieces(record_ids))
        table = JOB_ROWS.c
        query = select(table.record_id, table.sobject, table.key).where(
            table.org_id == org_id, table.job == job
        )

        def work(connection: Connection) -> dict[str, tuple[str, str]]:
            return {
                row[0]: (row[1], row[2])
                for some in pieces
                for row in connection.execute(query.where(table.record_id.in_(some)))
            }

        return self._read(work) if pieces else {}


def _batches(entries: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(entries)
    while some := list(islice(rest, BATCH)):
        yield some


def _scope(connection: Connection, org_id: str, job: str) -> int | None:
    """The number of the job in the org; None where nothing of it is known."""
    table = PRINT_SCOPES.c
    return connection.scalar(select(table.scope).where(table.org_id == org_id, table.job == job))


def _made_scope(connection: Connection, org_id: str, job: str) -> int:
    found = _scope(connection, org_id, job)
    if found is None:
        found = (connection.scalar(select(func.coalesce(func.max(PRINT_SCOPES.c.scope), 0))) or 0) + 1
        connection.execute(insert(PRINT_SCOPES), {"org_id": org_id, "job": job, "scope": found})
    return found


def _pages(connection: Connection, scope: int | None) -> Iterator[Sequence[Any]]:
    """The prints of a scope as rows of print, section, group and copies, in the order of the prints."""
    table = ROW_PRINTS.c
    query = select(table.print, table.section, table.row_group, table.copies).where(table.scope == scope)
    last = b""
    while scope is not None:
        page = query.where(table.print > last) if last else query
        rows = connection.execute(page.order_by(table.print).limit(BATCH)).all()
        if rows:
            yield rows
            last = rows[-1][0]
        if len(rows) < BATCH:
            return


def _sums(connection: Connection, scope: int | None) -> dict[str, PrintSum]:
    table = PRINT_SUMS.c
    query = select(table.section, table.total, table.rows).where(table.scope == scope)
    found = connection.execute(query).all() if scope is not None else ()
    return {_NAMES[row[0]]: PrintSum(int(row[1], 16), row[2]) for row in found if row[2]}


def _put_sums(connection: Connection, scope: int, sums: Mapping[str, PrintSum]) -> None:
    connection.execute(delete(PRINT_SUMS).where(PRINT_SUMS.c.scope == scope))
    rows = [
        {"scope": scope, "section": _NUMBERS[name], "total": f"{each.total:x}", "rows": each.rows}
        for name, each in sums.items()
        if each.rows
    ]
    if rows:
        connection.execute(insert(PRINT_SUMS), rows)


def _keep(connection: Connection, org_id: str, job: str, prints: Sequence[KnownPrint]) -> None:
    scope = _made_scope(connection, org_id, job)
    _remove(connection, scope, _there(connection, scope, [each.print for each in prints]))
    last = {each.print: each for each in prints}
    sums = _sums(connection, scope)
    for each in last.values():
        sums[each.section] = sums.get(each.section, NOTHING).with_print(each.print, each.copies)
    connection.execute(
        insert(ROW_PRINTS),
        [
            {
                "scope": scope,
                "print": each.print,
                "section": _NUMBERS[each.section],
                "row_group": each.group,
                "copies": each.copies,
            }
            for each in sorted(last.values(), key=_by_print)
        ],
    )
    _put_sums(connection, scope, sums)


def _by_print(each: KnownPrint) -> bytes:
    return each.print


def _there(connection: Connection, scope: int, prints: Sequence[bytes]) -> list[Any]:
    """Those of the prints that are kept already."""
    table = ROW_PRINTS.c
    query = select(table.print, table.section, table.row_group, table.copies).where(table.scope == scope)
    return [
        row
        for start in range(0, len(prints), _VALUES)
        for row in connection.execute(query.where(table.print.in_(prints[start : start + _VALUES])))
    ]


def _remove(connection: Connection, scope: int, rows: Sequence[Any]) -> None:
    if not rows:
        return
    sums = _sums(connection, scope)
    for print_, section, _, copies in rows:
        name = _NAMES[section]
        sums[name] = sums.get(name, NOTHING).with_print(print_, -copies)
    table: Table = ROW_PRINTS
    for start in range(0, len(rows), _VALUES):
        prints = [each[0] for each in rows[start : start + _VALUES]]
        connection.execute(delete(table).where(table.c.scope == scope, table.c.print.in_(prints)))
    _put_sums(connection, scope, sums)


if TYPE_CHECKING:
    _contract: type[PrintMemory] = SqlPrints
