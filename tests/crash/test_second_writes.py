"""Deaths around the second write of a probability: whoever comes next, the deal ends with the row's own."""

from __future__ import annotations

import pytest
from failpoints import Death, failpoints, telling
from inner_org import InnerBench, inner_bench
from long_proofs import one_in
from main_job_bench import BARE_ORG

from sfsync.core.plans.plan import Action
from sfsync.emulator.switches import StageWithProbability

JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
Amount = "amount"
Probability = "probability"
"""


def write(bench: InnerBench, stage: str, probability: str) -> None:
    """Makes the job of one deal in that stage."""
    (bench.folder / "deals.csv").write_text(
        f"id,name,stage,close,amount,probability\nD-1,Deal D-1,{stage},2027-01-31,100.00,{probability}\n"
    )
    (bench.folder / "deals.toml").write_text(JOB)
    bench.job = str(bench.folder / "deals.toml")


@pytest.mark.parametrize(("then", "is_new"), [("resume", False), ("run", True)])
def test_P1_a_death_at_any_point_of_a_run_with_a_second_write_is_made_good(then: str, is_new: bool) -> None:
    """By `resume` or by the next run: one deal with the row's probability, and nothing left to plan."""
    numbers = telling(dies_at(None, then=then, is_new=is_new))
    assert len(numbers) > 6
    for nth in one_in(4, numbers):
        assert dies_at(nth, then=then, is_new=is_new)


def dies_at(nth: int | None, *, then: str, is_new: bool) -> list[str]:
    """Lets the run die at its n-th point and goes on; the points that it came to, [] where it should have died."""
    with inner_bench(BARE_ORG) as bench, failpoints(bench.folder / "state") as points:
        bench.switch(stage_with_probability=StageWithProbability.STAGE_WINS)
        stage, probability = "Prospecting", "33"
        if not is_new:
            write(bench, stage, probability)
            bench.run_or_raise()
            stage, probability = "Proposal/Price Quote", "60"
            bench.emulator.org.clock.advance(60)  # type: ignore[attr-defined]
        write(bench, stage, probability)
        points.arm(nth)
        try:
            bench.run_or_raise()
            has_died = False
        except Death:
            has_died = True
        hits = list(points.hits) if has_died == (nth is not None) else []
        points.revive()
        bench.emulator.org.clock.advance(60)  # type: ignore[attr-defined]
        if has_died and then == "resume":
            bench.command("resume")
        assert bench.command("run") == 0
        deal = bench.deal("D-1")
        assert (deal["StageName"], deal["Probability"]) == (stage, float(probability)), f"point {nth}"
        assert {each.action for each in bench.plan().changes} == {Action.NOOP}, f"point {nth}"
        return hits
