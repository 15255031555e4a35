"""Ids of the emulator are ids that clients accept."""

import pytest

from sfsync.emulator.org.ids import IdSequence, normalised, with_checksum


@pytest.mark.parametrize(
    ("short", "suffix"),
    [("0015500001QdZPK", "AA3"), ("0057e00000RmwSW", "AAZ"), ("00Di0000000icUB", "EAY"), ("0" * 15, "AAA")],
)
def test_checksums_equal_recorded_ones(short: str, suffix: str):
    """The checksum of recorded ids is reproduced. Source: facts 10 [R]."""
    assert with_checksum(short) == short + suffix
    assert normalised(short) == normalised(short + suffix) == short + suffix


@pytest.mark.parametrize("text", ["", "abc", "0015500001QdZPKAA4", "0015500001QdZP!", "0" * 16])
def test_what_cannot_be_an_id(text: str):
    """Wrong lengths, characters and checksums are no ids."""
    assert normalised(text) is None


def test_sequences_rise_and_go_on_after_the_last_id():
    """Ids of one object sort in the order of their creation, also after a restart."""
    sequence = IdSequence("006", "8d000")
    ids = [sequence.next_id() for _ in range(200)]
    following = IdSequence("006", "8d000", ids[-1]).next_id()
    assert sorted(ids) == ids
    assert following > ids[-1]
    assert len({*ids, following}) == 201
