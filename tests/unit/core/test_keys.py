"""Keys that cannot be told apart are refused before anything is sent."""

import pytest

from sfsync.core.reading.keys import KeyedRow, key_problems
from sfsync.core.reports.results import RowRef
from sfsync.core.values import clean_key


def problems(*keys: str, case_sensitive: bool = True) -> dict[int, str]:
    """The codes of the problems that keys in this order have, by position."""
    rows = [
        KeyedRow(RowRef("deals", "deals.csv", line), clean_key(key)) for line, key in enumerate(keys, start=2)
    ]
    found = key_problems(rows, column="id", length=20, case_sensitive=case_sensitive)
    return {position: each.code for position, each in found.items()}


def test_different_keys_have_no_problem() -> None:
    """Keys that differ are left alone."""
    assert problems("A-1", "A-2", "B-1") == {}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("A-1", "A-1"),
        ("A-1", " A-1 "),
        ("Caf\u00e9", "Cafe\u0301"),
        ("007", "7"),
        ("\uff21-1", "A-1"),
    ],
    ids=["exact", "blanks", "composition", "leading zeros", "full width"],
)
def test_I3_look_alikes_are_refused_both(left: str, right: str) -> None:
    """Of two keys that only a slip tells apart, neither is sent."""
    assert problems(left, right) == {0: "DUPLICATE_KEY", 1: "DUPLICATE_KEY"}


def test_I3_case_counts_only_where_the_field_counts_it() -> None:
    """A case-sensitive key field tells a from A; another one does not."""
    assert problems("a1", "A1", case_sensitive=True) == {}
    assert problems("a1", "A1", case_sensitive=False) == {0: "DUPLICATE_KEY", 1: "DUPLICATE_KEY"}


def test_a_repeated_key_names_the_other_line() -> None:
    """The problem of a repeated key says where the other one stands."""
    rows = [KeyedRow(RowRef("deals", "deals.csv", line), "A-1") for line in (5, 9)]
    found = key_problems(rows, column="id", length=20, case_sensitive=True)
    assert "line 9" in found[0].message
    assert "line 5" in found[1].message


def test_empty_and_overlong_keys_are_refused() -> None:
    """A key must be there and fit its field."""
    assert problems("", "x" * 21, "ok") == {0: "NO_KEY_VALUE", 1: "KEY_TOO_LONG"}
