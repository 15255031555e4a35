"""P1: a run dies in a write, what recovers it dies once the token is burned, and a resume takes a new one."""

from __future__ import annotations

import pytest
from crash_worlds import KINDS, Kind
from test_failpoints import bench_of, dying_world, recover, run_round, run_to

GRAPH = "request.POST /composite/graph:before"
WITH_RECEIPTS = pytest.mark.parametrize("kind", [KINDS[0], KINDS[2]], ids=lambda kind: kind.name)


@WITH_RECEIPTS
def test_P1_a_burned_token_is_not_sent_again(kind: Kind) -> None:
    """The resume sends under a token of its own: nothing is refused for a burned one, and nothing is burned."""
    with dying_world(kind) as (world, points):
        run_round(world, points, None)
        hits = run_round(world, points, None)
        writes = [number for number, hit in enumerate(hits, 1) if hit.startswith(GRAPH)]
        for nth in writes:
            run_round(world, points, nth)
            recovery = run_to(world, points, "run", None)
            run_round(world, points, nth)
            run_to(world, points, "run", 1 + recovery.index("step.recover:after#1"))
            before = len(world.writes())
            assert bench_of(world).command("resume") == 0
            assert [each for each in world.writes()[before:] if each.endswith("/composite/sobjects")] == []
            recover(world, prefers_resume=False)
        assert writes
