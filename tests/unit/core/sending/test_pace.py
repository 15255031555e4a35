"""How many calls fly and how much they carry, by what the org answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.sending.pace import AIM_S, FULL, Pace, first_pace


def test_a_run_begins_with_full_calls_where_the_org_was_quick() -> None:
    """What the plan has predicted is what is sent: full calls, as many as there are threads."""
    assert first_pace(4, slowest_s=0.3) == Pace(threads=4, width=4, rows=FULL)


def test_a_run_begins_with_one_collection_where_the_org_was_slow() -> None:
    """An org that took two seconds for a read gets two hundred rows first."""
    assert first_pace(4, slowest_s=2.0).rows == 200


def test_small_calls_grow_to_five_collections_while_answers_are_quick() -> None:
    """Each quick answer doubles what the next call may carry, up to the full call."""
    pace = first_pace(4, slowest_s=5.0)
    sizes = []
    for _ in range(4):
        pace = pace.after(rows=pace.rows, seconds=0.5, is_locked=False)
        sizes.append(pace.rows)
    assert sizes == [400, 800, 1000, 1000]


def test_they_do_not_grow_beyond_what_fits_the_time() -> None:
    """Two hundred rows in five seconds are four hundred in ten, and not more."""
    pace = Pace(4, 4, rows=200).after(rows=200, seconds=5.0, is_locked=False)
    assert pace.rows == 400
    assert pace.after(rows=400, seconds=10.0, is_locked=False).rows == 400


def test_an_answer_that_took_too_long_makes_the_next_call_smaller_at_once() -> None:
    """A thousand rows in twenty-five seconds are four hundred in ten."""
    assert Pace(4, 4).after(rows=1000, seconds=25.0, is_locked=False).rows == 400


def test_a_call_of_few_rows_says_nothing_of_full_ones() -> None:
    """The last rows of a phase, in a call of their own, make no call smaller."""
    assert Pace(4, 4).after(rows=3, seconds=1.0, is_locked=False).rows == FULL


@given(st.floats(0.002, 2.0))
def test_no_second_call_takes_twenty_seconds(row_s: float) -> None:
    """Whatever a row takes, from the second call on a call is done in ten seconds or carries the least rows."""
    pace = Pace(4, 4)
    for _ in range(10):
        pace = pace.after(rows=pace.rows, seconds=pace.rows * row_s, is_locked=False)
        assert pace.rows * row_s <= AIM_S or pace.rows <= 25


def test_locked_rows_halve_the_calls_in_flight_and_quiet_answers_bring_them_back() -> None:
    """Four become two become one; then one comes back after four quiet answers, the next after eight."""
    pace = Pace(4, 4)
    widths = []
    for _ in range(3):
        pace = pace.after(rows=200, seconds=0.1, is_locked=True)
        widths.append(pace.width)
    assert widths == [2, 1, 1]
    widths = []
    for _ in range(24):
        pace = pace.after(rows=200, seconds=0.1, is_locked=False)
        widths.append(pace.width)
    assert (widths.index(2), widths.index(3), widths.index(4)) == (3, 11, 23)
    assert pace.after(rows=200, seconds=0.1, is_locked=False).width == 4
