"""What an undo leaves standing, in words: how many records stay, and what takes them back too."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.core.reports.standing import Standing


def stays_words(left: Standing) -> str:
    """`1 record stays as it is (NOT_UNDONE 1)`."""
    codes = ", ".join(f"{code} {count:,}" for code, count in left.codes.items())
    return f"{records_stay(left.records)} ({codes})"


def records_stay(count: int) -> str:
    """`2 records stay as they are`."""
    return "1 record stays as it is" if count == 1 else f"{count:,} records stay as they are"


def take_back_too(undone: str, later_runs: Sequence[str]) -> str:
    """What is typed to take back what later runs wrote to; "" where no run stands in the way."""
    if not later_runs:
        return ""
    return "what later runs wrote to goes back by " + " && ".join(
        f"sfsync undo {each}" for each in (*later_runs, undone)
    )
