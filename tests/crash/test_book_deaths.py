"""A run in portions that dies at any named point ends, when it is gone on with, as if it had never died.

Deaths are as in test_failpoints.py: the state folder is what a SIGKILL at that point would have left. Nobody has
the source any more when the run is gone on with.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from crash_worlds import ask_journal
from failpoints import Death, Failpoints, failpoints, telling
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inner_org import InnerBench, inner_bench
from long_proofs import examples, one_in
from main_job_bench import ORG_FILE, Ending, org_document
from portioned import run_in_portions, write_families

from sfsync.errors import OrgUnavailable
from sfsync.report.document import run_document

BARE = org_document(has_receipts=False, has_jobs=False)
VOLATILE = ("run", "confirm", "org", "api", "seconds", "files")
FAMILIES, PORTIONS = 3, 4
EXAMPLES = examples(150, quick=8)
"""Of the points in an undo, and in an org that has no receipts, every third is taken in every suite."""


@dataclass
class Told:
    """What a run leaves: the org without ids and times, and the document of its report."""

    picture: dict[str, list[Any]]
    document: dict[str, Any]


def told(bench: InnerBench, ending: Ending) -> Told:
    """What is there after a run that made a report; names, calls and seconds are left out."""
    document = {
        name: each for name, each in run_document(ending.document, files={}).items() if name not in VOLATILE
    }
    for problem in (*document["problems"], *document["notes"]):
        problem["file"] = problem["file"].rpartition("/")[2]
    return Told(bench.picture(), document)


@contextmanager
def dying_bench(org: Any = ORG_FILE) -> Iterator[tuple[InnerBench, Failpoints]]:
    """A bench in this process whose commands can die."""
    with inner_bench(org) as bench, failpoints(bench.folder / "state") as points:
        yield bench, points


def uninterrupted(org: Any, families: int, bad: set[int]) -> Told:
    """What one plan of all rows leaves."""
    with inner_bench(org) as bench:
        write_families(bench, families, bad=bad)
        return told(bench, patient(bench, bench.run()))


def patient(bench: InnerBench, ending: Ending) -> Ending:
    """The ending, once an org that was still working on bulk jobs has been asked often enough."""
    for _ in range(100):
        if ending.exit_code != OrgUnavailable.exit_code:
            break
        ending = bench.resume()
    return ending


def begun(bench: InnerBench) -> bool:
    """Whether a run has begun and not ended."""
    return bool(ask_journal(bench, "SELECT count(*) FROM runs WHERE exit_code IS NULL"))


def go_on(bench: InnerBench, *, portions: int, seed: int) -> Ending:
    """Goes on with the run that died, without its source; one that had not begun is begun again with it."""
    if not begun(bench):
        return run_in_portions(bench, portions, seed=seed)
    for name in ("accounts.csv", "contacts.csv", "deals.csv", "roles.csv"):
        (bench.folder / name).unlink(missing_ok=True)
    return bench.resume()


def test_a_run_in_portions_passes_points_of_its_own() -> None:
    """Pages, the beginning of all portions, and the end of each are points at which a process may die."""
    with dying_bench() as (bench, points):
        write_families(bench, FAMILIES, bad={2})
        points.arm(None)
        assert run_in_portions(bench, PORTIONS).exit_code == 3
        names = {each.partition("#")[0] for each in points.hits}
    assert {f"books.{name}:after" for name in ("begin", "end", "outcomes")} <= names
    assert "step._page_row:before" in names


@pytest.mark.parametrize("org", [ORG_FILE, BARE], ids=["receipts", "keys only"])
def test_death_at_any_point_of_any_portion_ends_as_an_uninterrupted_run(org: Any) -> None:
    """P1: resume ends with the same org and the same report as one plan of all rows; another run writes nothing."""
    expected = uninterrupted(org, FAMILIES, {2})
    with dying_bench(org) as (bench, points):
        write_families(bench, FAMILIES, bad={2})
        points.arm(None)
        ending = run_in_portions(bench, PORTIONS)
        assert told(bench, ending) == expected
        hits = list(points.hits)
    for nth in one_in(5 if org == ORG_FILE else 4, telling(hits)):
        with dying_bench(org) as (bench, points):
            write_families(bench, FAMILIES, bad={2})
            points.arm(nth)
            with pytest.raises(Death):
                run_in_portions(bench, PORTIONS)
            points.revive()
            over = ask_journal(bench, "SELECT count(*) FROM runs") and not begun(bench)
            ending = bench.run() if over else go_on(bench, portions=PORTIONS, seed=1)
            assert bench.picture() == expected.picture, hits[nth - 1]
            if not over:
                assert told(bench, ending).document == expected.document, hits[nth - 1]
            write_families(bench, FAMILIES, bad={2})
            before = bench.write_count()
            assert bench.run().exit_code == 3
            assert bench.write_count() == before, hits[nth - 1]


def test_death_in_the_undo_of_a_book_takes_all_of_it_back() -> None:
    """P1: however far the undo had come, resume ends it: nothing that the run brought is left."""
    with dying_bench() as (bench, points):
        write_families(bench, FAMILIES)
        run = run_in_portions(bench, PORTIONS).document.run_id
        points.arm(None)
        assert bench.undo(run).exit_code == 0
        hits, expected = list(points.hits), bench.picture()
    for nth in one_in(5, telling(hits)):
        with dying_bench() as (bench, points):
            write_families(bench, FAMILIES)
            run = run_in_portions(bench, PORTIONS).document.run_id
            points.arm(nth)
            with pytest.raises(Death):
                bench.undo(run)
            points.revive()
            if begun(bench):
                assert bench.resume().exit_code == 0
            else:
                bench.undo(run)
            assert bench.picture() == expected, hits[nth - 1]


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    families=st.integers(1, 6),
    portions=st.integers(1, 9),
    seed=st.integers(0, 1 << 16),
    bad=st.sets(st.integers(1, 6), max_size=2),
    deaths=st.lists(st.integers(1, 60), max_size=5),
)
def test_random_books_with_random_deaths_end_as_one_plan(
    families: int, portions: int, seed: int, bad: set[int], deaths: list[int]
) -> None:
    """However a job is cut and however often it dies, going on until it is done leaves what one plan leaves."""
    org = (ORG_FILE, BARE)[random.Random(seed).randrange(2)]
    expected = uninterrupted(org, families, bad)
    with dying_bench(org) as (bench, points):
        write_families(bench, families, bad=bad)
        ending = None
        for nth in (*deaths, None):
            points.arm(nth)
            try:
                ending = go_on(bench, portions=portions, seed=seed)
                points.revive()
                break
            except Death:
                points.revive()
                if ask_journal(bench, "SELECT count(*) FROM runs") and not begun(bench):
                    break
        assert bench.picture() == expected.picture
        if ending is not None:
            assert told(bench, ending).document == expected.document
