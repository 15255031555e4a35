"""Properties of the pure core: packing loses and repeats nothing, plans survive being saved, keys stay keys."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.sending.batches import (
    COLLECTIONS_PER_CALL,
    DEALS_PER_GRAPH,
    GRAPHS_PER_CALL,
    NODES_PER_CALL,
    ROWS_PER_COLLECTION,
    Unit,
    collection_calls,
    graph_calls,
)
from sfsync.core.sobject import checksum, record_id
from sfsync.core.values import Pending, canonical, clean_key, decode, encode, is_same, parse_number
from sfsync.core.writes import Node, Route

sizes = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=120)
texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.builds(Pending, texts),
)


def units_of(given_sizes: list[tuple[int, bool]]) -> list[Unit]:
    """Units with so many nodes each; the flag sends a unit alone."""
    return [
        Unit(
            f"u{number}",
            tuple(Node(f"n{number}_{place}", f"c{number}_{place}", "X", None, {}) for place in range(size)),
            Route.KEY_FENCE,
            alone=alone,
        )
        for number, (size, alone) in enumerate(given_sizes)
    ]


@given(sizes)
def test_graph_calls_carry_every_unit_once_whole_and_within_the_limits(
    given_sizes: list[tuple[int, bool]],
) -> None:
    """No unit is lost, repeated or torn, and no call breaks a limit of the platform."""
    units = units_of(given_sizes)
    carried: list[Unit] = []
    for call, taken in graph_calls(units):
        carried += taken
        assert len(call.graphs) <= GRAPHS_PER_CALL
        assert len(call.nodes()) <= NODES_PER_CALL
        assert [node for unit in taken for node in unit.nodes] == list(call.nodes())
        for graph in call.graphs:
            refs = {node.ref for node in graph.nodes}
            inside = [unit for unit in taken if refs >= {node.ref for node in unit.nodes}]
            assert sum(len(unit.nodes) for unit in inside) == len(graph.nodes)
            assert len(inside) <= DEALS_PER_GRAPH
            assert len(inside) == 1 or not any(unit.alone for unit in inside)
    assert carried == units


@given(st.integers(0, 2_500), st.sets(st.integers(0, 2_499), max_size=5))
def test_collection_calls_carry_every_row_once_within_the_limits(count: int, alone: set[int]) -> None:
    """Rows go in order, 200 a collection, five collections a call, and lone rows by themselves."""
    units = [
        replace(each, alone=number in alone) for number, each in enumerate(units_of([(1, False)] * count))
    ]
    carried: list[Unit] = []
    for call, taken in collection_calls(units):
        carried += taken
        assert len(call.collections) <= COLLECTIONS_PER_CALL
        assert all(0 < len(each) <= ROWS_PER_COLLECTION for each in call.collections)
        assert [unit.nodes[0] for unit in taken] == list(call.nodes())
    assert carried == units


@given(values)
def test_a_value_survives_being_saved(value: object) -> None:
    """Decimals keep their digits, dates stay dates, and nothing becomes something else."""
    back = decode(encode(value))
    assert type(back) is type(value)
    assert str(back) == str(value)


@given(texts)
def test_cleaning_a_key_twice_changes_nothing_more(text: str) -> None:
    """A cleaned key is clean, so that the same key is always found again."""
    assert clean_key(clean_key(text)) == clean_key(text)


@given(st.text("ABCxyz019", min_size=15, max_size=15))
def test_both_forms_of_an_id_are_the_same_record(short: str) -> None:
    """The 15-character and the 18-character form of an id lead to one value, a wrong checksum to none."""
    full = short + checksum(short)
    assert record_id(short) == record_id(full) == full
    wrong = "A" if full[-1] != "A" else "B"
    assert record_id(full[:-1] + wrong) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**16), max_value=10**16))
def test_a_number_read_from_its_own_text_is_the_same_number(number: Decimal) -> None:
    """Amounts keep every digit on their way through text."""
    assert parse_number(f"{number:f}") == number
    assert is_same(number, Decimal(f"{number:f}0"), scale=2)


@given(values)
def test_sameness_is_reflexive(value: Decimal | str | bool | date | datetime | Pending | None) -> None:
    """A value is the same as itself in its canonical form."""
    assert is_same(value, canonical(value))
