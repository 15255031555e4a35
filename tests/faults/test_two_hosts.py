"""C2: two hosts share one journal in PostgreSQL: what one began the other settles, and they never run a job
together.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from client_processes import Nursery
from main_job_bench import ORG_FILE, WRITES, Bench, Reference, assert_every_row_counts_once
from postgres_cluster import Cluster
from test_jobs_without_key import ask_for_deals

from sfsync.emulator.fault_actions import Kill
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, FaultScript
from sfsync.emulator.server import running
from sfsync.errors import LockHeld
from sfsync.journal import open_journal, state_place


@dataclass
class Host(Bench):
    """A bench whose journal is in a database that other hosts share; its run folders are its own."""

    database: str = ""
    name: str = "a"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of this host."""
        runs = str(self.folder / f"host-{self.name}")
        return {**super().environ, "SFSYNC_STATE": self.database, "SFSYNC_STATE_FOLDER": runs}

    def other(self) -> Host:
        """Another host with the same org, the same job and the same database."""
        return Host(self.emulator, self.folder, self.job, self.token, database=self.database, name="b")


@pytest.fixture
def host(cluster: Cluster, tmp_path: Path) -> Iterator[Host]:
    """One of two hosts, on the example's org."""
    with running(ORG_FILE) as emulator:
        yield Host(emulator, tmp_path, database=cluster.schema())


@pytest.mark.parametrize("phase", [BEFORE_COMMIT, AFTER_COMMIT])
@pytest.mark.parametrize("recovery", ["run", "resume"])
def test_p1_c2_a_run_killed_on_one_host_is_gone_on_with_on_another(
    host: Host, nursery: Nursery, reference: Reference, phase: str, recovery: str
) -> None:
    """The plan comes from the database, the first host's files are gone, and the org ends as if nothing
    happened.
    """
    script = FaultScript(Kill(0), phase, path=WRITES, nth=2)
    client = nursery.start("run", "trailhead", "--json", environ=host.environ, folder=host.folder)
    script.action = Kill(client.pid)
    host.emulator.faults.add(script)
    assert client.run() == -signal.SIGKILL
    host.emulator.faults.clear()
    shutil.rmtree(host.folder / "host-a")

    other = host.other()
    ending = other.run() if recovery == "run" else other.resume()
    assert ending.exit_code == 3  # the example has bad rows on purpose
    assert_every_row_counts_once(ending.counts)
    assert host.picture() == reference.picture


def test_c1_c2_two_hosts_never_run_a_job_together(host: Host) -> None:
    """While one host holds the job, the other is told which process of which host it is."""
    other = host.other()
    assert host.run().exit_code == 3
    org_id = host.plan().org.org_id
    with open_journal(state_place(other.environ), clock=other.around.clock) as journal:
        with journal.locked(f"trailhead-{org_id}"):
            assert host.run().exit_code == LockHeld.exit_code
        assert [run.job for run in journal.runs()] == ["trailhead"]
    writes = host.write_count()
    assert other.run().exit_code == 3
    assert host.write_count() == writes
    assert list((host.folder / "host-b").iterdir())


def test_p7_a_job_without_keys_on_a_restored_journal_waits_for_a_persons_word(tmp_path: Path) -> None:
    """A journal put back over itself forgot a record: the rows are not created again, until somebody vouched."""
    with running(ORG_FILE) as emulator:
        bench = Bench(emulator, tmp_path)
        ask_for_deals(bench, "D-1")
        bench.admit()
        file = tmp_path / "state" / "journal.sqlite"
        backup = file.read_bytes()
        assert bench.run().exit_code == 0
        file.write_bytes(backup)

        assert bench.run().exit_code == 6
        assert bench.inserted()["Opportunity"] == 1
        bench.admit()
        assert bench.run().exit_code == 0


def test_p7_a_job_with_keys_goes_on_with_a_restored_journal(tmp_path: Path) -> None:
    """The org's own keys tell its rows apart, so a journal that forgot them does no harm."""
    with running(ORG_FILE) as emulator:
        bench = Bench(emulator, tmp_path)
        assert bench.run().exit_code == 3
        before = bench.picture()
        (tmp_path / "state" / "journal.sqlite").unlink()
        for each in (tmp_path / "state").glob("journal.*"):
            each.unlink()
        assert bench.run().exit_code == 3
        assert bench.picture() == before
