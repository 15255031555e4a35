"""An Excel workbook (.xlsx, .xlsm) as a source: one sheet, its header the first row with something in it.

Without a sheet that the job names there must be exactly one visible sheet with rows; which is meant is never
guessed. A cell that is no value (an error such as #N/A, a formula without a value, a number that lost digits,
no such date) is a problem of its row where a rule reads it, by its address. Macros are never looked at.
Invariants: every row with a value is yielded once, its line is the sheet's own; cells in merged areas that
rules read, and that only look as if they had a value, stop the source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import REJECTS_SHEET, Cell, SourceForm, SourceRow, UnreadableRow
from sfsync.core.reading.typed_cells import letters
from sfsync.core.reports.results import Problem, RowRef
from sfsync.core.wording import listed, suggestion
from sfsync.errors import SourceError
from sfsync.sources.cells import OWN_PREFIX, BadRow, as_cell
from sfsync.sources.file_watch import FileWatch, require_regular, shown_path
from sfsync.sources.text.csv_header import column_names
from sfsync.sources.workbooks.workbook_cells import BadCell, Content
from sfsync.sources.workbooks.workbook_package import Package
from sfsync.sources.workbooks.workbook_parts import SheetPart, read_workbook
from sfsync.sources.workbooks.workbook_sheet import Sheet, SheetRow, column_letters
from sfsync.sources.workbooks.workbook_traits import Traits

_SHOWN_SHEETS: Final = 12


class WorkbookSource:
    """One sheet of a workbook; see `core.reading.rows.RowSource`. Its rejects are CSV as spreadsheets read it."""

    def __init__(self, name: str, path: Path, *, sheet: str | None, wanted: Collection[str]) -> None:
        self._path = path
        self._shown = shown_path(path)
        self._watch = FileWatch(path)
        self._wanted = frozenset(wanted)
        with Package(path) as package:
            self._book = read_workbook(package, where=str(path))
            self._part = self._chosen(package, sheet)
            header = next(self._filled(package), None)
        if header is None:
            raise self._error("SOURCE_EMPTY", "the sheet is empty", "Was the export empty?")
        self._header_line = header.line
        self._columns = self._named(header)
        self._form = SourceForm(
            name, self._shown, "xlsx", tuple(self._columns.values()), ",", "utf-8-sig", "\r\n"
        )
        self._traits = Traits(self._part.name)

    @property
    def form(self) -> SourceForm:
        """The columns of the sheet, and how its rejects are written: CSV in UTF-8 with a byte order mark."""
        return self._form

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every row below the header that has a value.

        Raises:
            SourceError: the sheet cannot be read on, has no rows or merged ones, or the file changed meanwhile.
        """
        traits = self._traits = Traits(self._part.name)
        wanted = {number for number, name in self._columns.items() if name in self._wanted}
        last = self._header_line
        with Package(self._path) as package:
            sheet = Sheet(package, self._part, self._book, where=str(self._path))
            for row in sheet.rows():
                if row.line <= self._header_line or not _is_filled(row):
                    continue
                traits.took(row, blank=row.line - last - 1, wanted=wanted)
                last = row.line
                yield self._row(row)
        if last == self._header_line:
            raise self._error("SOURCE_EMPTY", "the sheet has a header and no rows", "Was the export empty?")
        self._refuse_merged(sheet, wanted, last)
        self._watch.require_unchanged()

    def notes(self) -> tuple[Problem, ...]:
        """What the last reading met that is no problem of a row."""
        return self._traits.notes(RowRef(self._form.name, self._form.file, self._header_line))

    def _row(self, row: SheetRow) -> SourceRow | UnreadableRow:
        ref = RowRef(self._form.name, self._form.file, row.line)
        cells: dict[str, Cell] = {}
        raw: list[str] = []
        bad: list[tuple[str, int, BadCell]] = []
        for number, name in self._columns.items():
            content = row.cells.get(number, "")
            raw.append(content.shown if isinstance(content, BadCell) else as_text(content))
            if isinstance(content, BadCell):
                if name in self._wanted:
                    bad.append((name, number, content))
                content = content.shown
            if not name.startswith(OWN_PREFIX):
                cells[name] = content
        beyond = [each for each in row.cells if each not in self._columns]
        raw.extend(_text(row.cells[each]) for each in beyond)
        types = letters(row.cells.get(each) for each in (*self._columns, *beyond))
        try:
            if beyond:
                raise self._unnamed(beyond[0], row.line)
            if bad:
                raise self._bad(bad, row.line)
            for name, cell in cells.items():
                if isinstance(cell, str) and not cell.isprintable():
                    as_cell(cell, name)
        except BadRow as error:
            return error.row(ref, tuple(raw), types)
        return SourceRow(ref, cells, tuple(raw), types=types)

    def _unnamed(self, column: int, line: int) -> BadRow:
        message = f"{self._address(column, line)} has a value, but the header has no name for its column"
        return BadRow("CELL_WITHOUT_COLUMN", message, "Name the column in the header, or clear the cell.")

    def _bad(self, bad: list[tuple[str, int, BadCell]], line: int) -> BadRow:
        said = "; ".join(f"{self._address(number, line)} {cell.why}" for _, number, cell in bad)
        name, _, first = bad[0]
        return BadRow(first.code, said, first.hint, column=name)

    def _address(self, column: int, line: int) -> str:
        return f"{self._part.name}!{column_letters(column)}{line}"

    def _refuse_merged(self, sheet: Sheet, wanted: set[int], last: int) -> None:
        """In a merged area only the first cell has a value; the others would count as empty without a word."""
        for area in sheet.areas:
            covered = set(range(area.first_column, area.last_column + 1)) & wanted
            if area.first_line == area.last_line:
                covered.discard(area.first_column)
            if covered and area.last_line > self._header_line and area.first_line <= last:
                raise self._error(
                    "MERGED_CELLS",
                    f"the cells {area.shown} are merged, so that only the first of them has a value",
                    "Unmerge them and fill in each row.",
                )

    def _chosen(self, package: Package, wanted: str | None) -> SheetPart:
        sheets = self._book.sheets
        if wanted is not None:
            for each in sheets:
                if each.name == wanted or [every.name for every in sheets] == [REJECTS_SHEET]:
                    return each
            raise SourceError(
                f'{self._path}: there is no sheet "{wanted}"',
                code="SHEET_MISSING",
                hint=suggestion(wanted, [each.name for each in sheets]),
            )
        filled = [each for each in sheets if each.is_visible and next(self._filled(package, each), None)]
        if len(filled) == 1:
            return filled[0]
        if not filled:
            hidden = [each.name for each in sheets if not each.is_visible]
            hint = f"Hidden sheets: {listed(hidden)}. Say sheet to read one." if hidden else ""
            raise SourceError(
                f"{self._path}: no visible sheet has anything in it",
                code="SOURCE_EMPTY",
                hint=hint or "Was the export empty?",
            )
        sizes = [f'"{each.name}" ({self._size(package, each)})' for each in filled[:_SHOWN_SHEETS]]
        rest = f" and {len(filled) - len(sizes)} more" if len(filled) > len(sizes) else ""
        raise SourceError(
            f"{self._path}: {len(filled)} sheets have rows: {', '.join(sizes)}{rest}",
            code="SHEET_UNCLEAR",
            hint=f'Say which one: sheet = "{filled[0].name}" in the section, or --sheet in an import.',
        )

    def _filled(self, package: Package, part: SheetPart | None = None) -> Iterator[SheetRow]:
        sheet = Sheet(package, part or self._part, self._book, where=str(self._path))
        return (row for row in sheet.rows() if _is_filled(row))

    def _size(self, package: Package, part: SheetPart) -> str:
        rows = columns = 0
        for row in self._filled(package, part):
            rows += 1
            columns = max(columns, *row.cells)
        return f"{rows:,} rows, {columns:,} columns"

    def _named(self, header: SheetRow) -> dict[int, str]:
        """The names by column number; columns without a name must be empty, which each row shows."""
        named: dict[int, str] = {}
        for number, content in header.cells.items():
            if isinstance(content, BadCell):
                where = self._address(number, header.line)
                raise self._error("HEADER", f"{where}, in the header, {content.why}", content.hint)
            text = as_text(content).strip()
            if text:
                named[number] = text
        column_names(str(self._path), header.line, list(named.values()))
        return named

    def _error(self, code: str, message: str, hint: str) -> SourceError:
        where = f"{self._path}, sheet {self._part.name}"
        return SourceError(f"{where}: {message}", code=code, hint=hint)


def open_workbook(path: Path, *, section: str, sheet: str | None, wanted: Collection[str]) -> WorkbookSource:
    """The sheet of a section.

    Raises:
        SourceError: the file is missing, no regular file, or no workbook that is read.
    """
    require_regular(path, section=section)
    return WorkbookSource(section, path, sheet=sheet, wanted=wanted)


def _is_filled(row: SheetRow) -> bool:
    return any(isinstance(each, BadCell) or as_text(each).strip() for each in row.cells.values())


def _text(content: Content) -> str:
    return content.shown if isinstance(content, BadCell) else as_text(content)
