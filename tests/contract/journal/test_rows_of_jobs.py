"""The journal says which job brought which row, also for what ran before it knew to say so."""

from __future__ import annotations

import pytest
from journal_homes import ORG, PLAN, Home, a_run
from sqlalchemy import text

from sfsync.core.job_memory import JobRow
from sfsync.core.ports import ChangeRecord, ChangeState, LedgerEntry
from sfsync.journal import SqlJournal
from sfsync.journal.rows_of_jobs import ROWS_OF_JOBS

DEAL = "Opportunity"


def test_rows_are_kept_by_job_and_replaced(journal: SqlJournal) -> None:
    """Each job has its own rows; the last word counts."""
    first = JobRow(DEAL, "k", "006A", "Key__c", "created", "2026", None, None)
    journal.memory.put_rows(ORG, "nightly", [first, JobRow(DEAL, "m", "006B")])
    journal.memory.put_rows(ORG, "other", [JobRow(DEAL, "k", "006A", "")])
    journal.memory.put_rows(ORG, "nightly", [JobRow(DEAL, "m", "006B", fate="gone")])
    assert journal.memory.rows(ORG, "nightly", DEAL) == {
        "k": first,
        "m": JobRow(DEAL, "m", "006B", fate="gone"),
    }
    assert journal.memory.rows(ORG, "nightly", "Account") == {}
    assert journal.memory.other_jobs(ORG, "nightly", DEAL, ["006A", "006B"]) == {"006A": "other"}
    assert journal.memory.other_jobs(ORG, "other", DEAL, ["006A", "006B"]) == {"006A": "nightly"}


def test_rows_are_read_by_their_keys_alone(journal: SqlJournal) -> None:
    """Whoever needs those of a portion does not read all that the job ever brought."""
    journal.memory.put_rows(ORG, "nightly", [JobRow(DEAL, f"k{number}", "006A") for number in range(1_200)])
    some = [f"k{number}" for number in range(600, 1_300)]
    assert set(journal.memory.rows(ORG, "nightly", DEAL, some)) == set(some[:600])
    assert journal.memory.rows(ORG, "nightly", DEAL, []) == {}
    assert journal.memory.rows(ORG, "other", DEAL, some) == {}


def test_what_the_ledger_forgets_is_no_row_of_a_job_any_more(journal: SqlJournal) -> None:
    """An undo and a person's word forget both in one commit."""
    journal.put_ledger(ORG, [LedgerEntry(DEAL, "k", "006A", {}, {})])
    journal.memory.put_rows(ORG, "nightly", [JobRow(DEAL, "k", "006A"), JobRow(DEAL, "m", "006B")])
    journal.drop_ledger(ORG, DEAL, ["006A"])
    assert list(journal.memory.rows(ORG, "nightly", DEAL)) == ["m"]


def test_a_watermark_is_the_last_one_noted(home: Home) -> None:
    """Each job, org and purpose has its own, and it outlives the process."""
    with home.open() as journal:
        assert journal.memory.watermark(ORG, "nightly", "pull") is None
        journal.memory.put_watermark(ORG, "nightly", "pull", "one")
        journal.memory.put_watermark(ORG, "nightly", "pull", "two")
        journal.memory.put_watermark(ORG, "other", "pull", "three")
    with home.open() as journal:
        assert journal.memory.watermark(ORG, "nightly", "pull") == "two"


@pytest.mark.parametrize("key_field", [None, ""])
def test_an_upgrade_knows_the_rows_of_earlier_runs(journal: SqlJournal, key_field: str | None) -> None:
    """By what the runs wrote, as far as the ledger still has it; with a key in the org or without."""
    journal.begin_run(a_run("r1"), PLAN)
    journal.record(
        "r1",
        [
            ChangeRecord(f"{DEAL}:k", ChangeState.DONE, "created", "006A"),
            ChangeRecord(f"{DEAL}:forgotten", ChangeState.DONE, "created", "006B"),
            ChangeRecord(f"{DEAL}:met", ChangeState.DONE, "updated", "006C"),
        ],
    )
    prefix = "nightly\n" if key_field == "" else ""
    entries = [
        LedgerEntry(DEAL, prefix + key, found, {}, {}) for key, found in (("k", "006A"), ("met", "006C"))
    ]
    journal.put_ledger(ORG, entries)
    with journal.store.engine.begin() as connection:
        for statement in ROWS_OF_JOBS[3:]:
            connection.execute(text(statement.replace(":'", "\\:'")))
    assert journal.memory.rows(ORG, "nightly", DEAL) == {
        "k": JobRow(DEAL, "k", "006A", key_field, "created"),
        "met": JobRow(DEAL, "met", "006C", key_field),
    }
