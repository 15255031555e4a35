"""What the other portions of a book have done to the records that one portion refers to.

A portion holds its own changes alone. An account or contact that an earlier portion brings is known here by the
name of its change; which record it has become, or that it never came to the org, only the journal can tell.
"""

from __future__ import annotations

from sfsync.core.plans.plan import Plan
from sfsync.core.ports import ChangeState
from sfsync.core.values import Pending
from sfsync.engine.applying.run_state import RunState


def learn_other_portions(state: RunState) -> None:
    """Takes up what became of the changes of other portions that this one refers to, in one question.

    What has not come to the org, or was never sent, blocks what refers to it. An undo refers to records alone.
    """
    plan = state.plan
    if not plan.whole or plan.undoes is not None:
        return
    asked = referred_elsewhere(plan)
    records = state.journal.books.outcomes(plan.whole, asked)
    done = {
        name: each.record_id
        for name, each in records.items()
        if each.state is ChangeState.DONE and each.record_id is not None
    }
    state.ids |= done
    state.lost = asked - done.keys()


def referred_elsewhere(plan: Plan) -> frozenset[str]:
    """The changes that a portion's own changes wait for and that are not among them."""
    own = {each.change_id for each in plan.changes}
    values = (value for each in plan.changes for value in (*each.desired.values(), *each.values.values()))
    names = {value.change_id for value in values if isinstance(value, Pending)}
    names |= {each.parent for each in plan.changes if each.parent is not None}
    return frozenset(names - own)
