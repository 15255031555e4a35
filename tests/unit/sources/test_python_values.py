"""Rows as programs have them: dataclasses, named tuples, and frames of pandas and polars."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest
from source_making import a_section, cells, unreadable

from sfsync.app.given_rows import with_rows
from sfsync.core.job import Job
from sfsync.errors import SourceError
from sfsync.sources import open_source


def given(rows):
    """The source of these rows."""
    return open_source(a_section(None, "rows", rows=rows))


@dataclass
class Deal:
    a: str
    b: Decimal | None = None


class Pair(NamedTuple):
    a: str
    b: int


def test_dataclasses_and_named_tuples_are_rows():
    """Their fields are the columns."""
    assert cells(given([Deal("x"), Pair("y", 7)])) == [{"a": "x", "b": None}, {"a": "y", "b": Decimal(7)}]


def test_an_iterator_that_was_read_is_refused_the_second_time():
    """It would look like a source whose rows are all gone."""
    job = with_rows(Job("j", "o", {}, "d"), opportunities=iter([{"a": "x"}]))
    section = job.sections["opportunities"]
    assert cells(open_source(section)) == [{"a": "x"}]
    with pytest.raises(SourceError, match="iterator that was read before"):
        open_source(section)


def test_the_rows_of_a_generator_are_not_held():
    """They are spooled as they come: 50,000 rows of a kilobyte take a fraction of their 50 MB."""
    tracemalloc.start()
    source = given({"a": f"{number:01000}"} for number in range(50_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25_000_000
    assert sum(1 for _ in source.rows()) == 50_000


def test_what_marks_a_missing_value_in_pandas_is_a_blank():
    """NaN of a frame, NaT and NA; numbers are exact, moments are moments."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "a": [0.1, float("nan")],
            "b": [pandas.Timestamp("2026-09-30 12:00", tz="UTC"), pandas.NaT],
            "c": pandas.array([7, pandas.NA], dtype="Int64"),
            "d": [True, False],
        }
    )
    first, second = cells(given(frame))
    assert first == {
        "a": Decimal("0.1"),
        "b": datetime(2026, 9, 30, 12, tzinfo=UTC),
        "c": Decimal(7),
        "d": True,
    }
    assert second == {"a": None, "b": None, "c": None, "d": False}


def test_nan_in_mappings_stays_a_problem_and_nat_is_a_blank():
    """Mappings do not say who made the NaN; the hint names the way."""
    pandas = pytest.importorskip("pandas")
    source = given([{"a": float("nan")}, {"a": pandas.NaT}, {"a": pandas.NA}])
    [bad] = unreadable(source)
    assert (bad.problem.code, "DataFrame itself" in bad.problem.hint) == ("NOT_A_NUMBER", True)
    assert [dict(each.cells) for each in list(source.rows())[1:]] == [{"a": None}, {"a": None}]


def test_a_moment_finer_than_a_microsecond_is_a_problem():
    """It is not cut without a word."""
    pandas = pytest.importorskip("pandas")
    [bad] = unreadable(given([{"a": pandas.Timestamp("2026-09-30 12:00:00.000000001")}]))
    assert bad.problem.code == "NOT_A_VALUE"


def test_scalars_of_numpy_are_what_they_show():
    """0.1 of a float32 is 0.1."""
    numpy = pytest.importorskip("numpy")
    row = {
        "a": numpy.float32(0.1),
        "b": numpy.float64(0.1),
        "c": numpy.int64(7),
        "d": numpy.bool_(True),
        "e": numpy.datetime64("2026-09-30"),
        "f": numpy.datetime64("2026-09-30T12:00:00", "ns"),
        "g": numpy.datetime64("NaT"),
        "h": numpy.str_("x"),
    }
    assert cells(given([row])) == [
        {
            "a": Decimal("0.1"),
            "b": Decimal("0.1"),
            "c": Decimal(7),
            "d": True,
            "e": date(2026, 9, 30),
            "f": datetime(2026, 9, 30, 12),  # noqa: DTZ001 - numpy knows no zones
            "g": None,
            "h": "x",
        }
    ]


def test_a_frame_of_polars_is_read_row_by_row():
    """Its null is a blank."""
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": ["x", None], "b": [date(2026, 9, 30), None]})
    assert cells(given(frame)) == [{"a": "x", "b": date(2026, 9, 30)}, {"a": None, "b": None}]
    assert cells(given(frame.iter_rows(named=True)))[0]["a"] == "x"
