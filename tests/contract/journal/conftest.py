"""One suite, two databases: every test that takes `home` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_homes import Home, postgres_home
from postgres_cluster import Cluster

from sfsync.journal import SqlJournal, StatePlace


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """An empty place for a journal, on each kind of database."""
    if request.param == "sqlite":
        return Home(StatePlace(tmp_path / "state"))
    return postgres_home(request.getfixturevalue("cluster"), tmp_path)


@pytest.fixture
def pg(cluster: Cluster, tmp_path: Path) -> Home:
    """An empty place for a journal on PostgreSQL."""
    return postgres_home(cluster, tmp_path)


@pytest.fixture
def journal(home: Home) -> Iterator[SqlJournal]:
    """A new journal."""
    with home.open() as opened:
        yield opened
