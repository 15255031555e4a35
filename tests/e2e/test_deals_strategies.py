"""Writes travel by the way of the fewest calls, or by the one that was asked for, and cost what the plan says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from job_waits import UntilJobsEnd
from main_job_bench import ALAN, LEUNG, Bench, deal, org_document, role

from sfsync.app.books import sync
from sfsync.app.planning import fully_read
from sfsync.app.workplace import apply, plan
from sfsync.core.job import Limits, OnRoleError, UpdateMode
from sfsync.core.plans.guards import changes_digest
from sfsync.core.plans.plan import PredictedCalls
from sfsync.core.reports.report import Report
from sfsync.core.sending.strategy import Operation, Strategy
from sfsync.emulator.server import running
from sfsync.errors import ConfigError
from sfsync.jobs import load_job
from sfsync.report.words.plan_view import plan_pieces

DEALS = "Opportunity"
ROLES = "OpportunityContactRole"


@contextmanager
def desk(folder: Path, *, has_receipts: bool = False, has_jobs: bool = True) -> Iterator[Bench]:
    """A fresh org, and a bench on it whose waits end with the org's jobs."""
    with running(org_document(has_receipts=has_receipts, has_jobs=has_jobs)) as emulator:
        yield Bench(emulator, folder, stop=UntilJobsEnd(emulator))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with bulk jobs and without receipts."""
    with desk(tmp_path) as made:
        yield made


def run(bench: Bench, strategy: Strategy | None = None, **words: Any) -> Report:
    """Plans and applies the job of the bench by a strategy."""
    job = load_job(bench.job, environ=bench.environ)
    around = dataclasses.replace(bench.around, limits=Limits(confirmed=words.pop("confirmed", None)))
    return sync(dataclasses.replace(job, strategy=strategy, **words), around=around)


def bring(bench: Bench, count: int, *, roles: int = 2, primary: bool = False, **values: str) -> None:
    """Makes so many deals the job, each with plain roles or with a primary one."""
    keys = [f"D-{number}" for number in range(count)]
    bench.write_job([deal(key, **values) for key in keys], _roles(keys, roles, primary=primary))
    if not roles:
        file = Path(bench.job)
        file.write_text(file.read_text().partition("[contact_roles]")[0])


def _roles(keys: Iterable[str], count: int, *, primary: bool) -> list[dict[str, str]]:
    people = ((LEUNG, "Evaluator"), (ALAN, "Decision Maker"))[:count]
    flag = "true" if primary else ""
    return [role(key, who, what, flag if who == LEUNG else "") for key in keys for who, what in people]


def assert_costs_as_predicted(report: Report) -> None:
    """The calls of applying are those that the plan has said, reads and writes alike."""
    assert report.stopped is None
    assert report.spent == report.plan.predicted


def kinds(bench: Bench, since: int = 0) -> set[str]:
    """By which calls was written since then."""
    paths = [each.path for each in bench.emulator.audit.requests[since:] if each.method != "GET"]
    ways = {"graph": "/composite/graph", "collections": "/composite/sobjects", "jobs": "/jobs/ingest"}
    return {name for name, path in ways.items() if any(path in each for each in paths)}


@pytest.mark.parametrize("count", [7, 170])
def test_new_deals_with_roles_go_by_graphs_for_the_calls_predicted(bench: Bench, count: int) -> None:
    """Few deals with their roles are cheapest in graphs."""
    bring(bench, count)
    report = run(bench)
    assert report.plan.strategy(DEALS, Operation.CREATE) is Strategy.GRAPHS
    assert_costs_as_predicted(report)
    assert kinds(bench) == {"graph"}
    assert report.counts()[ROLES]["created"] == 2 * count


def test_a_first_load_of_1000_deals_and_2000_roles_takes_13_calls(tmp_path: Path) -> None:
    """Seven calls of graphs, one that reads back, and five before: who the org is, look-ups, picklists, and which
    contact roles there are, so that a later run can tell whether one was deleted.
    """
    with desk(tmp_path, has_receipts=True) as bench:
        bring(bench, 1000)
        report = run(bench)
    assert (report.usage.writes, report.plan.predicted) == (7, PredictedCalls(1, 7))
    assert (report.usage.reads, report.usage.writes) == (6, 7)  # and a login, where one is needed
    assert_costs_as_predicted(report)


def test_what_surely_will_be_asked_is_asked_in_one_call(bench: Bench) -> None:
    """Organization, stages and describes come together, so a run that looks at all rows and has nothing to do
    costs five reads: this one, the count of contact roles, the deals, the contacts and the roles.
    """
    bring(bench, 3)
    run(bench)
    before = len(bench.emulator.audit.requests)
    report = sync(fully_read(load_job(bench.job, environ=bench.environ)), around=bench.around)
    assert (report.usage.reads, report.usage.writes) == (5, 0)
    assert [each.path for each in bench.emulator.audit.requests[before:]].count("/describe") == 0


def test_deals_without_roles_go_by_collections_where_that_is_cheaper(bench: Bench) -> None:
    """A row that stands alone needs no transaction; each is safe by its own key."""
    bring(bench, 460, roles=0)
    report = run(bench)
    assert report.plan.strategy(DEALS, Operation.CREATE) is Strategy.COLLECTIONS
    assert_costs_as_predicted(report)
    assert report.counts()[DEALS]["created"] == 460


@pytest.mark.parametrize("has_receipts", [False, True])
@pytest.mark.parametrize("roles", [0, 1, 2])
def test_new_deals_go_by_a_job_and_their_roles_after_them(
    tmp_path: Path, *, has_receipts: bool, roles: int
) -> None:
    """Forced, the deals go by an insert job with their key, and plain roles by another one."""
    with desk(tmp_path, has_receipts=has_receipts) as bench:
        bring(bench, 30, roles=roles)
        report = run(bench, Strategy.BULK)
        assert_costs_as_predicted(report)
        assert kinds(bench) == {"jobs"}
        assert bench.inserted() == {DEALS: 30} | ({ROLES: 30 * roles} if roles else {})
        again = run(bench, Strategy.BULK)
        assert (again.exit_code, again.usage.writes) == (0, 0)


def test_a_primary_flag_never_goes_by_a_job(tmp_path: Path) -> None:
    """Where the org has receipts, the roles go behind them; where it has none, a job is refused."""
    with desk(tmp_path, has_receipts=True) as bench:
        bring(bench, 12, primary=True)
        report = run(bench, Strategy.BULK)
        assert_costs_as_predicted(report)
        assert kinds(bench) == {"jobs", "graph"}
        assert report.counts()[ROLES]["created"] == 24
    (tmp_path / "bare").mkdir()
    with desk(tmp_path / "bare") as bench:
        bring(bench, 12, primary=True)
        with pytest.raises(ConfigError, match="a job moves no primary flag") as refused:
            run(bench, Strategy.BULK)
        assert refused.value.code == "STRATEGY_NOT_POSSIBLE"
        assert bench.inserted() == {}


def test_a_strategy_that_the_route_does_not_allow_is_refused_by_name(tmp_path: Path) -> None:
    """Deals with roles are one transaction, and an org without jobs has none."""
    with desk(tmp_path, has_jobs=False) as bench:
        bring(bench, 3)
        with pytest.raises(ConfigError, match="go in one transaction"):
            run(bench, Strategy.COLLECTIONS)
        with pytest.raises(ConfigError, match="run no bulk jobs"):
            run(bench, Strategy.BULK)
        with pytest.raises(ConfigError, match="a deal is to fall"):
            run(bench, Strategy.BULK, on_role_error=OnRoleError.DEAL)
    assert bench.inserted() == {}


@pytest.mark.parametrize("way", [Strategy.COLLECTIONS, Strategy.GRAPHS, Strategy.BULK])
def test_updates_travel_by_each_way_for_the_calls_predicted(bench: Bench, way: Strategy) -> None:
    """The records are read again, written by id, and read back; an empty cell is cleared as it is meant."""
    bring(bench, 240, roles=0, next_step="call")
    run(bench)
    bring(bench, 240, roles=0, next_step="visit", amount="7.50")
    made = plan_of(bench, way)
    before = len(bench.emulator.audit.requests)
    report = run(bench, way, update_mode=UpdateMode.FAST, confirmed=digest(made))
    assert_costs_as_predicted(report)
    assert report.counts()[DEALS]["updated"] == 240
    written = {"collections": {"collections"}, "graphs": {"graph"}, "bulk": {"jobs"}}[way.value]
    assert {each.path for each in bench.emulator.audit.requests[before:] if each.method != "GET"}
    assert kinds(bench, before) <= written | {"collections"}
    rows = bench.emulator.org.storage.select(DEALS, "\"Sfsync_Key__c\" LIKE 'D-%'")
    assert {(row["NextStep"], str(row["Amount"])) for row in rows} == {("visit", "7.5")}


@pytest.mark.parametrize(("threads", "reads"), [(1, 2), (4, 1)])
def test_the_plan_counts_what_is_read_again_together(bench: Bench, threads: int, reads: int) -> None:
    """The updates of as many calls as may be in flight are read again by one call."""
    bring(bench, 240, roles=0, next_step="call")
    run(bench)
    bring(bench, 240, roles=0, next_step="visit")
    made = plan_of(bench, Strategy.GRAPHS)
    words = {"update_mode": UpdateMode.FAST, "confirmed": digest(made)}
    report = run(bench, Strategy.GRAPHS, threads=threads, **words)
    assert report.plan.predicted == PredictedCalls(reads + 1, 2)
    assert_costs_as_predicted(report)


def plan_of(bench: Bench, way: Strategy) -> Any:
    """The plan of the bench's job by a strategy, its updates without conditions."""
    job = load_job(bench.job, environ=bench.environ)
    return plan(dataclasses.replace(job, strategy=way, update_mode=UpdateMode.FAST), around=bench.around)


def digest(made: Any) -> str:
    """The word that confirms a plan out of proportion."""
    return changes_digest(made.changes)


def test_a_record_that_somebody_edits_before_the_job_is_left_alone(bench: Bench) -> None:
    """Updates by a job are compared with a fresh reading first, like any others."""
    bring(bench, 5, roles=0, next_step="call")
    run(bench)
    bring(bench, 5, roles=0, next_step="visit")
    job = dataclasses.replace(
        load_job(bench.job, environ=bench.environ), strategy=Strategy.BULK, update_mode=UpdateMode.FAST
    )
    made = plan(job, around=bench.around)
    bench.change(DEALS, bench.deal("D-2")["Id"], NextStep="mine")
    report = apply(made, job, around=bench.around)
    assert report.counts()[DEALS]["conflicts"] == 1
    assert bench.deal("D-2")["NextStep"] == "mine"
    assert bench.deal("D-3")["NextStep"] == "visit"


def test_strict_updates_stay_conditional_whatever_the_strategy(bench: Bench) -> None:
    """Few updates go each on its condition, also where jobs are asked for."""
    bring(bench, 3, roles=0, next_step="call")
    run(bench)
    bring(bench, 3, roles=0, next_step="visit")
    before = len(bench.emulator.audit.requests)
    report = run(bench, Strategy.BULK)
    assert report.plan.is_strict
    assert report.spent is not None
    assert report.spent.writes == report.plan.predicted.writes == 1
    assert kinds(bench, before) == set()


def test_the_plan_says_how_rows_travel_and_what_another_way_would_cost(bench: Bench) -> None:
    """One line for each choice, with calls, minutes and the other ways."""
    bring(bench, 170)
    made = bench.plan()
    lines = [each.text for each in plan_pieces(made, limit=1) if hasattr(each, "text")]
    assert "Create 170 deals by graphs: 2 calls, about 1 minute (bulk: 11 calls)." in lines
    assert any("calls left today" in each for each in lines)
