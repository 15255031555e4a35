"""Settles rows of a bulk job of which its results say nothing, or that the org refused because their key is there.

A row with a key is looked up by it, and a row with an id by that: neither needs a person. What surely was not
saved may go again, because a key refuses a second record and the same values twice are the same values. Only rows
with neither stay unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.sending.units import record_units
from sfsync.core.writes import Refused, Route
from sfsync.engine.applying.in_doubt.settling import settle_creates, settle_lost_updates, unknown
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import Doubt


def route_of(state: RunState, change_id: str) -> Route:
    """What makes a row of a job safe to repeat besides the job itself."""
    change = state.by_id[change_id]
    if change.action is not Action.CREATE:
        return Route.BY_ID
    return Route.KEY_FENCE if _has_key(state, change) else Route.JOB_FENCE


def says_key_exists(state: RunState, change_id: str, answer: Refused) -> bool:
    """Whether a job refused a create because its key, or another unique value, is in the org."""
    is_taken = row_fate(answer.code, answer.message) is RowFate.DUPLICATE_KEY
    return is_taken and _has_key(state, state.by_id[change_id])


def settle_by_looking(state: RunState, lost: Collection[str], taken: Sequence[str] = ()) -> set[str]:
    """Settles rows that no result was found for, and rows whose key is `taken`, by asking the org.

    Returns those that surely were not saved and may be sent again.
    """
    changes = [state.by_id[name] for name in lost]
    updates = [each for each in changes if each.action is Action.UPDATE]
    keyed = [each for each in changes if _has_key(state, each)]
    named = {each.change_id for each in (*updates, *keyed)}
    state.settle(unknown(each) for each in changes if each.change_id not in named)
    if updates:
        settle_lost_updates(state, updates)
    again = {each.change_id for each in updates if each.change_id not in state.results}
    heads = [*keyed, *(state.by_id[name] for name in taken)]
    units = record_units(heads, state.plan.routes, state.ids)
    doubts = [Doubt(unit, is_ambiguous=unit.unit_id in named) for unit in units]
    return again | {unit.unit_id for unit in settle_creates(state, doubts).again}


def _has_key(state: RunState, change: Change) -> bool:
    """Whether a create is safe by its own unique key."""
    return change.action is Action.CREATE and state.plan.routes.get(change.sobject) is Route.KEY_FENCE
