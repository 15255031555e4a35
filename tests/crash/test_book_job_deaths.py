"""A run in portions whose rows go by shared bulk jobs dies at any named point, and ends as if it had never died."""

from __future__ import annotations

from typing import Any

import pytest
from crash_worlds import ask_journal
from failpoints import Death, telling
from inner_org import InnerBench
from long_proofs import IS_GRID
from main_job_bench import Ending, org_document
from portioned import run_in_portions, write_families
from test_book_deaths import Told, begun, dying_bench, go_on, patient, told

JOBS = org_document(has_receipts=False, has_jobs=True)
FAMILIES, PORTIONS = 3, 4
EVERY = 1 if IS_GRID else 3


def write_bulk(bench: InnerBench, *, bad: Any = ()) -> None:
    """Families whose new deals and plain roles all go by jobs."""
    write_families(bench, FAMILIES, bad=bad)
    roles, job = bench.folder / "roles.csv", bench.folder / "deals.toml"
    roles.write_text(roles.read_text(encoding="utf-8").replace(",true", ","), encoding="utf-8")
    job.write_text(f'strategy = "bulk"\n{job.read_text(encoding="utf-8")}', encoding="utf-8")


def written(bench: InnerBench, *, portions: int = PORTIONS) -> Ending:
    """What comes of the job in portions when it is asked for until its jobs have ended."""
    return patient(bench, run_in_portions(bench, portions))


def uninterrupted() -> Told:
    """What a run that never died leaves."""
    with dying_bench(JOBS) as (bench, points):
        write_bulk(bench, bad={2})
        points.arm(None)
        return told(bench, written(bench))


def test_a_book_by_jobs_leaves_what_one_plan_by_jobs_leaves() -> None:
    """The same records and the same report, however many portions the rows came in."""
    with dying_bench(JOBS) as (bench, points):
        write_bulk(bench, bad={2})
        points.arm(None)
        assert told(bench, patient(bench, bench.run())) == uninterrupted()


@pytest.mark.parametrize("offset", range(EVERY))
def test_death_at_any_point_of_a_book_by_jobs_ends_as_an_uninterrupted_run(offset: int) -> None:
    """Resume ends with the same org and report; no row is in the org twice, and another run writes nothing."""
    expected = uninterrupted()
    with dying_bench(JOBS) as (bench, points):
        write_bulk(bench, bad={2})
        points.arm(None)
        written(bench)
        hits = list(points.hits)
    for nth in telling(hits)[offset :: EVERY if EVERY == 1 else 2 * EVERY]:
        with dying_bench(JOBS) as (bench, points):
            write_bulk(bench, bad={2})
            points.arm(nth)
            with pytest.raises(Death):
                written(bench)
            points.revive()
            over = ask_journal(bench, "SELECT count(*) FROM runs") and not begun(bench)
            ending = patient(bench, bench.run() if over else go_on(bench, portions=PORTIONS, seed=1))
            assert bench.picture() == expected.picture, hits[nth - 1]
            if not over:
                assert told(bench, ending).document == expected.document, hits[nth - 1]
            write_bulk(bench, bad={2})
            before = bench.write_count()
            assert patient(bench, bench.run()).exit_code == 3
            assert bench.write_count() == before, hits[nth - 1]
