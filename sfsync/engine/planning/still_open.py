"""What earlier runs of a job left open: a plan goes around it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sfsync.core.job import Job
from sfsync.core.ports import ChangeRecord, Journal, RunRecord
from sfsync.core.writes import Route


def in_doubt(
    job: Job, org_id: str, journal: Journal, accepted: Collection[tuple[str, str]]
) -> tuple[list[ChangeRecord], frozenset[str]]:
    """What earlier runs left open, and the names of those changes that no fence keeps from being there twice."""
    still_open = [
        (run, record)
        for run, record in journal.open_changes(job.name, org_id)
        if (run.run_id, record.change_id) not in accepted
    ]
    return [record for _, record in still_open], _unfenced(still_open, journal)


def _unfenced(still_open: Sequence[tuple[RunRecord, ChangeRecord]], journal: Journal) -> frozenset[str]:
    """The open changes that may have been sent without a key: a key that they have by now fences none of them."""
    sent = {run.run_id: journal.sendings(run.run_id) for run, _ in still_open}
    routes = ((record.change_id, sent[run.run_id].get(record.change_id)) for run, record in still_open)
    return frozenset(name for name, by in routes if by is None or by[0] is not Route.KEY_FENCE)
