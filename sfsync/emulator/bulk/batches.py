"""The work of an ingest job: batches of 10,000 rows, each in chunks of 200 that commit by themselves.

A batch whose worker is lost, or that takes more than five minutes, is taken up again after its last
committed chunk; one that meets too many locks is put back behind the others. A failed or aborted job
keeps what it has written. Batches promise no order, so the second of two goes first.
Source: Bulk API 2.0 Guide, How Requests Are Processed [D]: batch and chunk sizes, five minutes, twenty
retries, a hundred locks. Whether a retry repeats a committed chunk is not known: a switch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sfsync.emulator.bulk.csv_reading import Cells, CsvFile
from sfsync.emulator.bulk.job_work import JobWork, StoppedError, Wait, WorkerLostError
from sfsync.emulator.bulk.jobs import JobFailedError, JobState, RowResult
from sfsync.emulator.bulk.row_saving import CHUNK_ROWS, RowSaver, saver_for
from sfsync.emulator.fault_actions import Delay
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT

_BATCH_TIME: Final = timedelta(minutes=5)
_MOST_RETRIES: Final = 20
_MOST_LOCK_FAILURES: Final = 100


@dataclass(slots=True)
class _Batch:
    """A batch in work: its rows, the place of its first row in the file, and the rows done so far."""

    first: int
    rows: list[Cells]
    began: datetime
    done: int = 0
    lock_failures: int = 0
    retries: int = 0

    @property
    def chunk(self) -> list[Cells]:
        return self.rows[self.done : self.done + CHUNK_ROWS]


class BatchWork:
    """The batches of one job, one after the other."""

    def __init__(self, work: JobWork) -> None:
        self._work = work
        self._job = work.job
        self._org = work.call.org
        self._chunks = 0
        self._put_back: list[_Batch] = []

    def steps(self) -> Iterator[Wait]:
        """Work through the file and yield where the work must wait.

        Raises: JobFailedError when the job cannot go on; StoppedError when it must not.
        """
        file = CsvFile(self._job.uploads, self._job.request)
        saver = saver_for(self._work.call, self._job.request, file.header)
        for first, rows in _out_of_order(file.batches()):
            if not (self._org.jobs.batches.take() and self._org.jobs.records.take(len(rows))):
                raise JobFailedError("ExceededQuota : The allowance of the last 24 hours is used up")
            yield from self._batch(_Batch(first, rows, self._work.due), saver)
        while self._put_back:
            batch = self._put_back.pop(0)
            batch.began, batch.lock_failures = self._work.due, 0
            yield from self._batch(batch, saver)

    def _batch(self, batch: _Batch, saver: RowSaver) -> Iterator[Wait]:
        while batch.chunk:
            self._chunks += 1
            number = self._chunks
            yield from self._work.waits(BEFORE_COMMIT, number)
            self._check_state()
            try:
                self._save_chunk(batch, saver, number=number)
                self._work.strike(AFTER_COMMIT, number)
            except WorkerLostError:
                self._take_up_again(batch)
            yield Delay(self._org.jobs.chunk_s)
            yield from self._work.waits(AFTER_COMMIT, number)
            if self._work.due - batch.began > _BATCH_TIME and batch.chunk:
                self._take_up_again(batch)
            if batch.lock_failures > _MOST_LOCK_FAILURES and batch.chunk:
                self._count_retry(batch, "TooManyLockFailure : Too many rows could not be locked")
                self._put_back.append(batch)
                return

    def _check_state(self) -> None:
        with self._job.guard:
            if self._job.state is JobState.IN_PROGRESS:
                return
            if not self._job.chunk_in_flight:
                raise StoppedError
            self._job.chunk_in_flight = False

    def _save_chunk(self, batch: _Batch, saver: RowSaver, *, number: int) -> None:
        place = batch.first + batch.done
        with self._work.working(), self._work.call.work.unit():
            results = saver.save(batch.chunk, first=place)
            self._work.strike(BEFORE_COMMIT, number)
        self._record(results, place=place)
        batch.lock_failures += sum(
            result.error is not None and result.error.startswith("UNABLE_TO_LOCK_ROW") for result in results
        )
        batch.done += len(results)

    def _record(self, results: list[RowResult], *, place: int) -> None:
        job = self._job
        job.results += [None] * (place + len(results) - len(job.results))
        earlier = [result for result in job.results[place : place + len(results)] if result is not None]
        job.results[place : place + len(results)] = results
        job.processed += len(results) - len(earlier)
        job.failed += _refused(results) - _refused(earlier)

    def _take_up_again(self, batch: _Batch) -> None:
        self._count_retry(batch, "Timeout : The batch was retried too often")
        batch.began = self._work.due
        if self._org.switches.batch_retry_repeats_chunk:
            batch.done = max(batch.done - 1, 0) // CHUNK_ROWS * CHUNK_ROWS

    def _count_retry(self, batch: _Batch, message: str) -> None:
        batch.retries += 1
        if batch.retries > _MOST_RETRIES:
            raise JobFailedError(message)
        self._job.retries += 1


def _out_of_order(batches: Iterable[list[Cells]]) -> Iterator[tuple[int, list[Cells]]]:
    """Return the batches with their first places, of every two the second one first."""
    first, waiting = 0, None
    for rows in batches:
        if waiting is None:
            waiting = (first, rows)
        else:
            yield first, rows
            yield waiting
            waiting = None
        first += len(rows)
    if waiting is not None:
        yield waiting


def _refused(results: list[RowResult]) -> int:
    return sum(result.error is not None for result in results)
