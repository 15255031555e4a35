"""Random histories in orgs that keep no key: whatever anybody does in any order, the promises hold."""

from __future__ import annotations

from crash_worlds import KINDS
from history_machine import play_histories


def test_random_histories_without_a_key_keep_every_promise() -> None:
    """Edits, runs, faults and deaths bring no row twice, lose none in silence, and overwrite nobody."""
    play_histories([each for each in KINDS if not each.has_key])
