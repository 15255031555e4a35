"""Cursors that nobody reads to their end do not fill the memory."""

from datetime import UTC, datetime

import pytest

from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.cursors import Cursors, Reader
from sfsync.emulator.switches import Switches


def test_the_oldest_cursors_end_early_when_they_hold_too_much():
    """A cursor lives up to two days; beyond five million open rows the oldest ends sooner."""
    cursors = Cursors("8d000", clock=VirtualClock(datetime(2026, 9, 30, tzinfo=UTC)), switches=Switches())
    reader = Reader("005", 2_000)
    records = [{}] * 2_600_000
    first, second, third = (str(cursors.first_page(records, reader).locator) for _ in range(3))
    with pytest.raises(ApiError):
        cursors.next_page(first, user_id="005")
    assert len(cursors.next_page(second, user_id="005").records) == 2_000
    assert len(cursors.next_page(third, user_id="005").records) == 2_000
