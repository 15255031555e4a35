"""Rows of a large job on disk, so that portions of whole groups can be taken out of it one after the other.

Every section is read once. A job of at most one portion stays in memory and is planned from there; a larger one
goes to a private file without a name: for each bucket of groups (`core.plans.portions`) pages of compressed rows. A
portion gives its rows in the order of their source, numbered as they were there.
"""

from __future__ import annotations

import io
import marshal
import pickle
import tempfile
import weakref
import zlib
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from sfsync.core.job import Job, Section
from sfsync.core.plans.portions import BUCKETS, RANKS, bucket_of, cut, names_deal_otherwise
from sfsync.core.reading.row_groups import Row, group_of
from sfsync.core.reading.rows import PassedLine, RowSource, SourceForm, SourceRow, notes_of
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reading.source_marks import MarkedSource
from sfsync.core.reports.results import Problem, RowRef
from sfsync.sources.packed_cells import packed, unpacked

T = TypeVar("T", bound=Hashable)

PAGE_BYTES: Final = 8_192
"""A bucket's rows go to disk when they are so many bytes, before they are compressed."""

_SAME: Final = 0
_TEXTS: Final = 1
_PACKED: Final = 2
_PICKLED: Final = 3

Numbered = tuple[int, Row]
"""A row and its number in its section, 0 for a line that is no row."""


class HeldSource:
    """A source whose rows were read already and are given once from memory; then it is what it was."""

    def __init__(self, source: RowSource, rows: list[Row]) -> None:
        self._source = source
        self._rows: list[Row] | None = rows

    @property
    def form(self) -> SourceForm:
        """The source's own form."""
        return self._source.form

    @property
    def mark(self) -> SourceMark | None:
        """How far the reading came, of a source that is read on from a watermark."""
        return self._source.mark if isinstance(self._source, MarkedSource) else None

    def notes(self) -> tuple[Problem, ...]:
        """What the source tells of its reading."""
        return notes_of(self._source)

    def rows(self) -> Iterator[Row]:
        """Every row in order."""
        rows, self._rows = self._rows, None
        if rows is None:
            yield from self._source.rows()
            return
        rows.reverse()
        while rows:
            yield rows.pop()


@dataclass(frozen=True, slots=True)
class PortionSource:
    """The rows of one section that are in one portion; `columns` are those that any row of the section has.

    `given` are the rows in reverse; they are given once, and each is let go of when it was.
    """

    form: SourceForm
    columns: frozenset[str]
    given: list[Numbered]
    told: tuple[Problem, ...] = ()

    def rows(self) -> Iterator[Row]:
        """The rows in order."""
        return (row for _, row in self.numbered())

    def numbered(self) -> Iterator[Numbered]:
        """The rows in order, with their numbers in the whole source."""
        while self.given:
            yield self.given.pop()

    def notes(self) -> tuple[Problem, ...]:
        """What the source told of its reading, in the first portion alone."""
        return self.told


@dataclass(slots=True)
class _Spooled:
    """One section on its way through the spool."""

    section: Section
    source: RowSource
    count: int = 0
    columns: set[str] = field(default_factory=set)
    passed: list[PassedLine] = field(default_factory=list)


@dataclass(slots=True)
class _Names(Generic[T]):
    """What many rows have in common, by a number."""

    names: list[T] = field(default_factory=list)
    _numbers: dict[T, int] = field(default_factory=dict)

    def number(self, name: T) -> int:
        """The number of what may be new."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number


class RowSpool:
    """The rows of a job on disk; gone with the object."""

    def __init__(self, sections: Iterable[tuple[Section, RowSource]]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the spool
        weakref.finalize(self, self._file.close)
        self._sections = [_Spooled(section, source) for section, source in sections]
        self._waiting: dict[tuple[int, int], bytearray] = {}
        self._pages: dict[tuple[int, int], array[int]] = {}
        self._sizes = {rank: [0] * BUCKETS for rank in RANKS.values()}
        self._shapes: _Names[tuple[str, ...]] = _Names()
        self._places: _Names[tuple[str, str]] = _Names()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(each.count for each in self._sections)

    def put(self, place: int, row: Row) -> None:
        """Takes the next row of the section at that place."""
        into = self._sections[place]
        if isinstance(row, PassedLine):
            into.passed.append(row)
            return
        into.count += 1
        if isinstance(row, SourceRow) and not into.columns.issuperset(row.cells):
            into.columns.update(row.cells)
        rank = RANKS[into.section.sobject]
        bucket = bucket_of(group_of(into.section, row, into.count))
        self._sizes[rank][bucket] += 1
        waiting = self._waiting.setdefault((rank, bucket), bytearray())
        waiting += marshal.dumps((place, into.count, *self._flat(row)))
        if len(waiting) > PAGE_BYTES:
            self._write((rank, bucket))

    def portions(self, *, most: int) -> Iterator[dict[str, RowSource]]:
        """The sources of each portion by section name, one portion in memory at a time."""
        for place in list(self._waiting):
            self._write(place)
        told: set[str] = set()
        for rank in sorted(self._sizes):
            of_rank = [place for place, each in enumerate(self._sections) if self._rank(each) == rank]
            for buckets in cut(self._sizes[rank], most=most):
                yield self._portion(rank, buckets, of_rank, told)

    def _portion(self, rank: int, buckets: range, places: list[int], told: set[str]) -> dict[str, RowSource]:
        rows: dict[int, list[Numbered]] = {place: [] for place in places}
        for place, number, *flat in chain.from_iterable(self._read((rank, each)) for each in buckets):
            rows[place].append((number, self._row(flat)))
        found: dict[str, RowSource] = {}
        for place, given in rows.items():
            each = self._sections[place]
            given.sort(key=itemgetter(0), reverse=True)
            is_first = each.section.name not in told
            told.add(each.section.name)
            passed: list[Numbered] = [(0, line) for line in reversed(each.passed)] if is_first else []
            notes = notes_of(each.source) if is_first else ()
            columns = frozenset(each.columns)
            found[each.section.name] = PortionSource(each.source.form, columns, passed + given, notes)
        return found

    @staticmethod
    def _rank(spooled: _Spooled) -> int:
        return RANKS[spooled.section.sobject]

    def _write(self, place: tuple[int, int]) -> None:
        page = zlib.compress(self._waiting.pop(place), 1)
        self._pages.setdefault(place, array("Q")).extend((self._file.seek(0, 2), len(page)))
        self._file.write(page)

    def _read(self, place: tuple[int, int]) -> Iterator[Any]:
        pages = self._pages.get(place, array("Q"))
        for start, length in zip(pages[::2], pages[1::2], strict=True):
            self._file.seek(start)
            page = zlib.decompress(self._file.read(length))
            stream = io.BytesIO(page)
            while stream.tell() < len(page):
                yield marshal.load(stream)  # noqa: S302 - a file of this process alone

    def _flat(self, row: Row) -> tuple[Any, ...]:
        """A row as plain values: of a file's row the raw cells alone, where the cells are these."""
        if not isinstance(row, SourceRow):
            return (_PICKLED, pickle.dumps(row))
        ref, cells = row.ref, row.cells
        place = self._places.number((ref.source, ref.file))
        rest = (place, ref.line, ref.ordinal, row.raw, row.quotes, row.types)
        values = tuple(cells.values())
        if all(type(each) is str for each in values):
            shape = self._shapes.number(tuple(cells))
            return (_SAME, shape, None, *rest) if values == row.raw else (_TEXTS, shape, values, *rest)
        return (_PACKED, 0, packed(cells), *rest)

    def _row(self, flat: list[Any]) -> Row:
        if flat[0] == _PICKLED:
            row: Row = pickle.loads(flat[1])  # noqa: S301 - a file of this process alone
            return row
        kind, shape, values, place, line, ordinal, raw, quotes, types = flat
        if kind == _PACKED:
            cells: Mapping[str, Any] = unpacked(*values)
        else:
            cells = dict(zip(self._shapes.names[shape], raw if kind == _SAME else values, strict=True))
        source, file = self._places.names[place]
        return SourceRow(RowRef(source, file, line, ordinal), cells, raw, quotes, types)


def spooled(
    job: Job, sources: Mapping[str, RowSource], *, most: int
) -> RowSpool | dict[str, RowSource] | str:
    """The rows of a job: on disk where they are more than `most`, else as sources; or why they cannot be parted.

    Raises:
        SourceError: a source cannot be read.
    """
    sections = [(job.sections[name], source) for name, source in sources.items()]
    held: list[list[Row]] = []
    spool: RowSpool | None = None
    count = 0
    for place, (section, source) in enumerate(sections):
        held.append([])
        for row in source.rows():
            count += 1
            if names_deal_otherwise(section, row):
                return "a contact role names its deal by a record id"
            if spool is None and count <= most:
                held[-1].append(row)
                continue
            if spool is None:
                spool = _begun(sections, held)
            spool.put(place, row)
    if spool is None:
        return {
            section.name: HeldSource(source, rows)
            for (section, source), rows in zip(sections, held, strict=True)
        }
    return spool


def _begun(sections: list[tuple[Section, RowSource]], held: list[list[Row]]) -> RowSpool:
    """A spool with the rows that were held until now."""
    spool = RowSpool(sections)
    for place, rows in enumerate(held):
        for row in rows:
            spool.put(place, row)
        rows.clear()
    return spool
