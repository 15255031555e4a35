"""The benchmark's stub answers everything that the command line asks for: it stays in step with the product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from measured_processes import Stub, served_stub
from sfsync_cases import Desk, document


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A stub with an empty org."""
    with served_stub() as serving:
        yield serving


def test_a_hundred_deals_are_loaded_and_found_again(stub: Stub, tmp_path: Path):
    """A first load creates all rows, a run after it none, and ten changed deals are ten updates."""
    desk = Desk(stub, tmp_path / "job", 100)
    found = {}
    for what, changed in (("load", 0), ("again", 0), ("changed", 10)):
        desk.changed(changed)
        stub.reset()
        taken = desk.taken("run")
        assert taken.exit_code == 0, taken.err
        counts = stub.counts()
        assert counts["refused"] == []
        found[what] = (document(taken.out)["counts"], counts)
    loaded, counts = found["load"]
    assert (loaded["Opportunity"]["created"], loaded["OpportunityContactRole"]["created"]) == (100, 200)
    assert counts["written"] == {"create Opportunity": 100, "create OpportunityContactRole": 200}
    assert counts["calls"]["login"] == 1
    assert found["again"][1]["written"] == {}
    assert found["changed"][0]["Opportunity"]["updated"] == 10
    assert found["changed"][1]["written"] == {"update Opportunity": 10}
    assert counts["repeated_creates"] == 0
