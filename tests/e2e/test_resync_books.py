"""A large job is remembered portion by portion, and the next run of it plans only what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from main_job_bench import ALAN, LEUNG, Before, deal, role
from resync_desk import ResyncDesk, planned_keys, resync_desk

from sfsync.app.books import sync
from sfsync.app.workplace import Surroundings
from sfsync.core.reports.report import Report
from sfsync.emulator.fault_actions import Refuse
from sfsync.jobs import load_job

GRAPHS = "/composite/graph$"
KEYS = [f"D-{number}" for number in range(12)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ResyncDesk]:
    """Twelve deals with two roles each."""
    with resync_desk(tmp_path) as made:
        write(made)
        yield made


def write(desk: ResyncDesk, **amounts: str) -> None:
    """Makes the deals the job; `amounts` by D_1, D_2 ..."""
    desk.write_job(
        [deal(key, amount=amounts.get(key.replace("-", "_"), "100.00")) for key in KEYS],
        [each for key in KEYS for each in (role(key, LEUNG, primary="true"), role(key, ALAN, "Other"))],
    )


def run(desk: ResyncDesk) -> Report:
    """Runs the job in portions of at most nine rows."""
    return sync(load_job(desk.job, environ=desk.environ), around=in_portions(desk))


def in_portions(desk: ResyncDesk) -> Surroundings:
    """The desk's surroundings, in which nine rows are a portion."""
    return replace(desk.around, portion_rows=9)


def test_after_a_load_in_portions_nothing_is_planned_again(desk: ResyncDesk) -> None:
    """All rows are counted as unchanged, nothing is written, and no more is asked than after any run that wrote."""
    first = run(desk)
    assert first.counts()["Opportunity"]["created"] == 12
    assert first.tally
    desk.later()
    writes = desk.write_count()
    second = run(desk)
    assert second.plan.changes == ()
    assert second.counts()["Opportunity"] == second.counts()["Opportunity"] | {"rows": 12, "unchanged": 12}
    assert second.counts()["OpportunityContactRole"]["unchanged"] == 24
    assert (second.usage.reads, desk.write_count()) == (3, writes)


def test_a_changed_row_after_a_load_in_portions_brings_its_group_alone(desk: ResyncDesk) -> None:
    """The deal and its roles are planned; the other portions' rows stay remembered."""
    run(desk)
    desk.later()
    write(desk, D_7="222.00")
    second = run(desk)
    assert planned_keys(second.plan) == {"D-7"}
    assert second.counts()["Opportunity"]["unchanged"] == 11
    desk.later()
    assert run(desk).plan.changes == ()


def test_many_changed_rows_are_a_book_again_and_the_rest_stays_remembered(desk: ResyncDesk) -> None:
    """What a book of changed rows settles is remembered beside what it left out."""
    run(desk)
    desk.later()
    write(desk, **{f"D_{number}": "222.00" for number in range(8)})
    second = run(desk)
    counts = second.counts()["Opportunity"]
    assert (counts["rows"], counts["updated"], counts["unchanged"]) == (12, 8, 4)
    assert second.counts()["OpportunityContactRole"]["rows"] == 24
    desk.later()
    third = run(desk)
    assert third.plan.changes == ()
    assert third.counts()["Opportunity"]["unchanged"] == 12


def test_an_edit_in_the_org_after_a_load_in_portions_is_seen(desk: ResyncDesk) -> None:
    """The deal that somebody changed is planned and is a conflict where the row says otherwise."""
    run(desk)
    desk.later()
    desk.change("Opportunity", str(desk.deal("D-3")["Id"]), Amount=5)
    second = run(desk)
    assert planned_keys(second.plan) == {"D-3"}


def test_an_edit_by_our_own_user_between_two_portions_is_seen(desk: ResyncDesk) -> None:
    """Another tool may use the same user: what it edits between two portions is no write of the run's."""
    edited: list[str] = []

    def another_tool() -> None:
        edited.append(next(each for each in KEYS if desk.deals(each)))
        desk.change("Opportunity", str(desk.deal(edited[0])["Id"]), Amount=5)

    desk.emulator.faults.add(Before(Refuse(500, []), path=GRAPHS, nth=3, deed=another_tool))
    assert run(desk).counts()["Opportunity"]["created"] == 12
    desk.emulator.faults.clear()
    desk.later()
    assert planned_keys(run(desk).plan) == set(edited)
