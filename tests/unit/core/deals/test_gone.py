"""Which rows have vanished from a source, and when too many have for nobody to look."""

from __future__ import annotations

import pytest

from sfsync.core.deals.gone import vanished_excess, vanished_rows
from sfsync.core.job_memory import JobRow


def known(*keys: str, key_field: str | None = "Key__c", fate: str | None = None) -> list[JobRow]:
    """Rows that a job brought."""
    return [JobRow("Opportunity", key, f"006{key}", key_field, fate=fate) for key in keys]


def lost(
    rows: list[JobRow], *present: str, key_field: str | None = "Key__c", folds_case: bool = False
) -> list[str]:
    """The keys that have vanished from a source of these keys."""
    found = vanished_rows(rows, present, key_field=key_field, folds_case=folds_case)
    return [each.key for each in found]


def test_what_the_source_has_no_more_has_vanished() -> None:
    """By its exact key; letter case counts unless the org's key field does not tell it apart."""
    assert lost(known("a", "b"), "a", "c") == ["b"]
    assert lost(known("a"), "A") == ["a"]
    assert lost(known("a"), "A", folds_case=True) == []


def test_rows_of_another_key_field_say_nothing() -> None:
    """A job whose key was changed does not lose all its rows; what nobody knows any more counts as this one's."""
    assert lost(known("a", key_field="Old__c")) == []
    assert lost(known("a", key_field="")) == []
    assert lost(known("a", key_field=""), key_field=None) == ["a"]
    assert lost(known("a", key_field=None)) == ["a"]


def test_a_deal_that_was_closed_is_not_closed_again() -> None:
    """One that was only told is told again."""
    assert lost(known("a", fate="closed already")) == []
    assert lost(known("a", fate="gone")) == ["a"]


@pytest.mark.parametrize(
    ("writes", "rows", "stops"),
    [
        (1, 1, True),
        (1, 2, False),
        (1, 3, False),
        (2, 3, True),
        (3, 8, False),
        (4, 8, True),
        (20, 100, False),
        (21, 100, True),
    ],
)
def test_a_fifth_of_the_rows_is_too_much_for_a_schedule(writes: int, rows: int, *, stops: bool) -> None:
    """Up to three rows go, unless they are most of the job's."""
    brought = {"Opportunity": rows}
    assert bool(list(vanished_excess({"Opportunity": writes}, brought))) is stops
    assert list(vanished_excess({}, brought)) == []
