"""P1: who is primary on a deal out of a lead does not depend on whether a run died between lead and roles.

The platform makes the lead's contact primary. That is nobody's choice, so the job's rule chooses as if no run had
died.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from failpoints import Death, Failpoints, failpoints
from inner_org import InnerBench, inner_bench
from lead_bench import (
    ALAN,
    BERTHA,
    LEUNG,
    deal,
    deals_of,
    lead,
    org_with_leads,
    role,
    roles_of,
    write_leads_job,
)
from long_proofs import IS_GRID
from main_job_bench import org_document

MOST_POINTS = 160
STEP = 1 if IS_GRID else 29
ORG = org_with_leads(org_document(has_receipts=True, has_jobs=False))
BOTH = (role("D-1", ALAN, "Evaluator"), role("D-1"))
Roles = list[tuple[str, str | None, bool]]
CASES: dict[str, tuple[str, Sequence[dict[str, str]], Roles]] = {
    "the first row": (
        'primary = "first"',
        BOTH,
        [(ALAN, "Evaluator", True), (BERTHA, "Decision Maker", False)],
    ),
    "the best role": (
        'primary = ["Evaluator", "Decision Maker"]',
        (role("D-1"), role("D-1", ALAN, "Evaluator")),
        [(ALAN, "Evaluator", True), (BERTHA, "Decision Maker", False)],
    ),
    "the row that says it, where the org's own is kept": (
        'primary = "keep"',
        (role("D-1", ALAN, "Evaluator", "x"),),
        [(ALAN, "Evaluator", True), (BERTHA, None, False)],
    ),
    "the first row, added only": (
        'primary = "first"\npolicy = "append"',
        (role("D-1", LEUNG, "Evaluator"), role("D-1", name="Business User")),
        [(BERTHA, "Business User", False), (LEUNG, "Evaluator", True)],
    ),
    "the first row, of three with two of the lead's contact": (
        'primary = "first"',
        (*BOTH, role("D-1", name="Influencer")),
        [(ALAN, "Evaluator", True), (BERTHA, "Decision Maker", False), (BERTHA, "Influencer", False)],
    ),
    "the first row of a mirror": (
        'primary = "first"\npolicy = "mirror"',
        (role("D-1", LEUNG, "Evaluator"), role("D-1", ALAN, "Influencer")),
        [(ALAN, "Influencer", False), (LEUNG, "Evaluator", True)],
    ),
}


@contextmanager
def one_lead(words: str, roles: Sequence[dict[str, str]]) -> Iterator[tuple[InnerBench, Failpoints]]:
    """A job with one deal out of a lead and its roles, and the points at which its runs can die."""
    with inner_bench(ORG) as bench, failpoints(bench.folder / "state") as points:
        write_leads_job(bench, [deal("D-1")], roles, extra=f"[roles]\n{words}\n")
        yield bench, points


def dies(bench: InnerBench, points: Failpoints, nth: int) -> str:
    """Runs the job until it dies at its n-th point; the point, or "" when it came to its end before."""
    points.arm(nth)
    where = ""
    try:
        bench.run(allow_deletes=True)
    except Death:
        where = points.hits[nth - 1]
    points.revive()
    return where


@pytest.mark.parametrize("go_on", ["run", "resume", "die again"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_P1_the_jobs_rule_chooses_as_if_no_run_had_died(
    case: tuple[str, Sequence[dict[str, str]], Roles], go_on: str
) -> None:
    """Wherever a run dies, a new run, a resume or a run after a second death leaves the same primary contact."""
    words, rows, wanted = case
    for nth in range(1, MOST_POINTS, STEP):
        with one_lead(words, rows) as (bench, points):
            where = dies(bench, points, nth)
            if not where:
                break
            if go_on == "resume":
                bench.command("resume")
            elif go_on == "die again":
                where += ", then " + dies(bench, points, 1 + nth * 7 % 60)
            ending = bench.run(allow_deletes=True)
            assert ending.exit_code == 0, (where, ending.codes())
            assert lead(bench)["IsConverted"], where
            [found] = deals_of(bench)
            assert roles_of(bench, found["Id"]) == wanted, where
            assert bench.run().exit_code == 0
            assert roles_of(bench, found["Id"]) == wanted, where
    assert 20 < nth < MOST_POINTS - 1
