"""Several processes bring one job together, each a share of its deals, and the org is that of one process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import PROGRAM, sfsync
from postgres_cluster import Cluster
from share_desk import ORG_FILE, org_of, surroundings, write_job

from sfsync.app.job_locks import job_locked
from sfsync.core.plans.partition import Partition
from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.jobs import load_job
from sfsync.journal import open_journal, state_place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job one of whose rows is bad."""
    write_job(tmp_path, bad_rows=True)
    return tmp_path


def side_by_side(folder: Path, environ: Mapping[str, str], shares: list[str]) -> list[dict[str, Any]]:
    """Runs the job's shares at once, and gives their documents."""
    running_ones = [
        subprocess.Popen(
            [*PROGRAM, "run", "job.toml", "--partition", share, "--json"],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    return [json.loads(each.communicate(timeout=120)[0]) for each in running_ones]


def counts(documents: list[dict[str, Any]], sobject: str) -> dict[str, int]:
    """The counts of an sObject over several documents."""
    found: dict[str, int] = {}
    for document in documents:
        for name, count in document["counts"].get(sobject, {}).items():
            found[name] = found.get(name, 0) + count
    return found


def test_four_processes_on_one_postgres_journal_make_the_org_of_one_process(
    folder: Path, cluster: Cluster
) -> None:
    """Accounts and contacts first, then four shares at once; a second time none of them writes anything."""
    with running(ORG_FILE) as shared, running(ORG_FILE) as alone:
        whole = sfsync(
            "run", "job.toml", "--json", environ=surroundings(alone, str(folder / "alone")), cwd=folder
        )
        environ = surroundings(shared, cluster.schema())
        shares = [f"{number}/4" for number in range(1, 5)]
        [parents] = side_by_side(folder, environ, ["0/4"])
        documents = [parents, *side_by_side(folder, environ, shares)]
        assert org_of(shared) == org_of(alone)
        for sobject in ("Account", "Contact", "Opportunity", "OpportunityContactRole"):
            assert counts(documents, sobject) == whole.document["counts"][sobject], sobject
        assert sorted({each["exit_code"] for each in documents}) == [0, 3]
        again = side_by_side(folder, environ, ["0/4", *shares])
        assert sum(each["api"]["writes"] for each in again) == 0
        assert sum(counts(again, "Opportunity")[each] for each in ("created", "updated")) == 0


def held_share(environ: Mapping[str, str], folder: Path, org_id: str) -> AbstractContextManager[None]:
    """The lock of the job's share 2/3, held by this process."""
    held = ExitStack()
    journal = held.enter_context(open_journal(state_place(environ), clock=lambda: datetime.now(UTC)))
    job = load_job(folder / "job.toml", environ=environ).of_partition(Partition(2, 3))
    held.enter_context(job_locked(journal, job, org_id, None))
    return held


def test_the_whole_job_does_not_run_beside_its_shares_nor_shares_of_another_number(
    folder: Path, emulator: RunningEmulator, environ: dict[str, str]
) -> None:
    """A share that runs keeps the other shapes of its job out, and no other share of its shape."""
    options = ((), ("--partition", "1/4"), ("--partition", "2/3"), ("--partition", "1/3"))
    with held_share(environ, folder, emulator.org_id):
        ends = [sfsync("run", "job.toml", *each, environ=environ, cwd=folder).exit_code for each in options]
    assert ends == [99, 99, 99, 3]  # its contacts are not there yet, so the last one ends with rows undone


def test_an_interrupted_share_is_gone_on_with_before_another_shape_of_the_job(
    folder: Path, emulator: RunningEmulator, environ: dict[str, str]
) -> None:
    """Shares of another number refuse to begin, and `resume` brings the share to its end."""
    sfsync("run", "job.toml", "--partition", "0/2", environ=environ, cwd=folder)
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    emulator.faults.add(FaultScript(Refuse(403, limit), path="/composite/graph", count=None))
    cut_off = sfsync("run", "job.toml", "--partition", "1/2", environ=environ, cwd=folder)
    assert cut_off.exit_code == 75
    refused = sfsync("run", "job.toml", "--partition", "1/3", environ=environ, cwd=folder)
    assert (refused.exit_code, "sfsync resume" in refused.err) == (6, True)
    emulator.faults.clear()
    assert sfsync("resume", environ=environ, cwd=folder).exit_code in {0, 3}
    assert sfsync("run", "job.toml", "--partition", "1/3", environ=environ, cwd=folder).exit_code in {0, 3}


def test_what_the_source_has_no_more_is_told_by_one_share(
    folder: Path, emulator: RunningEmulator, environ: dict[str, str]
) -> None:
    """A row that is gone is reported once, and the rows of the other shares are not taken for gone."""
    for share in ("0/2", "1/2", "2/2"):
        sfsync("run", "job.toml", "--partition", share, environ=environ, cwd=folder)
    lines = (folder / "deals.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [each for each in lines if not each.startswith(("D-3,", "D-bad,"))]
    (folder / "deals.csv").write_text("".join(kept), encoding="utf-8")
    documents = [
        sfsync("run", "job.toml", "--partition", share, "--json", environ=environ, cwd=folder).document
        for share in ("1/2", "2/2")
    ]
    told = [
        each["message"] for document in documents for each in document["notes"] if "VANISHED" in each["code"]
    ]
    assert len(told) == 1
    assert "1 deal" in told[0]
    assert "D-3" in told[0]


@pytest.mark.parametrize(
    ("share", "code"), [("5/4", "BAD_PARTITION"), ("two", "BAD_PARTITION"), ("1/99", "BAD_PARTITION")]
)
def test_a_share_that_is_none_is_refused(
    folder: Path, environ: dict[str, str], share: str, code: str
) -> None:
    """The message says how a share is spelled."""
    done = sfsync("plan", "job.toml", "--partition", share, environ=environ, cwd=folder)
    assert (done.exit_code, "2/4" in done.err) == (2, True), code
