"""Whether a journal may be believed about a job: runs of it began here, or a person said that they may."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from sfsync.journal.schema import ADMITTED, IDENTITY, RUNS


def orgs_of(connection: Connection, job: str) -> list[str]:
    """The orgs against which the job has run or may begin, sorted."""
    run, admitted = (select(each.c.org_id).where(each.c.job == job) for each in (RUNS, ADMITTED))
    return sorted({*connection.scalars(run), *connection.scalars(admitted)})


def is_known(connection: Connection, job: str, org_id: str, *, since: str | None) -> bool:
    """Whether a run of the job against the org has begun here, or a person said that it may begin here.

    Once the journal was found to be an older copy of itself, only a word that was said since then counts;
    with `since` (ISO time) only one that was said later than that.
    """
    admitted = select(ADMITTED.c.restorations).where(ADMITTED.c.job == job, ADMITTED.c.org_id == org_id)
    if since is not None:
        admitted = admitted.where(ADMITTED.c.admitted_at > since)
    begun = select(func.count()).where(RUNS.c.job == job, RUNS.c.org_id == org_id)
    restorations = connection.scalar(select(IDENTITY.c.restorations))
    if connection.scalar(admitted) == restorations:
        return True
    return since is None and restorations == 0 and bool(connection.scalar(begun))


def admission(connection: Connection, job: str, org_id: str, *, at: str) -> dict[str, str | int | None]:
    """The row that keeps a person's word, said of the journal as it is now."""
    restorations = connection.scalar(select(IDENTITY.c.restorations))
    return {"job": job, "org_id": org_id, "admitted_at": at, "restorations": restorations}
