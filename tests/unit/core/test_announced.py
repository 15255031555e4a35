"""What the progress says of a plan's notes."""

from __future__ import annotations

from sfsync.core.reports.announced import announced
from sfsync.core.reports.results import Problem, Stage


def note(code: str, message: str) -> Problem:
    """A note of a plan."""
    return Problem(code, Stage.PLAN, message)


def test_a_note_about_columns_is_said_in_full() -> None:
    """Its words name no value of a row."""
    assert list(announced([note("COLUMN_NOT_MAPPED", "deals.csv: column x")])) == ["deals.csv: column x"]


def test_of_notes_that_may_name_values_only_the_code_is_said_once() -> None:
    """A code that nobody has looked at counts as one of these."""
    notes = [note("DOUBLE_ROLE", "Acme has Ann twice"), note("DOUBLE_ROLE", "Acme 2"), note("NEW", "Acme 3")]
    assert list(announced(notes)) == [
        "DOUBLE_ROLE: 2 notes with values of rows: they stand in the plan and the report",
        "NEW: a note with values of rows: it stands in the plan and the report",
    ]
