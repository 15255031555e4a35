"""Delimited files whose lines, quotes, headers or ends are wrong."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from typing import Final

from workbook_writer import workbook, zipped
from written_files import (
    ANY,
    COLUMNS,
    Draw,
    Row,
    Written,
    ascii_deals,
    breaks,
    deals,
    good_table,
    kind,
    line_of,
    refused,
    table,
)

_BROKEN: Final = frozenset({"RAGGED_ROW"})


def _with_line(draw: Draw, text: str, code: str, *, at_end: bool = False) -> Written:
    """A good table and, somewhere, one line that is a problem."""
    rows = ascii_deals(draw)
    at = len(rows) if at_end else draw.below(len(rows) + 1)
    before, first = table(rows[:at])
    after, second = table(rows[at:])
    behind = after.split("\n", 1)[1]
    shift = breaks(before) + breaks(text) - 1
    placed = [replace(each, line=(each.line or 0) + shift) for each in second]
    bad = Row(None, breaks(before) + 1, frozenset({code}))
    return Written("deals.csv", (before + text + behind).encode(), (*first, bad, *placed))


@kind
def mixed_line_ends(draw: Draw) -> Written:
    """Every line ends as it likes."""
    parts, placed, line = [line_of(COLUMNS, end=draw.word("\n", "\r\n"))], [], 2
    for row in deals(draw):
        assert row.cells is not None
        text = line_of((row.cells[each] for each in COLUMNS), end=draw.word("\n", "\r\n", "\r"))
        placed.append(replace(row, line=line))
        parts.append(text)
        line += breaks(text)
    return Written("deals.csv", "".join(parts).encode(), tuple(placed))


@kind
def no_end_of_the_last_line(draw: Draw) -> Written:
    """The last line has no end."""
    written = good_table(draw)
    return replace(written, content=written.content[:-1])


@kind
def an_open_quote(draw: Draw) -> Written:
    """A quote that is opened in a row and never closed: refused by its line."""
    rows = ascii_deals(draw)
    text, placed = table(rows)
    rest = "".join(each.replace('"', "") + "\n" for each in draw.word("a,b", "c", "d,e,f").split("|"))
    content = text + '9,x,"open,' + rest
    codes = ("BROKEN_ROW", "CELL_TOO_LARGE")
    return refused("deals.csv", content.encode(), *codes, line=(placed[-1].line or 0) + 1)


@kind
def quotes_in_the_middle(draw: Draw) -> Written:
    """A quote inside a cell that is not quoted belongs to the cell."""
    rows = []
    for each in ascii_deals(draw):
        assert each.cells is not None
        rows.append(replace(each, cells={**each.cells, "name": draw.word('a"b', '5" disk', 'x""', "a'b\"")}))
    parts, placed = [line_of(COLUMNS)], []
    for number, row in enumerate(rows, start=2):
        assert row.cells is not None
        cells = [row.cells[each] for each in COLUMNS]
        name, note = cells[1], cells[5]
        text = line_of([*cells[:1], "NAME", *cells[2:5], note]).replace("NAME", name, 1)
        parts.append(text)
        placed.append(replace(row, line=number))
    return Written("deals.csv", "".join(parts).encode(), tuple(placed))


@kind
def text_behind_a_closing_quote(draw: Draw) -> Written:
    """A cell in quotes goes on behind its closing quote: refused by the line."""
    text, placed = table(ascii_deals(draw))
    bad = '7,"a" b,Prospecting,2027-01-01,1,\n' + line_of(["8", "n", "Prospecting", "2027-01-01", "1", ""])
    return refused("deals.csv", (text + bad).encode(), "BROKEN_ROW", line=(placed[-1].line or 0) + 1)


@kind
def too_few_cells(draw: Draw) -> Written:
    """A row that is too short is a problem, and its neighbours are not."""
    return _with_line(draw, line_of(["Y"] * (1 + draw.below(5))), "RAGGED_ROW")


@kind
def too_many_cells(draw: Draw) -> Written:
    """A row that is too long, be its last cells blank or not."""
    return _with_line(draw, line_of(["Y"] * 6 + [draw.word("", "x")] * (1 + draw.below(40))), "RAGGED_ROW")


@kind
def a_nul_in_a_row(draw: Draw) -> Written:
    """A NUL in a cell is a problem of its row."""
    return _with_line(draw, line_of(["Y", "a\0b", "Prospecting", "2027-01-01", "1", "x"]), "BAD_CHARACTER")


@kind
def nul_in_the_header(draw: Draw) -> Written:
    """A NUL in the header."""
    text, _ = table(ascii_deals(draw))
    return refused("deals.csv", text.replace("note", "no\0te", 1).encode(), "HEADER", "ENCODING", line=1)


@kind
def a_second_header(draw: Draw) -> Written:
    """Files put together: the header in the middle is a problem."""
    return _with_line(draw, line_of(draw.word("", " ") + each for each in COLUMNS), "REPEATED_HEADER")


@kind
def a_total_at_the_end(draw: Draw) -> Written:
    """A remark behind the rows is a problem and never a deal."""
    text = draw.word("Total: 12\n", "Copyright\n", "(end)\n", "Total,,12\n")
    return _with_line(draw, text, "RAGGED_ROW", at_end=True)


@kind
def ctrl_z(draw: Draw) -> Written:
    """The end mark of old programs, alone on the last line, is no row."""
    written = good_table(draw)
    return replace(written, content=written.content + b"\x1a")


@kind
def ctrl_z_at_a_cell(draw: Draw) -> Written:
    """The end mark of old programs behind the last cell is a problem of the row."""
    line = line_of(["Y", "n", "Prospecting", "2027-01-01", "1", "x\x1a"], end="")
    return _with_line(draw, line + "\n", "BAD_CHARACTER", at_end=True)


@kind
def blank_lines(draw: Draw) -> Written:
    """Lines of nothing and of delimiters are no rows, wherever they stand."""
    parts, placed, line = [draw.word("", "\n", "\n\n"), line_of(COLUMNS)], [], 0
    line = breaks("".join(parts)) + 1
    for row in deals(draw):
        assert row.cells is not None
        blank = draw.word("", "", "\n", ",,,,,\n", ",,\n")
        text = line_of(row.cells[each] for each in COLUMNS)
        placed.append(replace(row, line=line + breaks(blank)))
        parts += [blank, text]
        line += breaks(blank) + breaks(text)
    return Written("deals.csv", "".join(parts).encode(), tuple(placed))


@kind
def repeated_header_cells(draw: Draw) -> Written:
    """Two columns of one name."""
    text, _ = table(ascii_deals(draw))
    first, second = draw.random.sample(COLUMNS, 2)
    return refused("deals.csv", text.replace(first, second, 1).encode(), "HEADER", line=1)


@kind
def blank_header_cells(draw: Draw) -> Written:
    """A column without a name, in front, between or behind."""
    rows = [line_of(["x"] * 8) for _ in range(draw.size)]
    names = [*COLUMNS, "more", "last"]
    for _ in range(1 + draw.below(3)):
        names[draw.below(8)] = draw.word("", " ", "\t", "\u00a0")
    return refused("deals.csv", (line_of(names) + "".join(rows)).encode(), "HEADER", "DELIMITER")


@kind
def a_sep_line(draw: Draw) -> Written:
    """A first line that says the delimiter, as spreadsheets write and save it again."""
    delimiter = draw.word(";", ",", "\t", "|", ":", "^")
    line = draw.word(
        f"sep={delimiter}", f"SEP={delimiter}", f'"sep={delimiter}"', f"sep={delimiter}{delimiter}"
    )
    return good_table(draw, delimiter=delimiter, before=f"{line}\n")


@kind
def a_sep_line_against_the_job(draw: Draw) -> Written:
    """The file says another delimiter than the job."""
    text, _ = table(ascii_deals(draw), delimiter=";", before="sep=;\n")
    return refused("deals.csv", text.encode(), "DELIMITER", line=1, section='delimiter = ","')


@kind
def odd_delimiters_declared(draw: Draw) -> Written:
    """Delimiters that cannot be one are refused; others are read, or do not fit the header."""
    word = draw.word(
        "", "ab", '\\"', "\\r", "\\n", "\\u0000", " ", "a", "\\u00a7", "😀", ":", "\\u2028", "\\\\"
    )
    text, _ = table(ascii_deals(draw))
    return Written("deals.csv", text.encode(), refusals=frozenset({ANY}), section=f'delimiter = "{word}"')


@kind
def two_delimiters_in_the_header(draw: Draw) -> Written:
    """A header that shows two delimiters."""
    text, _ = table(ascii_deals(draw))
    return refused("deals.csv", text.replace("note", "no;te", 1).encode(), "DELIMITER", line=1)


@kind
def a_missing_column(draw: Draw) -> Written:
    """A column that the job reads has another name, a look-alike perhaps."""
    text, _ = table(ascii_deals(draw))
    name = draw.word("Amount", "am\u00a0ount", "аmount", "amоunt", "betrag", "amount\u200b", "\u202eamount")
    return refused("deals.csv", text.replace("amount", name, 1).encode(), "COLUMN_MISSING")


@kind
def nothing_in_it(draw: Draw) -> Written:
    """No header, or a header and no rows."""
    header = line_of(COLUMNS).encode()
    chosen = [
        b"",
        b"\xef\xbb\xbf",
        b"\n\n\r\n",
        b"\x1a",
        header,
        header + b",,,,,\n\n",
        b"sep=,\n",
        b" ",
        b"\0",
    ]
    return refused(
        "deals.csv", draw.random.choice(chosen), "SOURCE_EMPTY", "HEADER", "COLUMN_MISSING", "ENCODING"
    )


@kind
def another_format_by_the_name_of_csv(draw: Draw) -> Written:
    """Web pages, archives, workbooks, databases and documents whose name ends in .csv."""
    text = table(ascii_deals(draw))[0].encode()
    page = b"<!DOCTYPE html><html><body><table><tr><td>id</td></tr></table></body></html>"
    chosen = [
        *(page, b"<?xml version='1.0'?><rows/>", gzip.compress(text, mtime=0), b"%PDF-1.7\n" + text),
        *(
            zipped({"deals.csv": text}),
            workbook(["id", "name"], ["1", "2"]),
            b"SQLite format 3\0" + bytes(84),
        ),
        *(
            b"PAR1\x15\x04" + text,
            b"{\\rtf1 x}",
            b"\xfd7zXZ\0" + text,
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + text,
        ),
    ]
    return refused(
        draw.word("deals.csv", "deals.tsv", "deals.txt"), draw.random.choice(chosen), "SOURCE_KIND"
    )


@kind
def large_cells(draw: Draw) -> Written:
    """One cell of up to ten million characters is read; one that is longer stops the source."""
    rows = ascii_deals(draw, count=3)
    length = 10_000_001 if draw.below(12) == 0 else draw.random.choice([10, 70_000, 131_073, 400_000])
    text = draw.word("x", "y z", '"q" ', "é", "a\n") * length
    cell = text[:length].strip() + "."
    assert rows[1].cells is not None
    rows[1] = replace(rows[1], cells={**rows[1].cells, "note": cell}, codes=None, values={})
    written = good_table(draw, rows)
    if len(cell) > 10_000_000:
        return refused("deals.csv", written.content, "CELL_TOO_LARGE")
    return written


@kind
def very_many_columns(draw: Draw) -> Written:
    """Thousands of columns that nobody maps."""
    more = 300 if draw.size < 100 else 5_000
    names = [f"c{each}" for each in range(more)]
    parts, placed = [line_of([*COLUMNS, *names])], []
    for number, row in enumerate(ascii_deals(draw, count=min(draw.size, 50)), start=2):
        assert row.cells is not None
        further = [draw.word("", "1", "x") for _ in names]
        parts.append(line_of([*(row.cells[each] for each in COLUMNS), *further]))
        placed.append(
            replace(row, line=number, cells={**row.cells, **dict(zip(names, further, strict=True))})
        )
    return Written("deals.csv", "".join(parts).encode(), tuple(placed))


@kind
def a_very_long_header(draw: Draw) -> Written:
    """One column has a name of up to two million characters."""
    name = "x" * draw.random.choice([300, 70_000, 999_990, 2_000_000])
    parts, placed = [line_of([*COLUMNS, name])], []
    for number, row in enumerate(ascii_deals(draw, count=20), start=2):
        assert row.cells is not None
        parts.append(line_of([*(row.cells[each] for each in COLUMNS), "v"]))
        placed.append(replace(row, line=number, cells={**row.cells, name: "v"}))
    return Written("deals.csv", "".join(parts).encode(), tuple(placed))


@kind
def odd_separators_of_unicode(draw: Draw) -> Written:
    """Characters that some programs take for line ends stay in their cells."""
    pieces = tuple(f"a{each}b" for each in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    return good_table(draw, deals(draw, pieces=pieces))


@kind
def odd_names_of_columns(draw: Draw) -> Written:
    """Further columns whose names look like anything."""
    pool = [
        "=cmd()",
        "_sfsync_code",
        "\u202eabc",
        "a\nb",
        'q"q',
        "x" * 300,
        "{id}",
        "__proto__",
        "😀",
        "0",
        "\x1b[1m",
    ]
    names = draw.random.sample(pool, 3)
    parts, placed = [line_of([*COLUMNS, *names])], []
    line = 1 + breaks(parts[0])
    for row in ascii_deals(draw):
        assert row.cells is not None
        parts.append(line_of([*(row.cells[each] for each in COLUMNS), "1", "2", "3"]))
        own = {name: str(n) for n, name in enumerate(names, start=1) if not name.startswith("_sfsync_")}
        placed.append(replace(row, line=line, cells={**row.cells, **own}))
        line += 1
    return Written("deals.csv", "".join(parts).encode(), tuple(placed))


@kind
def random_lines(draw: Draw) -> Written:
    """A good header, and lines of the characters that matter."""
    alphabet = draw.word('ab1,"\n', "ab,1\n\r\0 ", "a,\n") + draw.word(
        "", 'ab1,;"\n\r\t| \x1a\ufeff\0=\u2028é'
    )
    inside = "".join(random.Random(draw.below(10**9)).choices(alphabet, k=draw.size * 20))
    text = line_of(COLUMNS) + inside
    return Written("deals.csv", text.encode(), refusals=frozenset({ANY}))
