"""A workbook is read as what a person sees in it, exactly, and a cell that is no value is named by its address."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from source_making import a_section, cells, lines, opened, unreadable
from workbook_writer import MAIN, Book, X, day, workbook

from sfsync.core.reading.rows import NotedSource, RowSource
from sfsync.errors import SourceError
from sfsync.sources import open_source

MOMENT = "dd.mm.yyyy hh:mm"


def refusal(path, content, **given) -> SourceError:
    """The error with which the source is refused, when it is opened or read."""
    with pytest.raises(SourceError) as caught:
        list(opened(path, content, **given).rows())
    return caught.value


def notes(source: RowSource) -> dict[str, str]:
    """The notes of a source that was read: code -> message."""
    list(source.rows())
    assert isinstance(source, NotedSource)
    return {each.code: each.message for each in source.notes()}


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (X("10012345678.0"), "10012345678"),
        (X("1.0012345678E10"), "10012345678"),
        (10012345678, "10012345678"),
        ("0042", "0042"),
        (X("42", format="0.00%"), "42"),
        (X("0.1"), "0.1"),
        (X("0.10000000000000001"), "0.1"),
        (X("59.969999999999999"), "59.97"),
        (X("3.3000000000000003"), "3.3"),
        (X("1234567.89", format=r"_-* #,##0.00\ [$€-407]_-;\-* #,##0.00\ [$€-407]_-"), "1234567.89"),
        (X("-0.005", format="[Red]0.00;[Blue]-0.00"), "-0.005"),
        (X("3", format=r'#,##0.00\ "days"'), "3"),
        (X("999999999999999"), "999999999999999"),
        (X("1E-7"), "0.0000001"),
        (True, "true"),
        (False, "false"),
        (X("Total", type="str", formula='"To"&"tal"'), "Total"),
        (X("7", formula="3+4"), "7"),
        (X("", type="str", formula='""'), ""),
        (X("2026-09-30T00:00:00", type="d"), "2026-09-30"),
        (X("2026-09-30T14:30:00", type="d"), "2026-09-30T14:30:00"),
        ("a _x000D_b_x005F_", "a \rb_"),
        ("=1+1", "=1+1"),
        ("  kept  ", "  kept  "),
        ("ÄÖ\U0001f600", "ÄÖ\U0001f600"),
    ],
)
def test_a_cell_is_read_as_what_was_entered(tmp_path, cell, read):
    """Numbers without the traces of floats, texts with their zeros, truth values as words."""
    [row] = list(opened(tmp_path / "x.xlsx", workbook(["a", "b"], [cell, "x"])).rows())
    assert row.raw == (read, "x")


def test_a_number_stays_a_number(tmp_path):
    """So that no declared way of writing numbers is applied to it."""
    [row] = cells(opened(tmp_path / "x.xlsx", workbook(["a", "b"], [1234.5, "1234.5"])))
    assert row == {"a": Decimal("1234.5"), "b": "1234.5"}


@pytest.mark.parametrize(
    ("serial", "shown_as", "since_1904", "read"),
    [
        ("1", "yyyy\\-mm\\-dd", False, "1900-01-01"),
        ("59", "yyyy\\-mm\\-dd", False, "1900-02-28"),
        ("61", "yyyy\\-mm\\-dd", False, "1900-03-01"),
        ("46295", "yyyy\\-mm\\-dd", False, "2026-09-30"),
        ("46295", MOMENT, False, "2026-09-30"),
        ("46295", "[$-F800]dddd\\,\\ mmmm\\ dd", False, "2026-09-30"),
        ("46295.604166666664", MOMENT, False, "2026-09-30T14:30:00"),
        ("46295.604166666664", "h:mm:ss", False, "2026-09-30T14:30:00"),
        ("46295.999999999993", MOMENT, False, "2026-10-01"),
        ("2958465", "yyyy\\-mm\\-dd", False, "9999-12-31"),
        ("0", "yyyy\\-mm\\-dd", True, "1904-01-01"),
        ("44833", "yyyy\\-mm\\-dd", True, "2026-09-30"),
        ("0.60416666666666663", "h:mm:ss", False, "14:30:00"),
        ("1.5", "[h]:mm", False, "36:00:00"),
        ("46295", "General", False, "46295"),
    ],
)
def test_a_day_is_read_by_the_date_system_of_its_workbook(tmp_path, serial, shown_as, since_1904, read):
    """A whole day is a date, a fraction makes a moment; which numbers are days, the number format says."""
    content = workbook(["a"], [day(serial, shown_as)], since_1904=since_1904)
    [row] = list(opened(tmp_path / "x.xlsx", content).rows())
    assert row.raw == (read,)


@pytest.mark.parametrize(
    ("cell", "code", "said"),
    [
        (X("#N/A", type="e"), "CELL_ERROR", "Deals!C7 is #N/A"),
        (X("#REF!", type="e", formula="Old!A1"), "CELL_ERROR", "Deals!C7 is #REF!"),
        (X(None, formula="A1+1"), "FORMULA_WITHOUT_VALUE", "Deals!C7 is a formula"),
        (X("", formula="A1+1"), "FORMULA_WITHOUT_VALUE", "Deals!C7 is a formula"),
        (X("1234567890123450"), "LOST_DIGITS", "Deals!C7 holds a number of more than 15 digits"),
        (X("1.2345678901234567E+18"), "LOST_DIGITS", "(1.23456789012346e+18)"),
        (day(60), "NO_SUCH_DATE", "29 February 1900"),
        (day(0), "NO_SUCH_DATE", "before the first day"),
        (day(-1), "NO_SUCH_DATE", "before the first day"),
        (day(2958466), "NO_SUCH_DATE", "after the last day"),
        (X("1e300", format="h:mm:ss"), "NO_SUCH_DATE", "after the last day"),
        (X("NaN"), "BROKEN_CELL", "no number"),
        (X("1_000"), "BROKEN_CELL", "no number"),
        (X("1e999"), "BROKEN_CELL", "too large"),
        (X("99", type="s"), "BROKEN_CELL", "does not have"),
        ("NUL _x0000_", "BAD_CHARACTER", "NUL"),
        ("half _xD83D_", "BAD_CHARACTER", "surrogate"),
    ],
)
def test_a_cell_that_is_no_value_is_a_problem_of_its_row_by_its_address(tmp_path, cell, code, said):
    """The rows around it are read; a column that no rule reads may hold what it likes but impossible text."""
    rows = [["id", "name", "amount"], *[[f"D-{n}", "x", n] for n in range(2, 7)], ["D-7", "x", cell]]
    content = workbook(*rows)
    [bad] = unreadable(opened(tmp_path / "x.xlsx", content, column="amount"))
    assert (bad.ref.line, bad.problem.code, bad.problem.column) == (7, code, "amount")
    assert said in bad.problem.message
    if code != "BAD_CHARACTER":
        assert bad.problem.hint
        assert len(cells(opened(tmp_path / "y.xlsx", content, column="id"))) == 6


def test_a_number_beyond_the_doubles_is_no_moment(tmp_path):
    """A serial whose days no calculation can hold is a problem of the row, not a fault of the program."""
    bad = unreadable(opened(tmp_path / "x.xlsx", workbook(["a"], [X("1e999", format="h:mm:ss")])))
    assert [each.problem.code for each in bad] == ["BROKEN_CELL"]


def test_every_bad_cell_of_a_row_is_named(tmp_path):
    """One correction of the row is enough."""
    rule = "{a} {b}"
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook(["a", "b"], [X("#N/A", type="e"), X("#DIV/0!", type="e")]))
    section = a_section(path)
    rules = (replace(section.rules[0], column=None, compose=rule),)
    [bad] = unreadable(open_source(replace(section, rules=rules)))
    assert bad.problem.message == "Deals!A2 is #N/A; Deals!B2 is #DIV/0!"


def test_formulas_of_a_workbook_that_must_be_calculated_again_have_no_value(tmp_path):
    """Programs that write workbooks put 0 there and leave the calculation to whoever opens it."""
    content = workbook(["a"], [X("0", formula="B2*2")], [5], must_recalculate=True)
    [bad] = unreadable(opened(tmp_path / "x.xlsx", content))
    assert bad.problem.code == "FORMULA_WITHOUT_VALUE"
    assert "calculated again" in bad.problem.message


def test_lines_are_the_rows_of_the_sheet_and_blank_ones_are_told(tmp_path):
    """The header is the first row with something in it; blank rows at the end are nobody's business."""
    rows = [[None], ["a", "b"], [1, 2], [], [" ", None], [3, 4], [], []]
    source = opened(tmp_path / "x.xlsx", workbook(*rows, first_row=3))
    assert lines(source) == [5, 8]
    assert "2 rows without a value skipped" in notes(source)["BLANK_ROWS"]


def test_hidden_rows_and_percentages_are_told(tmp_path):
    """A filter hides rows that are read all the same; 25% is 0.25 in a workbook."""
    content = workbook(["a"], [1], [X("0.25", format="0.00%")], hidden_rows=[2])
    found = notes(opened(tmp_path / "x.xlsx", content))
    assert "1 row read that the sheet hides" in found["HIDDEN_ROWS"]
    assert "Deals!A3" in found["PERCENTAGES"]
    plain = opened(tmp_path / "y.xlsx", workbook(["a"], [1], [2]))
    assert notes(plain) == {}


def test_columns_without_a_name_are_left_out_while_they_are_empty(tmp_path):
    """Left, right and between; a value in one is a problem of its row."""
    content = workbook([None, "a", None, "b", " "], [None, 1, None, 2], [None, 3, None, 4, "?"])
    source = opened(tmp_path / "x.xlsx", content)
    assert source.form.columns == ("a", "b")
    [bad] = unreadable(source)
    assert (bad.problem.code, bad.raw) == ("CELL_WITHOUT_COLUMN", ("3", "4", "?"))
    assert "Deals!E3" in bad.problem.message


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([["a", "a"], [1, 2]], "HEADER", 'two columns are named "a"'),
        ([["a", X("#N/A", type="e")], [1, 2]], "HEADER", "Deals!B1"),
        ([["a"]], "SOURCE_EMPTY", "a header and no rows"),
        ([["a"], [" "]], "SOURCE_EMPTY", "a header and no rows"),
        ([], "SOURCE_EMPTY", "no visible sheet"),
    ],
)
def test_a_sheet_without_a_table_is_refused(tmp_path, rows, code, said):
    """As a delimited file would be."""
    error = refusal(tmp_path / "x.xlsx", workbook(*rows))
    assert error.code == code
    assert said in error.message


@pytest.mark.parametrize("area", ["A3:A4", "A2:B2", "A1:A2"])
def test_merged_cells_that_a_rule_reads_stop_the_source(tmp_path, area):
    """Only the first of them has a value; the others would be blank without a word."""
    rows = [["b", "a"], ["x", 1], ["y", 2], ["z", 3]]
    column = "b" if area != "A2:B2" else "a"
    error = refusal(tmp_path / "x.xlsx", workbook(*rows, merged=[area]), column=column)
    assert error.code == "MERGED_CELLS"
    assert area in error.message


@pytest.mark.parametrize("area", ["A1:B1", "C2:C3", "A9:B10", "nonsense"])
def test_merged_cells_that_hide_no_value_do_not_matter(tmp_path, area):
    """In the header, in columns that no rule reads, below the table."""
    rows = [["b", "a", "c"], ["x", 1], ["y", 2]]
    assert len(cells(opened(tmp_path / "x.xlsx", workbook(*rows, merged=[area])))) == 2


def test_the_sheet_is_the_only_visible_one_with_rows_or_the_one_that_is_named(tmp_path):
    """Empty and hidden sheets do not count; a hidden one can be named."""
    path = tmp_path / "x.xlsx"
    content = Book({"Notes": [], "Deals": [["a"], [1]], "Old": [["a"], [2]]}, hidden=["Old"]).content()
    assert cells(opened(path, content)) == [{"a": 1}]
    assert cells(opened(path, content, sheet="Old")) == [{"a": 2}]


def test_several_sheets_with_rows_are_refused_with_their_names_and_sizes(tmp_path):
    """Which is meant is never guessed."""
    content = Book({"Deals": [["a"], [1], [2]], "Roles": [["a", "b"], [1, 2]]}).content()
    error = refusal(tmp_path / "x.xlsx", content)
    assert error.code == "SHEET_UNCLEAR"
    assert '"Deals" (3 rows, 1 columns), "Roles" (2 rows, 2 columns)' in error.message
    assert 'sheet = "Deals"' in error.hint
    error = refusal(tmp_path / "x.xlsx", content, sheet="deals")
    assert (error.code, error.hint) == ("SHEET_MISSING", 'Did you mean "Deals"?')


def test_inline_and_rich_texts_are_read_without_their_pronunciation(tmp_path):
    """A text of runs is one text; `rPh` says how it is spoken."""
    rich = "<s:si><s:r><s:t>Ac</s:t></s:r><s:r><s:t>me</s:t></s:r><s:rPh><s:t>NO</s:t></s:rPh></s:si>"
    texts = f'<s:sst xmlns:s="{MAIN}">{rich}<s:si><s:t>b</s:t></s:si></s:sst>'
    parts = {"xl/sharedStrings.xml": texts}
    assert cells(opened(tmp_path / "x.xlsx", workbook(["a"], ["x"], parts=parts), column="Acme")) == [
        {"Acme": "b"}
    ]
    assert cells(opened(tmp_path / "y.xlsx", workbook(["a"], ["x & y"], shared=False))) == [{"a": "x & y"}]


def test_macros_are_never_looked_at(tmp_path):
    """An .xlsm is read like an .xlsx."""
    content = workbook(["a"], [1], parts={"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 not even a project"})
    assert cells(opened(tmp_path / "x.xlsm", content)) == [{"a": 1}]


def test_columns_of_our_own_rejects_are_never_read(tmp_path):
    """So that a rejects file that was saved as a workbook is imported as it is."""
    content = workbook(["a", "_sfsync_code"], [1, "BAD_DATE"])
    assert cells(opened(tmp_path / "x.xlsx", content)) == [{"a": 1}]


def test_a_workbook_that_changes_while_it_is_read_stops_the_source(tmp_path):
    """Its rows would belong to no one version of it."""
    path = tmp_path / "x.xlsx"
    source = opened(path, workbook(["a"], [1]))
    path.write_bytes(workbook(["a"], [1], [2]))
    with pytest.raises(SourceError) as caught:
        list(source.rows())
    assert caught.value.code == "SOURCE_CHANGED"


@pytest.mark.parametrize(
    "cell",
    [
        X("#N/A", type="e"),
        X("#NAME?", type="e"),
        X("#DIV/0!", type="e"),
        X(None, formula="A1+1"),
        X("1234567890123450"),
        day(60),
        X("NaN"),
    ],
)
def test_a_reject_that_nobody_corrected_is_refused_again(tmp_path, cell):
    """In the CSV it is text, which a text field would take; in a file that is not ours, it is only text."""
    [bad] = unreadable(opened(tmp_path / "x.xlsx", workbook(["a"], [cell])))
    [text] = bad.raw
    [again] = unreadable(opened(tmp_path / "y.csv", f"a,_sfsync_code\n{text},CELL_ERROR\n"))
    assert (again.problem.code, again.problem.column) == ("CELL_ERROR", "a")
    assert text in again.problem.message
    assert cells(opened(tmp_path / "z.csv", f"a,b\n{text},x\n")) == [{"a": text, "b": "x"}]
    corrected = "a,_sfsync_code\n#1 of our deals,CELL_ERROR\n"
    assert cells(opened(tmp_path / "w.csv", corrected)) == [{"a": "#1 of our deals"}]
