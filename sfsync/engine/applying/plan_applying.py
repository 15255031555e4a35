"""Applies a plan, and nothing but the plan: parents before children, each write journaled before it leaves.

The order is that of writing: accounts, contacts, leads with the deals that come out of them, new deals with their
roles, deals that move on, roles of deals that exist, references to records that came later; at the end everything
written is read back. Whatever stops an apply early, every row is accounted for and the run can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sfsync.core.events import PhaseStarted
from sfsync.core.plans.guards import canary_scope
from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.reports.results import NOT_DONE, Problem
from sfsync.core.sending.batches import Unit, create_calls
from sfsync.core.sending.strategy import Operation, Strategy
from sfsync.core.sending.units import deal_units, record_units
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, LEAD, OPPORTUNITY
from sfsync.core.writes import Route
from sfsync.engine.applying.bulk_jobs.job_sending import send_by_job
from sfsync.engine.applying.bulk_jobs.sending_in_bulk import create_in_bulk, update_in_bulk
from sfsync.engine.applying.completing import apply_second_pass
from sfsync.engine.applying.converting import bring_landed, convert_leads
from sfsync.engine.applying.deleting import delete_vanished
from sfsync.engine.applying.in_doubt.settling import settle_creates
from sfsync.engine.applying.job_rows import remember_gone
from sfsync.engine.applying.made_meanwhile import take_made_meanwhile
from sfsync.engine.applying.placing import in_place
from sfsync.engine.applying.read_back.verifying import verify
from sfsync.engine.applying.role_applying import apply_roles
from sfsync.engine.applying.run_state import RunState, Stop
from sfsync.engine.applying.second_writes import put_right
from sfsync.engine.applying.sending import MOST_TRIES, send_units
from sfsync.engine.applying.updating import write_updates
from sfsync.engine.undoing.undo_applying import apply_undo
from sfsync.errors import GuardError, Interrupted, OrgUnavailable, SyncError

Step = tuple[str, Operation]
"""The creates or the updates of an sObject."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an apply ended: remarks from reading back, and what stopped it early, if anything did."""

    notes: tuple[Problem, ...] = ()
    stopped: SyncError | None = None


def apply_changes(state: RunState) -> Ending:
    """Writes what the plan says and the journal does not know as done.

    Errors that stop a run are returned, not raised, so that a report can say how far it came.
    """
    try:
        if state.limits.canary is not None:
            send_canary(state, state.limits.canary)
        differences = _write(state)
        return Ending((*state.notes, *differences))
    except SyncError as error:
        return Ending(tuple(state.notes), stopped=cause_of(state.stop, error))


def _write(state: RunState) -> list[Problem]:
    """Writes what is in the state's scope, parents first, and reads it back."""
    if state.plan.undoes is not None:
        _begin(state, "undo", len(state.plan.changes))
        apply_undo(state)
        return verify(state, revise=put_right)
    write_before(state, (CONTACT_ROLE, Operation.CREATE))
    _begin(state, "contact roles of existing deals", len(_waiting_roles(state)))
    apply_roles(state)
    _begin(state, "references set when all is there", len(state.second_pass))
    apply_second_pass(state)
    _begin(state, "delete vanished deals", len(state.waiting(OPPORTUNITY, Action.DELETE)))
    delete_vanished(state)
    _begin(state, "read back", None)
    differences = verify(state, revise=put_right)
    remember_gone(state)
    return differences


def write_before(state: RunState, step: Step) -> None:
    """Writes what comes before a step: accounts, contacts and deals, of each the creates and then the updates."""
    for sobject in (ACCOUNT, CONTACT, OPPORTUNITY):
        if sobject == OPPORTUNITY:
            _convert(state)
        if step == (sobject, Operation.CREATE):
            return
        _create(state, sobject)
        if step == (sobject, Operation.UPDATE):
            return
        _begin(state, f"update {sobject}", len(state.waiting(sobject, Action.UPDATE)))
        _update(state, sobject)


def _convert(state: RunState) -> None:
    """Converts leads when their accounts and contacts are there, and brings the deals that come out of them."""
    _begin(state, "convert leads", len(state.waiting(LEAD, Action.CONVERT)))
    convert_leads(state)
    _begin(state, "deals out of leads", len(state.waiting(OPPORTUNITY, Action.CONVERT)))
    bring_landed(state)


def send_canary(state: RunState, count: int) -> None:
    """Writes the first deals with all that they need; the rest goes only when they are there as they were meant.

    Raises:
        GuardError: one of them was refused, or the org holds something else than was written.
    """
    waiting = [
        each
        for action in (Action.CONVERT, Action.CREATE, Action.UPDATE)
        for each in state.waiting(OPPORTUNITY, action)
    ]
    state.scope = canary_scope(state.plan.changes, waiting[:count])
    differences = _write(state)
    failed = [
        name for name in state.scope if (r := state.results.get(name)) is not None and r.outcome in NOT_DONE
    ]
    state.scope = None
    if failed or differences:
        raise GuardError(
            f"of the first {count} deals, {len(failed)} rows were not done and {len(differences)} values are not"
            " as they were written; the rest was not sent",
            code="CANARY_FAILED",
            hint="Look at the report, correct what it says, then go on with sfsync resume.",
        )


def cause_of(stop: Stop, error: SyncError) -> SyncError:
    """What really ended the apply: a signal cuts waits short, which then look like an org that is away."""
    if isinstance(error, OrgUnavailable) and stop.is_set():
        return Interrupted("the run was interrupted", signal_number=stop.signal_number)
    return error


def _begin(state: RunState, phase: str, total: int | None) -> None:
    state.phase = phase
    if total != 0:
        state.listener(PhaseStarted(phase, total))


def _waiting_roles(state: RunState) -> list[Change]:
    return [each for action in WRITES for each in state.waiting(CONTACT_ROLE, action)]


def _create(state: RunState, sobject: str) -> None:
    """Sends all creates of an sObject, and settles what is in doubt, until nothing is left to send."""
    take_made_meanwhile(state, sobject)
    changes = state.waiting(sobject, Action.CREATE)
    _begin(state, f"create {sobject}", len(changes))
    if state.plan.routes.get(sobject) is Route.JOB_FENCE:
        units = record_units(changes, state.plan.routes, state.ids)
        send_by_job(state, [unit.nodes[0] for unit in units])
        return
    way = state.plan.strategy(sobject, Operation.CREATE)
    if way is Strategy.BULK and state.scope is not None:
        way = None  # a canary is small, and is to be known soon
    if way is Strategy.BULK:
        changes, way = create_in_bulk(state, changes), None
    units = _create_units(state, sobject, changes)
    pack = partial(create_calls, way=way)
    for _ in range(2 * MOST_TRIES):
        doubts = send_units(state, units, pack, check=in_place) if units else []
        if not doubts:
            return
        units = settle_creates(state, doubts).again


def _update(state: RunState, sobject: str) -> None:
    """Sends all updates of an sObject, each on its condition where the plan is strict, else as it has chosen."""
    way = state.plan.strategy(sobject, Operation.UPDATE) or Strategy.COLLECTIONS
    changes = state.waiting(sobject, Action.UPDATE)
    if way is Strategy.BULK and not state.plan.is_strict:
        update_in_bulk(state, changes)
    else:
        write_updates(state, changes, is_strict=state.plan.is_strict, way=way)


def _create_units(state: RunState, sobject: str, changes: Sequence[Change]) -> list[Unit]:
    if sobject == OPPORTUNITY:
        roles = state.waiting(CONTACT_ROLE, Action.CREATE)
        return deal_units(changes, roles, state.plan.routes, state.ids)
    return record_units(changes, state.plan.routes, state.ids)
