"""Mutual best matches and ties."""

from __future__ import annotations

from sfsync.core.deals.adoption_pairs import Candidate, Pair, Standing, candidates
from sfsync.core.deals.scoring import Score


def found(*pairs: tuple[str, str, float]) -> dict[tuple[str, str], Standing]:
    """The candidates among pairs of row, record and score."""
    made: list[Candidate] = candidates(Pair(row, record, Score(value, ())) for row, record, value in pairs)
    return {(each.pair.change_id, each.pair.record_id): each.standing for each in made}


def test_the_best_for_each_other_are_a_match() -> None:
    """The others of both are left out."""
    pairs = (("A", "1", 0.9), ("A", "2", 0.6), ("B", "1", 0.7), ("B", "2", 0.8))
    assert found(*pairs) == {("A", "1"): Standing.MATCH, ("B", "2"): Standing.MATCH}


def test_a_record_that_is_better_for_another_row_is_no_candidate() -> None:
    """One record never goes to two rows, and the second best is not offered in its place."""
    assert found(("A", "1", 0.9), ("B", "1", 0.7)) == {("A", "1"): Standing.MATCH}


def test_scores_that_cannot_be_told_apart_are_a_tie() -> None:
    """On either side; all of them are shown and none is chosen."""
    assert found(("A", "1", 0.9), ("A", "2", 0.89)) == {("A", "1"): Standing.TIE, ("A", "2"): Standing.TIE}
    assert found(("A", "1", 0.9), ("B", "1", 0.9)) == {("A", "1"): Standing.TIE, ("B", "1"): Standing.TIE}


def test_weak_pairs_are_not_shown() -> None:
    """They would only cost a person's time."""
    assert found(("A", "1", 0.49)) == {}
