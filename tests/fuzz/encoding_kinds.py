"""Delimited files in encodings: declared, marked, neither, broken, mixed."""

from __future__ import annotations

import codecs
from typing import Final

from written_files import (
    ANY,
    Draw,
    Row,
    Written,
    ascii_deals,
    breaks,
    deals,
    good_table,
    kind,
    refused,
    table,
)

_PAGES: Final = {
    "cp1252": ("Zoë", "Straße €", "naïve – “q”"),
    "cp850": ("Zoë", "Straße"),
    "cp1251": ("Привет", "мир"),
    "koi8_r": ("Привет", "мир"),
    "cp932": ("日本語", "テスト"),
    "gb18030": ("汉字", "€", "👩"),
    "mac_roman": ("Zoë", "Straße"),
    "iso8859_15": ("Zoë", "€"),
    "cp037": ("plain", "text"),
    "utf-7": ("plain", "Zoë"),
}
_ODD_CODECS: Final = (
    *(
        "rot13",
        "base64",
        "hex",
        "zlib",
        "bz2",
        "quopri",
        "uu",
        "idna",
        "punycode",
        "undefined",
        "unicode_escape",
    ),
    *(
        "raw_unicode_escape",
        "utf-7",
        "utf_16",
        "utf_32_be",
        "hz",
        "iso2022_jp",
        "iso2022_kr",
        "cp037",
        "mbcs",
    ),
    *(
        "",
        " ",
        "utf-8\\u0000",
        "nonsense",
        "utf8mb4",
        "UTF8",
        "latin-1",
        "cp65001",
        "oem",
        "big5hkscs",
        "locale",
    ),
)


def _declared(encoding: str) -> str:
    return f'encoding = "{encoding}"'


@kind
def utf8(draw: Draw) -> Written:
    """Plain UTF-8, any delimiter, any line end."""
    return good_table(draw, delimiter=draw.word(",", ";", "\t", "|"), end=draw.word("\n", "\r\n", "\r"))


@kind
def byte_order_marks(draw: Draw) -> Written:
    """A byte order mark says the encoding, whatever the job says."""
    text, rows = table(deals(draw))
    marked = draw.word("utf-8-sig", "utf-16", "utf-32")
    return Written(
        "deals.csv",
        text.encode(marked),
        tuple(rows),
        section=_declared(draw.word("utf-8", "cp1252", "utf-16-le")),
    )


@kind
def code_pages_declared(draw: Draw) -> Written:
    """Text in the code page that the job declares."""
    encoding = draw.word(*_PAGES)
    text, rows = table(deals(draw, pieces=_PAGES[encoding]))
    return Written("deals.csv", text.encode(encoding), tuple(rows), section=_declared(encoding))


@kind
def code_pages_undeclared(draw: Draw) -> Written:
    """Text in a code page that nobody declared: refused by the line of the first byte that is no UTF-8."""
    rows = ascii_deals(draw)
    rows.append(Row({**(rows[0].cells or {}), "id": "X", "note": "Zoë Straße"}))
    text, placed = table(rows)
    return refused("deals.csv", text.encode("cp1252"), "ENCODING", line=placed[-1].line)


@kind
def utf16_without_a_mark(draw: Draw) -> Written:
    """UTF-16 without a mark: refused, or read when it is declared."""
    encoding = draw.word("utf-16-le", "utf-16-be")
    text, rows = table(ascii_deals(draw))
    if draw.below(2):
        return Written("deals.csv", text.encode(encoding), tuple(rows), section=_declared(encoding))
    return refused("deals.csv", text.encode(encoding), "ENCODING", "HEADER", line=1)


@kind
def utf16_cut_in_a_character(draw: Draw) -> Written:
    """The last byte of a UTF-16 or UTF-32 file is missing."""
    text, _ = table(deals(draw))
    return refused("deals.csv", text.encode(draw.word("utf-16", "utf-32"))[:-1], "ENCODING")


@kind
def two_marks(draw: Draw) -> Written:
    """Two byte order marks in front."""
    text, _ = table(ascii_deals(draw))
    return refused("deals.csv", codecs.BOM_UTF8 * 2 + text.encode(), "HEADER", line=1)


@kind
def a_mark_in_the_middle(draw: Draw) -> Written:
    """Files with a mark put together: the second header is a problem, a mark at a cell stays in the cell."""
    first, rows = table(ascii_deals(draw))
    second, more = table(
        [
            Row({**(each.cells or {}), "id": f"E{n}"}, None, each.codes, each.values)
            for n, each in enumerate(ascii_deals(draw))
        ]
    )
    shift = breaks(first)
    later = [Row(each.cells, (each.line or 0) + shift, each.codes, each.values) for each in more]
    header = Row(None, shift + 1, frozenset({"REPEATED_HEADER"}))
    content = codecs.BOM_UTF8 + first.encode() + codecs.BOM_UTF8 + second.encode()
    return Written("deals.csv", content, (*rows, header, *later))


@kind
def cut_in_a_character(draw: Draw) -> Written:
    """The file ends within a character of several bytes."""
    text, rows = table(ascii_deals(draw))
    tail = draw.word("é", "日", "😀").encode()
    line = (rows[-1].line or 0) + 1
    return refused("deals.csv", text.encode() + b"X," + tail[:-1], "ENCODING", line=line)


@kind
def one_byte_that_is_no_text(draw: Draw) -> Written:
    """One bad byte in one row: the line of it is named."""
    rows = ascii_deals(draw)
    text, placed = table(rows)
    lines = text.encode().splitlines(keepends=True)
    at = draw.below(len(lines) - 1) + 1
    bad = draw.random.choice([b"\xff", b"\x80", b"\xc3(", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"])
    lines[at] = lines[at].replace(b"n", bad + b"n", 1)
    return refused("deals.csv", b"".join(lines), "ENCODING", line=placed[at - 1].line)


@kind
def odd_codecs(draw: Draw) -> Written:
    """Encodings that are none, or none of text, or none that a file is written in: an error of ours, or rows."""
    text, _ = table(ascii_deals(draw))
    return Written(
        "deals.csv", text.encode(), refusals=frozenset({ANY}), section=_declared(draw.word(*_ODD_CODECS))
    )


@kind
def another_code_page_declared(draw: Draw) -> Written:
    """UTF-8 that the job declares to be a code page: as many rows as there are, or refused."""
    text, _ = table(deals(draw, pieces=("Zoë", "日本語", "😀")))
    return Written(
        "deals.csv",
        text.encode(),
        refusals=frozenset(
            {"ENCODING", "DELIMITER", "HEADER", "COLUMN_MISSING", "BROKEN_ROW", "SOURCE_EMPTY"}
        ),
        section=_declared(
            draw.word("cp1252", "latin-1", "ascii", "cp932", "gb18030", "utf-16-le", "cp037", "hz")
        ),
    )


@kind
def decoded_twice(draw: Draw) -> Written:
    """Text that was UTF-8 once and was decoded wrongly stays as it stands."""
    pieces = tuple(
        each.encode().decode("cp1252", "ignore") for each in ("Müller", "Zoë", "日本語", "“q”", "мир")
    )
    return good_table(draw, deals(draw, pieces=pieces))
