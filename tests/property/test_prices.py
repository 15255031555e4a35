"""What rows cost is counted without packing them: the count is that of the packing, and break-evens are where
prices cross.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.batches import Unit, collection_calls, graph_calls
from sfsync.core.sending.costs import create_price, update_price
from sfsync.core.sending.prices import (
    WINDOW_PRICE,
    Speed,
    collection_calls_for,
    graph_calls_for,
    job_price,
    reads_of_batches,
    reads_of_places,
)
from sfsync.core.sending.strategy import Strategy
from sfsync.core.sending.units import deal_sizes, deal_units
from sfsync.core.writes import Node, Route

DEAL, ROLE = "Opportunity", "OpportunityContactRole"
ROUTES = {DEAL: Route.KEY_FENCE, ROLE: Route.JOB_FENCE}


def unit(name: str, size: int) -> Unit:
    """A unit of so many nodes."""
    nodes = tuple(Node(f"{name}n{place}", f"{name}.{place}", DEAL, None, {}) for place in range(size))
    return Unit(name, nodes, Route.KEY_FENCE)


def new_deal(name: str, account: str | None = None) -> Change:
    """A deal that the plan creates."""
    desired = {} if account is None else {"AccountId": account}
    return Change(f"{DEAL}:{name}", DEAL, Action.CREATE, name, name, desired=desired)


def new_role(name: str, deal: str) -> Change:
    """A role of a new deal."""
    return Change(f"{ROLE}:{name}", ROLE, Action.CREATE, name, name, parent=f"{DEAL}:{deal}")


@given(st.lists(st.integers(1, 520), max_size=300))
def test_graphs_are_counted_as_they_are_packed(sizes: list[int]) -> None:
    """Whatever the sizes of the units and their order."""
    units = [unit(str(place), size) for place, size in enumerate(sizes)]
    assert graph_calls_for(sizes) == len(list(graph_calls(units)))


@given(st.integers(0, 4_500))
def test_collections_are_counted_as_they_are_packed(rows: int) -> None:
    """So are those of which more than one row is made, whose places are looked at."""
    calls = [call for call, _ in collection_calls([unit(str(place), 1) for place in range(rows)])]
    assert collection_calls_for(rows) == len(calls)
    assert reads_of_places(rows) == sum(len(each.nodes()) > 1 for each in calls)


@given(st.lists(st.tuples(st.sampled_from([None, "A", "B"]), st.integers(0, 4)), max_size=60))
def test_the_sizes_of_deals_are_those_of_their_units(deals: list[tuple[str | None, int]]) -> None:
    """In the order of sending, with roles and receipts."""
    creates = [new_deal(str(place), account) for place, (account, _) in enumerate(deals)]
    roles = [
        new_role(f"{place}.{number}", str(place))
        for place, (_, count) in enumerate(deals)
        for number in range(count)
    ]
    for route in (Route.KEY_FENCE, Route.RECEIPT_FENCE):
        routes = {**ROUTES, DEAL: route}
        units = deal_units(creates, [*creates, *roles], routes)
        assert deal_sizes(creates, [*creates, *roles], routes) == [each.size for each in units]


def break_even(cost: Callable[[int], int], other: Callable[[int], int], most: int = 40_000) -> int:
    """The number of rows from which on the other way is never dearer."""
    return next(rows for rows in range(most, 0, -100) if other(rows) > cost(rows)) + 100


def test_new_deals_with_roles_are_cheaper_by_jobs_from_about_2000_on() -> None:
    """Two roles a deal, an org without receipts; the figure is computed and not set."""

    def by_jobs(deals: int) -> int:
        return job_price(deals).calls + job_price(2 * deals, reads=-(-deals // 10_000)).calls

    found = break_even(lambda deals: graph_calls_for([3] * deals), by_jobs, most=12_000)
    assert 1_500 <= found <= 3_500


@given(st.integers(0, 60), st.integers(1, 8))
def test_batches_are_read_again_together_five_queries_a_call(batches: int, at_once: int) -> None:
    """As many as may be in flight at a time, each by one query."""
    groups = [min(at_once, batches - start) for start in range(0, batches, at_once)]
    calls = [len(range(0, group, 5)) for group in groups]
    assert reads_of_batches(batches, at_once=at_once) == sum(calls)


def test_updates_go_by_jobs_from_about_10000_on() -> None:
    """A job's call counts three times, for the minutes in which an edit would be overwritten."""

    def price(way: Strategy) -> Callable[[int], int]:
        weight = WINDOW_PRICE if way is Strategy.BULK else 1
        return lambda rows: update_price(way, rows, is_strict=False).calls * weight

    assert 8_000 <= break_even(price(Strategy.COLLECTIONS), price(Strategy.BULK)) <= 16_000


@given(st.integers(1, 300_000), st.integers(1, 300_000))
def test_more_rows_never_cost_less(first: int, second: int) -> None:
    """By no way, in calls or in minutes."""
    few, many = sorted((first, second))
    for way in Strategy:
        low, high = (update_price(way, rows, is_strict=False) for rows in (few, many))
        assert low.calls <= high.calls
        if way is not Strategy.BULK:  # more internal batches of a job work side by side
            assert low.minutes <= high.minutes + 1e-9


@given(st.floats(0.001, 5.0), st.integers(1, 8))
def test_minutes_follow_the_measured_latency_and_the_concurrency(latency_s: float, concurrency: int) -> None:
    """What a call takes is what the calls of the plan took."""
    creates = [new_deal(str(place)) for place in range(500)]
    speed = Speed(latency_s=latency_s, concurrency=concurrency)
    price = create_price(Strategy.GRAPHS, creates, creates, ROUTES, speed=speed)
    assert abs(price.minutes * 60 - (price.calls * latency_s / concurrency + 500 / speed.rows_per_s)) < 1e-6
