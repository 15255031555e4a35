"""Judges how a deal moves from its stage in the org to the one that a row wants, by the org's own order of stages.

Four movements are more often a slip than meant, so a job has to allow them (`[opportunities] allow`):

- backward: from a stage to one that comes earlier in the org's order, both open, or both closed with the same end.
- reopen: out of a closed stage, to an open one or to one with the other end (won to lost, lost to won).
- close-without-amount: to a closed-won stage, when neither the row nor the record has an amount. Zero is an amount.
- close-without-date: to a closed stage, when the deal has no close date of its own: the one that would be written
  is the job's default or constant for all rows, or there is none. The record's own date counts while it stays.

A deal that stays in its stage does not move. Of stages that the org does not know, nothing is said.
Source: Object Reference, OpportunityStage (SortOrder, IsClosed, IsWon).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from sfsync.core.deals.stages import StageCatalogue, StageInfo
from sfsync.core.job import Move
from sfsync.core.reading.checks import Invalid


@dataclass(frozen=True, slots=True)
class Movement:
    """How a deal would move: from the record's stage now (None: it is new, or has none) to the row's.

    `has_amount` and `close_date` are what the deal has after the write; `has_own_date` is False where the date is
    the job's, not the deal's.
    """

    now: str | None
    wanted: str
    has_amount: bool
    has_own_date: bool
    close_date: date | None = None


_CODES: Final = {
    Move.BACKWARD: "STAGE_BACKWARD",
    Move.REOPEN: "REOPENED",
    Move.CLOSE_WITHOUT_AMOUNT: "CLOSED_WITHOUT_AMOUNT",
    Move.CLOSE_WITHOUT_DATE: "CLOSED_WITHOUT_DATE",
}

_FIELDS: Final = {Move.CLOSE_WITHOUT_AMOUNT: "Amount", Move.CLOSE_WITHOUT_DATE: "CloseDate"}


def refused_moves(
    movement: Movement, stages: StageCatalogue, allowed: Collection[Move]
) -> list[tuple[str, Invalid]]:
    """The movements that the job does not allow, each with the field that it is about."""
    named = [each for each in moves_of(movement, stages) if each not in allowed]
    return [(_FIELDS.get(each, "StageName"), _invalid(each, movement, allowed)) for each in named]


def moves_of(movement: Movement, stages: StageCatalogue) -> Iterator[Move]:
    """Which of the four movements a deal makes."""
    wanted = stages.stages.get(movement.wanted)
    now = stages.stages.get(movement.now or "")
    if wanted is None or movement.now == movement.wanted:
        return
    if now is not None:
        if _leaves_its_end(now, wanted):
            yield Move.REOPEN
        elif _ends_alike(now, wanted) and stages.is_earlier(wanted.api_name, now.api_name):
            yield Move.BACKWARD
    if now is not None and _ends_alike(now, wanted):
        return  # closed as it was before: the amount and the date were its own matter then
    if wanted.is_closed and wanted.is_won and not movement.has_amount:
        yield Move.CLOSE_WITHOUT_AMOUNT
    if wanted.is_closed and not movement.has_own_date:
        yield Move.CLOSE_WITHOUT_DATE


def closes_ahead(movement: Movement, stages: StageCatalogue, today: date) -> bool:
    """Whether a deal closes with a date that is still to come."""
    wanted, now = stages.stages.get(movement.wanted), stages.stages.get(movement.now or "")
    if wanted is None or not wanted.is_closed or (now is not None and now.is_closed):
        return False
    return movement.close_date is not None and movement.close_date > today


def _leaves_its_end(now: StageInfo, wanted: StageInfo) -> bool:
    return now.is_closed and not _ends_alike(now, wanted)


def _ends_alike(now: StageInfo, wanted: StageInfo) -> bool:
    return (now.is_closed, now.is_won) == (wanted.is_closed, wanted.is_won)


def _invalid(move: Move, movement: Movement, allowed: Collection[Move]) -> Invalid:
    match move:
        case Move.BACKWARD:
            message = f'the deal would go back from "{movement.now}" to "{movement.wanted}"'
            first = "Correct the stage."
        case Move.REOPEN:
            message = f'the deal is closed as "{movement.now}" and would be reopened as "{movement.wanted}"'
            first = "Correct the stage."
        case Move.CLOSE_WITHOUT_AMOUNT:
            message = f'the deal would be closed as "{movement.wanted}" without an amount'
            first = "Fill in the amount."
        case Move.CLOSE_WITHOUT_DATE:
            message = f'the deal would be closed as "{movement.wanted}" without a close date of its own'
            first = "Fill in the close date."
    line = ", ".join(f'"{each}"' for each in sorted({move, *allowed}))
    hint = (
        f"{first} If it is meant, say so in the job: allow = [{line}] under [opportunities]"
        f" (sfsync import: --allow {move.value})."
    )
    return Invalid(_CODES[move], message, hint)
