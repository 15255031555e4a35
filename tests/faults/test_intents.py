"""J1, the invariant intent_first: when a write arrives at the org, its intent is on the disk already."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from main_job_bench import LEUNG, WRITES, Before, Bench, deal, org_document, role

from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.server import running


def open_changes(bench: Bench) -> set[str]:
    """The changes that another process finds marked as about to be sent."""
    path = bench.folder / "state" / "journal.sqlite"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return {row[0] for row in connection.execute("SELECT change_id FROM changes WHERE state = 'intent'")}


def test_J1_each_write_finds_its_intent_in_the_journal(bench: Bench) -> None:
    """New deals with their roles, an update and a role of a deal that exists: none leaves before its intent."""
    bench.write_job([deal("D-1")], [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1", amount="5.00"), deal("D-2")], [role("D-1", LEUNG), role("D-2", LEUNG)])
    seen: list[set[str]] = []

    def look() -> None:
        seen.append(open_changes(bench))

    for nth in (1, 2, 3):
        bench.emulator.faults.add(Before(Drop(), path=WRITES, nth=nth, deed=look))
    assert bench.run().exit_code == 0
    contact = bench.find("Contact", Email=LEUNG)
    roles = [f"OpportunityContactRole:{key}/{contact}/Evaluator" for key in ("D-1", "D-2")]
    assert seen == [{"Opportunity:D-2", roles[1]}, {"Opportunity:D-1"}, {roles[0]}]


def test_J1_the_close_of_a_bulk_job_finds_its_intent_in_the_journal(tmp_path: Path) -> None:
    """The close is the only commit of a job, so it is what the intent stands in front of."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        bench = Bench(emulator, tmp_path)
        bench.write_job([deal("D-1"), deal("D-2")], [role("D-1", name="None")], has_key=False)
        bench.admit()
        seen: list[set[str]] = []
        look = Before(
            Drop(), method="PATCH", path=r"/jobs/ingest/\w+$", deed=lambda: seen.append(open_changes(bench))
        )
        emulator.faults.add(look)
        assert bench.run().exit_code == 0
    assert seen == [{"Opportunity:D-1", "Opportunity:D-2"}]
