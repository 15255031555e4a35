"""Rows as they come from a source: text cells with their line, or one problem for a row that cannot be read.

A cell of a delimited file is always text; a cell of a JSON document may already be a number, a truth value
or null, one of a program a date as well. Nothing here knows what a column means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Protocol, runtime_checkable

from sfsync.core.models import LocalRecord
from sfsync.core.reports.results import Problem, RowRef

Cell = str | Decimal | bool | date | None
"""A date or moment is one that the source itself has typed; text that spells one stays text."""


class Percentage(Decimal):
    """A fraction that its source shows as a percentage: 0.25 is shown as 25%."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: where it stands, its cells by column, and the raw text it came from (for the rejects).

    `quotes` says which of the raw cells stand in quotes (`core.reading.quoting`), `types` what each of them is
    besides text (`core.reading.typed_cells`; "" where all are text).
    """

    ref: RowRef
    cells: Mapping[str, Cell]
    raw: tuple[str, ...]
    quotes: str = ""
    types: str = ""


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that is there but cannot be read, such as one with too few cells; it still counts as a row."""

    ref: RowRef
    raw: tuple[str, ...]
    problem: Problem
    quotes: str = ""
    types: str = ""


@dataclass(frozen=True, slots=True)
class PassedLine:
    """A line that is no row, such as one of a report's footer; it is told and counts for nothing else."""

    ref: RowRef
    raw: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row given in Python as a local model: its values are typed already and named as in the org."""

    ref: RowRef
    record: LocalRecord
    raw: tuple[str, ...]
    types: str = ""


@dataclass(frozen=True, slots=True)
class SourceForm:
    """How a source is written, so that its rejects can be written the same way.

    `entry_columns` are columns that its rows have besides those of the file: of an entry of a list in a cell.
    Of a delimited file, `before` is the text in front of the header, `header` its cells where they are not just
    `columns`, and `header_quotes` says which of them stand in quotes.
    """

    name: str
    file: str
    kind: str
    columns: tuple[str, ...]
    delimiter: str = ","
    encoding: str = "utf-8"
    line_end: str = "\n"
    entry_columns: tuple[str, ...] = ()
    before: str = ""
    header: tuple[str, ...] = ()
    header_quotes: str = ""


REJECTS_SHEET: Final = "sfsync rejects"
"""The sheet of a workbook of rejects; it is read whatever sheet the job names of its own workbook."""

HEADED: Final = frozenset({"csv", "xlsx", "parquet"})
"""The kinds whose columns are known before the first row is read."""


class RowSource(Protocol):
    """One opened source. Iterating twice reads it twice."""

    @property
    def form(self) -> SourceForm:
        """The source's own form; known before the first row is read."""
        ...

    def rows(self) -> Iterator[SourceRow | UnreadableRow | ModelRow | PassedLine]:
        """Every row in order.

        Raises:
            SourceError: the source as a whole cannot be read on.
        """
        ...


@runtime_checkable
class NotedSource(Protocol):
    """A source that has something to tell of a reading besides its rows."""

    def notes(self) -> tuple[Problem, ...]:
        """Notes on the last full reading, such as blank lines that were left out."""
        ...


@runtime_checkable
class SharedSource(Protocol):
    """A source that yields a part of the rows that there are."""

    def has_lost(self, group: str) -> bool:
        """Whether a group (`core.reading.row_groups`) is in no row of the whole, and this part has to say so."""
        ...


@runtime_checkable
class PartialSource(Protocol):
    """A source of some of the rows of another one; `columns` are those that any row of the whole has."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns of all rows of the whole."""
        ...

    def numbered(self) -> Iterator[tuple[int, SourceRow | UnreadableRow | ModelRow | PassedLine]]:
        """Every row in order, with its number in the whole, from 1 on; 0 for a line that is no row."""
        ...


def numbered(
    source: RowSource,
) -> Iterator[tuple[int, SourceRow | UnreadableRow | ModelRow | PassedLine]]:
    """The rows of a source with their numbers in their whole source; 0 for a line that is no row."""
    if isinstance(source, PartialSource):
        yield from source.numbered()
        return
    number = 0
    for row in source.rows():
        number += not isinstance(row, PassedLine)
        yield (0 if isinstance(row, PassedLine) else number), row


@runtime_checkable
class SiftedRows(Protocol):
    """A source that yields some of its rows only, and knows of all of them what columns they have."""

    def seen_columns(self) -> frozenset[str]:
        """The columns that any row has, of sources without a header."""
        ...


def notes_of(source: RowSource) -> tuple[Problem, ...]:
    """What a source tells of its last full reading."""
    return source.notes() if isinstance(source, NotedSource) else ()


Document = Mapping[str, Any]
