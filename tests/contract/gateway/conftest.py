"""The scripted org that every test of this folder can ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_org import ScriptedOrg, scripted_org


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    """A server on loopback that answers as the test says."""
    with scripted_org() as running:
        yield running
