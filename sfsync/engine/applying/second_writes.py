"""Puts right what the stage of a deal overruled: probabilities are written again, once, by themselves.

It works on what was just read back. Each update is in the journal before it leaves, is compared once more with the
record, and in strict mode goes on the condition that nobody has written to it since. One that was cut off needs no
settling of its own: the next reading shows whether it is still needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sfsync.core.deals.second_writes import OVERRULED, lost, may_lose, second_id, second_write
from sfsync.core.diff import held
from sfsync.core.events import PhaseStarted
from sfsync.core.plans.plan import Change
from sfsync.core.ports import Lookup, Record
from sfsync.core.records import full_id
from sfsync.core.reports.results import NOT_DONE, Problem
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import Value
from sfsync.engine.applying.read_back.verifying import AUDIT
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.updating import write_updates


def put_right(
    state: RunState, written: Sequence[Change], there: Mapping[str, Record]
) -> tuple[Mapping[str, Record], list[Problem]]:
    """Writes again what lost against a stage; returns the records as they are then, and notes on what failed.

    `there` are the records just read, by id; those of second writes come back with the fields that decide, and with
    when and by whom they were last modified: that is what the job remembers of them.
    """
    needed = [second for each in written if (second := _needed(state, each, there)) is not None]
    if not needed:
        return there, []
    state.by_id |= {each.change_id: each for each in needed}
    state.phase = "probabilities once more"
    state.listener(PhaseStarted(state.phase, len(needed)))
    write_updates(state, needed, is_strict=state.plan.is_strict)
    ids = tuple(each.record_id or "" for each in needed)
    [records] = state.gateway.fetch([Lookup(OPPORTUNITY, ("Id", *AUDIT, *_readable(state)), "Id", ids)])
    now = {full_id(each): {**there.get(full_id(each), {}), **each} for each in records}
    return {**there, **now}, [note for each in needed for note in _notes(state, each)]


def _needed(state: RunState, change: Change, there: Mapping[str, Record]) -> Change | None:
    """The second write of a change, where it needs one and has had none in this run."""
    record_id = state.ids.get(change.change_id) or change.record_id or ""
    if not may_lose(change) or record_id not in there or second_id(change.change_id) in state.results:
        return None
    now = deal_state(state, there[record_id])
    wanted = {"StageName": change.values["StageName"], **may_lose(change)}
    overruled = lost(wanted, now, state.gateway.stage_catalogue())
    if not overruled:
        return None
    second = second_write(change, record_id, {name: now[name] for name in ("StageName", *overruled)})
    return replace(second, desired=overruled, values=overruled)


def deal_state(state: RunState, record: Record) -> dict[str, Value]:
    """The stage of a deal and what it implies, as a record holds them."""
    names = dict.fromkeys(name for name in OVERRULED if name in record)
    return held(state.gateway.describe(OPPORTUNITY), record, names)


def _readable(state: RunState) -> list[str]:
    describe = state.gateway.describe(OPPORTUNITY)
    return [name for name in OVERRULED if describe.field(name) is not None]


def _notes(state: RunState, second: Change) -> list[Problem]:
    """Why a second write was not done; the next run finds the row as it is and tries again."""
    result = state.results.get(second.change_id)
    if result is None or result.outcome not in NOT_DONE:
        return []
    names = " and ".join(second.values)
    return [
        replace(
            problem,
            code="PROBABILITY_NOT_WRITTEN",
            message=f"{second.label}: {names} lost against the stage and could not be written again:"
            f" {problem.message}",
        )
        for problem in result.problems
    ]
