"""Creates with a key, and updates, that travel by bulk jobs because a plan has chosen so.

Their route is what it always is, the key or the id; the job is only how they travel, and its own fence holds
besides. Updates are read again right before the job is filled, as before any other call, and again before a row
goes once more. A value that no cell can carry goes by the usual calls: how rows travel rejects none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.bulk import unsendable
from sfsync.core.sending.prices import ROWS_PER_READ
from sfsync.core.sending.strategy import Operation
from sfsync.core.sending.units import record_units
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.writes import Node, Route
from sfsync.engine.applying.bulk_jobs.job_sending import send_by_job
from sfsync.engine.applying.made_meanwhile import take_made_meanwhile
from sfsync.engine.applying.role_applying import role_rows_for_job
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.updating import untouched, write_updates


def create_in_bulk(state: RunState, changes: Sequence[Change]) -> list[Change]:
    """Sends creates with a key by jobs; returns those that no job can carry."""
    nodes = _nodes(state, changes)
    bad = unsendable(nodes)
    send_by_job(state, [node for node in nodes if node.change_id not in bad])
    return [each for each in changes if each.change_id in bad]


def update_in_bulk(state: RunState, changes: Sequence[Change]) -> None:
    """Sends updates by jobs, and by the usual calls what no job can carry."""
    bad = unsendable(_nodes(state, changes))
    nodes = fresh_rows(state, [each for each in changes if each.change_id not in bad])
    send_by_job(
        state, nodes, renew=lambda left: fresh_rows(state, [state.by_id[each.change_id] for each in left])
    )
    write_updates(state, [each for each in changes if each.change_id in bad], is_strict=False)


def rows_for_job(state: RunState, sobject: str, operation: Operation, *, made: Collection[str]) -> list[Node]:
    """What waits of a run for a job that carries rows of others too; deals of `made` are new, and not looked at.

    What no job can carry is left where the usual calls can.
    """
    if sobject == CONTACT_ROLE:
        return role_rows_for_job(state, made=made)
    if operation is Operation.CREATE:
        take_made_meanwhile(state, sobject)
        nodes = _nodes(state, state.waiting(sobject, Action.CREATE))
        bad = unsendable(nodes) if state.plan.routes[sobject] is Route.KEY_FENCE else {}
        return [node for node in nodes if node.change_id not in bad]
    changes = state.waiting(sobject, Action.UPDATE)
    bad = unsendable(_nodes(state, changes))
    return fresh_rows(state, [each for each in changes if each.change_id not in bad])


def fresh_rows(state: RunState, changes: Sequence[Change]) -> list[Node]:
    """The updates whose records still hold what the plan was made from; the others get their result."""
    fresh: list[Change] = []
    for start in range(0, len(changes), ROWS_PER_READ):
        state.check_stop()
        kept, _ = untouched(state, [changes[start : start + ROWS_PER_READ]], is_strict=False)
        fresh += kept
    return _nodes(state, fresh)


def _nodes(state: RunState, changes: Sequence[Change]) -> list[Node]:
    return [unit.nodes[0] for unit in record_units(changes, state.plan.routes, state.ids)]
