"""Moments: read by their offset, sent in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfsync.core.values import clipped, from_json, parse_datetime, parse_number, to_json

NIGHT = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-10-25T00:30:00+02:00", "2026-10-24T22:30:00Z", "2026-10-24T17:30:00-05:00"]
)
def test_I6_a_moment_is_what_its_offset_says(text: str) -> None:
    """Whatever zone it was written in, also in the night of a change of the clocks, it is one moment in UTC."""
    assert parse_datetime(text) == NIGHT
    assert to_json(datetime.fromisoformat(text)) == "2026-10-24T22:30:00Z"


def test_I6_an_answer_of_the_org_is_the_moment_it_says() -> None:
    """The platform writes +0000; an offset that is none of UTC counts too."""
    assert from_json("2026-10-24T22:30:00.000+0000", "datetime") == NIGHT
    assert from_json("2026-10-25T00:30:00.000+0200", "datetime") == NIGHT


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_whose_utc_lies_outside_all_years_is_refused(text: str) -> None:
    """The text is a moment, and still none that could be sent."""
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        parse_datetime(text)


def test_a_number_of_more_digits_than_any_field_holds_is_refused_in_few_words() -> None:
    """Arithmetic on it would fail, and its digits would fill the report."""
    assert parse_number("9" * 10_000).adjusted() == 9_999
    with pytest.raises(ValueError, match="is not a plain number") as refused:
        parse_number("9" * 1_200_000)
    assert len(str(refused.value)) < 250


def test_a_long_text_is_told_by_its_beginning_and_its_length() -> None:
    """A short one as it is."""
    assert clipped("x" * 120) == "x" * 120
    assert clipped("x" * 10_000_000) == f"{'x' * 120}... (10,000,000 characters)"
