"""Cuts rows into parts, each the content of one job: on disk, indexed, and no larger than a job takes.

A part ends where a row ends. Its columns are those of the rows: where they are not said, the first rows tell them,
and a row with a further field begins another part. Rows of two runs with the same content never share a job that
inserts, so that each run can settle its own rows from the results without knowing the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from sfsync.core.org_jobs import JobUpload, OrgJobs
from sfsync.core.sending.bulk import (
    JobOperation,
    JobShape,
    RowMarks,
    columns_of,
    operation_of,
    shape_of,
)
from sfsync.core.writes import Refused
from sfsync.engine.applying.bulk_jobs.job_index import JobIndex
from sfsync.engine.applying.bulk_jobs.job_lines import (
    LINES_AT_A_TIME,
    NOT_SENDABLE,
    JobLine,
    LineEnd,
    LineKeeper,
)

LOOKED_AHEAD: Final = 2_000
"""How many rows tell the columns where nobody else does."""

MOST_ROWS: Final = 500_000
"""More rows are not put into one job, so that its index stays below 25 MB."""


@dataclass(slots=True)
class JobPart:
    """The rows of one job: on disk as they are sent, and by their marks."""

    shape: JobShape
    upload: JobUpload
    index: JobIndex

    def __len__(self) -> int:
        return len(self.index)

    def only(self, rows: Iterable[int], jobs: OrgJobs) -> JobPart:
        """Another part with these rows of this one, which are given in their order."""
        part = new_part(jobs, self.shape)
        marks = RowMarks(self.shape.columns, self.shape.known_by)
        wanted = iter(rows)
        following = next(wanted, None)
        for row, cells in enumerate(self.upload.cells()):
            if row == following:
                part.upload.add(cells)
                part.index.add(self.index.name(row), marks.of(cells))
                following = next(wanted, None)
        return part

    def close(self) -> None:
        """Lets go of the files."""
        self.upload.close()
        self.index.close()


def new_part(jobs: OrgJobs, shape: JobShape) -> JobPart:
    """A part without rows."""
    return JobPart(shape, jobs.upload(shape), JobIndex())


class PartMaker:
    """Makes parts out of rows of one sObject and one operation, one part after the other."""

    def __init__(
        self, jobs: OrgJobs, lines: Iterable[JobLine], keeper: LineKeeper, *, columns: Iterable[str] = ()
    ) -> None:
        self._jobs = jobs
        self._lines = iter(lines)
        self._keeper = keeper
        self._columns = tuple(columns)
        self._put_off: list[JobLine] = []

    def parts(self) -> Iterator[JobPart]:
        """The parts; each must be closed by who takes it. Rows that no job can carry get their end on the way."""
        first = list(islice(self._lines, 1 if self._columns else LOOKED_AHEAD))
        if not first:
            return
        columns = self._columns or columns_of(line.node for line in first)
        shape = shape_of(first[0].node, columns)
        rest: Iterator[JobLine] = chain(first, self._lines)
        del first
        while (line := next(rest, None)) is not None:
            part = new_part(self._jobs, shape)
            try:
                left = self._fill(part, chain((line,), rest))
            except BaseException:
                part.close()
                raise
            waiting = [*left, *self._put_off]
            self._put_off = []
            if shape.operation is not JobOperation.DELETE:
                shape = shape.widened(columns_of(each.node for each in left))
            rest = chain(waiting, rest)
            if len(part):
                yield part
            else:
                part.close()

    def _fill(self, part: JobPart, lines: Iterator[JobLine]) -> list[JobLine]:
        """Puts rows into the part until it is full; returns the row that did not fit, if there is one."""
        marks, known = RowMarks(part.shape.columns, part.shape.known_by), frozenset(part.shape.columns)
        refused: list[LineEnd] = []
        left: list[JobLine] = []
        for line in lines:
            _require_alike(line, part.shape)
            if len(part) >= MOST_ROWS or not (line.node.deletes or known >= line.node.body.keys()):
                left = [line]
                break
            try:
                cells = part.shape.cells(line.node)
            except ValueError as error:
                refused.append(LineEnd(line.name, Refused(NOT_SENDABLE, str(error)), is_own_word=True))
                if len(refused) == LINES_AT_A_TIME:
                    self._keeper.end(refused)
                    refused = []
                continue
            mark = marks.of(cells)
            if not part.shape.known_by and part.index.is_in_other_run(mark, line.run_id):
                self._put_off.append(line)
            elif part.upload.add(cells):
                part.index.add(line.name, mark)
            else:
                left = [line]
                break
        if refused:
            self._keeper.end(refused)
        return left


def _require_alike(line: JobLine, shape: JobShape) -> None:
    if (line.node.sobject, operation_of(line.node)) != (shape.sobject, shape.operation):
        raise ValueError("the rows of a job are of one sObject and one operation")
