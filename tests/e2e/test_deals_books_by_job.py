"""A job in portions chooses its ways for the whole, and its bulk jobs carry the rows of all portions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_waits import UntilJobsEnd
from main_job_bench import ALAN, LEUNG, Bench, deal, org_document, role

from sfsync.app.books import apply_book, sync
from sfsync.app.planning import Planned
from sfsync.app.workplace import opened
from sfsync.core.job import UpdateMode
from sfsync.core.reports.report import Report
from sfsync.core.sending.strategy import Strategy
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route
from sfsync.emulator.server import running
from sfsync.jobs import load_job
from sfsync.report.words.plan_view import plan_pieces


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org that keeps keys, allows jobs, and has no receipts."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        yield Bench(emulator, tmp_path, stop=UntilJobsEnd(emulator))


def bring(bench: Bench, count: int, *, roles: int = 2, **values: str) -> None:
    """Makes so many deals the job's source, each with plain roles."""
    people = ((LEUNG, "Evaluator"), (ALAN, "Decision Maker"))[:roles]
    rows = [deal(f"D-{number}", **values) for number in range(count)]
    bench.write_job(rows, [role(row["deal_id"], who, what) for row in rows for who, what in people])
    if not roles:
        file = Path(bench.job)
        file.write_text(file.read_text().partition("[contact_roles]")[0])


def planned(bench: Bench, most: int, strategy: Strategy | None = None) -> Planned:
    """The plan of the job in portions of so many rows."""
    job = replace(load_job(bench.job, environ=bench.environ), strategy=strategy)
    with opened(job, replace(bench.around, portion_rows=most)) as place:
        return place.plan_book()


def run(bench: Bench, most: int, strategy: Strategy | None = None, **words: Any) -> Report:
    """Plans the job in portions of so many rows, and writes them."""
    job = replace(load_job(bench.job, environ=bench.environ), strategy=strategy, **words)
    return sync(job, around=replace(bench.around, portion_rows=most))


def jobs(bench: Bench) -> int:
    """How many jobs were filled."""
    paths = [each.path for each in bench.emulator.audit.requests if each.method == "PUT"]
    return sum("/batches" in each for each in paths)


def test_the_portions_of_a_job_are_priced_together(bench: Bench) -> None:
    """A way is chosen from the rows of all portions, stands in each of them, and is shown as one line."""
    bring(bench, 40)
    made = planned(bench, 30, Strategy.BULK)
    assert made.book.portions > 3
    for number in range(1, made.book.portions + 1):
        assert made.book.plan(number).choices == made.shown.choices
        assert made.book.plan(number).routes[CONTACT_ROLE] is Route.JOB_FENCE
    [choice] = made.shown.choices
    assert (choice.rows, choice.strategy) == (40, Strategy.BULK)
    lines = [each.text for each in plan_pieces(made.shown, limit=1) if hasattr(each, "text")]
    assert "Create 40 deals by bulk: 10 calls, about 2 minutes (graphs: 4 calls)." in lines


def test_one_job_carries_the_rows_of_all_portions(bench: Bench) -> None:
    """Deals go by one job and their roles by another, however many portions there are, for the calls predicted."""
    bring(bench, 40)
    report = run(bench, 30, Strategy.BULK)
    assert report.exit_code == 0
    assert jobs(bench) == 2
    assert report.spent == report.plan.predicted
    assert {name: each["created"] for name, each in report.counts().items()} == {
        OPPORTUNITY: 40,
        CONTACT_ROLE: 80,
    }
    assert bench.roles("D-7") == sorted([(LEUNG, "Evaluator", False), (ALAN, "Decision Maker", False)])


def test_a_book_by_jobs_brings_what_one_plan_by_graphs_brings(bench: Bench, tmp_path: Path) -> None:
    """The org holds the same, and the next run has nothing to do."""
    bring(bench, 20)
    assert run(bench, 15, Strategy.BULK).exit_code == 0
    before = bench.write_count()
    assert run(bench, 15, Strategy.BULK).exit_code == 0
    assert bench.write_count() == before
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        (tmp_path / "other").mkdir()
        other = Bench(emulator, tmp_path / "other")
        bring(other, 20)
        assert run(other, 1_000, Strategy.GRAPHS).exit_code == 0
        assert bench.picture() == other.picture()


def test_what_a_book_by_jobs_has_written_is_read_back_by_query_jobs(bench: Bench) -> None:
    """Where that takes fewer calls than a call for each portion, which then takes its records from disk."""
    bring(bench, 20, next_step="call")
    report = run(bench, 1, Strategy.BULK)
    assert report.exit_code == 0
    paths = [each.path for each in bench.emulator.audit.requests]
    assert sum(each.endswith("/jobs/query") for each in paths) == 2
    assert report.spent is not None
    assert report.spent.total <= report.plan.predicted.total < 30
    bench.change(OPPORTUNITY, bench.deal("D-3")["Id"], NextStep="somebody's")
    bring(bench, 20, next_step="visit")
    report = run(bench, 1_000)
    assert (report.counts()[OPPORTUNITY]["updated"], report.counts()[OPPORTUNITY]["conflicts"]) == (19, 1)


def test_updates_of_all_portions_go_by_one_job(bench: Bench) -> None:
    """They are read again portion by portion, and written together."""
    bring(bench, 40, roles=0)
    assert run(bench, 1_000).exit_code == 0
    before = jobs(bench)
    bring(bench, 40, roles=0, next_step="visit")
    report = run(bench, 10, Strategy.BULK, update_mode=UpdateMode.FAST)
    assert (report.exit_code, jobs(bench) - before) == (0, 1)
    assert report.counts()[OPPORTUNITY]["updated"] == 40
    assert report.spent == report.plan.predicted


def test_updates_are_strict_or_fast_for_the_whole(bench: Bench) -> None:
    """More than 500 updates go without conditions, in the first portions too."""
    bring(bench, 510, roles=0)
    assert run(bench, 1_000).exit_code == 0
    bring(bench, 510, roles=0, next_step="visit")
    made = planned(bench, 200)
    assert [made.book.plan(number).is_strict for number in range(1, made.book.portions + 1)] == [False] * 3


def test_a_key_that_is_there_is_settled_by_its_portion(bench: Bench) -> None:
    """A deal that somebody makes between plan and job is no second one, and its row is no rejected one."""
    bring(bench, 12, roles=0)
    made = planned(bench, 5, Strategy.BULK)
    for number in range(3):
        bench.create(
            OPPORTUNITY,
            Sfsync_Key__c=f"D-{number}",
            Name=f"Deal D-{number}",
            StageName="Prospecting",
            CloseDate="2027-01-31",
            Amount="100.00",
            AccountId=bench.find("Account", Sfsync_Key__c="ACC-1"),
        )
    job = replace(load_job(bench.job, environ=bench.environ), strategy=Strategy.BULK)
    with opened(job, bench.around) as place, place.locked():
        report = apply_book(place, made.book, is_fresh=True)
    counts = report.counts()[OPPORTUNITY]
    assert (counts["created"], counts["unchanged"], counts["rejected"]) == (9, 3, 0)
    assert all(len(bench.deals(f"D-{number}")) == 1 for number in range(12))
