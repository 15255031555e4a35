"""Rows with the same content in one bulk job: each becomes one record, and a death midway mixes none up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from failpoints import Death, Failpoints, failpoints
from long_proofs import one_in
from main_job_bench import Bench, deal, org_document, role

from sfsync import load_job
from sfsync.app.books import sync
from sfsync.app.planning import fully_read
from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.engine.applying.bulk_jobs import job_lines, job_results, job_sending

KEYS = tuple(f"D-{number}" for number in range(1, 7))
REFUSED = FailRows(rows=(2, 3), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six rows go to the journal in three commits, as six thousand do."""
    for module in (job_lines, job_results, job_sending):
        monkeypatch.setattr(module, "LINES_AT_A_TIME", 2)
    monkeypatch.setattr(job_sending, "INTENTS_AT_A_TIME", 2)


@contextmanager
def twins(folder: Path, number: int) -> Iterator[tuple[Bench, Failpoints]]:
    """A fresh org without receipts, and a keyless job of six deals that are alike but for their row key."""
    own = folder / str(number)
    own.mkdir()
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        bench = Bench(emulator, own)
        bench.write_job([deal(key, deal="Alike") for key in KEYS], [role("D-1", name="None")], has_key=False)
        bench.admit()
        with failpoints(own / "state") as points:
            yield bench, points


def deadly(hits: list[str]) -> list[int]:
    """The numbers of the points right after the journal has taken something, and right before."""
    return [number for number, hit in enumerate(hits, start=1) if hit.startswith(("journal.", "request.P"))]


def record_ids(bench: Bench) -> dict[str, str]:
    """Which record the journal takes each row for."""
    report = sync(fully_read(load_job(bench.job, environ=bench.environ)), around=bench.around)
    return {change.key: change.record_id or "" for change, _ in report.rows() if change.key in KEYS}


def test_p1_a_record_of_a_settled_row_is_not_taken_for_its_twin(tmp_path: Path) -> None:
    """Wherever the run dies, the next one ends with six records, each of them one row's."""
    numbers = count()
    with twins(tmp_path, next(numbers)) as (bench, points):
        points.arm(None)
        assert bench.run().exit_code == 0
        points_hit = list(points.hits)
    for nth in one_in(5, deadly(points_hit)):
        with twins(tmp_path, next(numbers)) as (bench, points):
            points.arm(nth)
            with suppress(Death):
                bench.run()
            points.revive()
            assert bench.run().exit_code == 0, points_hit[nth - 1]
            ids = record_ids(bench)
            there = {str(each["Id"]) for each in bench.named("Alike")}
            assert set(ids.values()) == there, points_hit[nth - 1]
            assert (len(there), bench.inserted()["Opportunity"]) == (6, 6), points_hit[nth - 1]


def test_p1_a_refusal_of_a_settled_row_is_not_taken_for_its_twins(tmp_path: Path) -> None:
    """Two of six rows that are alike are refused; wherever the run dies, two are rejected and four are there."""
    numbers = count()
    with twins(tmp_path, next(numbers)) as (bench, points):
        bench.emulator.faults.add(FaultScript(REFUSED, method="JOB"))
        points.arm(None)
        assert bench.run().counts["Opportunity"]["rejected"] == 2
        points_hit = list(points.hits)
    records = [number for number in deadly(points_hit) if "record" in points_hit[number - 1]]
    for nth in records:
        with twins(tmp_path, next(numbers)) as (bench, points):
            bench.emulator.faults.add(FaultScript(REFUSED, method="JOB"))
            points.arm(nth)
            try:
                bench.run()
            except Death:
                points.revive()
            if points.hits[nth - 1 :] != points_hit[nth - 1 : nth]:
                continue  # a job is asked once more or less when the machine is busy: the moment is another one
            ending = bench.resume()
            counts = ending.counts["Opportunity"]
            assert (counts["created"], counts["rejected"]) == (4, 2), points_hit[nth - 1]
            assert len(bench.named("Alike")) == 4
