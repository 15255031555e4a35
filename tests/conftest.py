"""The PostgreSQL server that the tests of the journal share; it starts with the first test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres_cluster import Cluster, NoPostgres, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real PostgreSQL server of this session; tests that need it are skipped where there is none."""
    try:
        with running_cluster() as started:
            yield started
    except NoPostgres as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
