"""Writes small workbooks part by part, also those that no spreadsheet program would write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape, quoteattr

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
FORMATS: Final = (
    "General",
    "yyyy\\-mm\\-dd",
    "dd.mm.yyyy hh:mm",
    "h:mm:ss",
    "[h]:mm",
    "0.00%",
    '#,##0.00\\ "days"',
    "[$-F800]dddd\\,\\ mmmm\\ dd",
    "_-* #,##0.00\\ [$€-407]_-;\\-* #,##0.00\\ [$€-407]_-",
    "[Red]0.00;[Blue]-0.00",
)
"""The number formats of the workbooks; a cell's style is the place of its format here."""


@dataclass(frozen=True)
class X:
    """A cell as XML: its type, its value (None: no value element), its formula and its number format."""

    value: str | None
    type: str = "n"
    formula: str | None = None
    format: str = "General"


@dataclass
class Book:
    """A workbook; `parts` are further members, or other ones in place of its own."""

    sheets: Mapping[str, Sequence[Sequence[object]]]
    since_1904: bool = False
    must_recalculate: bool = False
    hidden: Sequence[str] = ()
    hidden_rows: Sequence[int] = ()
    merged: Sequence[str] = ()
    first_row: int = 1
    shared: bool = True
    parts: dict[str, str | bytes] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)

    def content(self) -> bytes:
        """The file's bytes."""
        members: dict[str, str | bytes] = {
            "_rels/.rels": _rels([("officeDocument", "xl/workbook.xml")]),
            "xl/workbook.xml": self._workbook(),
            "xl/_rels/workbook.xml.rels": _rels(
                [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(self.sheets) + 1)]
                + [("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")]
            ),
            "xl/styles.xml": _styles(),
        }
        for number, rows in enumerate(self.sheets.values(), start=1):
            members[f"xl/worksheets/sheet{number}.xml"] = self._sheet(rows)
        items = "".join(f'<si><t xml:space="preserve">{escape(each)}</t></si>' for each in self._texts)
        members["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{items}</sst>'
        members["[Content_Types].xml"] = _types(members)
        return zipped(members | self.parts)

    def _workbook(self) -> str:
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"'
            f"{' state=' + quoteattr('hidden') if name in self.hidden else ''}/>"
            for n, name in enumerate(self.sheets, start=1)
        )
        return (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr date1904="{int(self.since_1904)}"/>'
            f'<sheets>{sheets}</sheets><calcPr fullCalcOnLoad="{int(self.must_recalculate)}"/></workbook>'
        )

    def _sheet(self, rows: Iterable[Sequence[object]]) -> str:
        lines = []
        for line, cells in enumerate(rows, start=self.first_row):
            inside = "".join(
                self._cell(f"{letters(column)}{line}", cell)
                for column, cell in enumerate(cells, start=1)
                if cell is not None
            )
            hidden = ' hidden="1"' if line in self.hidden_rows else ""
            lines.append(f'<row r="{line}"{hidden}>{inside}</row>')
        merged = "".join(f'<mergeCell ref="{each}"/>' for each in self.merged)
        areas = f"<mergeCells>{merged}</mergeCells>" if merged else ""
        return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData>{areas}</worksheet>'

    def _cell(self, address: str, cell: object) -> str:
        if isinstance(cell, X):
            formula = "" if cell.formula is None else f"<f>{escape(cell.formula)}</f>"
            value = "" if cell.value is None else f"<v>{escape(cell.value)}</v>"
            style = FORMATS.index(cell.format)
            return f'<c r="{address}" t="{cell.type}" s="{style}">{formula}{value}</c>'
        if isinstance(cell, bool):
            return f'<c r="{address}" t="b"><v>{int(cell)}</v></c>'
        if isinstance(cell, int | float | Decimal):
            return f'<c r="{address}"><v>{cell!s}</v></c>'
        text = str(cell)
        if not self.shared:
            inline = f'<is><t xml:space="preserve">{escape(text)}</t></is>'
            return f'<c r="{address}" t="inlineStr">{inline}</c>'
        self._texts.append(text)
        return f'<c r="{address}" t="s"><v>{len(self._texts) - 1}</v></c>'


def workbook(*rows: Sequence[object], **given: object) -> bytes:
    """A workbook of one sheet, Deals."""
    return Book({"Deals": rows}, **given).content()  # type: ignore[arg-type]


def day(serial: float | str, shown_as: str = "yyyy\\-mm\\-dd") -> X:
    """A number that is shown as a day."""
    return X(str(serial), format=shown_as)


def letters(column: int) -> str:
    """The letters of a column of the first 702."""
    first, second = divmod(column - 1, 26)
    return (chr(64 + first) if first else "") + chr(65 + second)


def zipped(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _rels(parts: Sequence[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(parts, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}">{items}</Relationships>'


def _styles() -> str:
    custom = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode={quoteattr(code)}/>' for n, code in enumerate(FORMATS)
    )
    used = "".join(
        f'<xf numFmtId="{164 + n}" fontId="0" fillId="0" borderId="0" applyNumberFormat="1"/>'
        for n in range(len(FORMATS))
    )
    plain = "<fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>"
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{custom}</numFmts>{plain}'
        f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{used}</cellXfs></styleSheet>'
    )


def _types(members: Iterable[str]) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    of = {"workbook": "sheet.main", "styles": "styles", "sharedStrings": "sharedStrings"}
    items = "".join(
        f'<Override PartName="/{name}" ContentType="{kind}.{of.get(name[3:-4], "worksheet")}+xml"/>'
        for name in members
        if name.startswith("xl/") and name.endswith(".xml")
    )
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{items}</Types>'
    )
