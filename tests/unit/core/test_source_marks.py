"""How far a watermark may move, and from where on the next run reads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reading.source_marks import bound_from, is_greater, is_settled, kind_of, noted
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage

TEN = timedelta(minutes=10)


def bound(kind, text, basis="b", overlap=TEN):
    """From where on a source is read whose mark was noted so."""
    return bound_from(noted(SourceMark("s", "c", kind, text, "b"), text), basis=basis, overlap=overlap)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("moment", "2026-09-01T10:00:00+00:00", datetime(2026, 9, 1, 9, 50, tzinfo=UTC)),
        ("day", "2026-09-01", date(2026, 9, 1)),
        ("number", "12.50", Decimal("12.50")),
        ("text", "2026-09-01 10:00:00", "2026-09-01 09:50:00"),
        ("text", "2026-09-01T00:05:00.123Z", "2026-08-31T23:55:00.123Z"),
        ("text", "2026-09-01 10:00:00+02:00", "2026-09-01 09:50:00+02:00"),
        ("text", "2026-09-01", "2026-09-01"),
        ("text", "row 7", "row 7"),
    ],
)
def test_a_moment_is_read_again_from_a_little_earlier_in_its_own_spelling(kind, text, expected):
    """Anything else from its own value on."""
    assert bound(kind, text) == expected


def test_a_mark_of_another_query_does_not_count():
    """Nor does none."""
    assert bound("number", "7", basis="other") is None
    assert bound_from(None, basis="b", overlap=TEN) is None


def test_marks_are_compared_by_what_they_mean():
    """Numbers as numbers, moments across zones."""
    assert is_greater("number", "10", "9")
    assert is_greater("moment", "2026-09-01T10:00:00+00:00", "2026-09-01T11:00:00+02:00")
    assert not is_greater("text", "10", "9")


def test_every_kind_of_cell_is_told_apart():
    """A truth value and a blank have no order."""
    cells = [True, None, datetime(2026, 9, 1, tzinfo=UTC), date(2026, 9, 1), Decimal(1), "x"]
    assert [kind_of(each) for each in cells] == [None, None, "moment", "day", "number", "text"]


@pytest.mark.parametrize(
    ("outcome", "code", "settled"),
    [
        (Outcome.CREATED, "", True),
        (Outcome.UNCHANGED, "", True),
        (Outcome.CREATED, "DEFERRED", False),
        (Outcome.SKIPPED, "LEFT_OUT", False),
        (Outcome.SKIPPED, "ALREADY_THERE", True),
        (Outcome.REJECTED, "BAD_VALUE", False),
        (Outcome.UNKNOWN, "", False),
        (Outcome.CONFLICT, "CONFLICT", False),
    ],
)
def test_only_a_row_that_needs_no_later_run_is_settled(outcome, code, settled):
    """What waits for something else is read again."""
    problems = (Problem(code, Stage.PLAN, "m"),) if code else ()
    assert is_settled(RowResult("c", outcome, None, problems)) is settled


def test_a_kept_mark_says_what_it_is_for():
    """It is one JSON document."""
    kept = json.loads(noted(SourceMark("s", "c", "number", "9", "basis"), "7"))
    assert kept == {"at": "7", "basis": "basis", "kind": "number"}
