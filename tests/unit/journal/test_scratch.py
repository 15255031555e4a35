"""What planning puts aside is found again, space by space, and is on no disk under any name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from sfsync.journal.scratch import SqliteScratch


@pytest.fixture
def scratch() -> Iterator[SqliteScratch]:
    """An empty one."""
    with closing(SqliteScratch()) as made:
        yield made


def test_entries_keep_their_order_and_their_space(scratch: SqliteScratch) -> None:
    """Several entries may be under one key; keys of other spaces are not found."""
    scratch.put("a", [("x", b"1"), ("y", b"2"), ("x", b"3")])
    scratch.put("b", [("x", b"4"), ("half \ud800", b"5")])
    assert scratch.get("a", ["x", "z"]) == {"x": [b"1", b"3"]}
    assert scratch.get("b", ["half \ud800"]) == {"half \ud800": [b"5"]}
    assert scratch.get("c", ["x"]) == {}
    assert list(scratch.all("a")) == [("x", b"1"), ("y", b"2"), ("x", b"3")]


def test_thousands_of_keys_are_asked_for_at_once(scratch: SqliteScratch) -> None:
    """More than one statement takes."""
    scratch.put("a", ((f"{number}", b"") for number in range(3_000)))
    assert len(scratch.get("a", [f"{number}" for number in range(1_000, 4_000)])) == 2_000
    assert sum(1 for _ in scratch.all("a")) == 3_000
