"""What a row is as the cells of a job, by which mark its result is known, and which files need not be fetched."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.core.sending.bulk import (
    JobProgress,
    JobState,
    ResultFile,
    RowMarks,
    columns_of,
    shape_of,
)
from sfsync.core.writes import Node, NodeRef

RECORD = "006000000000001AAA"
VALUES: dict[str, Any] = {
    "Name": 'Shoes, "red"\r\nand blue',
    "Amount": Decimal("1200.50"),
    "CloseDate": date(2027, 1, 31),
    "Seen__c": datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
    "IsPrivate": False,
    "NextStep": None,
    "Description": "  ",
}


def node(body: dict[str, Any], record_id: str | None = None, *, deletes: bool = False) -> Node:
    """A row of deals."""
    return Node("n", "Opportunity:1", "Opportunity", record_id, body, deletes=deletes)


def cells(row: Node) -> dict[str, str]:
    """The cells of a row by column."""
    shape = shape_of(row, columns_of([row]))
    return dict(zip(shape.columns, shape.cells(row), strict=True))


def test_a_value_is_written_so_that_it_comes_out_the_same() -> None:
    """Decimals keep every digit, dates and moments have the platform's form, a checkbox is a word."""
    assert cells(node(VALUES)) == {
        "Name": 'Shoes, "red"\r\nand blue',
        "Amount": "1200.50",
        "CloseDate": "2027-01-31",
        "Seen__c": "2026-05-01T12:30:00.000Z",
        "IsPrivate": "false",
        "NextStep": "",
        "Description": "  ",
    }


def test_an_update_names_its_record_and_clears_by_a_word() -> None:
    """An empty cell would leave a field alone, so none and blank text, which are one thing, clear it by #N/A."""
    found = cells(node(VALUES, RECORD))
    assert (found["Id"], found["NextStep"], found["Description"]) == (RECORD, "#N/A", "#N/A")
    shape = shape_of(node({}, RECORD), ("Name", "Amount"))
    assert shape.cells(node({"Amount": Decimal(1)}, RECORD)) == (RECORD, "", "1")


def test_a_deletion_is_its_id_and_nothing_else() -> None:
    """The platform refuses other columns."""
    assert cells(node({}, RECORD, deletes=True)) == {"Id": RECORD}


UNSENDABLE: dict[str, Any] = {
    "a text that clears": " #N/A ",
    "a NUL": "a\0b",
    "half a character": "a\ud800",
    "a text beyond the limit": "x" * 131_073,
    "a reference": NodeRef("d0"),
    "a number that is none": Decimal("NaN"),
}


@pytest.mark.parametrize("what", UNSENDABLE)
def test_a_value_that_no_cell_can_carry_is_told_with_its_field(what: str) -> None:
    """It is refused before anything is sent."""
    with pytest.raises(ValueError, match=r"^NextStep: "):
        cells(node({"Name": "Shoes", "NextStep": UNSENDABLE[what]}))


def test_a_row_that_is_too_long_is_told() -> None:
    """No field of it is, but all together are more than a record of a job may be."""
    with pytest.raises(ValueError, match="longer"):
        cells(node({f"F{number}": "x" * 131_000 for number in range(4)}))


def test_a_mark_does_not_depend_on_the_columns_of_a_file() -> None:
    """Empty cells, the order and the case of columns, line ends and outer blanks count for nothing."""
    mine = RowMarks(("Name", "Amount", "NextStep")).of(("Shoes\r\nred", "5", ""))
    assert RowMarks(("amount", "NAME")).of(("5", " Shoes\nred ")) == mine
    assert RowMarks(("Name", "NextStep")).of(("Shoes\nred", "5")) != mine
    assert RowMarks(("A", "B")).of(("1;b=1:2", "")) != RowMarks(("A", "B")).of(("1", "2"))


def test_a_mark_by_the_id_looks_at_nothing_else() -> None:
    """What the platform makes of the other cells does not matter."""
    marks = RowMarks(("Id", "Amount"), ("Id",))
    assert marks.of((RECORD, "5")) == marks.of((RECORD, "5.0"))
    assert not RowMarks(("Amount",), ("Id",)).is_complete


def test_a_file_is_left_out_only_when_the_numbers_prove_it_empty() -> None:
    """All that was sent was looked at, and none of it failed; a job that did not complete proves nothing."""
    clean = JobProgress(JobState.JOB_COMPLETE, processed=10, failed=0)
    left_out = [each for each in ResultFile if clean.leaves_empty(each, 10)]
    assert left_out == [ResultFile.REFUSED, ResultFile.UNPROCESSED]
    some_failed = JobProgress(JobState.JOB_COMPLETE, processed=10, failed=1)
    assert [each for each in ResultFile if some_failed.leaves_empty(each, 10)] == [ResultFile.UNPROCESSED]
    for doubtful, rows in (
        (JobProgress(JobState.JOB_COMPLETE, processed=9, failed=0), 10),
        (JobProgress(JobState.FAILED, processed=10, failed=0), 10),
        (JobProgress(JobState.ABORTED, processed=10, failed=0), 10),
        (clean, None),
    ):
        assert not any(doubtful.leaves_empty(each, rows) for each in ResultFile)
