"""Moments: read by their offset, sent in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfsync.core.values import from_json, parse_datetime, to_json

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
