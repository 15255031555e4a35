"""Rows without a key in an org without receipts go by bulk jobs: from disk, with results that are counted first."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from safety_desk import HEADER, SafetyDesk, desk_on, org_without_keys, row

from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript

NASTY = {
    "quotes and a line end": 'Shoes, "red"\r\nand blue',
    "a lone carriage return": "one\rtwo",
    "what a sheet takes for a formula": "=1+1",
    "a line feed at the end": "call\n",
    "other scripts": "Żółte buty, сапоги, 靴",
    "commas alone": ",,,",
    "a quote alone": '"',
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """An org without key fields and receipts, which allows bulk jobs."""
    with desk_on(org_without_keys(), tmp_path) as made:
        made.write(row("D-1"), has_key=False)
        assert made.command("state", "init", "job", "-o", "local").exit_code == 0
        yield made


def write(desk: SafetyDesk, names: Mapping[str, str]) -> None:
    """Makes deals of those names the job, by row key."""
    with (desk.folder / "deals.csv").open("w", newline="") as file:
        file.write(HEADER)
        csv.writer(file).writerows((key, name, "Prospecting", "2027-01-31") for key, name in names.items())


def job_calls(desk: SafetyDesk) -> Counter[str]:
    """The calls about jobs, by method and the last word of the address."""
    calls = (each for each in desk.emulator.audit.requests if "/jobs/ingest/" in each.path)
    return Counter(f"{each.method} {each.path.rpartition('/')[2][:3]}" for each in calls)


def names_in_the_org(desk: SafetyDesk) -> set[str]:
    """The names of all deals that the job brought."""
    rows = desk.emulator.org.storage.select("Opportunity", "\"CloseDate\" = '2027-01-31'")
    return {str(each["Name"]) for each in rows}


def created(document: Mapping[str, Any]) -> int:
    """How many deals a run created."""
    return int(document["counts"]["Opportunity"]["created"])


def test_a_load_goes_by_one_job_and_reads_the_one_file_that_is_not_empty(desk: SafetyDesk) -> None:
    """450 deals are made, filled and closed with three calls, and told by one file of results; again costs none."""
    write(desk, {f"D-{number}": f"Deal {number}" for number in range(450)})
    document = desk.run()
    assert created(document) == 450
    calls = job_calls(desk)
    assert (calls["PUT bat"], calls["GET suc"], calls["GET fai"], calls["GET unp"]) == (1, 1, 0, 0)
    assert len(names_in_the_org(desk)) == 450
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == 450
    assert job_calls(desk) == calls


def test_any_content_of_a_cell_goes_round(desk: SafetyDesk) -> None:
    """Every row becomes the record that was meant, and is known for its own when the job tells of it."""
    write(desk, NASTY)
    assert created(desk.run()) == len(NASTY)
    kept = {each.strip().replace("\r\n", "\n") for each in names_in_the_org(desk)}
    assert kept == {each.strip().replace("\r\n", "\n") for each in NASTY.values()}
    assert desk.run()["counts"]["Opportunity"]["unchanged"] == len(NASTY)


def test_rows_that_are_alike_become_one_record_each(desk: SafetyDesk) -> None:
    """Three deals of one name, of which one is refused: two are there, and one row is told."""
    write(desk, dict.fromkeys(("D-1", "D-2", "D-3"), "Alike"))
    refusal = FailRows(rows=(1,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="not this one")
    desk.emulator.faults.add(FaultScript(refusal, method="JOB"))
    document = desk.run(expected=3)
    assert (created(document), document["counts"]["Opportunity"]["rejected"]) == (2, 1)
    assert len(desk.deals("Alike")) == 2
    assert created(desk.run()) == 1
    assert len(desk.deals("Alike")) == 3


def test_a_run_leaves_no_file_of_its_jobs_behind(desk: SafetyDesk, tmp_path: Path) -> None:
    """What lay on disk for a job had no name, so nobody else could read it, and it is gone."""
    own = tmp_path / "temporary"
    own.mkdir()
    write(desk, {f"D-{number}": f"Deal {number}" for number in range(20)})
    done = desk.command("run", "./job.toml", "--json", TMPDIR=str(own))
    assert done.exit_code == 0
    assert list(own.iterdir()) == []
