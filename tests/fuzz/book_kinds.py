"""Excel workbooks: whole ones, damaged ones, bombs, odd sheets and odd cells."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Final

from damaged_kinds import damaged
from workbook_writer import MAIN, Book, X, day, workbook, zipped
from written_files import ANY, COLUMNS, Draw, Row, Written, deals, kind, refused

_PIECES: Final = (
    "Ten Laces",
    "Zoë",
    'a "b"',
    "1,5;2",
    "=1+1",
    "\u202eabc",
    "😀",
    "日本語",
    "0042",
    "true",
    "<&>",
)
_MOST: Final = 3_000
_SHEET: Final = "xl/worksheets/sheet1.xml"


def _rows(draw: Draw) -> list[Row]:
    return [
        replace(each, line=number)
        for number, each in enumerate(deals(draw, pieces=_PIECES, count=min(draw.size, _MOST)), start=2)
    ]


def _cells(rows: list[Row]) -> list[list[object]]:
    return [[(each.cells or {})[name] or None for name in COLUMNS] for each in rows]


def _book(draw: Draw, **given: object) -> tuple[bytes, list[Row]]:
    rows = _rows(draw)
    return workbook([*COLUMNS], *_cells(rows), shared=bool(draw.below(2)), **given), rows


def _members(content: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def _maybe(content: bytes, rows: list[Row] | None = None) -> Written:
    """A workbook that may be refused; what is read of it is as it was written."""
    return Written("deals.xlsx", content, None if rows is None else tuple(rows), refusals=frozenset({ANY}))


@kind
def books(draw: Draw) -> Written:
    """Whole workbooks of text."""
    content, rows = _book(draw)
    return Written(draw.word("deals.xlsx", "deals.xlsm"), content, tuple(rows))


@kind
def books_with_flipped_bits(draw: Draw) -> Written:
    """Bits of the archive are flipped: refused, or read exactly as it was written."""
    content, rows = _book(draw)
    data = bytearray(content)
    for _ in range(1 + draw.below(3)):
        data[draw.below(len(data))] ^= 1 << draw.below(8)
    return _maybe(bytes(data), rows)


@kind
def books_cut_off(draw: Draw) -> Written:
    """The archive is cut off."""
    content, _ = _book(draw)
    return refused(
        "deals.xlsx",
        content[: draw.below(len(content) - 1)],
        "BROKEN_WORKBOOK",
        "NOT_A_WORKBOOK",
        "SOURCE_EMPTY",
    )


@kind
def books_with_damaged_parts(draw: Draw) -> Written:
    """A part of the workbook is damaged and packed again, so that no checksum tells."""
    content, _ = _book(draw)
    members = _members(content)
    name = draw.word(*members)
    part = members[name]
    members[name] = damaged(part if isinstance(part, bytes) else part.encode(), draw)
    return _maybe(zipped(members))


@kind
def books_without_a_part(draw: Draw) -> Written:
    """A part is missing, empty, or another one is in its place."""
    content, _ = _book(draw)
    members = _members(content)
    name, other = draw.word(*members), draw.word(*members)
    if draw.below(3) == 0:
        del members[name]
    else:
        members[name] = draw.random.choice([b"", b"\0", b"<", b"<x/>", members[other]])
    return _maybe(zipped(members))


@kind
def books_with_wrong_relations(draw: Draw) -> Written:
    """Relations that lead to nothing, outside, in a circle, or twice."""
    content, _ = _book(draw)
    members = _members(content)
    name = draw.word("_rels/.rels", "xl/_rels/workbook.xml.rels")
    text = members[name].decode() if isinstance(members[name], bytes) else ""
    target = draw.word(
        *(
            "../../../etc/passwd",
            "/xl/workbook.xml",
            "worksheets/sheet9.xml",
            "http://example.com/x",
            "",
            ".",
            "#x",
        ),
        *(
            "worksheets/../workbook.xml",
            "worksheets\\\\sheet1.xml",
            "xl/workbook.xml",
            "styles.xml",
            "%00",
            "a" * 70_000,
        ),
    )
    found = draw.word(
        "worksheets/sheet1.xml", "xl/workbook.xml", "sharedStrings.xml", "styles.xml", "rId1", "worksheet"
    )
    members[name] = text.replace(found, target)
    return _maybe(zipped(members))


@kind
def bombs(draw: Draw) -> Written:
    """Parts that unpack to hundreds of times their size, entities that grow, nested archives: refused."""
    content, _ = _book(draw)
    members = _members(content)
    match draw.below(4):
        case 0:
            members[_SHEET] = b"<worksheet><sheetData>" + b" " * 30_000_000
        case 1:
            entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(10))
            members[_SHEET] = f"<!DOCTYPE x [{entities}]><worksheet><sheetData>&a9;</sheetData></worksheet>"
        case 2:
            outside = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
            members["xl/workbook.xml"] = outside + f'<workbook xmlns="{MAIN}">&e;</workbook>'
        case _:
            members[_SHEET] = "<c>" * 2_000_000
    return refused("deals.xlsx", zipped(members), ANY)


@kind
def books_of_many_sheets(draw: Draw) -> Written:
    """Several sheets with rows are not guessed between; hidden and empty ones do not count."""
    rows = _rows(draw)
    table: list[list[object]] = [[*COLUMNS], *_cells(rows)]
    names = draw.random.sample(["Deals", "Old", "=1", "a/b", "😀", "x" * 31, "&<>"], 3)
    if draw.below(2):
        sheets = dict.fromkeys(names, table)
        return refused("deals.xlsx", Book(sheets).content(), "SHEET_UNCLEAR")
    sheets = {names[0]: [], names[1]: table, names[2]: table}
    return Written("deals.xlsx", Book(sheets, hidden=[names[2]]).content(), tuple(rows))


@kind
def a_sheet_that_is_not_there(draw: Draw) -> Written:
    """The job names a sheet that the workbook does not have."""
    content, _ = _book(draw)
    name = draw.word("deals", "Deal", "", "x" * 300, "😀", "\\u202e")
    return refused("deals.xlsx", content, "SHEET_MISSING", ANY, section=f'sheet = "{name}"')


@kind
def cells_that_are_no_values(draw: Draw) -> Written:
    """Errors, formulas without a value, numbers that are none, no such days: problems where a rule reads them."""
    rows = _rows(draw)
    cells = _cells(rows)
    at = draw.below(len(rows))
    cells[at][4] = draw.random.choice(
        [
            *(
                X("#N/A", "e"),
                X("#REF!", "e"),
                X("#nonsense", "e"),
                X(None, "n", "1+1"),
                X("", "e"),
                X("x", "n"),
            ),
            *(X("--1", "n"), X("1e400", "n"), X("NaN", "n"), X("INF", "n"), X("12345678901234567890", "n")),
            *(
                day(-1),
                day(60),
                day("1e9"),
                day(2_958_466),
                X("99999999", "s"),
                X("-1", "s"),
                X("x", "s"),
                X("2", "b"),
            ),
            *(
                X("2026-02-30", "d"),
                X("x", "d"),
                X("1", "zz"),
                X("1e999999999", "n"),
                X("9" * 5000, "n"),
                X(" 1", "n"),
            ),
        ]
    )
    rows[at] = replace(rows[at], cells=None, codes=None)
    content = workbook([*COLUMNS], *cells)
    return Written("deals.xlsx", content, refusals=frozenset({ANY}), count=len(rows))


@kind
def typed_cells_of_books(draw: Draw) -> Written:
    """Numbers, days, moments, percentages and truth values in any column."""
    rows = _rows(draw)
    cells = _cells(rows)
    for line in cells:
        line[draw.below(6)] = draw.random.choice(
            [
                *(
                    0,
                    1,
                    -1,
                    1.5,
                    1e15,
                    1e-7,
                    1e300,
                    True,
                    False,
                    day(46_295),
                    day(0.5),
                    day(1.00001),
                    X("0.3", format="0.00%"),
                ),
                *(
                    X("0.1", format="h:mm:ss"),
                    X("1.25", format="[h]:mm"),
                    X("46295.5", format="dd.mm.yyyy hh:mm"),
                    "",
                    " ",
                ),
            ]
        )
    first = draw.random.choice([1, 1, 7])
    content = workbook([*COLUMNS], *cells, first_row=first, since_1904=bool(draw.below(2)))
    return Written("deals.xlsx", content, refusals=frozenset({ANY}), count=None)


@kind
def merged_areas(draw: Draw) -> Written:
    """Merged cells that rules read stop the source; odd areas are refused."""
    area = draw.word(
        "A2:A3", "B2:C2", "A1:F1", "F2:F9", "A2", "B2:A1", "A0:A1", "ZZZZ1:A1", "A1:XFD1048576", "x", ""
    )
    content, _ = _book(draw, merged=[area])
    return _maybe(content)


@kind
def odd_sheets(draw: Draw) -> Written:
    """Addresses that go back, stand twice, lie outside or are missing; rows that no sheet can have."""
    cell = '<c t="str"><v>x</v></c>'
    addressed = '<c r="{0}" t="str"><v>x</v></c>'
    inside = draw.word(
        *(
            '<row r="0">' + cell + "</row>",
            '<row r="-1">' + cell + "</row>",
            '<row r="1">' + cell + "</row>" * 2,
        ),
        *(
            f'<row r="9">{addressed.format("A9")}{addressed.format("A9")}</row>',
            f"<row>{cell * 20_000}</row>",
        ),
        *(f'<row r="9">{addressed.format("B9")}{addressed.format("A9")}</row>', f'<row r="x">{cell}</row>'),
        *(f'<row r="1048577">{cell}</row>', f'<row r="9">{addressed.format("XFE9")}</row>', "<row/>" * 5_000),
        *(
            f'<row r="9">{addressed.format("A8")}</row>',
            f'<row r="9">{addressed.format("9")}</row>',
            "text",
            "<c/>",
        ),
        *(
            '<row r="9"><c r="A9" t="inlineStr"><is><r><t>a</t></r><rPh><t>b</t></rPh></is></c></row>',
            "<!-- x -->",
        ),
        *(
            '<row r="9"><c t="inlineStr"><is/></c></row>',
            '<row r="9"><c s="999" t="n"><v>1</v></c></row>',
            "<?x?>",
        ),
        *(
            '<row r="9"><c s="-1"><v>1</v></c></row>',
            '<row r="9"><c><v>1</v><v>2</v></c></row>',
            "&#0;",
            "&#55296;",
        ),
        '<row r="' + "9" * 5_000 + '">' + cell + "</row>",
    )
    head = "".join(f'<c t="str"><v>{each}</v></c>' for each in COLUMNS)
    part = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{head}</row>{inside}</sheetData></worksheet>'
    return _maybe(workbook([*COLUMNS], parts={_SHEET: part}))
