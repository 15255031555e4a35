"""Settles units that went behind a receipt: their tokens are burned, and the org says which was there first.

After a token is burned its graph can never commit any more, however late it arrives. So either the burned
receipt is in the org, and nothing of the unit was saved, or the graph's own receipt is, and all of it was.
No timing is assumed. A receipt that nobody can see, though the org answers, leaves its unit unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sfsync.core.ports import Lookup
from sfsync.core.sending.batches import ROWS_PER_COLLECTION
from sfsync.core.sending.receipts import BURNED, RECEIPT, RECORD, TOKEN, burned
from sfsync.core.writes import CollectionCall, Node, Route, Unanswered
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import MOST_TRIES
from sfsync.errors import OrgUnavailable


@dataclass(frozen=True, slots=True)
class Saved:
    """All of the unit is in the org; `record_id` is that of its head, where the receipt keeps it."""

    record_id: str | None


@dataclass(frozen=True, slots=True)
class NotSaved:
    """Nothing of the unit is in the org, and the sending in doubt can never commit any more."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """No receipt could be made to show, so nobody can say."""


Standing = Saved | NotSaved | Unseen


def burn(state: RunState, unit_ids: Iterable[str]) -> dict[str, Standing]:
    """Where each unit stands, by its id. One that is settled gets a new token should anything of it be sent.

    Raises:
        OrgUnavailable: the org keeps losing the answers; the units stay open in the journal.
    """
    tokens = {unit_id: state.tokens[unit_id] for unit_id in unit_ids}
    seen: dict[str, str] = {}
    for tries in range(1, MOST_TRIES + 1) if tokens else ():
        missing = [token for token in tokens.values() if token not in seen]
        is_answered = _insert(state, missing)
        seen |= _receipts(state, missing)
        if len(seen) == len(tokens):
            break
        if tries == MOST_TRIES and not is_answered:
            raise answers_lost()
        state.pause(tries)
    standings = {unit_id: _standing(seen.get(token)) for unit_id, token in tokens.items()}
    for unit_id, standing in standings.items():
        if not isinstance(standing, Unseen):
            del state.tokens[unit_id]
    return standings


def answers_lost() -> OrgUnavailable:
    """The error that ends a run whose writes get no answer time after time."""
    return OrgUnavailable(
        "the org keeps losing answers, so nobody can say what was saved",
        code="ANSWERS_LOST",
        hint="everything is in the journal; try again later",
    )


def _insert(state: RunState, tokens: Sequence[str]) -> bool:
    """Inserts a burned receipt for each token, and says whether the org answered for every one.

    A token that is taken is refused, which is what is wanted then.
    """
    is_answered = True
    for start in range(0, len(tokens), ROWS_PER_COLLECTION):
        rows = tuple(
            Node("receipt", token, RECEIPT, None, burned(token))
            for token in tokens[start : start + ROWS_PER_COLLECTION]
        )
        answers = state.gateway.write(CollectionCall((rows,), Route.KEY_FENCE))
        is_answered = is_answered and not any(isinstance(each, Unanswered) for each in answers.values())
    return is_answered


def _receipts(state: RunState, tokens: Sequence[str]) -> Mapping[str, str]:
    """What the receipts of those tokens hold, by token: the id of a record, `BURNED`, or nothing."""
    [records] = state.gateway.fetch([Lookup(RECEIPT, ("Id", TOKEN, RECORD), TOKEN, tuple(tokens))])
    return {str(each[TOKEN]): str(each[RECORD] or "") for each in records}


def _standing(record: str | None) -> Standing:
    match record:
        case None:
            return Unseen()
        case text if text == BURNED:
            return NotSaved()
        case text:
            return Saved(text or None)
