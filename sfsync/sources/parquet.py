"""A Parquet file as a source, read batch by batch: its columns are the header, a row's number in the file is
its line.

Structs become columns with dots; decimals stay exact, moments become ISO text (with their offset where they
have a zone), single-precision numbers are the shortest text that says the same. Truth values are text, so that
a reject that is saved as CSV says the same. What is no value (a list, a map, bytes, NaN) is a problem of its
row where a rule reads it.
Invariants: memory grows with the largest row group's columns at most, never with the rows; pyarrow is imported
here and only when such a file is opened. Source: Apache Parquet format, logical types;
pyarrow.parquet.ParquetFile.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import Cell, SourceForm, SourceRow, UnreadableRow
from sfsync.core.reading.typed_cells import letters
from sfsync.core.reports.results import RowRef
from sfsync.errors import ConfigError, SourceError
from sfsync.sources.cells import MAX_DEPTH, OWN_PREFIX, BadRow, as_cell
from sfsync.sources.file_watch import FileWatch, require_regular, shown_path
from sfsync.sources.text.csv_header import column_names

BATCH: Final = 1_000
"""How many rows are in memory as Python values at a time."""

MAX_COLUMNS: Final = 16_384
MAX_GROUP: Final = 2_000_000_000
"""The largest column of a row group, in bytes unpacked; writers make row groups of 1 to 512 MB."""

_BUFFER: Final = 1 << 20
_THRIFT: Final = 100_000_000
_HINT: Final = "Write the file again, or export it as CSV."


class ParquetSource:
    """One Parquet file; see `core.reading.rows.RowSource`. Its rejects are CSV as spreadsheets read it."""

    def __init__(self, name: str, path: Path, *, wanted: Collection[str]) -> None:
        self._path = path
        self._wanted = frozenset(wanted)
        self._watch = FileWatch(path)
        with self._opened() as file:
            self._count = file.metadata.num_rows
            self._leaves = self._leaves_of(file.schema_arrow)
            self._judge(file.metadata)
        if not self._leaves:
            message = f"{path}: there are no columns in the file"
            raise SourceError(message, code="SOURCE_EMPTY", hint="Was the export empty?")
        columns = column_names(str(path), 1, [".".join(each) for each in self._leaves])
        self._form = SourceForm(name, shown_path(path), "parquet", columns, ",", "utf-8-sig", "\r\n")

    @property
    def form(self) -> SourceForm:
        """The columns of the file, and how its rejects are written: CSV in UTF-8 with a byte order mark."""
        return self._form

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every row of the file.

        Raises:
            SourceError: the file cannot be read on, has no rows, or changed meanwhile.
        """
        line = 0
        with self._opened() as file:
            for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
                columns = [(name, self._values(batch, path)) for name, path in self._named()]
                for place in range(batch.num_rows):
                    line += 1
                    yield self._row(line, [(name, values[place]) for name, values in columns])
        if line == 0:
            message = f"{self._path}: there are no rows in the file"
            raise SourceError(message, code="SOURCE_EMPTY", hint="Was the export empty?")
        self._watch.require_unchanged()

    def _named(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        return zip(self._form.columns, self._leaves, strict=True)

    def _row(self, line: int, values: list[tuple[str, Any]]) -> SourceRow | UnreadableRow:
        ref = RowRef(self._form.name, self._form.file, line)
        cells: dict[str, Cell] = {}
        raw: list[str] = []
        all_cells: list[Cell] = []
        bad: BadRow | None = None
        for name, value in values:
            try:
                cell = _cell(value, name)
            except BadRow as error:
                cell = _shown_value(value)
                if name in self._wanted:
                    bad = bad or error
            raw.append(as_text(cell))
            all_cells.append(cell)
            if not name.startswith(OWN_PREFIX):
                cells[name] = cell
        types = letters(all_cells)
        if bad is not None:
            return bad.row(ref, tuple(raw), types)
        return SourceRow(ref, cells, tuple(raw), types=types)

    def _values(self, batch: Any, path: tuple[str, ...]) -> list[Any]:
        """The values of one column of a batch; below a struct that is null, null."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = batch.column(path[0])
        for name in path[1:]:
            column = pc.struct_field(column, name)
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.dictionary_decode(), kind.value_type
        if pa.types.is_float32(kind) or pa.types.is_float16(kind):
            return [_single(each) for each in column.cast(pa.float32()).cast(pa.string()).to_pylist()]
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        if pa.types.is_time64(kind) and kind.unit == "ns":
            column = column.cast(pa.time64("us"), safe=False)
        values: list[Any] = column.to_pylist()
        return values

    def _leaves_of(self, schema: Any) -> list[tuple[str, ...]]:
        found = [leaf for field in schema for leaf in _leaves(field, (), self._path)]
        if len(found) > MAX_COLUMNS:
            raise self._broken(f"it has more than {MAX_COLUMNS:,} columns")
        return found

    def _judge(self, metadata: Any) -> None:
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                size = metadata.row_group(group).column(number).total_uncompressed_size
                if size > MAX_GROUP:
                    raise self._broken(f"a column of row group {group + 1} unpacks to {size:,} bytes")

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(
                self._path,
                buffer_size=_BUFFER,
                pre_buffer=False,
                page_checksum_verification=True,
                thrift_string_size_limit=_THRIFT,
                thrift_container_size_limit=_THRIFT // 100,
            )
            with file:
                yield file
        except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
            first = str(error).strip().partition("\n")[0]
            raise self._broken(first[:300]) from None

    def _broken(self, why: str) -> SourceError:
        message = f"{self._path}: the Parquet file cannot be read: {why}"
        return SourceError(message, code="BROKEN_PARQUET", hint=_HINT)


def open_parquet(path: Path, *, section: str, wanted: Collection[str]) -> ParquetSource:
    """The file of a section.

    Raises:
        ConfigError: the extra that reads Parquet is not installed.
        SourceError: the file is missing, no regular file, or no Parquet file that is read.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ConfigError(
            f"{section}: {path.name} is a Parquet file, and what reads it is not installed",
            code="EXTRA_MISSING",
            hint="pip install 'sfsync[parquet]'",
        ) from None
    require_regular(path, section=section)
    return ParquetSource(section, path, wanted=wanted)


def _leaves(field: Any, above: tuple[str, ...], path: Path) -> Iterator[tuple[str, ...]]:
    import pyarrow as pa

    place = (*above, field.name)
    if len(place) > MAX_DEPTH:
        message = f"{path}: the Parquet file cannot be read: structs are nested more than {MAX_DEPTH} deep"
        raise SourceError(message, code="BROKEN_PARQUET", hint=_HINT)
    if not pa.types.is_struct(field.type):
        yield place
        return
    for number in range(field.type.num_fields):
        yield from _leaves(field.type.field(number), place, path)


def _cell(value: Any, column: str) -> Cell:
    """A value as a cell.

    Raises:
        BadRow: it is no value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, list | tuple | Mapping | bytes) or hasattr(value, "total_seconds"):
        what = "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
        hint = "Make a column of text, numbers, dates or truth values of it."
        raise BadRow("NOT_A_VALUE", f'"{column}" is {what}, not a value', hint, column=column)
    return as_cell(value, column)


def _single(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _shown_value(value: Any) -> str:
    """What is no value, as text for the rejects."""
    return json.dumps(value, default=str) if isinstance(value, list | Mapping) else str(value)
