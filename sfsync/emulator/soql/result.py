"""Holds a query's answer: rows as SQLite gave them, turned into JSON-ready records only when they are read.

A caller that pages pays for the page it sends, not for the whole result; the rows themselves are a
snapshot taken when the query ran, so later writes do not move pages.
Invariant: `total_size` is the platform's totalSize; `records` is empty exactly when the query was COUNT().
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

Record = dict[str, Any]


class RecordList(Sequence[Record]):
    """Records in result order; indexing, slicing and iterating build them afresh each time."""

    __slots__ = ("_rows", "_shape")

    def __init__(self, rows: Sequence[tuple[Any, ...]], shape: Callable[[tuple[Any, ...]], Record]) -> None:
        self._rows = rows
        self._shape = shape

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self._shape(row) for row in self._rows[index]]
        return self._shape(self._rows[index])

    def __iter__(self) -> Iterator[Record]:
        return map(self._shape, self._rows)


Nest = Callable[[RecordList], Record]


def nested_whole(children: RecordList) -> Record:
    """Return the result of a child subquery with all its records in it."""
    return {"totalSize": len(children), "done": True, "records": list(children)}


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to one query; the caller pages `records` by slicing."""

    sobject: str
    records: Sequence[Record]
    total_size: int
    is_count: bool
    columns: tuple[Record, ...] = ()
    is_grouped: bool = False

    def column_metadata(self) -> list[Record]:
        """Return the list that `?columns=true` answers under `columnMetadata`."""
        return [dict(column) for column in self.columns]
