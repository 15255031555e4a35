"""What the journal remembers: runs, intents, outcomes and the ledger, each call in one synced commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from threading import Thread

import pytest
from journal_homes import NOW, ORG, PLAN, Home, a_run, an_attempt
from sqlalchemy import event

from sfsync.core.ports import ChangeRecord, ChangeState, LedgerEntry, RunRecord
from sfsync.errors import GuardError, JournalError
from sfsync.journal import SqlJournal


@contextmanager
def commits_of(journal: SqlJournal) -> Iterator[list[object]]:
    """A list that gets every commit made in the block."""
    seen: list[object] = []
    engine = journal.store.engine

    def note(connection: object) -> None:
        seen.append(connection)

    event.listen(engine, "commit", note)
    yield seen
    event.remove(engine, "commit", note)


def test_a_run_comes_back_as_it_began_and_ended(journal: SqlJournal) -> None:
    """Runs are listed newest first, with their end once they have one."""
    journal.begin_run(a_run("r1"), PLAN)
    journal.begin_run(a_run("r2"), PLAN)
    journal.begin_run(a_run("r3", job="other"), PLAN)
    journal.end_run("r1", exit_code=3, ended_at="later")

    newest, oldest = journal.runs("nightly")
    assert newest == a_run("r2")
    assert (oldest.run_id, oldest.exit_code, oldest.ended_at) == ("r1", 3, "later")
    assert [run.run_id for run in journal.runs()] == ["r3", "r2", "r1"]


def test_j6_a_plan_is_begun_once(journal: SqlJournal) -> None:
    """The same plan digest under another run id is refused by the name of the run that used it."""
    journal.begin_run(a_run("r1"), PLAN)
    again = RunRecord("r2", "nightly", ORG, "digest-r1", "plan.json", "later")

    with pytest.raises(GuardError) as refused:
        journal.begin_run(again, PLAN)

    assert refused.value.code == "PLAN_CONSUMED"
    assert "r1" in refused.value.message
    assert [run.run_id for run in journal.runs()] == ["r1"]


def test_each_org_has_its_own_serial(journal: SqlJournal) -> None:
    """The serial counts the runs of a job against one org."""
    journal.begin_run(a_run("r1"), PLAN)
    journal.begin_run(a_run("r2", org_id="00Dother"), PLAN)
    journal.begin_run(a_run("r3"), PLAN)

    assert journal.serial("nightly", ORG) == 2
    assert journal.serial("nightly", "00Dother") == 1
    assert journal.serial("never", ORG) == 0


def test_ending_a_run_that_never_began_is_refused(journal: SqlJournal) -> None:
    """An unknown run id is an error, not a silent nothing."""
    with pytest.raises(JournalError) as refused:
        journal.end_run("ghost", exit_code=0, ended_at="now")
    assert refused.value.code == "RUN_UNKNOWN"


def test_an_intent_is_open_until_its_outcome_is_recorded(journal: SqlJournal) -> None:
    """Open changes are those without a final word; a recorded outcome closes its change only."""
    journal.begin_run(a_run(), PLAN)
    journal.intend("r1", an_attempt("a1", "Opportunity:1", "Opportunity:2", "Opportunity:3"), at="t1")
    detail = {"code": "X", "why": ["späť", None, 1]}
    journal.record(
        "r1",
        [
            ChangeRecord("Opportunity:1", ChangeState.DONE, outcome="created", record_id="006A"),
            ChangeRecord("Opportunity:2", ChangeState.UNKNOWN, detail=detail, updated_at="t2"),
        ],
    )
    journal.end_run("r1", exit_code=75, ended_at="t3")

    still_open = [change for _, change in journal.open_changes("nightly", ORG)]
    assert still_open == [
        ChangeRecord("Opportunity:3", ChangeState.INTENT, attempt_id="a1", updated_at="t1"),
        ChangeRecord("Opportunity:2", ChangeState.UNKNOWN, detail=detail, attempt_id="a1", updated_at="t2"),
    ]
    done = journal.changes("r1")["Opportunity:1"]
    assert done == ChangeRecord(
        "Opportunity:1", ChangeState.DONE, "created", "006A", attempt_id="a1", updated_at=NOW.isoformat()
    )


def test_open_changes_are_of_one_job_and_org_oldest_run_first(journal: SqlJournal) -> None:
    """Another job's and another org's open changes are not this job's to settle."""
    for run_id, job, org_id in (
        ("r1", "nightly", ORG),
        ("r2", "nightly", "00Dother"),
        ("r3", "other", ORG),
        ("r4", "nightly", ORG),
    ):
        journal.begin_run(a_run(run_id, job=job, org_id=org_id), PLAN)
        journal.intend(run_id, an_attempt("a1", "Opportunity:1"), at=f"9-{9 - int(run_id[1])}")

    assert [run.run_id for run, _ in journal.open_changes("nightly", ORG)] == ["r1", "r4"]


def test_a_refused_change_may_be_tried_again(journal: SqlJournal) -> None:
    """A definite refusal leaves the change free for another attempt."""
    journal.begin_run(a_run(), PLAN)
    journal.intend("r1", an_attempt("a1", "Opportunity:1"), at="t1")
    journal.record("r1", [ChangeRecord("Opportunity:1", ChangeState.REFUSED)])
    journal.intend("r1", an_attempt("a2", "Opportunity:1"), at="t2")

    change = journal.changes("r1")["Opportunity:1"]
    assert (change.state, change.attempt_id) == (ChangeState.INTENT, "a2")


def test_a_change_that_is_done_is_never_intended_again(journal: SqlJournal) -> None:
    """The whole attempt is refused and nothing of it stays, when one of its changes is done."""
    journal.begin_run(a_run(), PLAN)
    journal.intend("r1", an_attempt("a1", "Opportunity:1"), at="t1")
    journal.record("r1", [ChangeRecord("Opportunity:1", ChangeState.DONE, record_id="006A")])

    with pytest.raises(JournalError) as refused:
        journal.intend("r1", an_attempt("a2", "Opportunity:2", "Opportunity:1"), at="t2")

    assert refused.value.code == "ALREADY_DONE"
    assert {key: change.state for key, change in journal.changes("r1").items()} == {
        "Opportunity:1": ChangeState.DONE
    }


def test_an_intent_of_a_run_that_never_began_is_refused(journal: SqlJournal) -> None:
    """Foreign keys hold: no intent without its run."""
    with pytest.raises(JournalError) as refused:
        journal.intend("ghost", an_attempt("a1", "Opportunity:1"), at="t")
    assert refused.value.code == "JOURNAL_RULE"


def test_j8_each_call_costs_one_commit(journal: SqlJournal) -> None:
    """A thousand rows are intended, recorded and brought to the ledger with one commit each."""
    journal.begin_run(a_run(), PLAN)
    ids = [f"Opportunity:{number}" for number in range(1000)]
    with commits_of(journal) as commits:
        journal.intend("r1", an_attempt("a1", *ids), at="t")
        assert len(commits) == 1
        journal.record("r1", (ChangeRecord(each, ChangeState.DONE) for each in ids))
        assert len(commits) == 2
        journal.put_ledger(ORG, (LedgerEntry("Opportunity", each, "006A", {}, {}) for each in ids))
        assert len(commits) == 3
    assert len(journal.changes("r1")) == 1000


def test_nothing_to_write_writes_nothing(journal: SqlJournal) -> None:
    """Empty lists are no error and cost no commit."""
    with commits_of(journal) as commits:
        journal.record("r1", [])
        journal.put_ledger(ORG, [])
        assert journal.ledger(ORG, "Opportunity", []) == {}
    assert commits == []


def test_the_ledger_gives_back_exact_values_by_org_and_sobject(journal: SqlJournal) -> None:
    """Values come back in kind and digit; the same key in another org or sObject is another entry."""
    sent = {
        "Amount": Decimal("1200.50"),
        "CloseDate": date(2026, 9, 30),
        "Seen__c": NOW,
        "IsPrivate": True,
        "NextStep": None,
        "Name": "Ünïcode \x00 \ud800",
    }
    entry = LedgerEntry("Opportunity", "DEAL-1", "006A", sent, {"Amount": Decimal("1200.5")})
    journal.put_ledger(ORG, [entry])
    journal.put_ledger("00Dother", [LedgerEntry("Opportunity", "DEAL-1", "006B", {}, {})])

    found = journal.ledger(ORG, "Opportunity", ["DEAL-1", "deal-1", "DEAL-2"])
    assert found == {"DEAL-1": entry}
    assert str(found["DEAL-1"].sent["Amount"]) == "1200.50"
    assert type(found["DEAL-1"].sent["CloseDate"]) is date
    assert journal.ledger(ORG, "Account", ["DEAL-1"]) == {}


def test_a_ledger_entry_is_replaced_as_a_whole(journal: SqlJournal) -> None:
    """The last entry of a key counts, also within one call."""
    journal.put_ledger(ORG, [LedgerEntry("Opportunity", "K", "006A", {"Name": "a", "X": "b"}, {})])
    newest = LedgerEntry("Opportunity", "K", "006C", {"Name": "c"}, {"Name": "c"})
    journal.put_ledger(ORG, [LedgerEntry("Opportunity", "K", "006B", {}, {}), newest])
    assert journal.ledger(ORG, "Opportunity", ["K"]) == {"K": newest}


def test_the_ledger_names_the_keys_of_a_record(journal: SqlJournal) -> None:
    """All keys that lead to one record of that org and sObject, and no others."""
    journal.put_ledger(ORG, [LedgerEntry("Opportunity", key, "006A", {}, {}) for key in ("job\nK-2", "K-1")])
    journal.put_ledger(ORG, [LedgerEntry("Opportunity", "K-3", "006B", {}, {})])
    journal.put_ledger("00Dother", [LedgerEntry("Opportunity", "K-4", "006A", {}, {})])
    assert set(journal.ledger_keys(ORG, "Opportunity", "006A")) == {"K-1", "job\nK-2"}
    assert journal.ledger_keys(ORG, "Account", "006A") == []


def test_the_ledger_finds_thousands_of_keys(journal: SqlJournal) -> None:
    """More keys than a statement takes variables are found, repeated and missing ones included."""
    keys = [f"K{number}" for number in range(40_000)]
    journal.put_ledger(ORG, (LedgerEntry("Opportunity", key, "006A", {}, {}) for key in keys[:1500]))
    assert set(journal.ledger(ORG, "Opportunity", [*keys, *keys[:10]])) == set(keys[:1500])


def test_a_value_that_would_change_on_the_way_is_refused(journal: SqlJournal) -> None:
    """A float never gets into the ledger, and the call writes nothing."""
    good = LedgerEntry("Opportunity", "A", "006A", {}, {})
    bad = LedgerEntry("Opportunity", "B", "006B", {"Amount": 0.1}, {})  # type: ignore[dict-item]
    with pytest.raises(JournalError) as refused:
        journal.put_ledger(ORG, [good, bad])
    assert refused.value.code == "JOURNAL_VALUE"
    assert journal.ledger(ORG, "Opportunity", ["A", "B"]) == {}


def test_a_key_that_no_database_can_hold_is_a_journal_error(journal: SqlJournal) -> None:
    """A lone surrogate in a change id stops the intent by our own error."""
    journal.begin_run(a_run(), PLAN)
    with pytest.raises(JournalError):
        journal.intend("r1", an_attempt("a1", "Opportunity:\ud800"), at="t")
    assert journal.changes("r1") == {}


def test_threads_share_one_journal(journal: SqlJournal) -> None:
    """Writes of several threads at once all arrive."""
    journal.begin_run(a_run(), PLAN)

    def write(name: int) -> None:
        for number in range(25):
            change_id = f"Opportunity:{name}-{number}"
            journal.intend("r1", an_attempt(f"a{name}-{number}", change_id), at="t")
            journal.record("r1", [ChangeRecord(change_id, ChangeState.DONE)])

    threads = [Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(journal.changes("r1")) == 100
    assert journal.open_changes("nightly", ORG) == []


def test_everything_is_still_there_after_reopening(home: Home) -> None:
    """A closed journal opens again with all it knew, and a used plan stays used."""
    with home.open() as first:
        first.begin_run(a_run(), PLAN)
        first.intend("r1", an_attempt("a1", "Opportunity:1"), at="t")
    with home.open() as second:
        assert [change.change_id for _, change in second.open_changes("nightly", ORG)] == ["Opportunity:1"]
        with pytest.raises(GuardError):
            second.begin_run(a_run(), PLAN)


def test_a_closed_journal_says_so(home: Home) -> None:
    """Closing twice is fine; using it afterwards is an error of ours."""
    journal = home.open()
    journal.close()
    journal.close()
    with pytest.raises(JournalError) as refused:
        journal.runs()
    assert refused.value.code == "JOURNAL_CLOSED"
