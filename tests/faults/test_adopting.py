"""Adopting records of the org when answers get lost, people edit meanwhile, and decisions contradict each other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import ORG_FILE, WRITES, Before, Bench, deal, role

from sfsync.app.adoption_file import write_candidates
from sfsync.app.adoptions import Adopted, adopting, confirm_file
from sfsync.core.job import Job
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.errors import ConfigError
from sfsync.jobs import load_job


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The example org, a deal in it that a salesperson made, and a job of that deal."""
    with running(ORG_FILE) as emulator:
        made = Bench(emulator, tmp_path)
        made.write_job([deal("D-1")], [role("D-1")])
        make(made, "Deal D-1")
        yield made


def make(bench: Bench, name: str) -> str:
    """Makes a deal without a key, as a salesperson does."""
    account = bench.find("Account", Sfsync_Key__c="ACC-1")
    values = {"StageName": "Prospecting", "CloseDate": "2027-01-31", "Amount": 100, "AccountId": account}
    return bench.create("Opportunity", Name=name, **values)


def job_of(bench: Bench) -> Job:
    """The job as it is now."""
    return load_job(bench.job, environ=bench.environ)


def decide(bench: Bench, *records: str) -> Path:
    """Lists the candidates into a file and says yes, at those records or at all."""
    path = bench.folder / "adopt.csv"
    with adopting(job_of(bench), bench.around) as desk:
        write_candidates(desk.listing, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        row["adopt"] = "yes" if not records or row["record_id"] in records else ""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def confirm(bench: Bench, path: Path) -> Adopted:
    """Confirms the file."""
    return confirm_file(job_of(bench), path, bench.around)


def stamped(bench: Bench) -> list[str | None]:
    """The keys of all deals of that name."""
    return [each["Sfsync_Key__c"] for each in bench.named("Deal D-1")]


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_a_lost_answer_to_the_stamp_ends_with_the_key_on_one_record(bench: Bench, phase: str) -> None:
    """Saved or not, the record is looked up; a second confirmation brings what is missing, a run adds nothing."""
    path = decide(bench)
    bench.emulator.faults.add(FaultScript(Drop(), phase, path=WRITES))
    confirm(bench, path)
    assert confirm(bench, path).exit_code == 0
    assert stamped(bench) == ["D-1"]
    bench.run()
    assert stamped(bench) == ["D-1"]


def test_a_record_that_was_edited_since_the_listing_is_left_alone(bench: Bench) -> None:
    """The person decided about a record that is not the same any more; nothing is written, and the exit is 3."""
    path = decide(bench)
    age(bench)
    bench.change("Opportunity", bench.named("Deal D-1")[0]["Id"], NextStep="Wait")
    adopted = confirm(bench, path)
    assert (adopted.exit_code, [each.code for each in adopted.refused]) == (3, ["CHANGED_SINCE_LISTED"])
    assert stamped(bench) == [None]


def age(bench: Bench) -> None:
    """Lets the listing's modification lie in the past: the platform's times have a grain of one second."""
    path = bench.folder / "adopt.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    [row] = rows
    storage = bench.emulator.org.storage
    found = row["record_id"]
    storage.update("Opportunity", found, {"LastModifiedDate": "2026-01-01T00:00:00.000Z"})
    row["modified"] = "2026-01-01T00:00:00+00:00"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)


def test_an_edit_between_the_check_and_the_stamp_is_a_conflict(bench: Bench) -> None:
    """The update goes only where the record is as it was listed, up to the write itself."""
    path = decide(bench)
    age(bench)
    found = bench.named("Deal D-1")[0]["Id"]
    script = Before(Drop(), BEFORE_READ, path=WRITES)
    script.deed = lambda: bench.edit("Opportunity", found, Sfsync_Key__c="D-99")
    bench.emulator.faults.add(script)
    adopted = confirm(bench, path)
    assert adopted.exit_code == 3
    assert stamped(bench) == ["D-99"]


def test_a_record_that_got_a_key_since_the_listing_is_left_alone(bench: Bench) -> None:
    """Somebody, or another job, has made it theirs."""
    path = decide(bench)
    bench.change("Opportunity", bench.named("Deal D-1")[0]["Id"], Sfsync_Key__c="D-50")
    adopted = confirm(bench, path)
    assert adopted.exit_code == 3
    assert {each.code for each in adopted.refused} <= {"CHANGED_SINCE_LISTED", "HAS_A_KEY"}
    assert stamped(bench) == ["D-50"]


def test_a_record_that_is_gone_since_the_listing_is_said(bench: Bench) -> None:
    """Deleted in the meantime: the row has no record, and the next run creates it once."""
    path = decide(bench)
    bench.delete("Opportunity", bench.named("Deal D-1")[0]["Id"])
    assert [each.code for each in confirm(bench, path).refused] == ["RECORD_GONE"]
    bench.run()
    assert stamped(bench) == ["D-1"]


def test_two_rows_that_name_one_record_are_refused_as_a_whole(bench: Bench) -> None:
    """The lines are named, and nothing at all is written, also not the lines that would have been good."""
    bench.write_job([deal("D-1"), deal("D-2", deal="Other thing")], [role("D-1")])
    other = make(bench, "Other thing")
    path = decide(bench)
    text = path.read_text().replace(other, bench.named("Deal D-1")[0]["Id"])
    path.write_text(text)
    with pytest.raises(ConfigError, match="lines 2, 3: one record goes to several rows") as refused:
        confirm(bench, path)
    assert refused.value.exit_code == 2
    assert stamped(bench) == [None]
    assert bench.write_count() == 0


def test_a_row_that_was_created_since_the_listing_is_left_alone(bench: Bench) -> None:
    """A run came in between: the row has a record of its own, and the other one is not touched."""
    path = decide(bench)
    bench.run()
    adopted = confirm(bench, path)
    assert [each.code for each in adopted.refused] == ["ROW_HAS_RECORD"]
    assert sorted(map(str, stamped(bench))) == ["D-1", "None"]


def test_an_adoption_that_was_interrupted_is_gone_on_with(bench: Bench) -> None:
    """The intent is in the journal before the stamp leaves; resume settles it and brings the rest."""
    path = decide(bench)
    script = Before(Drop(), BEFORE_READ, path=WRITES)
    script.deed = bench.stop.set
    bench.emulator.faults.add(script)
    bench.emulator.faults.add(FaultScript(Drop(), AFTER_COMMIT, path=WRITES, nth=1))
    adopted = confirm(bench, path)
    assert adopted.report is not None
    bench.stop.clear()
    if adopted.report.stopped is not None:
        assert bench.resume().exit_code == 0
    assert stamped(bench) == ["D-1"]
    report = bench.run().document
    assert report.result(report.plan.changes[0]).outcome in (Outcome.UNCHANGED, Outcome.UPDATED)
    assert stamped(bench) == ["D-1"]
