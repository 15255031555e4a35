"""P1: a run that dies at any point around a conversion leaves one deal, which the next run brings to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from failpoints import Death, Failpoints, failpoints, telling
from inner_org import InnerBench, inner_bench
from lead_bench import ALAN, BERTHA, deal, deals_of, lead, org_with_leads, role, roles_of, write_leads_job
from long_proofs import one_in
from main_job_bench import org_document

WANTED = [(ALAN, "Evaluator", False), (BERTHA, "Decision Maker", True)]
NAMED = {
    "step.settle_conversions:after",
    "step.land_deals:before",
    "request.POST /services/Soap/u/66.0:after",
    "journal.intend:after",
    "journal.put_ledger:before",
}
ORGS = {
    "receipts": org_with_leads(org_document(has_receipts=True, has_jobs=False)),
    "keys only": org_with_leads(org_document(has_receipts=False, has_jobs=False)),
}


@contextmanager
def one_lead(org: object, *, has_key: bool) -> Iterator[tuple[InnerBench, Failpoints]]:
    """A job with one deal out of a lead, and the points at which its runs can die."""
    with inner_bench(org) as bench, failpoints(bench.folder / "state") as points:
        write_leads_job(
            bench, [deal("D-1")], [role("D-1", primary="x"), role("D-1", ALAN, "Evaluator")], has_key=has_key
        )
        if not has_key:
            bench.admit()
        yield bench, points


def dies(bench: InnerBench, points: Failpoints, nth: int) -> str:
    """Runs the job until it dies at its n-th point; the point, or "" when it came to its end before."""
    points.arm(nth)
    where = ""
    try:
        bench.run()
    except Death:
        where = points.hits[nth - 1]
    points.revive()
    return where


def chosen(org: object, *, has_key: bool) -> list[int]:
    """The numbers of the points to die at, of those that a run comes to that nothing ends."""
    with one_lead(org, has_key=has_key) as (bench, points):
        points.arm(None)
        bench.run()
        return telling(points.hits)


def assert_one_deal(bench: InnerBench, where: str) -> None:
    """The lead is converted, to one deal, which is as its row wants it."""
    assert lead(bench)["IsConverted"], where
    [found] = deals_of(bench)
    assert (found["Name"], found["StageName"], found["Amount"]) == ("Deal D-1", "Needs Analysis", 100.0), (
        where
    )
    assert found["Id"] == lead(bench)["ConvertedOpportunityId"], where


@pytest.mark.parametrize(
    ("org", "has_key", "step"), [("receipts", True, 4), ("receipts", False, 9), ("keys only", True, 10)]
)
def test_P1_death_around_a_conversion_leaves_one_deal(org: str, has_key: bool, step: int) -> None:
    """Wherever the run dies, the next run or a resume ends with the lead's one deal and its roles."""
    seen: set[str] = set()
    numbers = one_in(step, chosen(ORGS[org], has_key=has_key))
    for nth in numbers:
        with one_lead(ORGS[org], has_key=has_key) as (bench, points):
            where = dies(bench, points, nth)
            assert where, "a run comes to the same points each time"
            seen.add(where.partition("#")[0])
            if nth % 2:
                bench.command("resume")
            ending = bench.run()
            assert ending.exit_code in (0, 3), (where, ending.codes())
            assert_one_deal(bench, where)
            roles = roles_of(bench, deals_of(bench)[0]["Id"])
            assert roles == WANTED or (org == "keys only" and ending.exit_code == 3), (where, roles)
            assert bench.inserted()["Opportunity"] == 1, where
    assert nth > 20
    assert step > 1 or seen >= NAMED, sorted(seen)
