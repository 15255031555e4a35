"""Plans in the journal, and the journal's facts: what another host needs to go on, and what a person may ask."""

from __future__ import annotations

import pytest
from journal_homes import NOW, ORG, PLAN, Home, a_run, an_attempt
from test_book_runs import pages, portions

from sfsync.core.plans.plan_book import portion_id
from sfsync.core.ports import ChangeRecord, ChangeState, LedgerEntry
from sfsync.errors import JournalError
from sfsync.journal import SqlJournal
from sfsync.journal.migrations import STEPS


def test_the_plan_of_a_run_is_given_back_byte_for_byte(home: Home) -> None:
    """Also after reopening, and whatever bytes it has."""
    big = bytes(range(256)) * 4000
    with home.open() as journal:
        journal.begin_run(a_run("r1"), big)
        journal.begin_run(a_run("r2"), b"")
    with home.open() as journal:
        assert (journal.plan("r1"), journal.plan("r2"), journal.plan("r3")) == (big, b"", None)


def test_the_plans_of_runs_long_past_are_dropped_unless_something_is_open(journal: SqlJournal) -> None:
    """What may still be gone on with, retried or taken back is kept; the journal does not grow by every plan."""
    journal.begin_run(a_run("open"), PLAN)
    journal.intend("open", an_attempt("open/1", "Opportunity:1"), at="t")
    journal.end_run("open", exit_code=3, ended_at="t")
    journal.begin_run(a_run("unended"), PLAN)
    for number in range(55):
        journal.begin_run(a_run(f"r{number}"), PLAN)
        journal.end_run(f"r{number}", exit_code=0, ended_at="t")
    kept = [run.run_id for run in journal.runs() if journal.plan(run.run_id) is not None]
    assert {"open", "unended", "r54", "r10"} <= set(kept)
    assert "r0" not in kept
    assert len(kept) < 55


def test_a_plan_that_was_garbled_is_named_as_damage(home: Home) -> None:
    """A body that cannot be unpacked is our error."""
    with home.open() as journal:
        journal.begin_run(a_run(), PLAN)
        home.sql("UPDATE plans SET body = " + ("'\\x00'::bytea" if home.is_postgres else "x'00'"))
        with pytest.raises(JournalError) as refused:
            journal.plan("r1")
    assert refused.value.code == "JOURNAL_DAMAGED"


def test_the_facts_say_what_is_open_and_what_is_known(home: Home) -> None:
    """Backend, place, steps, runs, open changes, admitted jobs, ledger sizes and lock holders, without a
    password.
    """
    with home.open() as journal, journal.locked("nightly"):
        journal.begin_run(a_run("r1"), PLAN)
        journal.intend("r1", an_attempt("r1/1", "Opportunity:1", "Opportunity:2"), at="t")
        journal.record("r1", [ChangeRecord("Opportunity:1", ChangeState.DONE)])
        journal.admit_job("weekly", ORG, at="t")
        journal.put_ledger(ORG, [LedgerEntry("Opportunity", key, "006A", {}, {}) for key in "abc"])
        facts = journal.facts()
    assert facts.backend == ("PostgreSQL" if home.is_postgres else "SQLite")
    assert facts.place.startswith("postgresql://127.0.0.1" if home.is_postgres else str(home.place.folder))
    assert (facts.steps, facts.missing_steps) == (tuple(each.name for each in STEPS), ())
    assert (facts.runs, facts.open_runs, facts.open_changes, facts.plans) == (1, ("r1",), 1, 1)
    assert [(each.job, each.org_id, each.is_valid) for each in facts.admitted] == [("weekly", ORG, True)]
    assert facts.ledger == {(ORG, "Opportunity"): 3}
    assert [(each.name, each.started_at) for each in facts.holders] == [("nightly", NOW.isoformat())]
    assert (facts.identity.sequence, facts.identity.restored_at) == (2, None)


def test_s23_what_one_org_has_is_never_another_orgs(journal: SqlJournal) -> None:
    """One journal serves several orgs and mixes nothing of theirs."""
    other = "00Dother"
    journal.put_ledger(ORG, [LedgerEntry("Opportunity", key, "006A", {}, {}) for key in "ab"])
    journal.put_ledger(other, [LedgerEntry("Opportunity", "a", "006B", {}, {})])
    journal.admit_job("nightly", other, at="t")
    journal.drop_ledger(other, "Opportunity", ["006A"])
    assert journal.count_ledger(ORG) == {"Opportunity": 2}
    journal.drop_ledger(other, "Opportunity", ["006B"])
    assert (journal.count_ledger(ORG), journal.count_ledger(other)) == ({"Opportunity": 2}, {})
    assert (journal.knows_job("nightly", ORG), journal.knows_job("nightly", other)) == (False, True)


def test_one_call_may_name_a_change_twice(journal: SqlJournal) -> None:
    """The last word counts, and the attempt that the first one named stays known."""
    journal.begin_run(a_run(), PLAN)
    journal.intend("r1", an_attempt("r1/1", "Opportunity:1"), at="t")
    journal.record(
        "r1",
        [
            ChangeRecord("Opportunity:1", ChangeState.UNKNOWN, updated_at="t1"),
            ChangeRecord("Opportunity:1", ChangeState.DONE, "created", "006A", updated_at="t2"),
        ],
    )
    change = journal.changes("r1")["Opportunity:1"]
    assert (change.state, change.attempt_id, change.updated_at) == (ChangeState.DONE, "r1/1", "t2")


def test_a_word_about_a_job_has_its_time(journal: SqlJournal) -> None:
    """With `since`, neither a run nor a word that was said earlier, or at that very time, lets the job begin."""
    early, late = "2026-11-26T03:00:00+00:00", "2026-11-26T03:00:01+00:00"
    journal.begin_run(a_run("r1"), PLAN)
    assert journal.knows_job("nightly", ORG)
    assert not journal.knows_job("nightly", ORG, since=early)
    journal.admit_job("nightly", ORG, at=late)
    assert journal.knows_job("nightly", ORG, since=early)
    assert not journal.knows_job("nightly", ORG, since=late)


def test_the_ledger_tells_which_rows_are_one_record(journal: SqlJournal) -> None:
    """By org and sObject."""
    journal.put_ledger(ORG, [LedgerEntry("Opportunity", key, "006A", {}, {}) for key in ("a", "b")])
    journal.put_ledger("00Dother", [LedgerEntry("Opportunity", "c", "006A", {}, {})])
    assert sorted(journal.ledger_keys(ORG, "Opportunity", "006A")) == ["a", "b"]
    assert journal.ledger_keys(ORG, "Account", "006A") == []


def test_plans_that_a_person_lets_go_are_dropped_but_for_what_is_open(journal: SqlJournal) -> None:
    """Of runs that have ended and have nothing open, a book with all its pages; the runs stay known."""
    for name in ("spent", "open", "kept"):
        journal.begin_run(a_run(name), PLAN)
        journal.end_run(name, exit_code=0, ended_at="t")
    journal.begin_run(a_run("unended"), PLAN)
    journal.intend("open", an_attempt("open/1", "Opportunity:1"), at="t")
    journal.books.begin(portions(count=3), pages(), b"")
    journal.end_run("w1", exit_code=0, ended_at="t")
    assert journal.drop_plans(["spent", "open", "unended", "w1", "never"]) == 4
    assert [journal.plan(each) for each in ("spent", "open", "kept", "unended")] == [None, PLAN, PLAN, PLAN]
    assert journal.plan(portion_id("w1", 2)) is None
    assert {each.run_id for each in journal.runs()} == {"spent", "open", "kept", "unended", "w1"}
