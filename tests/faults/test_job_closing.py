"""The close of a bulk job that the org refuses: its rows go by another job, or wait, and never go twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from main_job_bench import LEUNG, Bench, deal, org_document, role

from sfsync.emulator.fault_actions import Action, Drop, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript
from sfsync.emulator.server import running

KEYS = ("D-1", "D-2", "D-3")
JOB = r"/jobs/ingest/\w+$"
REFUSED = Refuse(400, [{"errorCode": "INVALIDJOB", "message": "The job cannot be closed."}])
STILL_OPEN = Refuse(200, {"state": "Open"})
LIMIT = Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts, and a keyless job of three deals with a role each."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path)
        made.write_job([deal(key) for key in KEYS], [role(key, LEUNG) for key in KEYS], has_key=False)
        made.admit()
        yield made


def strike(bench: Bench, method: str, action: Action, **words: Any) -> None:
    """Scripts a fault for calls about one job."""
    bench.emulator.faults.add(FaultScript(action, method=method, path=JOB, **words))


def jobs(bench: Bench) -> list[dict[str, Any]]:
    """The ingest jobs of the org."""
    answer = requests.get(
        f"{bench.emulator.instance_url}/services/data/v66.0/jobs/ingest",
        headers={"Authorization": f"Bearer {bench.token}"},
        timeout=10,
    )
    return list(answer.json()["records"])


def assert_each_once(bench: Bench) -> None:
    """Every deal is there once with its role, and nothing was ever committed besides."""
    assert [len(bench.named(f"Deal {key}")) for key in KEYS] == [1] * 3
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (3, 3)


def test_n5_a_close_refused_after_a_lost_one_costs_another_job(bench: Bench) -> None:
    """The job is aborted, says that it did not come to its rows, and they go by another."""
    strike(bench, "PATCH", Drop())
    strike(bench, "PATCH", REFUSED, nth=2, count=2)
    assert bench.run().exit_code == 0
    assert_each_once(bench)
    assert sorted(each["state"] for each in jobs(bench)) == ["Aborted", "JobComplete", "JobComplete"]


def test_n6_a_close_refused_because_the_first_was_carried_out_costs_nothing(bench: Bench) -> None:
    """The job was open when it was asked, and is at work when it is closed again: the run waits for its results."""
    strike(bench, "PATCH", Drop(), phase=AFTER_COMMIT)
    strike(bench, "GET", STILL_OPEN)
    assert bench.run().exit_code == 0
    assert_each_once(bench)
    assert [each["state"] for each in jobs(bench)] == ["JobComplete"] * 2


def test_an_org_that_closes_no_job_is_tried_again_later(bench: Bench) -> None:
    """Nothing is wrong with the job file: exit 75 with the org's code; once jobs close, every row goes once."""
    strike(bench, "PATCH", REFUSED, count=None)
    ending = bench.run()
    assert ending.exit_code == 75
    stopped = ending.document.stopped
    assert stopped is not None
    assert "INVALIDJOB" in stopped.message
    assert bench.inserted()["Opportunity"] == 0
    bench.emulator.faults.clear()
    assert bench.resume().exit_code == 0
    assert_each_once(bench)


def test_n6_an_abort_refused_because_the_close_was_carried_out_settles_the_run(bench: Bench) -> None:
    """The next run would abort a job that was open when it was asked; its results tell of every row."""
    strike(bench, "PATCH", Drop(), phase=AFTER_COMMIT)
    strike(bench, "GET", LIMIT)
    assert bench.run().exit_code == 75
    strike(bench, "GET", STILL_OPEN)
    assert bench.run().exit_code == 0
    assert_each_once(bench)
