"""Rows given in Python: what they hold is kept exactly, and what is no row is a problem of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel
from source_making import a_section, cells, models, unreadable

from sfsync.core.models import Contact, Opportunity
from sfsync.sources import open_source


def given(*rows):
    """The source of these rows, from a generator."""
    return open_source(a_section(None, "rows", rows=(each for each in rows)))


def test_values_become_cells_without_loss():
    """Floats keep the digits that they show, dates stay dates."""
    moment = datetime(2026, 9, 30, 12, tzinfo=UTC)
    row = {"a": 0.1, "b": 7, "c": Decimal("1.50"), "d": True, "e": None, "f": date(2026, 9, 30), "g": moment}
    [found] = cells(given(row | {"h": 1e16}))
    assert found["a"] == Decimal("0.1")
    assert (found["b"], str(found["c"]), found["d"], found["e"]) == (Decimal(7), "1.50", True, None)
    assert (found["f"], found["g"]) == (date(2026, 9, 30), moment)
    assert str(found["h"]) == "10000000000000000"


def test_a_generator_is_read_twice_with_its_places():
    """Rows are taken up once; their line is their place."""
    source = given({"a": "1"}, {"b": "2"})
    assert cells(source) == cells(source) == [{"a": "1"}, {"b": "2"}]
    assert [(row.ref.line, row.raw) for row in source.rows()] == [(1, ("1", "")), (2, ("", "2"))]


def test_local_models_stay_models_and_other_models_become_cells():
    """A model of ours is typed already; members of another one that are None are not given."""

    class Deal(BaseModel):
        a: str
        b: str | None = None

    source = given(Opportunity(Name="X"), Deal(a="y"))
    [model] = models(source)
    assert model.record.Name == "X"
    assert dict(list(source.rows())[1].cells) == {"a": "y"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("text", "NOT_A_ROW"),
        (Contact(LastName="X"), "NOT_A_ROW"),
        ({"a": float("nan")}, "NOT_A_NUMBER"),
        ({"a": b"bytes"}, "NOT_A_VALUE"),
        ({"a": ["x"]}, "NOT_A_VALUE"),
        ({"a": "x\0"}, "BAD_CHARACTER"),
        ({"a": "\ud800"}, "BAD_CHARACTER"),
        ({1: "x"}, "NOT_A_COLUMN"),
    ],
)
def test_what_is_no_row_is_a_problem_and_the_next_is_read(row, code):
    """Nothing is turned into a text that nobody meant."""
    source = given(row, {"a": "good"})
    [bad] = unreadable(source)
    assert (bad.problem.code, bad.ref.line) == (code, 1)
    assert len(list(source.rows())) == 2
