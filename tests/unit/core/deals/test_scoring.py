"""How alike a row and a record are, and the reasons that are given for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from sfsync.core.deals.scoring import WEIGHTS, Traits, name_likeness, score, tokens

ROW = Traits(
    "Get Cloudy - 50 Custom Sneakers", "001A", Decimal(4450), date(2026, 12, 15), "Prospecting", "005A"
)


def test_the_weights_are_one_together() -> None:
    """So that a score of 1 means that all is the same."""
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert score(ROW, ROW).value == 1


def test_the_reasons_say_what_was_compared() -> None:
    """In the order of the weights, in words that a person can check."""
    record = replace(
        ROW, name="Custom sneakers (50), Get Cloudy", close_date=date(2026, 12, 18), owner="005B"
    )
    found = score(ROW, record)
    assert found.reasons == (
        "same name",
        "same account",
        "amount equal",
        "close date 3 days apart",
        "same stage",
        "another owner",
    )
    assert 0.9 < found.value < 1


def test_what_one_side_does_not_tell_is_left_out_but_for_name_and_account() -> None:
    """A name alone never makes a good score."""
    assert score(Traits("Deal"), Traits("Deal")).value == pytest.approx(0.62, abs=0.01)
    assert score(Traits("Deal", "001A"), Traits("Deal", "001A")).value == 1


def test_another_account_costs_its_whole_weight() -> None:
    """Same name, amount and date at another customer is not a match."""
    assert score(ROW, replace(ROW, account="001B")).value == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("left", "right", "least", "most"),
    [
        ("Get Cloudy - 50 Custom Sneakers", "get cloudy: custom sneakers 50", 1, 1),
        ("Créme Brûlée", "creme brulee", 1, 1),
        ("Get Cloudy 50 Sneakers", "Get Cloudy 200 Sneakers", 0.4, 0.7),
        ("Custom Sneakers", "Custom Sneekers", 0.85, 0.99),
        ("Custom Sneakers", "Rain Boots", 0, 0.2),
        ("", "Rain Boots", 0, 0),
        ("---", "---", 0, 0),
    ],
)
def test_names_are_alike_by_their_words(left: str, right: str, least: float, most: float) -> None:
    """Case, accents, punctuation and order do not count; other numbers do."""
    assert least <= name_likeness(left, right) <= most
    assert name_likeness(left, right) == name_likeness(right, left)


def test_amounts_and_dates_fade_with_their_distance() -> None:
    """Half the amount, or three months, have nothing in common any more."""
    far = score(ROW, replace(ROW, amount=Decimal(2000), close_date=date(2027, 6, 1)))
    assert far.value == pytest.approx(0.75)
    zero = score(replace(ROW, amount=Decimal(0)), replace(ROW, amount=Decimal(0)))
    assert zero.value == 1


def test_words_of_a_name_hold_nothing_that_a_query_could_obey() -> None:
    """Letters and digits only."""
    assert tokens("50% off_'; DROP") == ("50", "off", "drop")
