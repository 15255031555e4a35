"""The benches of the main job's fault tests, and the uninterrupted run that every history must equal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from client_processes import Nursery, open_nursery
from main_job_bench import BARE_ORG, Bench, FreshBench, Reference

from sfsync.emulator.server import running


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh org with the example's seed records, and the example as the job."""
    with running(BARE_ORG) as emulator:
        yield Bench(emulator, tmp_path)


@pytest.fixture
def fresh(tmp_path: Path) -> FreshBench:
    """Makes benches one after the other, for tests that go through many histories."""
    numbers = count()

    @contextmanager
    def make() -> Iterator[Bench]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with running(BARE_ORG) as emulator:
            yield Bench(emulator, folder)

    return make


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The example, run once without a fault."""
    with running(BARE_ORG) as emulator:
        bench = Bench(emulator, tmp_path_factory.mktemp("uninterrupted"))
        ending = bench.run()
        assert ending.exit_code == 3
        return Reference(
            bench.picture(),
            ending.counts,
            dict(bench.inserted()),
            bench.write_count(),
            len(emulator.audit.requests),
        )


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """The process that forks client processes, warm from a run of the example."""
    with open_nursery() as opened:
        with running(BARE_ORG) as emulator:
            bench = Bench(emulator, tmp_path_factory.mktemp("nursery"))
            assert opened.warm("run", "trailhead", "--json", environ=bench.environ) == 3
        yield opened
