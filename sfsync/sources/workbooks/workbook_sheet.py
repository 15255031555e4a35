"""One sheet as a stream of its rows: which cells have something in them, where, and what was merged or hidden.

Rows are given as they come out of the XML, so that memory does not grow with the sheet (but for merged areas).
Invariants: rows stand in their order and each cell in one place, or the sheet is refused; cells that say
nothing are left out. Source: ECMA-376-1, 18.3.1 (worksheets); Excel specifications and limits (rows, columns).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sfsync.core.reading.rows import Percentage
from sfsync.errors import SourceError
from sfsync.sources.workbooks.workbook_cells import Content, content_of, content_of_formula
from sfsync.sources.workbooks.workbook_package import Package
from sfsync.sources.workbooks.workbook_parts import MAX_TEXT, Looks, SheetPart, Workbook, is_true
from sfsync.sources.workbooks.workbook_xml import Elements, End, Start, stepwise

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
MAX_MERGED: Final = 200_000
"""How many merged areas are kept in mind; a sheet with more is no table."""

_AREA: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")
_LETTERS: Final = re.compile("[A-Z]{1,3}")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of a sheet: its number from 1, and what its cells say by column number from 1."""

    line: int
    cells: Mapping[int, Content]
    is_hidden: bool
    percents: frozenset[int]


@dataclass(frozen=True, slots=True)
class Area:
    """A merged area; only its first cell has a value."""

    shown: str
    first_column: int
    first_line: int
    last_column: int
    last_line: int


class Sheet:
    """One sheet of an opened package; `areas` is complete when all rows were taken."""

    def __init__(self, package: Package, part: SheetPart, book: Workbook, *, where: str) -> None:
        self._package = package
        self._part = part
        self._where = f"{where}, sheet {part.name}"
        self._reader = _SheetReader(book, self._where)

    @property
    def areas(self) -> list[Area]:
        """The merged areas that were met so far."""
        return self._reader.areas

    def rows(self) -> Iterator[SheetRow]:
        """Every row that the sheet has, also those without a value.

        Raises:
            SourceError: the sheet is broken or refused.
        """
        found = self._reader.rows
        for _ in stepwise(self._package.chunks(self._part.member), self._reader, where=self._where):
            yield from found
            found.clear()


def column_letters(number: int) -> str:
    """A column's letters: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """The column of those letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


class _SheetReader(Elements):
    """Takes up a sheet's elements. An inline text is `is`, of runs or not; `rPh` says how it is pronounced."""

    def __init__(self, book: Workbook, where: str) -> None:
        self.rows: list[SheetRow] = []
        self.areas: list[Area] = []
        self._book = book
        self._looks = book.looks
        self._where = where
        self._line = 0
        self._is_hidden = False
        self._cells: dict[int, Content] | None = None
        self._percents: list[int] = []
        self._columns: dict[str, int] = {}
        self._column = self._length = 0
        self._kind, self._digits = "n", ""
        self._look, self._zeros = Looks.NUMBER, 0
        self._value: str | None = None
        self._has_formula = self._takes_text = self._is_sound = False

    def starts(self) -> Mapping[str, Start]:
        return {
            "row": self._begin_row,
            "c": self._begin_cell,
            "v": self._begin_text,
            "t": self._begin_text,
            "f": self._formula,
            "rPh": self._begin_sound,
            "mergeCell": self._merged,
        }

    def ends(self) -> Mapping[str, End]:
        text, sound = self._end_text, self._end_sound
        return {"row": self._end_row, "c": self._end_cell, "v": text, "t": text, "rPh": sound}

    def text(self, piece: str, /) -> None:
        if self._takes_text:
            self._value = piece if not self._value else self._longer(self._value, piece)

    def _longer(self, text: str, piece: str) -> str:
        if len(text) + len(piece) > MAX_TEXT:
            raise self._broken(f"a cell of row {self._line} is longer than {MAX_TEXT:,} characters")
        return text + piece

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        said = attributes.get("r", "")
        line = int(said) if said.isascii() and said.isdecimal() and len(said) < 9 else self._line + 1
        if self._cells is not None or not self._line < line <= MAX_ROWS:
            raise self._broken(f"row {line} stands where no row {line} can be")
        self._line, self._cells, self._column = line, {}, 0
        self._digits = str(line)
        self._percents = []
        self._is_hidden = is_true(attributes.get("hidden"))

    def _end_row(self) -> None:
        if self._cells is not None:
            self.rows.append(SheetRow(self._line, self._cells, self._is_hidden, frozenset(self._percents)))
        self._cells = None

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        self._column = self._place(attributes.get("r", ""))
        self._kind = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self._look = self._looks.get(style, Looks.NUMBER)
        self._zeros = self._book.zeros.get(style, 0)
        self._value = None
        self._has_formula = self._takes_text = self._is_sound = False

    def _begin_text(self, _attributes: Mapping[str, str]) -> None:
        if not self._is_sound:
            self._takes_text = True
            self._value = self._value or ""

    def _end_text(self) -> None:
        self._takes_text = False

    def _begin_sound(self, _attributes: Mapping[str, str]) -> None:
        self._is_sound = True

    def _end_sound(self) -> None:
        self._is_sound = False

    def _formula(self, _attributes: Mapping[str, str]) -> None:
        self._has_formula = True

    def _place(self, address: str) -> int:
        if self._cells is None:
            raise self._broken("a cell stands outside of the rows")
        if not address:
            column = self._column + 1
        elif address.endswith(self._digits):
            column = self._number_of(address[: -len(self._digits)])
        else:
            raise self._broken(f"cell {address[:20]} stands in row {self._line}")
        if not self._column < column <= MAX_COLUMNS:
            raise self._broken(f"cell {address[:20]} stands where it cannot be")
        return column

    def _number_of(self, letters: str) -> int:
        column = self._columns.get(letters, 0)
        if column == 0 and _LETTERS.fullmatch(letters):
            column = self._columns[letters] = column_number(letters)
        return column

    def _end_cell(self) -> None:
        if self._cells is None:
            return
        reading = content_of_formula if self._has_formula else content_of
        content = reading(self._kind, self._value, self._look, self._book)
        if content is None or content == "":
            return
        if isinstance(content, Decimal):
            content = self._as_shown(content)
        self._cells[self._column] = content

    def _as_shown(self, number: Decimal) -> Content:
        """A number that is shown as a percentage is one; zeros that lead, as in ids, belong to its text."""
        if self._look is Looks.PERCENT:
            self._percents.append(self._column)
            return Percentage(number)
        is_id = self._zeros and number >= 0 and number == number.to_integral_value()
        return f"{number:f}".zfill(self._zeros) if is_id else number

    def _merged(self, attributes: Mapping[str, str]) -> None:
        ref = attributes.get("ref", "")
        found = _AREA.fullmatch(ref)
        if found is None:
            return
        if len(self.areas) >= MAX_MERGED:
            raise self._broken(f"it has more than {MAX_MERGED:,} merged areas")
        first, top, last, bottom = found.groups()
        self.areas.append(Area(ref, column_number(first), int(top), column_number(last), int(bottom)))

    def _broken(self, why: str) -> SourceError:
        return SourceError(
            f"{self._where}: {why}",
            code="BROKEN_WORKBOOK",
            hint="Open it in a spreadsheet program and save it again as .xlsx.",
        )
