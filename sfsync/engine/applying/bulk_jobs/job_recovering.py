"""Settles what an earlier process left open of rows that went by bulk jobs: by asking each job for its results.

A job is asked for by each of its runs alone. The results tell of all rows that went by it, so those that are
settled already are left out of them first, and those of other runs are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sfsync.core.plans.plan import Action, Change
from sfsync.core.reports.results import Outcome
from sfsync.core.sending.bulk import JobShape, RowMarks, columns_of, shape_of
from sfsync.core.sending.units import delete_units, record_units
from sfsync.core.writes import Node
from sfsync.engine.applying.bulk_jobs.job_index import JobIndex, RowName
from sfsync.engine.applying.bulk_jobs.job_keeping import RunKeeper
from sfsync.engine.applying.bulk_jobs.job_lines import JobTag
from sfsync.engine.applying.bulk_jobs.job_results import Settled
from sfsync.engine.applying.bulk_jobs.job_sending import abort_if_open, finish_job
from sfsync.engine.applying.run_state import RunState


def finish_jobs(state: RunState, unsettled: Sequence[Change]) -> set[str]:
    """Settles what went by jobs whose close was on its way; returns the changes that surely were not saved.

    A job that is still open is aborted, so that its close, should it come yet, finds nothing to do. A row by id or
    key that no result tells of, or whose key is there, is settled by the record.
    """
    not_saved: set[str] = set()
    by_job: dict[str, list[Change]] = {}
    for each in unsettled:
        if each.change_id in state.jobs:
            by_job.setdefault(state.jobs[each.change_id], []).append(each)
    for told, changes in by_job.items():
        not_saved |= _finished(state, JobTag.told(told), changes, _settled_of(state, told))
    return not_saved


def _finished(state: RunState, tag: JobTag, changes: Sequence[Change], settled: Sequence[Change]) -> set[str]:
    nodes = _nodes(state, changes)
    shape = shape_of(nodes[0], columns_of(nodes))
    index = JobIndex()
    try:
        marks = RowMarks(shape.columns, shape.known_by)
        for node in nodes:
            index.add(RowName(state.run_id, node.change_id), marks.of(shape.cells(node)))
        abort_if_open(state, tag.job_id)
        known = _already(state, settled, shape, tag)
        keeper = RunKeeper(state)
        again = finish_job(state, tag.job_id, index, shape, keeper, settled=known)
        names = {index.name(row).change_id for row in again} | keeper.look_up()
    finally:
        index.close()
    state.release(names, "NOT_SAVED")
    return names


def _nodes(state: RunState, changes: Sequence[Change]) -> list[Node]:
    units = (
        delete_units(changes)
        if changes[0].action is Action.DELETE
        else record_units(changes, state.plan.routes, state.ids)
    )
    return [unit.nodes[0] for unit in units]


def _settled_of(state: RunState, told: str) -> list[Change]:
    """The changes that went by the same job last and have their result."""
    return [state.by_id[name] for name, job in state.jobs.items() if job == told and name in state.results]


def _already(state: RunState, settled: Sequence[Change], shape: JobShape, tag: JobTag) -> Settled:
    """What the job's results tell of rows that are settled: their records, and how often a mark was refused."""
    results = {each.change_id: state.results[each.change_id] for each in settled}
    saved = (each.record_id for each in results.values() if each.outcome is Outcome.CREATED)
    refused = [each for each in settled if results[each.change_id].outcome is Outcome.REJECTED]
    nodes = _nodes(state, refused) if refused else []
    own = shape.widened(columns_of(nodes))
    marks = RowMarks(own.columns, own.known_by)
    counted = Counter(marks.of(own.cells(node)) for node in nodes)
    return Settled(frozenset(each for each in saved if each), counted, has_others=tag.is_shared)
