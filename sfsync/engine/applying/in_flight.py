"""Sends calls side by side: as many as the pace allows, and no two that want one lock of the platform.

Threads do nothing but speak with the org. The journal and the state of the run stay with the caller's thread: a
call is handed out when its intent is durable (J1), and its answer is settled there as it comes in (J2). After a
stop, an error or a guard no further call is handed out; those in flight are waited for, their answers recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sfsync.core.events import Noticed
from sfsync.core.sending.batches import Unit
from sfsync.core.sending.lanes import Pack, Packed, first_free, packed, packed_by_lanes, pieces
from sfsync.core.sending.pace import FULL, Pace, first_pace
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.writes import Answers, Refused, WriteCall
from sfsync.engine.applying.run_state import Intended, RunState
from sfsync.engine.applying.workers import Workers
from sfsync.errors import SyncError

Check = Callable[[RunState, WriteCall, Answers], Answers]
"""Doubts good answers by what it reads of the org; it runs in the thread of its call and settles nothing."""

Take = Callable[[int, Packed, Answers], None]
"""Is given the answers to each call, with its number in the order of handing out."""


@dataclass(frozen=True, slots=True)
class _Flown:
    """What one call came to; `error` is that of the write, `unchecked` that of the check behind a good answer."""

    answers: Answers
    seconds: float
    answered_at: datetime | None
    error: SyncError | None = None
    unchecked: SyncError | None = None


@dataclass(slots=True)
class _Sky:
    """The calls that wait and those in flight."""

    waiting: list[Packed]
    flying: dict[int, tuple[Packed, Intended]] = field(default_factory=dict)
    number: int = 0


def send_side_by_side(
    state: RunState, batches: Iterable[Sequence[Unit]], pack: Pack, take: Take, *, check: Check | None = None
) -> None:
    """Sends all units of the batches, and gives the answers to `take` as they come in.

    Raises:
        SyncError: the first that stopped the sending; all answers that came were taken by then.
    """
    side_by_side = state.threads > 1
    sky = _Sky([each for one in batches for each in (packed_by_lanes if side_by_side else packed)(one, pack)])
    workers: Workers[_Flown] = Workers(1 if _is_one_call(state, sky.waiting) else state.threads)
    stopped: SyncError | None = None
    try:
        while True:
            try:
                while stopped is None and _hand_out(state, sky, workers, pack, check):
                    pass
            except SyncError as error:
                stopped = error
            if not sky.flying:
                break
            try:
                _land(state, sky, workers, take)
            except SyncError as error:
                stopped = stopped or error
    finally:
        workers.close()
    if stopped is not None:
        raise stopped


def _is_one_call(state: RunState, waiting: Sequence[Packed]) -> bool:
    return len(waiting) == 1 and len(waiting[0].call.nodes()) <= pace_of(state, waiting[0].call).rows


def _hand_out(state: RunState, sky: _Sky, workers: Workers[_Flown], pack: Pack, check: Check | None) -> bool:
    """Hands out one call, where one may go now."""
    place = first_free(sky.waiting, [each.locks for each, _ in sky.flying.values()])
    if place is None or not sky.waiting:
        return False
    pace = pace_of(state, sky.waiting[place].call)
    if len(sky.flying) >= pace.width:
        return False
    if len(sky.waiting[place].units) > 1 and len(sky.waiting[place].call.nodes()) > pace.rows:
        sky.waiting[place : place + 1] = pieces(sky.waiting[place], pack, most_rows=pace.rows)
    going = sky.waiting[place]
    intended = state.intend(going.call)
    del sky.waiting[place]
    sky.number += 1
    sky.flying[sky.number] = (going, intended)
    workers.hand_out(sky.number, lambda: _flown(state, intended.call, check))
    return True


def _flown(state: RunState, call: WriteCall, check: Check | None) -> _Flown:
    """Writes, and reads what the check wants to see; in a thread of its own, so the state is only looked at."""
    began = state.seconds()
    try:
        answers = state.gateway.write(call)
    except SyncError as error:
        return _Flown({}, state.seconds() - began, state.gateway.server_time, error=error)
    seconds, answered_at = state.seconds() - began, state.gateway.server_time
    if check is None:
        return _Flown(answers, seconds, answered_at)
    try:
        return _Flown(check(state, call, answers), seconds, answered_at)
    except SyncError as error:
        return _Flown(answers, seconds, answered_at, unchecked=error)


def _land(state: RunState, sky: _Sky, workers: Workers[_Flown], take: Take) -> None:
    """Takes back the next call that has ended, and records what became of it.

    Raises:
        SyncError: the org surely did nothing, and the intents are taken back; or the answer could not be checked,
            and the rows stay open in the journal; or `take` ends the sending.
    """
    landed = workers.landed()
    going, intended = sky.flying.pop(landed.number)
    if landed.error is not None:
        raise landed.error
    flown = landed.value
    assert flown is not None
    state.note_moment(intended, flown.answered_at)
    if flown.error is not None:
        state.release(intended.change_ids, flown.error.code)
        raise flown.error
    _keep_pace(state, going, flown)
    if flown.unchecked is not None:
        raise flown.unchecked
    take(landed.number, going, flown.answers)


def batches_at_once(state: RunState) -> int:
    """How many full calls' rows may be read before they are written: in a slow org a row would wait too long."""
    return 1 if any(each.rows < FULL for each in state.paces.values()) else state.threads


def pace_of(state: RunState, call: WriteCall) -> Pace:
    """The pace of calls like this one; of the first it is said where they have to begin small."""
    kind = _kind_of(call)
    if kind not in state.paces:
        state.paces[kind] = pace = first_pace(state.threads, slowest_s=state.slowest_s())
        if len(call.nodes()) > pace.rows:
            _tell_small(state, pace, f"answers of the org take up to {state.slowest_s():.0f} s")
    return state.paces[kind]


def _kind_of(call: WriteCall) -> str:
    return f"{type(call).__name__} {call.nodes()[0].sobject}"


def _keep_pace(state: RunState, going: Packed, flown: _Flown) -> None:
    before = pace_of(state, going.call)
    rows = len(going.call.nodes())
    is_locked = any(
        isinstance(each, Refused) and row_fate(each.code, each.message) is RowFate.LOCKED
        for each in flown.answers.values()
    )
    now = before.after(rows=rows, seconds=flown.seconds, is_locked=is_locked)
    state.paces[_kind_of(going.call)] = now
    if now.rows < min(before.rows, rows):
        _tell_small(state, now, f"a call of {rows} rows took {flown.seconds:.0f} s")


def _tell_small(state: RunState, pace: Pace, why: str) -> None:
    more = "so there may be more calls than planned"
    state.listener(Noticed(f"{why}: calls carry at most {pace.rows} rows for now, {more}"))
