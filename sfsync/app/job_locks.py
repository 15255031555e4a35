"""Which runs keep each other out: those of one job against one org, shares of it aside, and those of keyless rows.

Part of the composition root. Shares of a job run side by side as long as they are shares of the same number; the
whole job runs alone. What a run of another number left open may be of rows that are this one's, so it goes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from sfsync.core.job import Job
from sfsync.core.references.parents import makes_without_key
from sfsync.errors import GuardError, LockHeld

if TYPE_CHECKING:
    from sfsync.journal import SqlJournal


@contextmanager
def job_locked(journal: SqlJournal, job: Job, org_id: str, keyless: Iterable[str] | None) -> Iterator[None]:
    """Holds all locks of a job, or of its share, while the block runs.

    Two jobs that write rows of one sObject without a key could not tell each other's records from their own,
    so there is one more lock for each such sObject (`keyless`, by default those of the job).

    Raises:
        LockHeld: another run holds one.
        GuardError: an interrupted run of another share may have written rows of this one.
    """
    if keyless is None:
        keyless = {each.sobject for each in job.sections.values() if each.row_key is not None}
        keyless |= set(makes_without_key(job))
    own = _own_name(job.name, job.share)
    names = [own, *(f"{sobject} without a key" for sobject in sorted(keyless))]
    with ExitStack() as held:
        for name in names:
            held.enter_context(journal.locked(f"{name}-{org_id}"))
        _refuse_others(journal, job, org_id)
        yield


def lock_name(job: str, share: str, org_id: str) -> str:
    """The name of the lock of a job, or of a share of it, against an org."""
    return f"{_own_name(job, share)}-{org_id}"


def _own_name(job: str, share: str) -> str:
    return f"{job} {share}" if share else job


def _refuse_others(journal: SqlJournal, job: Job, org_id: str) -> None:
    """Stops when another shape of the job is under way: of two that begin at once at least one sees the other."""
    spelled = re.compile(rf"{re.escape(job.name)}(?: ([0-9]+)/([0-9]+))?-{re.escape(org_id)}")
    of = str(job.partition.of) if job.partition else None
    for holder in journal.facts().holders:
        found = spelled.fullmatch(holder.name)
        if found is not None and found[2] != of:
            raise LockHeld(
                f"{found[0].removesuffix(f'-{org_id}')} is being run by {holder.described()}.",
                code="LOCK_HELD",
                hint="The whole job runs alone, and shares only beside shares of the same number.",
            )
    if job.partition is None:
        return
    for run in journal.runs(job.name):
        is_of_other_shape = run.share.partition("/")[2] != of
        if run.org_id == org_id and run.exit_code is None and is_of_other_shape:
            raise GuardError(
                f"run {run.run_id} of job {job.name} was interrupted, and it was not shared out among {of}",
                code="RUN_INTERRUPTED",
                hint=f"Go on with it first: sfsync resume {run.run_id}",
            )
