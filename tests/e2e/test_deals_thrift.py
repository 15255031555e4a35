"""A run does its work once: one text of its plan, two commits of the journal a call, and memory left as it was."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from main_job_bench import ALAN, LEUNG, ORG_FILE, Bench, deal, role
from sqlalchemy import event

from sfsync.app.workplace import opened
from sfsync.core.plans import plan_codec
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_text import body_pieces
from sfsync.emulator.server import running
from sfsync.jobs import load_job


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The example org."""
    with running(ORG_FILE) as emulator:
        yield Bench(emulator, tmp_path)


def commits_and_calls(bench: Bench, deals: int, prefix: str) -> tuple[int, int]:
    """How many commits writing so many new deals with two roles each takes, and how many calls that write."""
    keys = [f"{prefix}-{number}" for number in range(deals)]
    bench.write_job([deal(key) for key in keys], [role(key, who) for key in keys for who in (LEUNG, ALAN)])
    commits: list[object] = []
    job = load_job(bench.job, environ=bench.environ)
    with opened(job, bench.around) as place, place.locked():
        plan = place.plan()
        event.listen(place.journal.store.engine, "commit", commits.append)
        report = place.apply(plan, is_fresh=True)
    assert report.exit_code == 0
    return len(commits), report.usage.writes


def test_a_call_takes_two_commits(bench: Bench) -> None:
    """One makes the intent durable before it leaves, one its outcomes; the rest does not grow with the calls."""
    few = commits_and_calls(bench, 10, "A")
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    many = commits_and_calls(replace(bench, folder=elsewhere), 900, "B")
    assert many[1] - few[1] >= 4
    assert many[0] - few[0] == 2 * (many[1] - few[1])


def test_the_text_of_a_plan_is_made_once_a_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest, the journal's copy and the run folder's file come of the same."""
    made: list[str] = []

    def noted(plan: Plan, *, without: Collection[str]) -> Iterator[bytes]:
        made.append(plan.plan_id)
        return body_pieces(plan, without=without)

    monkeypatch.setattr(plan_codec, "body_pieces", noted)
    bench.write_job([deal("D-1")], [role("D-1")])
    report = bench.run().document
    assert made == [report.run_id]


def test_the_search_for_garbage_is_as_before_when_the_work_is_done(bench: Bench) -> None:
    """It comes seldom while a job is open; a program that sets it seldom or off by itself is left alone."""
    bench.write_job([deal("D-1")], [role("D-1")])
    job = load_job(bench.job, environ=bench.environ)
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with opened(job, bench.around):
        assert gc.get_threshold()[0] > before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, frozen)
    gc.set_threshold(0)
    try:
        with opened(job, bench.around):
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
