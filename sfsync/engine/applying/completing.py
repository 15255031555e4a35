"""The second pass of a run: references to records that were made at the same time or later, set when all are there.

It is an update by id like any other: its intent is in the journal first, a lost answer is settled by what the
record holds, and the same value twice is the same value. A field that somebody or something has filled since the
create is a conflict. Where the record that is meant was refused, the reference stays open: that is said, the run
ends with exit code 3, and the next run of the job tries again.
No condition is set on these updates, also in strict mode: the records are seconds old, and the field was empty.
"""

from __future__ import annotations

from dataclasses import replace

from sfsync.core.plans.plan import Action, Change
from sfsync.core.references.second_pass import open_problem
from sfsync.core.reports.results import Outcome, RowResult, Stage
from sfsync.core.sobject import ACCOUNT, CONTACT, OPPORTUNITY
from sfsync.core.values import Pending
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.updating import apply_updates, write_updates


def apply_second_pass(state: RunState) -> None:
    """Writes updates that waited for creates, and completes new records."""
    state.is_second_pass = True
    try:
        for sobject in (ACCOUNT, CONTACT, OPPORTUNITY):
            apply_updates(state, sobject)
            _complete(state, sobject)
    finally:
        state.is_second_pass = False


def completions_left(state: RunState) -> list[Change]:
    """The completions that have no result yet; those of a canary's other deals wait."""
    return [
        each
        for each in state.plan.changes
        if each.completes is not None and each.action is Action.UPDATE and each.change_id not in state.results
        if state.scope is None
    ]


def _complete(state: RunState, sobject: str) -> None:
    left = [each for each in completions_left(state) if each.sobject == sobject]
    state.settle([end for each in left if (end := _end(state, each)) is not None])
    ready = [state.locate(each) for each in left if each.change_id not in state.results]
    by_field: dict[str, list[Change]] = {}
    for each in ready:
        by_field.setdefault(next(iter(each.values)), []).append(each)
    for changes in by_field.values():  # no record twice in one call, which the org refuses
        write_updates(state, changes, is_strict=False)


def _end(state: RunState, change: Change) -> RowResult | None:
    """The result of a completion whose record, or the one that it refers to, did not come to the org."""
    record = change.completes or ""
    if state.is_dead(record) or (change.record_id is None and record not in state.ids):
        return state.blocked(change, record)
    for name, value in change.values.items():
        if isinstance(value, Pending) and (
            state.is_dead(value.change_id) or value.change_id not in state.ids
        ):
            row = state.by_id[record].row if record in state.by_id else None
            problem = replace(open_problem(name, value.change_id), stage=Stage.ORG, row=row)
            return RowResult(change.change_id, Outcome.BLOCKED, state.ids.get(record), (problem,))
    return None
