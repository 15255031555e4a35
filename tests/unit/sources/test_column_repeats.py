"""Repeats of a column's values are counted exactly, whatever fits into memory."""

from __future__ import annotations

from contextlib import closing

import pytest

from sfsync.core.suggesting.keys import Repeats
from sfsync.sources import column_repeats
from sfsync.sources.column_repeats import ColumnRepeats


def counted(texts: list[str]) -> Repeats | None:
    """What repeats in a column that begins in line 2."""
    with closing(ColumnRepeats("id")) as repeats:
        for line, text in enumerate(texts, start=2):
            repeats.add(line, text)
        return repeats.repeats()


def test_the_first_two_lines_of_a_repeat_are_named_and_case_does_not_count() -> None:
    """As an org's keys have it."""
    found = counted(["a", "b", "A", "", "b"])
    assert found is not None
    assert (found.distinct, found.repeated, found.lines, found.blank) == (2, 2, (2, 4), 1)
    assert not found.is_key


def test_counting_in_portions_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions are what keeps memory flat."""
    texts = [f"k{number % 97}" for number in range(100)]
    whole = counted(texts)
    monkeypatch.setattr(column_repeats, "_TOGETHER", 7)
    assert counted(texts) == whole


def test_a_column_that_is_no_key_by_far_is_not_counted_on() -> None:
    """Its temporary file is let go."""
    assert counted([f"k{number % 9}" for number in range(6000)]) is None
