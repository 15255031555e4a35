"""Limits as the org tells them: read whole or not at all, sorted, and warned of from 80 % on."""

from typing import Any

import pytest

from sfsync.core.orgs.org_limits import read_limits, warnings_of

DAY = {"Max": 15_000, "Remaining": 3_001}


def test_the_limits_that_runs_meet_come_first_and_nothing_else_is_lost() -> None:
    """Entries of another form, such as a nested one, are left out."""
    names = ("Zebra", "DataStorageMB", "DailyApiRequests", "B")
    found = read_limits(dict.fromkeys(names, DAY) | {"Odd": {"Max": "x"}})
    assert [each.name for each in found] == ["DailyApiRequests", "DataStorageMB", "B", "Zebra"]
    assert (found[0].used, found[0].left) == (11_999, 3_001)


@pytest.mark.parametrize("document", [None, [], {}, {"DailyApiRequests": 7}, {"DataStorageMB": DAY}, "page"])
def test_an_answer_without_the_calls_of_the_day_is_none(document: Any) -> None:
    """Every org has them; what lacks them is something else than the limits."""
    with pytest.raises(ValueError, match="limits"):
        read_limits(document)


@pytest.mark.parametrize(
    ("most", "left", "warns"), [(100, 21, 0), (100, 20, 1), (100, 0, 1), (100, -5, 1), (0, 0, 0)]
)
def test_a_limit_is_warned_of_from_80_percent_on(most: int, left: int, warns: int) -> None:
    """Used up and exceeded limits too; a limit of nothing is never near."""
    found = read_limits({"DailyApiRequests": {"Max": most, "Remaining": left}})
    assert len(warnings_of(found)) == warns
    assert found[0].left >= 0
