"""Settles the rows of a job that has ended by its files of results, a thousand at a time.

A file is fetched whole and counted before a row of it is believed, and fetched again while the rows do not add up
to what the job says it has looked at. Files that its numbers prove to be empty are not fetched. A row that is in
none of them is nobody's to send again. What an earlier process has settled of the same job is left out first: where
rows are alike, its record must not be taken for another's.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.org_jobs import JobRows
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sending.bulk import JobProgress, JobShape, ResultFile, ResultRow, RowMarks
from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.writes import Answer, Refused, Unanswered, Written
from sfsync.engine.applying.bulk_jobs.job_index import JobIndex
from sfsync.engine.applying.bulk_jobs.job_lines import LINES_AT_A_TIME, LineEnd, LineKeeper, Traffic
from sfsync.errors import GuardError, OrgUnavailable

MOST_READS: Final = 4
"""How often results are read again while they do not add up."""

_SHOWN: Final = 5
_NO_RESULT: Final = "no result of the job tells of it"


@dataclass(frozen=True, slots=True)
class Settled:
    """What is settled of a job already: the records that it saved, how many rows of a mark it refused.

    With `has_others` rows of other runs are in the job too, of which nothing is known here.
    """

    record_ids: frozenset[str] = frozenset()
    refused: Counter[bytes] = field(default_factory=Counter)
    has_others: bool = False


NOTHING_SETTLED: Final = Settled()


def settle_results(
    traffic: Traffic,
    job_id: str,
    progress: JobProgress,
    index: JobIndex,
    shape: JobShape,
    keeper: LineKeeper,
    *,
    rows: int | None,
    settled: Settled,
) -> Sequence[int]:
    """Gives every row of the index its end; returns those that surely were not saved, in their order.

    Raises:
        OrgUnavailable: a file of results cannot be read.
        GuardError: all is settled, and more rows have failed than the limits allow.
    """
    with ExitStack() as files:
        found = _whole_results(traffic, job_id, progress, shape, rows, files)
        work = _Settling(index, shape, keeper, settled)
        for file, read in found.items():
            work.go_through(file, read)
        return work.finish()


def _whole_results(
    traffic: Traffic,
    job_id: str,
    progress: JobProgress,
    shape: JobShape,
    rows: int | None,
    files: ExitStack,
) -> dict[ResultFile, JobRows]:
    """The files of results, read again until they hold as many rows as the job says it has looked at."""
    wanted = [each for each in ResultFile if not progress.leaves_empty(each, rows)]
    for tries in range(1, MOST_READS + 1):
        with ExitStack() as these:
            found: dict[ResultFile, JobRows] = {}
            for file in wanted:
                found[file] = traffic.gateway.jobs.results(job_id, file, shape)
                these.callback(found[file].close)
            is_last = tries == MOST_READS
            if _adds_up(found, progress) or (is_last and all(each.is_whole for each in found.values())):
                files.enter_context(these.pop_all())
                return found
        if not is_last:
            traffic.pause(tries)
    raise _cut()


def _adds_up(found: dict[ResultFile, JobRows], progress: JobProgress) -> bool:
    saved = found[ResultFile.SAVED].count
    refused = found[ResultFile.REFUSED].count if ResultFile.REFUSED in found else 0
    is_whole = all(each.is_whole for each in found.values())
    return is_whole and saved + refused >= progress.processed and refused >= progress.failed


def _cut() -> OrgUnavailable:
    return OrgUnavailable(
        "the results of a bulk job were cut off every time they were read",
        code="UNREADABLE",
        hint="the job's id is in the journal; try again later with sfsync resume",
    )


class _Settling:
    """The rows of a job on their way to their ends."""

    def __init__(self, index: JobIndex, shape: JobShape, keeper: LineKeeper, settled: Settled) -> None:
        self._index = index
        self._shape = shape
        self._keeper = keeper
        self._record_ids = settled.record_ids
        self._refused = Counter(settled.refused)
        self._has_others = settled.has_others
        self._again = array("I")
        self._waiting: list[LineEnd] = []
        self._strays: list[str] = []
        self._stray_count = 0
        self._failed: GuardError | None = None

    def go_through(self, file: ResultFile, rows: JobRows) -> None:
        """Takes the rows of a file; what was saved comes before what was not."""
        marks = RowMarks(rows.columns, self._shape.known_by)
        if rows.count and not marks.is_complete:
            raise _cut()
        for mark, row in _marked(marks, rows):
            if file is ResultFile.SAVED:
                self._saved(mark, row)
            elif file is ResultFile.REFUSED:
                self._refuse(mark, row)
            elif (number := self._index.take(mark)) is not None:
                self._again.append(number)

    def finish(self) -> Sequence[int]:
        """Ends the rows that no file told of; returns those that may be sent again."""
        for number in self._index.left():
            self._end(number, Unanswered(_NO_RESULT))
        self._flush()
        if self._stray_count and not self._has_others:
            self._keeper.note(_strays(self._shape.sobject, self._strays, self._stray_count))
        if self._failed is not None:
            raise self._failed
        return sorted(self._again)

    def _saved(self, mark: bytes, row: ResultRow) -> None:
        if row.record_id in self._record_ids:
            return
        number = self._index.take(mark)
        if number is not None:
            self._end(number, Written(row.record_id))
            return
        self._stray_count += 1
        if len(self._strays) < _SHOWN:
            self._strays.append(row.record_id)

    def _refuse(self, mark: bytes, row: ResultRow) -> None:
        if self._refused[mark] > 0:
            self._refused[mark] -= 1
            return
        number = self._index.take(mark)
        if number is None:
            return
        if row_fate(row.code, row.message) is RowFate.LOCKED:
            self._again.append(number)
        else:
            self._end(number, Refused(row.code, row.message, row.fields))

    def _end(self, number: int, answer: Answer) -> None:
        self._waiting.append(LineEnd(self._index.name(number), answer))
        if len(self._waiting) == LINES_AT_A_TIME:
            self._flush()

    def _flush(self) -> None:
        """Makes the ends durable. Too many failures stop the run only when all that the job did is on record."""
        ends, self._waiting = self._waiting, []
        if not ends:
            return
        try:
            self._keeper.end(ends)
        except GuardError as error:
            self._failed = self._failed or error


def _marked(marks: RowMarks, rows: JobRows) -> Iterator[tuple[bytes, ResultRow]]:
    for row in rows:
        yield marks.of(row.cells), row


def _strays(sobject: str, record_ids: Sequence[str], count: int) -> Problem:
    """Records that the job says it saved and that are no row of ours: a repeated chunk, or an altered row."""
    more = f" and {count - len(record_ids)} more" if count > len(record_ids) else ""
    message = (
        f"a bulk job saved {count} records of {sobject} that match no row left: {', '.join(record_ids)}{more}"
    )
    hint = "Compare them with the rows: the platform may have repeated some, or saved them with other values."
    return Problem("STRAY_RECORDS", Stage.ORG, message, hint)
