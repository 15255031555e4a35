"""How a deal moves between stages."""

from dataclasses import replace
from datetime import date

import pytest
from stage_catalogues import catalogue

from sfsync.core.deals.movement import Movement, closes_ahead, moves_of, refused_moves
from sfsync.core.job import Move, allowed_moves

FINE = Movement("New", "Talks", has_amount=True, has_own_date=True)
BARE = Movement("New", "Talks", has_amount=False, has_own_date=False)


@pytest.mark.parametrize(
    ("now", "wanted", "moves"),
    [
        ("New", "Offer", []),
        ("Offer", "New", [Move.BACKWARD]),
        ("Offer", "Offer", []),
        (None, "Offer", []),
        ("Elsewhere", "New", []),
        ("Offer", "Elsewhere", []),
        ("Offer", "Lost", []),
        ("Lost", "Offer", [Move.REOPEN]),
        ("Won", "Lost", [Move.REOPEN]),
        ("Lost", "Won", [Move.REOPEN]),
        ("Won", "Paid", []),
        ("Paid", "Won", [Move.BACKWARD]),
    ],
)
def test_the_movements_of_a_deal_with_amount_and_date(
    now: str | None, wanted: str, moves: list[Move]
) -> None:
    """Backward within open stages or within one end; reopened out of an end; nothing of stages nobody knows."""
    assert list(moves_of(replace(FINE, now=now, wanted=wanted), catalogue())) == moves


@pytest.mark.parametrize(
    ("now", "wanted", "moves"),
    [
        ("New", "Talks", []),
        ("New", "Won", [Move.CLOSE_WITHOUT_AMOUNT, Move.CLOSE_WITHOUT_DATE]),
        (None, "Won", [Move.CLOSE_WITHOUT_AMOUNT, Move.CLOSE_WITHOUT_DATE]),
        ("New", "Lost", [Move.CLOSE_WITHOUT_DATE]),
        ("Won", "Paid", []),
        ("Lost", "Won", [Move.REOPEN, Move.CLOSE_WITHOUT_AMOUNT, Move.CLOSE_WITHOUT_DATE]),
    ],
)
def test_the_movements_of_a_deal_without_amount_and_date(
    now: str | None, wanted: str, moves: list[Move]
) -> None:
    """An amount is for won deals, a date of its own for all that close; what was closed so before is left alone."""
    assert list(moves_of(replace(BARE, now=now, wanted=wanted), catalogue())) == moves


def test_an_allowed_movement_is_no_problem_and_the_others_stay() -> None:
    """Each problem names the field it is about and the line to add."""
    movement = replace(BARE, now="Lost", wanted="Won")
    allowed = allowed_moves(["reopen", "close-without-date", "reopen"])
    [(field, invalid)] = refused_moves(movement, catalogue(), allowed)
    assert (field, invalid.code) == ("Amount", "CLOSED_WITHOUT_AMOUNT")
    assert 'allow = ["close-without-amount", "close-without-date", "reopen"]' in invalid.hint


def test_only_a_deal_that_closes_can_close_ahead() -> None:
    """Its date lies behind the day of the plan."""
    today, later = date(2026, 11, 26), date(2026, 11, 27)
    closing = replace(FINE, wanted="Lost")
    assert closes_ahead(replace(closing, close_date=later), catalogue(), today)
    assert not closes_ahead(replace(closing, close_date=today), catalogue(), today)
    assert not closes_ahead(replace(closing, now="Won", close_date=later), catalogue(), today)
    assert not closes_ahead(replace(FINE, close_date=later), catalogue(), today)
