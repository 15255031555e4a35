"""CSV and TSV files, read strictly: every row is accounted for, and nothing is guessed but the delimiter.

Text is UTF-8 unless the job declares an encoding. The delimiter is the one that the header line shows, and
a header that shows two, or one that the rows do not have, is refused. A row with too few or too many cells is
an `UnreadableRow`; an open quote, a byte that is no text, a repeated or missing header stop the source by name
and line. A row's line is the line that it starts in. Blank lines are no rows, and are told.
Source: RFC 4180, and the files that people really have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sfsync.core.reading.quoting import DELIMITERS, quotes_of
from sfsync.core.reading.rows import SourceForm, SourceRow, UnreadableRow
from sfsync.core.reports.results import Problem, RowRef
from sfsync.errors import SourceError
from sfsync.sources.cells import MAX_CELL_CHARS, OWN_PREFIX
from sfsync.sources.text.csv_header import HeaderText, column_names, header_text
from sfsync.sources.text.double_decoding import TwiceDecoded
from sfsync.sources.text.quotes import line_of_open_quote
from sfsync.sources.text.record_reading import BrokenRecord, Record, Records
from sfsync.sources.text.row_account import END_MARK, RowAccount
from sfsync.sources.text.row_problems import cell_problem
from sfsync.sources.text.text_file import TextFile

_FIRST_CHARACTERS: Final = 1_000_000
_OF_BLANKS: Final = frozenset({"", END_MARK})
_HINT: Final = "Rows after it cannot be told apart; correct the file, nothing was sent."


class DelimitedSource:
    """One delimited file; its header is read when it is opened."""

    def __init__(self, name: str, file: TextFile, *, delimiter: str | None) -> None:
        self._file = file
        if delimiter is None and file.path.suffix.lower() == ".tsv":
            delimiter = "\t"
        with file.opened() as text:
            first = text.read(_FIRST_CHARACTERS)
        is_whole = len(first) < _FIRST_CHARACTERS
        self._header: HeaderText = header_text(file.name, first, delimiter, is_whole=is_whole)
        self._form = self._read_form(name)
        self._reads_all = not any(each.startswith(OWN_PREFIX) for each in self._form.columns)
        self._notes: tuple[Problem, ...] = ()

    @property
    def form(self) -> SourceForm:
        """The file's own form."""
        return self._form

    def notes(self) -> tuple[Problem, ...]:
        """What is to be told of the last full reading: blank lines, text that was decoded twice."""
        return self._notes

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every row after the header.

        Raises:
            SourceError: the file cannot be read on, has no rows, or changed meanwhile.
        """
        account, twice, records = RowAccount(), TwiceDecoded(), self._records()
        for _, _, cells in records:
            if cells:
                break  # the header
        for line, text, cells in records:
            account.records += 1
            if self._is_blank(text, cells):
                account.leave_out(line, holds_delimiters=bool(cells) and cells != [END_MARK])
            else:
                quotes = quotes_of(text, cells, self._header.delimiter)
                yield self._row(line, cells, quotes, account, twice)
        self._file.require_unchanged()
        account.require_settled(self._form.file)
        if account.rows + account.unreadable == 0:
            raise self._empty("the file has a header and no rows")
        self._notes = (*account.notes(self._form.name, self._form.file), *twice.notes())

    def _is_blank(self, text: str, cells: list[str]) -> bool:
        """Whether a record is a line of nothing, of delimiters or of the end mark alone; quotes make cells."""
        if not cells:
            return True
        if cells[0] not in _OF_BLANKS or any(cells[1:]):
            return False
        return text.strip("\r\n").strip(self._header.delimiter) in _OF_BLANKS

    def _row(
        self, line: int, cells: list[str], quotes: str, account: RowAccount, twice: TwiceDecoded
    ) -> SourceRow | UnreadableRow:
        columns = self._form.columns
        ref = RowRef(self._form.name, self._form.file, line)
        raw, text = tuple(cells), "".join(cells)
        problem = cell_problem(ref, cells, text, columns)
        if problem is not None:
            account.unreadable += 1
            return UnreadableRow(ref, raw, problem, quotes)
        if not text.isascii():
            twice.look_at(ref, text, columns, cells)
        account.rows += 1
        if self._reads_all:
            return SourceRow(ref, dict(zip(columns, cells, strict=True)), raw, quotes)
        named = zip(columns, cells, strict=True)
        return SourceRow(
            ref, {column: cell for column, cell in named if not column.startswith(OWN_PREFIX)}, raw, quotes
        )

    def _records(self) -> Iterator[Record]:
        """The header and every row, each with the line of the file that it starts in; blank lines too."""
        skipped = self._header.skipped
        with self._file.opened() as text:
            for _ in range(skipped):
                text.readline()
            try:
                for line, record, cells in Records(text, self._header.delimiter):
                    yield line + skipped, record, cells
            except BrokenRecord as broken:
                raise self._broken(broken.first + skipped, str(broken), last=broken.last + skipped) from None

    def _read_form(self, name: str) -> SourceForm:
        line, text, cells = self._first_record()
        if not cells:
            raise self._empty("the file is empty")
        columns, delimiter = column_names(self._file.name, line, cells), self._header.delimiter
        return SourceForm(
            name,
            self._file.shown,
            "csv",
            columns,
            delimiter,
            self._file.written_encoding,
            self._header.line_end,
            before=self._file.written_mark + self._header.separator_line,
            header=() if columns == tuple(cells) else tuple(cells),
            header_quotes=quotes_of(text, cells, delimiter, special=delimiter + "".join(DELIMITERS)),
        )

    def _first_record(self) -> Record:
        """The line, the text and the cells of the header; no cells when there is none."""
        records = self._records()
        nothing: Record = (0, "", [])
        found = next((record for record in records if record[2]), nothing)
        records.close()  # type: ignore[attr-defined] # a generator: the file is closed now, not some day
        return found

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
