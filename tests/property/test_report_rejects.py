"""Rejects files give back what the source held, for any cells in any dialect."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.reports.results import Outcome, Problem, RowRef, Stage
from sfsync.report.files.rejects import OWN_COLUMNS, Failure, LeftRow, delimited_lines, one_line
from sfsync.report.safe_text import unformulated, visible

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ODD_CELLS = st.one_of(CELLS, st.sampled_from(["", " ", '"', ',"', "\r", "\n", "\r\n", "=1", "'=1", "\ufeff"]))
COLUMNS = st.lists(st.from_regex(r"[a-z;,|\t ]{1,6}", fullmatch=True), min_size=1, max_size=4, unique=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def images(draw: st.DrawFn) -> SourceImage:
    """A delimited source with up to four rows of the right width, maybe a rejects file itself."""
    columns = [*draw(COLUMNS)]
    if draw(st.booleans()):
        columns = draw(st.permutations([*columns, *OWN_COLUMNS[:2]]))
    rows = draw(st.lists(st.tuples(*(ODD_CELLS for _ in columns)), min_size=1, max_size=4))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    numbered = dict(enumerate(rows, start=1))
    return SourceImage("s", "f", "csv", tuple(columns), delimiter, "utf-8", line_end, numbered)


def left(image: SourceImage, message: str) -> list[LeftRow]:
    """Every row of the image, rejected with the message."""
    problem = Problem("CODE", Stage.MAP, message)
    return [
        LeftRow(
            ordinal,
            ordinal + 1,
            (
                Failure(
                    Change("c", "Account", Action.REJECT, "k", "l", RowRef("s", "f", 1)),
                    Outcome.REJECTED,
                    problem,
                ),
            ),
        )
        for ordinal in image.rows
    ]


def read_back(image: SourceImage, lines: list[str]) -> list[list[str]]:
    """What the csv module reads in what was written."""
    text = io.StringIO("".join(lines), newline="")
    return list(csv.reader(text, delimiter=image.delimiter, strict=True))


@given(images(), CELLS)
@settings(max_examples=150, deadline=None)
def test_i5_rejects_read_as_they_were_written(image: SourceImage, message: str):
    """Every source cell and column reads back exactly, whatever is in it and whatever our columns say."""
    header, *rows = read_back(image, list(delimited_lines(image, left(image, message))))
    kept = [place for place, name in enumerate(image.columns) if name not in OWN_COLUMNS]
    assert header == [image.columns[place] for place in kept] + [*OWN_COLUMNS]
    assert [row[: len(kept)] for row in rows] == [
        [raw[place] for place in kept] for raw in image.rows.values()
    ]
    assert all(len(row) == len(header) for row in rows)


@given(images(), st.lists(ODD_CELLS, max_size=9))
@settings(max_examples=100, deadline=None)
def test_i4_ragged_rows_lose_no_cell(image: SourceImage, cells: list[str]):
    """A row of another width keeps all of its cells, and every row's reasons stand in our columns."""
    columns = tuple(name for name in image.columns if name not in OWN_COLUMNS)
    ragged = SourceImage("s", "f", "csv", columns, image.delimiter, "utf-8", "\n", {1: tuple(cells)})
    header, row = read_back(ragged, list(delimited_lines(ragged, left(ragged, "m"))))
    if len(cells) == len(columns):
        row = [*row[len(columns) :], *row[: len(columns)]]
        header = [*header[len(columns) :], *header[: len(columns)]]
    assert header == [*OWN_COLUMNS, *columns]
    assert row == ["rejected", "CODE", "m", "", "2", *cells]


@given(JSON, st.sampled_from([None, 0, 1, 2]))
@settings(max_examples=100, deadline=None)
def test_documents_keep_their_meaning_on_one_line(value: object, indent: int | None):
    """A document put on one line is the same document, and one line."""
    line = one_line(json.dumps(value, indent=indent, ensure_ascii=False))
    assert json.loads(line) == value
    assert "\n" not in line
    assert "\r" not in line


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_visible_text_holds_nothing_that_a_terminal_obeys(text: str):
    """No control, bidirectional or surrogate character is left, and harmless text stays as it is."""
    seen = visible(text)
    hidden = {char for char in seen if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert hidden <= {"\u200c", "\u200d"}
    assert not set(seen) & {"\x1b", "\n", "\r", "\u202e", "\u2066", "\u2028"}
    if text.isascii() and text.isprintable():
        assert seen == text


@given(st.sampled_from("=+-@\t\r"), st.text(max_size=5))
@settings(max_examples=100, deadline=None)
def test_i5_no_cell_of_ours_begins_like_a_formula(begin: str, rest: str):
    """Text that begins like a formula gets an apostrophe, unless it is a negative number."""
    cell = unformulated(begin + rest)
    assert cell.startswith("'") or float(cell) <= 0
