"""The grid: every way to lose an answer at every write of every route, and every single fault on the example.

A few points of every route run in each suite, and every point that once found a mistake. `make faults` runs them
all and prints what they came to; SFSYNC_FAULTS_SEED replays the order and the choice of a run.
"""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fault_table import all_ids, shown_by
from grid_points import Clean, Judged, Point, clean_step, play, points_of
from grid_routes import ROUTES
from grid_singles import Single, SingleJudged, play_single, singles
from main_job_bench import GRID, Reference

SEED = int(os.environ.get("SFSYNC_FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
READS_OF_JOBS = 0.03
"""The share of the points at the many polls of bulk jobs that a run takes; of everything else it takes all."""

LEAST_POINTS = 1000
USUAL = ("a reset, committed", "a reset, not committed", "N10 half the JSON, committed")
FOUND = (
    Point("undo of deletions, receipts", "a close, committed", 1),
    Point("undo of deletions, receipts", "a reset, not committed", 1, "lasting"),
    Point(
        "undo of deletions, receipts", "N6 a zombie, reset", 1, "lasting", "before the next run's first write"
    ),
    Point("jobs, deals without key", "N10 an empty list, committed", 1),
    Point("jobs, deals without key", "N14 delivered twice, first answer", 2),
    Point("jobs, deals without key", "N14 delivered twice", 3),
    Point("jobs, people without key", "N14 delivered twice", 3),
    Point("updates, one strict", "N10 an empty object, not committed", 1),
    Point("undo, bare", "N10 an empty list, not committed", 2),
)
"""Points that once found a mistake in sfsync."""


@cache
def clean_of(route: str) -> Clean:
    """The route's step without faults, taken once."""
    with TemporaryDirectory() as folder:
        return clean_step(ROUTES[route], Path(folder))


@pytest.mark.parametrize(
    "point", [*(Point(name, way, 1) for name in ROUTES for way in USUAL), *FOUND], ids=str
)
def test_N5_N6_N10_a_lost_answer_on_every_route(tmp_path: Path, point: Point) -> None:
    """Nothing is there twice, nothing is missing but what is named, and what the run says is true."""
    judged = play(point, clean_of(point.route), tmp_path)
    assert judged.struck
    assert judged.complaints == []


def _chosen(rng: random.Random) -> list[Point]:
    """All points at calls that write, and some at the polls of bulk jobs."""
    chosen: list[Point] = []
    for route in ROUTES:
        methods = clean_of(route).methods
        chosen += [
            point
            for point in points_of(route, len(methods))
            if methods[point.nth - 1] != "GET" or rng.random() < READS_OF_JOBS
        ]
    return chosen


def _safely(work: tuple[Point, Clean] | Single) -> Judged | SingleJudged:
    """Plays one point in a folder of its own; a crash is a complaint."""
    with TemporaryDirectory() as folder:
        try:
            if isinstance(work, Single):
                return play_single(work, Path(folder))
            point, clean = work
            return play(point, clean, Path(folder))
        except BaseException:  # noqa: BLE001 - whatever a point does, the grid goes on and tells of it
            crash = [traceback.format_exc()[-2000:]]
            if isinstance(work, Single):
                return SingleJudged(work, complaints=crash)
            return Judged(work[0], complaints=crash)


def _play_all(work: list[tuple[Point, Clean]] | list[Single]) -> list[Judged | SingleJudged]:
    """Plays the points on all processors."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(_safely, work, chunksize=8))


def _tell(name: str, judged: Iterable[Judged | SingleJudged], started: float) -> str:
    found = list(judged)
    struck = sum(1 for each in found if each.struck)
    duplicates, lost = sum(each.duplicates for each in found), sum(each.lost for each in found)
    bad = [each for each in found if each.complaints]
    seconds = time.monotonic() - started
    figures = f"{struck} points, {duplicates} duplicates, {lost} lost, {len(bad)} with complaints"
    lines = [f"{name}: {figures}, {seconds:.0f} s, seed {SEED}"]
    lines += [f"  {each.point} {each.exits}: {'; '.join(each.complaints)}" for each in bad]
    return "\n".join(lines)


@GRID
def test_grid_of_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """Every id of the failure model is in the name of a test; the figure stands first."""
    wanted, shown = set(all_ids()), set(shown_by())
    with capsys.disabled():
        print(f"\nfault ids: {len(wanted & shown)} of {len(wanted)} have tests")  # noqa: T201
    assert wanted <= shown


@GRID
def test_grid_of_lost_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """At least a thousand points without a duplicate, a loss or an untrue word."""
    rng, started = random.Random(SEED), time.monotonic()
    points = _chosen(rng)
    rng.shuffle(points)
    judged = _play_all([(each, clean_of(each.route)) for each in points])
    told = _tell("lost answers", judged, started)
    with capsys.disabled():
        print(f"\n{told}")  # noqa: T201
    assert not [each for each in judged if each.complaints], told
    assert sum(1 for each in judged if each.struck) >= LEAST_POINTS


@GRID
def test_grid_of_single_faults(reference: Reference, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault of the catalogue at every write of the example, with receipts, with keys only, with jobs."""
    rng, started = random.Random(SEED), time.monotonic()
    points = list(singles(reference.writes))
    rng.shuffle(points)
    judged = _play_all(points)
    told = _tell("single faults", judged, started)
    with capsys.disabled():
        print(f"\n{told}")  # noqa: T201
    assert not [each for each in judged if each.complaints], told
