"""Runs of books in the journal: they begin all at once or not at all, and are one run to whoever lists runs."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest
from journal_homes import NOW, ORG, PLAN, Home, a_run, an_attempt

from sfsync.core.plans.plan_book import portion_id
from sfsync.core.ports import ChangeRecord, ChangeState, RunRecord
from sfsync.errors import GuardError, JournalError
from sfsync.journal import SqlJournal

LAST = 20
"""Portions of a book: more than one commit takes."""


def portions(whole: str = "w1", count: int = LAST) -> list[RunRecord]:
    """The runs of a book's portions."""
    return [replace(a_run(portion_id(whole, number)), whole=whole, rows=5) for number in range(1, count + 1)]


def pages(whole: str = "w1") -> Callable[[int], bytes]:
    """Pages with digests of their own."""

    def page(number: int) -> bytes:
        digest = f"{abs(hash((whole, number))):032x}"[-32:]
        return gzip.compress(b'{"schema":"sfsync.plan/1","digest":"' + digest.encode() + b'","plan":{}}')

    return page


def begin(journal: SqlJournal, whole: str = "w1", **words: object) -> None:
    """Begins a book."""
    journal.books.begin(portions(whole), pages(whole), b"totals", **words)  # type: ignore[arg-type]


def test_a_book_is_one_run_and_its_portions_are_runs_of_their_own(journal: SqlJournal) -> None:
    """Rows add up; it has ended when the last portion has, as badly as the worst of them."""
    journal.begin_run(a_run("before"), PLAN)
    begin(journal)
    journal.begin_run(a_run("after"), PLAN)
    assert [(each.run_id, each.portions, each.rows) for each in journal.runs()] == [
        ("after", 0, 0),
        ("w1", LAST, 5 * LAST),
        ("before", 0, 0),
    ]
    runs = journal.books.portions("w1")
    assert [each.run_id for each in runs] == [portion_id("w1", number) for number in range(1, LAST + 1)]
    assert journal.books.portions("before") == journal.books.portions("") == []
    for number, run in enumerate(runs):
        assert journal.runs()[1].exit_code is None
        code = 3 if number == 1 else 0
        journal.books.end(run.run_id, exit_code=code, ended_at=f"t{number:02d}", said=b"s", has_parents=False)
    whole = journal.runs()[1]
    assert (whole.exit_code, whole.ended_at) == (3, f"t{LAST - 1:02d}")
    assert journal.books.said(runs[0].run_id) == b"s"
    assert (journal.books.totals("w1"), journal.books.totals("before")) == (b"totals", None)
    assert gzip.decompress(journal.plan(portion_id("w1", 2)) or b"") == gzip.decompress(pages()(2))
    assert journal.plan("w1") is None


def test_a_beginning_that_is_cut_off_has_begun_nothing(home: Home) -> None:
    """Its pages are nobody's: no run is there, nothing was taken over, and the next beginning takes them away."""
    made = pages()

    def cut(number: int) -> bytes:
        if number == LAST:
            raise KeyboardInterrupt
        return made(number)

    with home.open() as journal:
        journal.begin_run(a_run("open"), PLAN)
        serial = journal.serial("nightly", ORG)
        with pytest.raises(KeyboardInterrupt):
            journal.books.begin(portions(), cut, b"", takes_over=["open"])
    with home.open() as journal:
        assert [(each.run_id, each.exit_code) for each in journal.runs()] == [("open", None)]
        assert journal.serial("nightly", ORG) == serial
        assert (journal.facts().runs, journal.facts().plans) == (1, 1)
        assert journal.plan(portion_id("w1", 1)) is not None
        begin(journal, "w2", takes_over=["open"])
        assert journal.plan(portion_id("w1", 1)) is None
        assert [each.exit_code for each in journal.runs()] == [None, 6]
        begin(journal, "w1")
        assert journal.plan(portion_id("w2", 1)) is not None


def test_a_book_is_begun_once(journal: SqlJournal) -> None:
    """The second time it is refused, and the pages of the first stay."""
    begin(journal)
    with pytest.raises(GuardError) as refused:
        begin(journal)
    assert refused.value.code == "PLAN_CONSUMED"
    assert len(journal.runs()) == 1
    assert journal.plan(portion_id("w1", LAST)) is not None


def test_ending_a_book_ends_what_has_not_ended_of_it(journal: SqlJournal) -> None:
    """A run that takes a book over ends all its open portions; those that had ended keep their end."""
    begin(journal)
    first = journal.books.portions("w1")[0]
    journal.books.end(first.run_id, exit_code=0, ended_at="t", said=b"", has_parents=False)
    journal.begin_run(a_run("next"), PLAN, takes_over=["w1"])
    assert [each.exit_code for each in journal.books.portions("w1")] == [0, *([6] * (LAST - 1))]
    assert journal.runs()[1].exit_code == 6
    begin(journal, "w2")
    journal.end_run("w2", exit_code=6, ended_at="t")
    assert journal.runs()[0].exit_code == 6
    with pytest.raises(JournalError):
        journal.end_run("unknown", exit_code=0, ended_at="t")


def test_changes_of_other_portions_are_asked_for_in_one_question(journal: SqlJournal) -> None:
    """Of those portions that brought parents, and of no other book."""
    for whole in ("w1", "w2"):
        begin(journal, whole)
        for number, parents in ((1, True), (2, False)):
            run_id = portion_id(whole, number)
            journal.intend(run_id, an_attempt(f"{run_id}/1", f"Account:{number}"), at="t")
            done = ChangeRecord(f"Account:{number}", ChangeState.DONE, "created", f"001{whole}")
            journal.record(run_id, [done])
            journal.books.end(run_id, exit_code=0, ended_at="t", said=b"", has_parents=parents)
    names = [f"Account:{number}" for number in range(2000)]
    found = journal.books.outcomes("w1", names)
    assert {name: each.record_id for name, each in found.items()} == {"Account:1": "001w1"}
    assert journal.books.outcomes("w1", []) == {}


def test_a_book_counts_as_one_of_the_plans_that_are_kept(journal: SqlJournal) -> None:
    """Its many portions do not push the plans of other runs out; long past, its own pages go too."""
    journal.begin_run(a_run("before"), PLAN)
    journal.end_run("before", exit_code=0, ended_at="t")
    journal.books.begin(portions(count=80), pages(), b"")
    journal.end_run("w1", exit_code=0, ended_at="t")
    journal.begin_run(a_run("after"), PLAN)
    assert journal.plan("before") == PLAN
    for number in range(55):
        journal.begin_run(a_run(f"r{number}"), PLAN)
        journal.end_run(f"r{number}", exit_code=0, ended_at=NOW.isoformat())
    assert journal.plan(portion_id("w1", 1)) is journal.plan(portion_id("w1", 80)) is None
    assert journal.plan("before") is None
