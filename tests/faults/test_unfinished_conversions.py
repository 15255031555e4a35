"""A run that dies between the conversion of its leads and what follows is finished by a run or by resume."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_processes import Nursery
from lead_bench import CONVERT, LEAD_ORG, deal, lead_bench, lead_row, role, write_leads_job
from main_job_bench import Bench

from sfsync.app.memory import forget
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Kill
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript
from sfsync.errors import ConfigError
from sfsync.jobs import load_job

COUNT = 110
EMAILS = [f"lead{number}@farmers.example" for number in range(COUNT)]
ORG = LEAD_ORG | {"records": [*LEAD_ORG["records"], *(lead_row(each) for each in EMAILS)]}


@pytest.fixture
def bench(tmp_path: Path, nursery: Nursery) -> Iterator[Bench]:
    """110 deals out of leads, and a run killed when 100 leads were converted and no deal had its key.

    One call at a time, so that the second has not left when the first has been committed.
    """
    with lead_bench(tmp_path, ORG) as made:
        deals = [deal(f"D-{number}", email) for number, email in enumerate(EMAILS)]
        write_leads_job(made, deals, [role(f"D-{number}", email) for number, email in enumerate(EMAILS)])
        client = nursery.start(
            "run", made.job, "--json", "--threads", "1", environ=made.environ, folder=made.folder
        )
        made.emulator.faults.add(FaultScript(Kill(client.pid), AFTER_COMMIT, path=CONVERT))
        assert client.run() == -signal.SIGKILL
        made.emulator.faults.clear()
        assert converted(made) == 100
        yield made


def converted(bench: Bench) -> int:
    """How many leads are converted."""
    return len(bench.emulator.org.storage.select("Lead", '"IsConverted" = 1'))


def assert_all_brought(bench: Bench) -> None:
    """Each row has its one deal, each lead became one, and another run writes nothing."""
    deals = bench.emulator.org.storage.select("Opportunity", '"Name" LIKE ?', "Deal D-%")
    assert sorted(each["Sfsync_Key__c"] for each in deals) == sorted(f"D-{number}" for number in range(COUNT))
    assert bench.inserted()["Opportunity"] == converted(bench) == COUNT
    commits = len(bench.emulator.audit.commits)
    assert (bench.run().exit_code, len(bench.emulator.audit.commits)) == (0, commits)


def test_a_run_finishes_the_conversions_of_one_that_died(bench: Bench) -> None:
    """What an earlier run converted and did not finish is no change of known records: no guard asks about it."""
    assert bench.run().exit_code == 0
    assert_all_brought(bench)


def test_a_run_that_a_guard_stops_leaves_the_interrupted_one_to_be_resumed(bench: Bench) -> None:
    """The stopped run takes nothing away, however often it is tried; resume finishes the interrupted one."""
    assert bench.run(max_changes=1).exit_code == 6
    assert bench.run(max_changes=1).exit_code == 6
    ending = bench.resume()
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, COUNT)
    assert_all_brought(bench)


def test_a_run_that_has_begun_takes_over_from_the_interrupted_one(bench: Bench) -> None:
    """Once a later run of the job has begun there is nothing to resume."""
    assert bench.run(max_changes=1).exit_code == 6
    assert bench.run().exit_code == 0
    with pytest.raises(ConfigError, match="no interrupted run"):
        bench.resume()


def test_forgetting_a_row_ends_the_interrupted_run(bench: Bench) -> None:
    """A person's word goes before its plan: the row is planned anew, and the old plan cannot be resumed."""
    assert bench.run(max_changes=1).exit_code == 6
    assert forget(load_job(bench.job, environ=bench.environ), ["D-1"], around=bench.around)
    with pytest.raises(ConfigError, match="no interrupted run"):
        bench.resume()
    ending = bench.run()
    assert (ending.exit_code, ending.of(Outcome.UNKNOWN)) == (0, set())
    assert_all_brought(bench)
