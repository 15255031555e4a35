"""Sends units until each has a definite end, or nobody can say: the answers become fates, row by row.

A refused row goes alone; the innocent of its transaction are sent again without it. Locked rows are tried
again in smaller pieces. What may or may not have been saved is handed back for settling and is never sent
again from here. Every loop is bounded: a unit is tried `MOST_TRIES` times at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.contact_roles.roles import gives_flag_away, moves_flag
from sfsync.core.job import OnRoleError
from sfsync.core.plans.plan import PLANNED_OUTCOME, Action, Change
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import Unit
from sfsync.core.sending.lanes import Pack, Packed
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.sending.verdict import stop_error
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.writes import Answer, Answers, Moved, Node, Refused, Repeated, Unanswered, Written
from sfsync.engine.applying.in_flight import Check, send_side_by_side
from sfsync.engine.applying.refused_rows import not_sent, rejected
from sfsync.engine.applying.run_state import RunState
from sfsync.errors import JournalError, SyncError

MOST_TRIES: Final = 6
"""How often one unit is sent when the org surely did not save it."""

_HALTED: Final = "its transaction was rolled back every time it was sent"

WHOLE_REQUEST: Final = frozenset({"JSON_PARSER_ERROR"})
"""Codes of a request refused as a whole, which may be one row's fault; the answer names no row."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A unit that must be looked up: its answer was lost, or the org has its key or its receipt already."""

    unit: Unit
    is_ambiguous: bool


@dataclass(slots=True)
class _Round:
    again: list[Unit] = field(default_factory=list)
    halves: list[Sequence[Unit]] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    is_locked: bool = False
    stop: SyncError | None = None


def send_units(
    state: RunState, units: Sequence[Unit], pack: Pack, *, check: Check | None = None
) -> list[Doubt]:
    """Sends all units; returns those that only a look at the org can settle. `check` may doubt good answers."""
    doubts: list[Doubt] = []
    queue: list[Sequence[Unit]] = [units]
    tries = 0
    while queue:
        this = _round(state, queue, pack, check)
        _release(state, this.again)
        doubts += this.doubts
        queue = [batch for batch in (*this.halves, this.again) if batch]
        tries += 1
        if this.is_locked and queue:
            state.pause(tries)
    return doubts


def _round(state: RunState, queue: Sequence[Sequence[Unit]], pack: Pack, check: Check | None) -> _Round:
    """Sends every unit of the queue once; what comes of them is in the order in which they were handed out."""
    rounds: dict[int, _Round] = {}

    def take(number: int, going: Packed, answers: Answers) -> None:
        this = rounds[number] = _Round()
        state.settle(_ends_of(state, going.units, answers, this))
        if this.stop is not None:
            raise this.stop

    try:
        send_side_by_side(state, queue, pack, take, check=check)
    except JournalError:
        raise
    except SyncError:  # what the org surely did not save is not in doubt by what ended the sending
        _release(state, _merged(rounds).again)
        raise
    return _merged(rounds)


def _merged(rounds: Mapping[int, _Round]) -> _Round:
    whole = _Round()
    for _, each in sorted(rounds.items()):
        whole.again += each.again
        whole.halves += each.halves
        whole.doubts += each.doubts
        whole.is_locked = whole.is_locked or each.is_locked
    return whole


def _ends_of(state: RunState, taken: Sequence[Unit], answers: Answers, this: _Round) -> list[RowResult]:
    """The results of one call's units; a call that was refused as a whole goes again in two halves."""
    if len(taken) > 1 and all(_is_of_request(each) for each in answers.values()):
        _release(state, taken)
        this.halves += [taken[: len(taken) // 2], taken[len(taken) // 2 :]]
        return []
    return [result for unit in taken for result in _end_of(state, unit, answers, this)]


def _is_of_request(answer: Answer) -> bool:
    return isinstance(answer, Refused) and answer.code in WHOLE_REQUEST


def _release(state: RunState, units: Sequence[Unit]) -> None:
    state.release([node.change_id for unit in units for node in unit.nodes], "NOT_SAVED")


def _end_of(state: RunState, unit: Unit, answers: Answers, this: _Round) -> list[RowResult]:
    """The results of a unit that has come to an end; the others go into the round."""
    own = {node.change_id: answers.get(node.change_id, Unanswered("no answer")) for node in unit.nodes}
    if any(isinstance(each, Moved) for each in own.values()):
        this.doubts.append(Doubt(unit, is_ambiguous=False))
        return []
    if any(isinstance(each, Unanswered | Repeated) for each in own.values()):
        this.doubts.append(Doubt(unit, is_ambiguous=True))
        return []
    if all(isinstance(each, Written) for each in own.values()):
        state.tokens.pop(unit.unit_id, None)
        return [_written(state, node, own[node.change_id]) for node in unit.nodes]
    refused = {name: each for name, each in own.items() if isinstance(each, Refused)}
    gone = [name for name, each in refused.items() if _is_gone(state.by_id[name], each)]
    if gone:
        rest = tuple(node for node in unit.nodes if node.change_id not in gone)
        this.again += [replace(unit, nodes=rest)] if rest else []
        return [RowResult(each, Outcome.DELETED, state.by_id[each].record_id) for each in gone]
    fates = {row_fate(each.code, each.message) for each in refused.values()}
    if any(_says_key_exists(state, state.by_id[name], answer) for name, answer in refused.items()):
        this.doubts.append(Doubt(unit, is_ambiguous=False))
        return []
    if RowFate.STOP in fates:
        first = next(each for each in refused.values() if row_fate(each.code, each.message) is RowFate.STOP)
        this.stop = stop_error(first.code, first.message)
        this.again.append(unit)  # the org is to blame, not the row: it waits for another run
        return []
    is_whole = bool(refused) and all(each.code in WHOLE_REQUEST for each in refused.values())
    may_be_innocent = not refused or RowFate.LOCKED in fates or (is_whole and not unit.alone)
    if may_be_innocent and unit.tries + 1 < MOST_TRIES:
        this.is_locked = this.is_locked or RowFate.LOCKED in fates
        this.again.append(replace(unit, tries=unit.tries + 1, alone=True))
        return []
    return _without_culprits(state, unit, refused, this)


def _is_gone(change: Change, answer: Refused) -> bool:
    """Whether a deletion was refused because the record is gone already, which is what was wanted."""
    return change.action is Action.DELETE and row_fate(answer.code) is RowFate.GONE


def _says_key_exists(state: RunState, change: Change, answer: Refused) -> bool:
    """Whether the org refused a create because its key, or another unique value, is there already."""
    is_keyed_create = change.action is Action.CREATE and change.sobject in state.plan.key_fields
    return is_keyed_create and row_fate(answer.code, answer.message) is RowFate.DUPLICATE_KEY


def _written(state: RunState, node: Node, answer: Answer) -> RowResult:
    assert isinstance(answer, Written)
    change = state.by_id[node.change_id]
    outcome = PLANNED_OUTCOME[change.action]
    return RowResult(change.change_id, outcome, answer.record_id)


def _without_culprits(
    state: RunState, unit: Unit, refused: dict[str, Refused], this: _Round
) -> list[RowResult]:
    """Rejects what was refused; what can stand without it is sent again."""
    head = state.by_id[unit.nodes[0].change_id]
    if not refused:
        return [not_sent(state.by_id[node.change_id], "PROCESSING_HALTED", _HALTED) for node in unit.nodes]
    results = [rejected(state, state.by_id[name], answer) for name, answer in refused.items()]
    without = _without_demotions if state.plan.undoes is None else _without_flag_moves
    rest, kept_primary = without(state, unit, refused)
    results += kept_primary
    carries_deal = head.sobject != CONTACT_ROLE
    takes_deal_down = carries_deal and state.plan.on_role_error is OnRoleError.DEAL
    if not rest:
        return results
    if head.change_id in refused and carries_deal:
        return results + [state.blocked(state.by_id[node.change_id], head.change_id) for node in rest]
    if takes_deal_down:
        culprit = state.by_id[next(iter(refused))]
        return results + [_held_back(state.by_id[node.change_id], culprit) for node in rest]
    this.again.append(replace(unit, nodes=rest))
    return results


def _without_demotions(
    state: RunState, unit: Unit, refused: dict[str, Refused]
) -> tuple[tuple[Node, ...], list[RowResult]]:
    """What is left of a unit: where its new primary role was refused, the flag stays with its holder."""
    rest = [node for node in unit.nodes if node.change_id not in refused]
    promotion = next(
        (name for name in refused if state.by_id[name].values.get("IsPrimary") is True),
        None,
    )
    if promotion is None:
        return tuple(rest), []
    kept = [change for node in rest if gives_flag_away(change := state.by_id[node.change_id])]
    state.release([each.change_id for each in kept if each.row is None], "NOT_SAVED")
    blocked = [state.blocked(each, promotion) for each in kept if each.row is not None]
    kept_ids = {each.change_id for each in kept}
    return tuple(node for node in rest if node.change_id not in kept_ids), blocked


def _without_flag_moves(
    state: RunState, unit: Unit, refused: dict[str, Refused]
) -> tuple[tuple[Node, ...], list[RowResult]]:
    """What is left of a deal's roles in an undo: the primary flag goes back wholly or stays where it is."""
    rest = {node.change_id: node for node in unit.nodes if node.change_id not in refused}
    culprit = next((name for name in refused if moves_flag(state.by_id[name])), None)
    if culprit is None:
        return tuple(rest.values()), []
    kept = [change for name in rest if moves_flag(change := state.by_id[name])]
    for each in kept:
        del rest[each.change_id]
    return tuple(rest.values()), [flag_kept(each, f"the org refused {culprit}") for each in kept]


def flag_kept(change: Change, why: str) -> RowResult:
    """The result of a change of an undo that is not sent, because another that moves the flag with it is not."""
    message = f"the primary flag of a deal goes back in one piece or not at all, and {why}"
    problem = Problem("BLOCKED_BY", Stage.ORG, message, "Settle that first, then undo again.", row=change.row)
    return RowResult(change.change_id, Outcome.BLOCKED, change.record_id, (problem,))


def _held_back(change: Change, culprit: Change) -> RowResult:
    line = f" (line {culprit.row.line})" if culprit.row else ""
    message = f"{culprit.label}{line} of the same deal was refused, and the job wants all or nothing"
    problem = Problem("ROLE_REJECTED", Stage.ORG, message, "Correct that row.", row=change.row)
    outcome = Outcome.BLOCKED if change.sobject == CONTACT_ROLE else Outcome.REJECTED
    return RowResult(change.change_id, outcome, problems=(problem,))
