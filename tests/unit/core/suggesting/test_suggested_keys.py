"""Which column is the key: one that is proven and named so, else a choice."""

from __future__ import annotations

from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.suggesting.keys import Repeats, key_column, key_field
from sfsync.core.suggesting.standard_org import standard_describe

DEALS = standard_describe(OPPORTUNITY)


def unique(column: str) -> Repeats:
    """A column with nine different values."""
    return Repeats(column, 9, 0, None, 0)


def test_the_one_unique_column_with_the_name_of_a_key_is_the_key() -> None:
    """Other unique columns are no rivals, because their names say something else."""
    found = key_column([unique("Deal ID"), unique("Name")], DEALS, wanted=None, by_preset=None)
    assert found.value == "Deal ID"


def test_a_unique_column_with_another_name_is_a_question() -> None:
    """A deal's name is unique until the second deal of the same name."""
    found = key_column([unique("Name")], DEALS, wanted=None, by_preset=None)
    assert (found.value, found.advice) == ("", "Name if it tells the deals apart")


def test_a_column_named_like_a_key_that_repeats_is_a_question_with_its_lines() -> None:
    """The person sees which lines repeat."""
    repeats = [Repeats("deal_id", 8, 1, (3, 7), 0), unique("Name")]
    found = key_column(repeats, DEALS, wanted=None, by_preset=None)
    assert found.choices == ("deal_id", "Name")
    assert "1 repeated, first in lines 3 and 7" in found.why


def test_columns_that_are_something_else_are_no_candidates() -> None:
    """Amounts may be unique by chance."""
    found = key_column([unique("Nr"), unique("No")], DEALS, wanted=None, by_preset=None, unlikely=["No"])
    assert found.value == "Nr"


def test_an_org_without_a_key_field_gets_a_row_key() -> None:
    """The journal then remembers the rows; without any org it is open."""
    assert key_field("Nr", DEALS, is_org=True).value == "row_key"
    assert key_field("Nr", DEALS, is_org=False).is_open
