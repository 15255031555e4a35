"""What may be in flight at the same time: lanes, calls of whole lanes, and the next call that is free."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.sending.batches import Unit, by_account, collection_calls, graph_calls
from sfsync.core.sending.lanes import (
    Packed,
    first_free,
    lanes,
    locks_of,
    packed,
    packed_by_lanes,
    pieces,
)
from sfsync.core.writes import Node, Route


def unit(name: str, account: str | None = None, *, also: tuple[str, ...] = (), rows: int = 1) -> Unit:
    """A unit of so many new deals, which locks the account and what is said besides."""
    nodes = tuple(
        Node(f"n{name}r{place}", f"{name}.{place}", "Opportunity", None, {}) for place in range(rows)
    )
    return Unit(name, nodes, Route.KEY_FENCE, account=account, also_locks=also)


ACCOUNTS = st.sampled_from(["a", "b", "c", "d", "e", None])
UNITS = st.lists(st.tuples(ACCOUNTS, st.lists(st.sampled_from("abcxyz"), max_size=2)), max_size=40).map(
    lambda drawn: [
        unit(str(number), account, also=tuple(also)) for number, (account, also) in enumerate(drawn)
    ]
)


@given(UNITS)
def test_no_two_lanes_lock_one_record_and_every_unit_is_in_one(units: list[Unit]) -> None:
    """Nothing is lost or repeated, what one lane locks no other does, and the order within a lane is kept."""
    found = lanes(units)
    assert Counter(each.unit_id for lane in found for each in lane) == Counter(each.unit_id for each in units)
    locked = [{lock for each in lane for lock in locks_of(each)} for lane in found]
    assert all(one.isdisjoint(other) for one, other in combinations(locked, 2))
    assert all(list(lane) == sorted(lane, key=units.index) for lane in found)


@given(UNITS)
def test_lanes_are_as_small_as_can_be(units: list[Unit]) -> None:
    """Two units of one lane are tied by a chain of shared locks; a unit that locks nothing is a lane of its own."""
    for lane in lanes(units):
        reached, left = [lane[0]], list(lane[1:])
        while tied := [
            each for each in left if any(set(locks_of(each)) & set(locks_of(known)) for known in reached)
        ]:
            reached += tied
            left = [each for each in left if each not in tied]
        assert left == []


SIZED = st.lists(st.tuples(ACCOUNTS, st.integers(1, 120)), max_size=40).map(
    lambda drawn: by_account(
        unit(str(number), account, rows=rows) for number, (account, rows) in enumerate(drawn)
    )
)


@given(SIZED)
def test_calls_of_whole_lanes_are_no_more_calls(units: list[Unit]) -> None:
    """Packing by lanes carries each unit once, in as many calls as full packing, so that a prediction holds."""
    calls = packed_by_lanes(units, graph_calls)
    assert len(calls) <= len(list(packed(units, graph_calls)))
    carried = Counter(each.unit_id for call in calls for each in call.units)
    assert carried == Counter(each.unit_id for each in units)


def test_calls_hold_whole_lanes_where_that_costs_no_call() -> None:
    """Three accounts of 450 rows in two calls of a thousand: none is cut, so both calls may fly at once."""
    units = [unit(f"{account}{number}", account) for account in "abc" for number in range(450)]
    calls = packed_by_lanes(units, collection_calls)
    assert [len(each.units) for each in calls] == [900, 450]
    assert calls[0].locks.isdisjoint(calls[1].locks)


def test_a_lane_is_cut_where_whole_lanes_would_cost_a_call() -> None:
    """Three accounts of 660 rows fit two calls of a thousand only if one of them is cut: calls are scarcer."""
    units = [unit(f"{account}{number}", account) for account in "abc" for number in range(660)]
    calls = packed_by_lanes(units, collection_calls)
    assert [len(each.units) for each in calls] == [1000, 980]
    assert not calls[0].locks.isdisjoint(calls[1].locks)


def test_the_next_call_is_the_first_that_no_lock_holds_back() -> None:
    """A call whose account is in flight is passed over; when all are held back, none goes."""
    waiting = [*packed([unit("1", "a")], graph_calls), *packed([unit("2", "b")], graph_calls)]
    assert first_free(waiting, []) == 0
    assert first_free(waiting, [frozenset("a")]) == 1
    assert first_free(waiting, [frozenset("a"), frozenset("b")]) is None
    assert first_free([], []) is None


@given(SIZED, st.integers(1, 300))
def test_smaller_pieces_carry_the_same_units_in_order(units: list[Unit], most: int) -> None:
    """A call in pieces tears no unit, keeps the order, and a piece of several units stays within the rows."""
    for whole in packed(units, graph_calls):
        found: list[Packed] = pieces(whole, graph_calls, most_rows=most)
        assert tuple(each for piece in found for each in piece.units) == whole.units
        assert all(len(each.units) == 1 or len(each.call.nodes()) <= most for each in found)
