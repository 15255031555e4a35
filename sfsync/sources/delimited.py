"""CSV and TSV files, read strictly: every row is accounted for, and nothing is guessed but the delimiter.

Text is UTF-8 unless the job declares an encoding. The delimiter is the one that the header line shows, and
a header that shows two is refused. A row with too few or too many cells is an `UnreadableRow`; an open
quote, a byte that is no text, a repeated or missing header stop the source by name and line. A row's line
is the line that it starts in. Source: RFC 4180, and the files that people really have.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sfsync.core.results import Problem, RowRef, Stage
from sfsync.core.rows import SourceForm, SourceRow, UnreadableRow
from sfsync.errors import SourceError
from sfsync.sources.cells import MAX_CELL_CHARS, OWN_PREFIX
from sfsync.sources.csv_header import HeaderText, column_names, header_text
from sfsync.sources.quotes import line_of_open_quote
from sfsync.sources.text_file import TextFile

_FIRST_CHARACTERS: Final = 1_000_000
_HINT: Final = "Rows after it cannot be told apart; correct the file, nothing was sent."
_LIMIT_LOCK: Final = threading.Lock()
"""The csv module has one cell limit for the whole process; it is ours for one row at a time."""


class DelimitedSource:
    """One delimited file; its header is read when it is opened."""

    def __init__(self, name: str, file: TextFile, *, delimiter: str | None) -> None:
        self._file = file
        if delimiter is None and file.path.suffix.lower() == ".tsv":
            delimiter = "\t"
        with file.opened() as text:
            self._header: HeaderText = header_text(file.path, text.read(_FIRST_CHARACTERS), delimiter)
        self._form = self._read_form(name)

    @property
    def form(self) -> SourceForm:
        """The file's own form."""
        return self._form

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every row after the header.

        Raises:
            SourceError: the file cannot be read on, has no rows, or changed meanwhile.
        """
        count = 0
        records = self._records()
        next(records, None)
        for line, cells in records:
            count += 1
            yield self._row(line, cells)
        self._file.require_unchanged()
        if count == 0:
            raise self._empty("the file has a header and no rows")

    def _row(self, line: int, cells: Sequence[str]) -> SourceRow | UnreadableRow:
        ref = RowRef(self._form.name, self._form.file, line)
        problem = _cell_problem(ref, cells, len(self._form.columns))
        if problem is not None:
            return UnreadableRow(ref, tuple(cells), problem)
        named = zip(self._form.columns, cells, strict=True)
        return SourceRow(
            ref, {name: cell for name, cell in named if not name.startswith(OWN_PREFIX)}, tuple(cells)
        )

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """The header and every row, each with the line that it starts in; blank lines are left out."""
        with self._file.opened() as text:
            for _ in range(self._header.skipped):
                text.readline()
            reader = csv.reader(text, delimiter=self._header.delimiter, strict=True)
            line = 1 + self._header.skipped
            while True:
                try:
                    record = _next(reader)
                except csv.Error as error:
                    last = reader.line_num + self._header.skipped
                    raise self._broken(line, str(error), last=last) from None
                if record is None:
                    return
                if record:
                    yield line, record
                line = reader.line_num + self._header.skipped + 1

    def _read_form(self, name: str) -> SourceForm:
        path = self._file.path
        records = self._records()
        line, cells = next(records, (0, None))
        records.close()  # type: ignore[attr-defined] # a generator: the file is closed now, not some day
        if cells is None:
            raise self._empty("the file is empty")
        columns = column_names(path, line, cells)
        return SourceForm(
            name,
            self._file.shown,
            "csv",
            columns,
            self._header.delimiter,
            self._file.encoding,
            self._header.line_end,
        )

    def _empty(self, what: str) -> SourceError:
        return self._file.error("SOURCE_EMPTY", what, hint="Was the export empty?")

    def _broken(self, line: int, why: str, *, last: int) -> SourceError:
        code = "BROKEN_ROW"
        if "end of data" in why:
            line = line_of_open_quote(self._file.lines(), line, self._header.delimiter)
            why = "a quote that is opened here is never closed"
        elif "field larger" in why:
            code = "CELL_TOO_LARGE"
            why = f"a cell is larger than {MAX_CELL_CHARS:,} characters; is a quote opened here and never closed?"
        elif "expected after" in why:
            why = (
                f"a cell in quotes goes on behind its closing quote in line {last}; "
                "is a quote missing, or not written twice?"
            )
        return self._file.error(code, why, line, hint=_HINT)


def _next(reader: Any) -> list[str] | None:
    """The next record, with our cell limit in force and the process's own put back."""
    with _LIMIT_LOCK:
        others = csv.field_size_limit(MAX_CELL_CHARS)
        try:
            return next(reader, None)
        finally:
            csv.field_size_limit(others)


def _cell_problem(ref: RowRef, cells: Sequence[str], width: int) -> Problem | None:
    if len(cells) != width:
        return Problem(
            code="RAGGED_ROW",
            stage=Stage.PARSE,
            message=f"the row has {len(cells)} cells, the header has {width}",
            hint="Is a quote or a delimiter missing? Correct the row.",
            row=ref,
        )
    if any("\0" in cell for cell in cells):
        message = "the row holds a NUL character, which is no text"
        return Problem("BAD_CHARACTER", Stage.PARSE, message, "Export the file again.", row=ref)
    return None
