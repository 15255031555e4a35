"""Rows become typed values by the rules of a job, and nothing is guessed."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.core.job import Blank, FieldRule, Section
from sfsync.core.models import Reference
from sfsync.core.reading.mapping import LocalRow, mapped
from sfsync.core.reading.rows import SourceRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reports.results import RowRef


def row_of(*rules: FieldRule, replace: dict[str, dict[str, str]] | None = None, **cells: Any) -> LocalRow:
    """What the rules make of a row with these cells."""
    spec = SourceSpec("csv")
    section = Section("opportunities", "Opportunity", spec, rules, replace=replace or {})
    return mapped(section, SourceRow(RowRef("opportunities", "d.csv", 2), cells, tuple(cells.values())))


def test_a_cell_becomes_the_type_of_its_field() -> None:
    """Dates and amounts are typed strictly, text stays text."""
    rules = (FieldRule("CloseDate", "c"), FieldRule("Amount", "a"), FieldRule("Name", "n"))
    row = row_of(*rules, c="2026-12-15", a="4450.00", n="007")
    assert row.values == {"CloseDate": date(2026, 12, 15), "Amount": Decimal("4450.00"), "Name": "007"}


@pytest.mark.parametrize(
    "text", ["1,234.50", "NaN", "1e400", "1_000", "\u0661\u0662", "\u20ac5", "inf", "4 450"]
)
def test_I7_a_number_that_is_not_plain_is_a_problem(text: str) -> None:
    """What could be read two ways is refused, and the problem names column and value."""
    row = row_of(FieldRule("Amount", "amount"), amount=text)
    assert [(each.code, each.column, each.value) for each in row.problems] == [("BAD_VALUE", "amount", text)]


@pytest.mark.parametrize("text", ["03/04/2026", "2026-02-30", "20260930", "2026-9-3", "tomorrow"])
def test_I6_a_date_that_is_not_iso_is_a_problem(text: str) -> None:
    """Only a declared format can say what 03/04 means."""
    assert [each.code for each in row_of(FieldRule("CloseDate", "c"), c=text).problems] == ["BAD_VALUE"]


def test_I6_a_declared_format_reads_the_date() -> None:
    """The job's own date format decides."""
    row = row_of(FieldRule("CloseDate", "c", date_format="%d/%m/%Y"), c="03/04/2026")
    assert row.values["CloseDate"] == date(2026, 4, 3)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (FieldRule("NextStep", "n"), {}),
        (FieldRule("NextStep", "n", blank=Blank.NULL), {"NextStep": None}),
        (FieldRule("NextStep", "n", blank=Blank.DEFAULT, default="Call"), {"NextStep": "Call"}),
    ],
    ids=["skip", "null", "default"],
)
def test_I15_an_empty_cell_means_what_the_rule_says(rule: FieldRule, expected: dict[str, Any]) -> None:
    """A blank never clears a field unless the job says so."""
    assert row_of(rule, n="  ").values == expected


def test_a_blank_that_the_job_forbids_is_a_problem() -> None:
    """The rule error turns an empty cell into a rejected row."""
    assert [each.code for each in row_of(FieldRule("Name", "n", blank=Blank.ERROR), n="").problems] == [
        "BLANK"
    ]


def test_a_word_outside_the_map_is_a_problem_with_the_nearest_word() -> None:
    """A value map is total: what it does not name is not let through."""
    row = row_of(FieldRule("StageName", "s", value_map={"Won": "Closed Won"}), s="Wonn")
    assert row.problems[0].code == "VALUE_NOT_MAPPED"
    assert '"Won"' in row.problems[0].hint


def test_columns_are_composed_after_their_words_are_put_right() -> None:
    """Replaced words count in composed fields too."""
    rule = FieldRule("Name", compose="{product} - {id}")
    row = row_of(rule, replace={"product": {"GTXPro": "GTX Pro"}}, product="GTXPro", id="X1")
    assert row.values == {"Name": "GTX Pro - X1"}


def test_a_reference_keeps_how_it_is_looked_up() -> None:
    """A rule with match gives a reference, not a text."""
    row = row_of(FieldRule("AccountId", "a", match=("Name",)), a=" Get Cloudy ")
    assert row.values == {"AccountId": Reference("Get Cloudy", ("Name",))}


def test_a_text_longer_than_the_platform_keeps_is_a_problem() -> None:
    """A deal's name has 120 characters at most."""
    assert "120" in row_of(FieldRule("Name", "n"), n="x" * 121).problems[0].message


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"won": "2026-12-01", "lost": "", "expected": "2026-11-01"}, date(2026, 12, 1)),
        ({"won": " ", "lost": "2026-12-02", "expected": "2026-11-01"}, date(2026, 12, 2)),
        ({"won": "", "lost": "", "expected": "2026-11-01"}, date(2026, 11, 1)),
    ],
)
def test_of_several_columns_the_first_that_is_not_empty_counts(cells: dict[str, str], expected: date) -> None:
    """A closed deal has its day in another column than an open one."""
    assert row_of(FieldRule("CloseDate", "won", or_columns=("lost", "expected")), **cells).values == {
        "CloseDate": expected
    }


@pytest.mark.parametrize(
    ("status", "stage", "expected"), [("Open", "Demo", "Value Proposition"), ("Won", "Demo", "Closed Won")]
)
def test_a_word_that_becomes_nothing_leaves_it_to_the_next_column(
    status: str, stage: str, expected: str
) -> None:
    """The status decides for the stage, unless the map makes it empty."""
    words = {"Open": "", "Won": "Closed Won", "Demo": "Value Proposition"}
    rule = FieldRule("StageName", "status", or_columns=("stage",), value_map=words)
    assert row_of(rule, status=status, stage=stage).values == {"StageName": expected}


def test_a_problem_names_the_column_that_gave_the_value() -> None:
    """Of several columns it is the one whose word is wrong, not the first."""
    words = {"Open": "", "Won": "Closed Won"}
    row = row_of(FieldRule("StageName", "s", or_columns=("stage",), value_map=words), s="Open", stage="Dmo")
    assert [(each.code, each.column, each.value) for each in row.problems] == [
        ("VALUE_NOT_MAPPED", "stage", "Dmo")
    ]


def test_where_all_of_several_columns_are_empty_the_rule_says_what_that_means() -> None:
    """The default counts, as for one column."""
    rule = FieldRule("NextStep", "a", or_columns=("b",), blank=Blank.DEFAULT, default="Call")
    assert row_of(rule, a="", b=" ").values == {"NextStep": "Call"}


def test_a_record_id_of_15_characters_is_the_one_of_18() -> None:
    """Both spellings give one text; a text that is none is a problem."""
    rule = FieldRule("Name", "id", as_record_id=True)
    assert row_of(rule, id="0068d00000AbCdE").values == row_of(rule, id="0068d00000AbCdEAAV").values
    [problem] = row_of(rule, id="006").problems
    assert (problem.code, problem.column, problem.value) == ("BAD_RECORD_ID", "id", "006")


@pytest.mark.parametrize(
    ("rule", "cell", "value"),
    [
        (FieldRule("Amount", "c", numbers="de_DE"), "1.234,50", Decimal("1234.50")),
        (FieldRule("Amount", "c", numbers="de_DE"), Decimal("1234.5"), Decimal("1234.5")),
        (FieldRule("Probability", "c", times=Decimal(100)), "0.07", Decimal("7.00")),
        (FieldRule("Probability", "c", times=Decimal(100)), Decimal("0.07"), Decimal("7.00")),
        (FieldRule("Amount", "c", numbers="de_DE", value_map={"frei": "0,50"}), "frei", Decimal("0.50")),
        (FieldRule("CloseDate", "c", date_format="excel-serial"), Decimal(46295), date(2026, 9, 30)),
        (FieldRule("Amount", "c", field_type="currency"), Decimal("1.234"), Decimal("1.234")),
        (FieldRule("Amount", "c", field_type="currency", numbers="plain"), "1.234", Decimal("1.234")),
    ],
)
def test_I7_a_declared_number_or_date_is_read_as_declared(rule: FieldRule, cell: Any, value: object) -> None:
    """A number of a JSON document needs no locale; words of the job are written like the cells."""
    row = row_of(rule, c=cell)
    assert (row.values[rule.field], row.problems) == (value, ())


def test_I7_what_is_not_as_declared_is_a_problem_with_an_example() -> None:
    """The message says the locale and a number of it, the problem names column and value."""
    [problem] = row_of(FieldRule("Amount", "amount", numbers="de_DE"), amount="12.50").problems
    assert (problem.code, problem.column, problem.value) == ("BAD_NUMBER", "amount", "12.50")
    assert "as de_DE writes it, such as 1.234,50" in problem.message


def test_I6_an_ambiguous_date_says_each_reading_and_what_declares_it() -> None:
    """A person chooses; the hint is what to type."""
    [problem] = row_of(FieldRule("CloseDate", "c"), c="03/04/2026").problems
    assert 'dates = "D/M/Y" reads 2026-04-03, dates = "M/D/Y" reads 2026-03-04' in problem.hint
    [only] = row_of(FieldRule("CloseDate", "c"), c="13/02/2026").problems
    assert 'dates = "D/M/Y" reads 2026-02-13 (' in only.hint
    [none] = row_of(FieldRule("CloseDate", "c"), c="soon").problems
    assert none.hint.startswith("Correct the cell, or say how dates are written")


def test_a_date_that_the_source_has_typed_needs_no_declared_form() -> None:
    """A section that declares D.M.Y for its texts takes a date of a workbook or program as the day that it is."""
    rule = FieldRule("CloseDate", column="close", date_format="D.M.Y", field_type="date")
    section = Section("opportunities", "Opportunity", SourceSpec("rows"), (rule,))
    for cell in (date(2026, 9, 30), datetime.fromisoformat("2026-09-30T00:00")):
        row = mapped(section, SourceRow(RowRef("opportunities", "f", 2), {"close": cell}, ()))
        assert row.values == {"CloseDate": date(2026, 9, 30)}
        assert row.problems == ()
    moment = datetime.fromisoformat("2026-09-30T23:00")
    late = mapped(section, SourceRow(RowRef("opportunities", "f", 2), {"close": moment}, ()))
    assert [each.code for each in late.problems] == ["BAD_VALUE"]
