"""P1: death at every named point of a run, and again in the recovery, leaves nothing twice and nothing lost.

Points between which nothing durable happens leave one and the same state behind. So the suite dies once at every
name, and for the pairs at points that change something; every single point of every kind of org, and all pairs, run
with SFSYNC_FAULTS_GRID=1.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from crash_worlds import KINDS, TINY, Kind, World
from failpoints import Death, Failpoints, failpoints
from inner_org import InnerBench, inner_bench
from long_proofs import IS_GRID
from main_job_bench import assert_every_row_counts_once

from sfsync.journal import open_journal

EFFECTS = re.compile(
    r"(journal\.\w+|marker\.write|step\.(write_\w+|apply_steps)"
    r"|request\.(PATCH|PUT|DELETE) .*|request\.POST /(composite/(graph|sobjects)|jobs/ingest)):after"
)
"""The points after which something durable has changed, in the org or on the disk."""

PAIRS_A_SUITE = 37
"""One of so many pairs runs in every suite."""


@contextmanager
def dying_world(kind: Kind) -> Iterator[tuple[World, Failpoints]]:
    """A world in this process after a first round, whose runs can die."""
    with inner_bench(kind.org) as bench, failpoints(bench.folder / "state") as points:
        bench.emulator.org.usage.daily_limit = 10**9  # thousands of runs in one day
        world = World(kind, TINY, bench)
        if not kind.has_key:
            world.begin_round()
            bench.admit()
            world.round, world.late_keys = 0, []
            world.planned_deals.clear()
            world.planned_roles.clear()
        yield world, points


def bench_of(world: World) -> InnerBench:
    """The bench of a world in this process."""
    assert isinstance(world.bench, InnerBench)
    return world.bench


def run_round(world: World, points: Failpoints, nth: int | None) -> list[str]:
    """A run of the next round that may die at its n-th point; the points that it came to."""
    world.begin_round()
    return run_to(world, points, "run", nth)


def run_to(world: World, points: Failpoints, how: str, nth: int | None) -> list[str]:
    """Runs a command that dies at its n-th point, if it comes so far; the points that it came to."""
    points.arm(nth)
    try:
        assert bench_of(world).command(how) in (0, 3)
    except Death:
        assert points.is_dead
    hits = list(points.hits)
    points.revive()
    return hits


def recover(world: World, *, prefers_resume: bool) -> None:
    """Runs or resumes to the end, and holds the org to what was planned; another run then writes nothing."""
    bench = bench_of(world)
    code = bench.command("resume" if prefers_resume and world.open_runs() else "run")
    assert code in (0, 3)
    deals, roles = world.deals_and_roles()
    assert deals == world.planned_deals
    assert not roles - world.planned_roles, "twice"
    missing = world.planned_roles - roles
    assert world.kind.at_most_once or not missing
    inserted = world.inserted()
    assert (inserted["Opportunity"], inserted["OpportunityContactRole"]) == (deals.total(), roles.total())
    writes = world.writes()
    ending = bench.run()
    assert world.writes() == writes, "another run wrote something"
    assert_every_row_counts_once(ending.counts)
    lost = (missing - world.left_out).total()
    assert ending.counts["OpportunityContactRole"]["unknown"] == lost, "lost in silence"
    world.left_out = missing


def names_of(hits: list[str]) -> dict[str, int]:
    """Each name that the hits bear, with the number of its last hit: later ones find more in the journal."""
    return {name.partition("#")[0]: number for number, name in enumerate(hits, start=1)}


@pytest.fixture(scope="module")
def reference() -> dict[str, list[str]]:
    """The points that an ordinary round comes to in each kind of org."""
    found = {}
    for kind in KINDS:
        with dying_world(kind) as (world, points):
            run_round(world, points, None)
            found[kind.name] = run_round(world, points, None)
    return found


def chosen(reference: dict[str, list[str]], kind: Kind) -> list[int]:
    """The numbers of the points to die at: those with names that no kind before had, or all of them."""
    hits = reference[kind.name]
    if IS_GRID:
        return list(range(1, len(hits) + 1))
    before = [each.name for each in KINDS[: KINDS.index(kind)]]
    known = {name for each in before for name in names_of(reference[each])}
    new = {number for name, number in names_of(hits).items() if name not in known}
    return sorted(new | {number for number, hit in enumerate(hits, start=1) if is_write(hit)})


def is_write(hit: str) -> bool:
    """Whether the point stands just after a write was answered, before the journal knows of it."""
    return hit.startswith("request.") and EFFECTS.match(hit) is not None


def test_every_kind_of_point_is_on_the_list(reference: dict[str, list[str]]) -> None:
    """A reference run comes to commits, requests, steps, files and the marker: none of the wrappers is loose."""
    names = {name for hits in reference.values() for name in names_of(hits)}
    wanted = {
        "journal.begin_run", "journal.intend", "journal.record", "journal.put_ledger", "journal.end_run",
        "request.POST /composite/graph", "request.POST /jobs/ingest", "request.PATCH /jobs/ingest/ID",
        "step.recover", "step.finish_job", "step.verify", "step.write_whole", "step.write_run_folder",
        "marker.write",
    }  # fmt: skip
    assert {f"{name}:{moment}" for name in wanted for moment in ("before", "after")} <= names


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_P1_death_at_every_named_point(reference: dict[str, list[str]], kind: Kind) -> None:
    """After a death at any point, one run or resume brings the org to what an uninterrupted run leaves."""
    with dying_world(kind) as (world, points):
        run_round(world, points, None)
        for nth in chosen(reference, kind):
            hits = run_round(world, points, nth)
            assert len(hits) == nth, hits
            recover(world, prefers_resume=nth % 2 == 0)


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3]], ids=lambda kind: kind.name)
def test_P1_death_and_a_second_death_in_the_recovery(reference: dict[str, list[str]], kind: Kind) -> None:
    """For points that change something, in pairs: the run dies at one, what recovers it at another."""
    firsts = [number for number, hit in enumerate(reference[kind.name], start=1) if EFFECTS.match(hit)]
    seconds = range(1, max(firsts) + 1) if IS_GRID else firsts
    with dying_world(kind) as (world, points):
        run_round(world, points, None)
        for place, (first, second) in enumerate((each, other) for each in firsts for other in seconds):
            if place % PAIRS_A_SUITE and not IS_GRID:
                continue
            run_round(world, points, first)
            how = "resume" if place % 2 and world.open_runs() else "run"
            run_to(world, points, how, second)
            recover(world, prefers_resume=place % 3 == 0)


def test_P2_death_while_the_journal_is_made() -> None:
    """A process that dies at any point of the first start leaves a folder in which the next one can begin."""
    with inner_bench(KINDS[0].org) as bench, failpoints(bench.folder / "state") as points:
        world = World(KINDS[0], TINY, bench)
        world.begin_round()
        hits: list[str] = []
        for nth in range(1, 12):
            shutil.rmtree(points.state, ignore_errors=True)
            hits = run_to(world, points, "run", nth)
            with open_journal(points.state, clock=bench.emulator.org.clock.now) as journal:
                assert journal.runs() == []
        assert "step.apply_steps:after#1" in hits
        recover(world, prefers_resume=False)
