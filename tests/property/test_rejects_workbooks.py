"""A workbook of text is read back as exactly the same text, by our own reader; so are the types of cells."""

from __future__ import annotations

import io
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfsync.core.job import Section
from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reading.typed_cells import letter, read_mark, typed_mark, typed_value
from sfsync.report.files import text_workbook
from sfsync.report.files.text_workbook import TextTable, misfit_of, write_text_workbook
from sfsync.sources import open_source

ANY = st.text(st.characters(), max_size=12) | st.text("_x0005FABcd\x0b\r\n \t", max_size=14)


def table(*rows: tuple[str, ...]) -> TextTable:
    """A table of two columns."""
    return TextTable("Rows", ("key", "text"), frozenset({1}), lambda: iter(rows))


def written(*rows: tuple[str, ...]) -> bytes:
    """The workbook of that table."""
    buffer = io.BytesIO()
    write_text_workbook(buffer, table(*rows))
    return buffer.getvalue()


def read(content: bytes) -> list[tuple[str, ...]]:
    """The raw cells of every row of a workbook."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.xlsx"
        path.write_bytes(content)
        source = open_source(Section("opportunities", "Opportunity", SourceSpec("csv", path), ()))
        return [row.raw for row in source.rows()]  # type: ignore[union-attr]


@given(st.lists(ANY, min_size=1, max_size=5))
@settings(max_examples=400, deadline=None)
@example(
    [
        "_x0041\x0b",
        "_x0041_x0042_",
        "\ud83d",
        "\ufffe",
        "\0",
        " a ",
        "a\r\nb\r",
        "]]>",
        "\U0001f600",
        "_x005F_",
    ]
)
def test_any_text_is_read_back_as_it_was(texts: list[str]) -> None:
    """Also what XML cannot hold, blanks at the ends, line ends of each kind, and half a surrogate pair."""
    rows = [("k", text) for text in texts]
    assert read(written(*rows)) == rows


def test_a_text_that_the_org_cannot_hold_is_still_a_problem_of_its_row(tmp_path: Path) -> None:
    """A workbook of rejects makes no bad row a good one."""
    path = tmp_path / "x.xlsx"
    path.write_bytes(written(("k", "a\0b"), ("k", "\ud83d")))
    rows = open_source(Section("opportunities", "Opportunity", SourceSpec("csv", path), ())).rows()
    assert [isinstance(each, UnreadableRow) and each.problem.code for each in rows] == ["BAD_CHARACTER"] * 2


@given(st.lists(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=1), min_size=1))
@settings(max_examples=100, deadline=None)
def test_another_program_reads_and_saves_the_same_texts(texts: list[str]) -> None:
    """Whatever they look like."""
    book = openpyxl.load_workbook(io.BytesIO(written(*(("k", text) for text in texts))))
    buffer = io.BytesIO()
    book.save(buffer)
    assert [row[1] for row in read(buffer.getvalue())] == texts


def test_a_text_that_packs_too_well_is_written_unpacked_so_that_it_is_read() -> None:
    """Our own reader takes what is packed more than 200 times for a bomb."""
    rows = [("k", "x" * 32_000)] * 600
    content = written(*rows)
    assert len(content) > 19_000_000
    assert read(content) == rows


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("k", "x" * 32_767)], ""),
        ([("k", "\U0001f600" * 16_384)], "a cell of its row 2 has more than 32,767 characters"),
        ([("k",) * 16_385], "it has more than 16,384 columns"),
    ],
)
def test_what_a_sheet_cannot_hold_is_told(rows: list[tuple[str, ...]], why: str) -> None:
    """Characters are counted as the program counts them, in halves of surrogate pairs."""
    assert misfit_of(table(*rows)) == why


def test_more_rows_or_bytes_than_a_sheet_holds_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header is a row too."""
    monkeypatch.setattr(text_workbook, "MAX_ROWS", 3)
    assert misfit_of(table(*[("k", "v")] * 2)) == ""
    assert misfit_of(table(*[("k", "v")] * 3)) == "it has more than 3 rows"
    monkeypatch.setattr(text_workbook, "MAX_BYTES", 100)
    assert misfit_of(table(("k", "v"))) == "its sheet would have more than 100 bytes"


CELLS = (
    st.booleans()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
)


@given(CELLS)
def test_a_typed_cell_comes_back_out_of_its_mark_in_value_and_in_type(
    cell: bool | Decimal | date | datetime,
) -> None:
    """A mark has the text that stands in the cell beside it."""
    text = as_text(cell)
    mark = typed_mark(("a", "b"), ("x", text), "T" + letter(cell))
    [(name, (kept, value))] = read_mark(mark).items()
    assert (name, kept, type(value)) == ("b", text, type(cell))
    assert as_text(value) == text
    assert value == cell or isinstance(cell, datetime)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a":1}', '{"a":"Dx"}', '{"a":"?1"}', '{"a":""}', '{"a":"DNaN"}']
)
def test_what_is_no_mark_is_refused(text: str) -> None:
    """Nobody guesses which cells were typed."""
    with pytest.raises(ValueError):
        read_mark(text)


def test_a_mark_of_no_typed_cell_is_empty() -> None:
    """So texts alone add no column."""
    assert typed_mark(("a",), ("x",), "T") == typed_mark(("a",), ("x",), "") == ""
    assert read_mark(" ") == {}
    with pytest.raises(ValueError):
        typed_value("D", "many")
