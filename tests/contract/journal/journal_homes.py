"""Places for journals, and the small pieces that the contract tests put into them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postgres_cluster import Cluster

from sfsync.core.ports import Attempt, RunRecord
from sfsync.core.writes import Route
from sfsync.journal import SqlJournal, StatePlace, open_journal

ORG = "00D000000000001EAA"
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
PLAN = b'{"plan": "\\u0000 of a run"}'


@dataclass(frozen=True)
class Home:
    """A place for one journal; `cluster` is the server when it is on PostgreSQL."""

    place: StatePlace
    cluster: Cluster | None = None

    @property
    def is_postgres(self) -> bool:
        """Whether it is on PostgreSQL."""
        return self.cluster is not None

    def open(self, *, busy_wait_s: float = 30.0) -> SqlJournal:
        """The journal of the place."""
        return open_journal(self.place, clock=lambda: NOW, busy_wait_s=busy_wait_s)

    def on_host(self, folder: Path) -> Home:
        """The same database as another host sees it, with a state folder of its own."""
        assert self.is_postgres
        return replace(self, place=replace(self.place, folder=folder))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement behind the journal's back; what it answers."""
        if self.cluster is not None:
            return self.cluster.run(statement, url=self.place.database)
        connection = sqlite3.connect(self.place.folder / "journal.sqlite", isolation_level=None)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()


def postgres_home(cluster: Cluster, tmp_path: Path) -> Home:
    """A schema of its own in the shared server."""
    return Home(StatePlace(tmp_path / "state", database=cluster.schema()), cluster)


def a_run(run_id: str = "r1", *, job: str = "nightly", org_id: str = ORG) -> RunRecord:
    """A run of a plan of its own."""
    return RunRecord(run_id, job, org_id, f"digest-{run_id}", "plan.json", "2026-09-30T12:00:00+00:00")


def an_attempt(attempt_id: str, *change_ids: str) -> Attempt:
    """A call that carries the changes."""
    return Attempt(attempt_id, Route.KEY_FENCE, "hash", change_ids)
