"""Updates records that are in the org: read again, compared with what the plan saw, then written by id.

What moved since the plan is a conflict and is not touched. In strict mode each update also carries the time of
its record's last modification as it was just read, and the org refuses it when somebody wrote in between. That
time has a grain of one second, so a record that was modified a moment ago is read again when the second is over.
Source: REST API Developer Guide, "Conditional Requests".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sfsync.core.diff import held
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Lookup, Record
from sfsync.core.records import MODIFIED
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import Unit, conditional_calls, unconditional_calls, update_batches
from sfsync.core.sending.strategy import Strategy
from sfsync.core.sending.units import record_units
from sfsync.core.values import is_same
from sfsync.core.writes import WriteCall
from sfsync.engine.applying.in_doubt.settling import holds, settle_updates
from sfsync.engine.applying.in_flight import batches_at_once
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import send_units

GRAIN: Final = timedelta(seconds=2)
"""How old a modification must be for a later one to be told from it."""

MOST_READS: Final = 4


def apply_updates(state: RunState, sobject: str) -> None:
    """Writes the planned updates of an sObject by calls that carry them, and settles lost answers."""
    write_updates(state, state.waiting(sobject, Action.UPDATE), is_strict=state.plan.is_strict)


def write_updates(
    state: RunState, changes: Sequence[Change], *, is_strict: bool, way: Strategy = Strategy.COLLECTIONS
) -> None:
    """Writes updates of one sObject that the state knows by calls that carry them, and settles lost answers.

    Each record must hold what its update was planned from; in strict mode the update goes on that condition.
    As many batches as may be in flight are read again at once and then sent at once: no record waits long. In an
    org that is slow it is one batch, whose rows go side by side.
    """
    units = record_units(changes, state.plan.routes, state.ids)
    batches = [
        [state.by_id[unit.unit_id] for unit in batch]
        for batch in update_batches(units, is_strict=is_strict, way=way)
    ]
    while batches:
        most = batches_at_once(state)
        fresh, stamps = untouched(state, batches[:most], is_strict=is_strict)
        del batches[:most]
        pack = partial(_pack, stamps=stamps) if is_strict else partial(unconditional_calls, way=way)
        doubts = send_units(state, record_units(fresh, state.plan.routes, state.ids), pack)
        settle_updates(state, doubts)


def _pack(
    units: Sequence[Unit], *, stamps: Mapping[str, datetime]
) -> Iterator[tuple[WriteCall, tuple[Unit, ...]]]:
    yield from conditional_calls(units, stamps)


def untouched(
    state: RunState, batches: Sequence[Sequence[Change]], *, is_strict: bool
) -> tuple[list[Change], dict[str, datetime]]:
    """The updates whose records still hold what the plan was made from, and when these were last modified.

    The others get their result.
    """
    by_id = _read_again(state, batches, is_strict=is_strict)
    changes = [each for batch in batches for each in batch]
    untouched: list[Change] = []
    results: list[RowResult] = []
    for change in changes:
        record = by_id.get(change.record_id or "")
        if record is None:
            results.append(_conflict(change, "the record is no longer in the org"))
            continue
        describe = state.gateway.describe(change.sobject)
        now = held(describe, record, change.before)
        if all(is_same(change.before[name], now[name]) for name in change.before):
            untouched.append(change)
        elif holds(state, replace(change, desired=change.values), record):
            results.append(RowResult(change.change_id, Outcome.UPDATED, change.record_id))
        else:
            results.append(_conflict(change, "the record was changed in the org since the plan was made"))
    state.settle(results)
    if not is_strict:
        return untouched, {}
    return untouched, {each.change_id: stamp_of(by_id[each.record_id or ""]) for each in untouched}


def _read_again(
    state: RunState, batches: Sequence[Sequence[Change]], *, is_strict: bool
) -> dict[str, Record]:
    """The records as they are now; in strict mode none that was modified within the last seconds."""
    lookups = [_lookup(each) for each in batches]
    found = state.gateway.fetch(lookups)
    for tries in range(1, MOST_READS):
        if not is_strict or not any(_is_fresh(state, records) for records in found):
            break
        state.pause(tries)
        found = state.gateway.fetch(lookups)
    return {str(record["Id"]): record for records in found for record in records}


def _lookup(changes: Sequence[Change]) -> Lookup:
    names = dict.fromkeys(name for change in changes for name in change.before)
    ids = tuple(each.record_id or "" for each in changes)
    return Lookup(changes[0].sobject, tuple(dict.fromkeys(("Id", MODIFIED, *names))), "Id", ids)


def _is_fresh(state: RunState, records: Sequence[Record]) -> bool:
    """Whether one of the records was modified so short a while ago that another edit could bear the same time."""
    now = state.gateway.server_time
    return now is not None and any(now - stamp_of(record) < GRAIN for record in records)


def stamp_of(record: Record) -> datetime:
    """When a record was last modified, as the org said."""
    return datetime.fromisoformat(str(record[MODIFIED])).astimezone(UTC)


def _conflict(change: Change, message: str) -> RowResult:
    hint = "Nothing was touched; run the job again to plan it anew."
    problem = Problem("CHANGED_IN_ORG", Stage.ORG, message, hint, row=change.row)
    return RowResult(change.change_id, Outcome.CONFLICT, change.record_id, (problem,))
