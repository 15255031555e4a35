"""What all tests share: a PostgreSQL server that starts with the first test that asks, and no timed test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from postgres_cluster import Cluster, NoPostgres, running_cluster

for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(_name, None)  # commands that tests type are no steps of a workflow

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real PostgreSQL server of this session; tests that need it are skipped where there is none."""
    try:
        with running_cluster() as started:
            yield started
    except NoPostgres as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
