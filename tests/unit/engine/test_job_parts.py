"""How rows are cut into the contents of jobs: at record ends, by size, by columns, and by whose rows are alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from sfsync.core.reports.results import Problem
from sfsync.core.sending.bulk import JobShape
from sfsync.core.writes import Node
from sfsync.engine.applying.bulk_jobs.job_lines import JobLine, LineEnd
from sfsync.engine.applying.bulk_jobs.job_parts import PartMaker
from sfsync.salesforce.bulk_files import CsvUpload


class Noting:
    """Keeps what rows came to."""

    def __init__(self) -> None:
        self.ends: list[LineEnd] = []

    def end(self, ends: Sequence[LineEnd]) -> None:
        """Notes the ends."""
        self.ends += ends

    def intend(self, *_: Any, **__: Any) -> None:
        """Nothing is sent here."""

    def release(self, *_: Any) -> None:
        """Nothing was sent here."""

    def note(self, problem: Problem) -> None:
        """Nothing is noted here."""


class Files:
    """Where uploads are made; no org is asked."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes

    def upload(self, shape: JobShape) -> CsvUpload:
        """The real upload, of that size."""
        return CsvUpload(shape, most_bytes=self.most_bytes)


def line(number: int, run: str = "r1", **body: Any) -> JobLine:
    """A row of deals."""
    return JobLine(run, Node(f"n{number}", f"Opportunity:{number}", "Opportunity", None, body))


def cut(
    lines: Iterable[JobLine], *, most_bytes: int = 10**8, columns: tuple[str, ...] = ()
) -> tuple[list[list[tuple[str, ...]]], list[list[str]], Noting]:
    """The cells of each part, the names of its rows, and what rows came to on the way."""
    keeper = Noting()
    cells, names = [], []
    files: Any = Files(most_bytes)
    for part in PartMaker(files, lines, keeper, columns=columns).parts():
        assert part.upload.size <= most_bytes or part.upload.rows == 1
        cells.append(list(part.upload.cells()))
        names.append(
            [f"{each.run_id} {each.change_id.removeprefix('Opportunity:')}" for each in part.index.names()]
        )
        part.close()
    return cells, names, keeper


def test_a_part_ends_where_a_record_ends() -> None:
    """No row is lost, none is in two parts, and no part is larger than a job takes."""
    rows = [(f'Deal {n}\n"{n}"',) for n in range(50)]
    cells, names, _ = cut((line(n, Name=row[0]) for n, row in enumerate(rows)), most_bytes=100)
    assert len(cells) == 10
    assert [row for part in cells for row in part] == rows
    assert [name for part in names for name in part] == [f"r1 {n}" for n in range(50)]


def test_a_row_with_a_further_field_begins_another_part() -> None:
    """Where nobody says which fields the rows have, the first rows tell, and later ones add to them."""
    lines = (line(n, Name="x", **({"Amount": "1"} if n == 2_500 else {})) for n in range(2_600))
    cells, names, _ = cut(lines)
    assert [len(part) for part in names] == [2_500, 100]
    assert (cells[0][0], cells[1][0], cells[1][1]) == (("x",), ("x", "1"), ("x", ""))
    lines = (line(n, Name="x", **({"Amount": "1"} if n == 2_500 else {})) for n in range(2_600))
    assert [len(part) for part in cut(lines, columns=("Name", "Amount"))[1]] == [2_600]


def test_rows_of_two_runs_with_the_same_content_share_no_job() -> None:
    """Each run can settle its own rows from a job's results without knowing the other's."""
    lines = [
        line(1, "r1", Name="x"),
        line(2, "r1", Name="x"),
        line(3, "r2", Name="x"),
        line(4, "r2", Name="y"),
    ]
    assert cut(lines)[1] == [["r1 1", "r1 2", "r2 4"], ["r2 3"]]


def test_a_row_that_no_job_can_carry_ends_on_the_way() -> None:
    """The others go."""
    lines = [line(1, Name="x"), line(2, Name="#N/A"), line(3, Name="y")]
    _, names, keeper = cut(lines)
    assert names == [["r1 1", "r1 3"]]
    assert [(each.name.change_id, each.is_own_word) for each in keeper.ends] == [("Opportunity:2", True)]


def test_rows_of_two_kinds_are_no_job() -> None:
    """One sObject and one operation make a job; anything else is a fault of ours."""
    update = JobLine("r1", Node("n", "c", "Opportunity", "006000000000001AAA", {"Name": "x"}))
    with pytest.raises(ValueError, match="one sObject"):
        cut([line(1, Name="x"), update])
