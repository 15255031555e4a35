"""Writes a workbook of one sheet whose cells are all text, row by row, in memory that does not grow.

Each cell is an inline string in the number format of text, so what looks like a formula, a number or a date stays
what it is, also when somebody edits it. Characters that XML cannot hold are escaped as spreadsheet programs do.
Invariant: what our own reader and spreadsheet programs read is the text that was given; what a sheet cannot hold
is told by `Fit` before anything is written.
Source: ECMA-376-1, 18.3.1 (worksheets), 18.4.12 (t), 22.9.2.19 (ST_Xstring); Excel specifications and limits.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final
from xml.sax.saxutils import escape

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
MAX_CHARACTERS: Final = 32_767
"""The longest text of a cell, in UTF-16 code units."""

MAX_BYTES: Final = 2_000_000_000
"""A sheet of more bytes would need the ZIP64 form, which not every program reads."""

MAX_RATIO: Final = 100
"""A sheet that packs better, as one text over and over does, is written unpacked: readers take it for a bomb."""

NARROW: Final = 18
WIDE: Final = 70

_HEADER_STYLE: Final = 1
_TEXT_STYLE: Final = 2
_WRAPPED_STYLE: Final = 3
_CELL_BYTES: Final = 80
_ROW_BYTES: Final = 40

_TROUBLE: Final = "\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff"
_ESCAPED: Final = re.compile(f"[{_TROUBLE}]|_(?=x[0-9A-Fa-f]{{4}}[_{_TROUBLE}])")
"""A character that XML lacks or changes, and an underscore that begins what would be read as such an escape."""

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PROLOG: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WHEN: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class TextTable:
    """A sheet to be: its name, its header, the places of its wide columns, and its rows, which are read twice."""

    sheet: str
    header: Sequence[str]
    wide: frozenset[int]
    rows: Callable[[], Iterator[Sequence[str]]]


def misfit_of(table: TextTable) -> str:
    """Why the table is too large for a sheet; "" where it is not."""
    size = 0
    for line, row in enumerate(
        (cells for part in ((table.header,), table.rows()) for cells in part), start=1
    ):
        if line > MAX_ROWS:
            return f"it has more than {MAX_ROWS:,} rows"
        if len(row) > MAX_COLUMNS:
            return f"it has more than {MAX_COLUMNS:,} columns"
        size += _ROW_BYTES
        for cell in row:
            if len(cell) > MAX_CHARACTERS // 2 and _units(cell) > MAX_CHARACTERS:
                return f"a cell of its row {line:,} has more than {MAX_CHARACTERS:,} characters"
            size += _CELL_BYTES + (len(cell) if cell.isalnum() and cell.isascii() else 7 * len(cell))
        if size > MAX_BYTES:
            return f"its sheet would have more than {MAX_BYTES:,} bytes"
    return ""


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def escaped(text: str) -> str:
    """The text as it stands in a sheet's XML."""
    if text.isascii() and text.isprintable() and "_x" not in text:
        return escape(text)
    return escape(_ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def write_text_workbook(file: IO[bytes], table: TextTable) -> None:
    """Writes the workbook into an empty file that can be read and moved in."""
    ratio = _write(file, table, zipfile.ZIP_DEFLATED)
    if ratio > MAX_RATIO:
        file.seek(0)
        file.truncate()
        _write(file, table, zipfile.ZIP_STORED)


def _write(file: IO[bytes], table: TextTable, method: int) -> float:
    """Writes the workbook; returns how many times smaller its sheet became."""
    sheet = zipfile.ZipInfo("xl/worksheets/sheet1.xml", _WHEN)
    sheet.compress_type = method
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, text in _parts(table.sheet).items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), _PROLOG + text)
        with archive.open(sheet, "w") as member:
            for piece in _sheet(table):
                member.write(piece.encode())
    return sheet.file_size / max(1, sheet.compress_size)


def _sheet(table: TextTable) -> Iterator[str]:
    widths = [WIDE if place in table.wide else NARROW for place in range(len(table.header))]
    styles = [_WRAPPED_STYLE if place in table.wide else _TEXT_STYLE for place in range(len(table.header))]
    yield f'{_PROLOG}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    yield '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    yield "</sheetView></sheetViews><cols>"
    for number, (width, style) in enumerate(zip(widths, styles, strict=True), start=1):
        yield f'<col min="{number}" max="{number}" width="{width}" style="{style}" customWidth="1"/>'
    yield "</cols><sheetData>"
    letters = [_letters(number) for number in range(1, len(styles) + 1)]
    yield _row(1, table.header, [(each, _HEADER_STYLE) for each in letters])
    columns = list(zip(letters, styles, strict=True))
    line = 1
    for line, cells in enumerate(table.rows(), start=2):
        yield _row(line, cells, columns)
    last = f"{letters[-1]}{line}"
    yield f'</sheetData><ignoredErrors><ignoredError sqref="A1:{last}" numberStoredAsText="1"/></ignoredErrors>'
    yield "</worksheet>"


def _row(line: int, cells: Sequence[str], columns: Sequence[tuple[str, int]]) -> str:
    inside = "".join(
        f'<c r="{letters}{line}" s="{style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escaped(cell)}</t></is></c>'
        for cell, (letters, style) in zip(cells, columns, strict=True)
        if cell
    )
    return f'<row r="{line}">{inside}</row>'


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _parts(sheet: str) -> dict[str, str]:
    """Every member but the sheet itself."""
    types = {"workbook": "sheet.main", "styles": "styles", "worksheets/sheet1": "worksheet"}
    overrides = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
        for name, kind in types.items()
    )
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
        ),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")]
        ),
        "xl/styles.xml": _STYLES,
    }


def _relations(parts: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(parts, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


_TEXT_FORMAT: Final = (
    '<xf numFmtId="49" fontId="{font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
)
"""49 is the built-in format of text, "@". Source: ECMA-376-1, 18.8.30."""

_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    f'{_TEXT_FORMAT.format(font=1)} applyFont="1"/>{_TEXT_FORMAT.format(font=0)}/>'
    f'{_TEXT_FORMAT.format(font=0)} applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
