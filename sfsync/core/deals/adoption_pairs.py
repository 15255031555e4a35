"""Which records of the org may be which rows: the best for each other, and ties, which nobody but a person decides.

A record is a row's match only where neither has another that is as good: mutual best matches. Whatever is as good
as the best on either side, within a margin that a score cannot tell apart, is a tie and is shown with all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sfsync.core.deals.scoring import Score

LEAST: Final = 0.5
"""A pair with a lower score is not worth a person's time."""

MARGIN: Final = 0.02
"""Scores that lie no further apart are equal."""


class Standing(StrEnum):
    """What a pair is: the best for both, or one of several that are as good."""

    MATCH = "match"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row (by its change id) and a record (by its id) that may be the same deal."""

    change_id: str
    record_id: str
    score: Score


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that a person should look at."""

    pair: Pair
    standing: Standing


def candidates(pairs: Iterable[Pair]) -> list[Candidate]:
    """The pairs that are the best for their row and for their record, in the order given; no others."""
    worthy = [each for each in pairs if each.score.value >= LEAST]
    of_row: dict[str, list[float]] = {}
    of_record: dict[str, list[float]] = {}
    for each in worthy:
        of_row.setdefault(each.change_id, []).append(each.score.value)
        of_record.setdefault(each.record_id, []).append(each.score.value)
    found = []
    for each in worthy:
        rivals = (of_row[each.change_id], of_record[each.record_id])
        if all(_is_best(each.score.value, scores) for scores in rivals):
            is_only = all(_equals(each.score.value, scores) == 1 for scores in rivals)
            found.append(Candidate(each, Standing.MATCH if is_only else Standing.TIE))
    return found


def _is_best(value: float, scores: Iterable[float]) -> bool:
    return value >= max(scores) - MARGIN - 1e-9


def _equals(value: float, scores: Iterable[float]) -> int:
    """How many of the scores cannot be told from the value, itself among them."""
    return sum(1 for each in scores if abs(each - value) <= MARGIN + 1e-9)
