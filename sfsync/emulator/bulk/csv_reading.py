"""CSV as the platform reads it: the job's delimiter and line end and no other, UTF-8, strict quotes.

A file is read batch by batch, so that memory holds one batch of cells beside the upload. What is wrong
with the text fails the batch it stands in, and with it the job; earlier batches are done by then.
Source: Bulk API 2.0 Guide, Prepare CSV Files and Limits [D]; words of the messages [P].
"""

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from sfsync.emulator.bulk.jobs import DELIMITERS, LINE_ENDS, JobFailedError, JobRequest

BATCH_ROWS: Final = 10_000
_MOST_HEADER_CHARS: Final = 32_000
_MOST_FIELDS: Final = 5_000
_MOST_FIELD_CHARS: Final = 131_072
_MOST_RECORD_CHARS: Final = 400_000

Cells = list[str]


class CsvFile:
    """An upload being read: the header at once, then batches of records."""

    def __init__(self, uploads: Sequence[bytes], request: JobRequest) -> None:
        self._line_end = LINE_ENDS[request.line_end]
        self._line_end_name = request.line_end
        self._lines = _Lines(uploads, self._line_end)
        self._reader = csv.reader(
            iter(self._lines), delimiter=DELIMITERS[request.delimiter], doublequote=True, strict=True
        )
        self.header = self._read_header()

    def batches(self) -> Iterator[list[Cells]]:
        """Return the records, 10,000 at a time.

        Raises: JobFailedError for text that breaks the rules of CSV, of the job or of the limits.
        """
        records = self._records()
        while batch := list(islice(records, BATCH_ROWS)):
            yield batch

    def readable_batches(self) -> Iterator[list[Cells]]:
        """Return the records up to the first that breaks a rule, 10,000 at a time."""
        batch: list[Cells] = []
        with contextlib.suppress(JobFailedError):
            for record in self._records():
                batch.append(record)
                if len(batch) == BATCH_ROWS:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _read_header(self) -> Cells:
        record = self._next()
        if record is None:
            raise JobFailedError("InvalidBatch : The file has no header row")
        if self._lines.taken > _MOST_HEADER_CHARS:
            raise JobFailedError(f"InvalidBatch : The header is longer than {_MOST_HEADER_CHARS} characters")
        if len(record) > _MOST_FIELDS:
            raise JobFailedError(f"InvalidBatch : The file has more than {_MOST_FIELDS} fields")
        return record

    def _records(self) -> Iterator[Cells]:
        width = len(self.header)
        while (record := self._next()) is not None:
            if len(record) != width:
                raise JobFailedError(f"ClientInputError : A row has {len(record)} cells, the header {width}")
            yield record

    def _next(self) -> Cells | None:
        """Return the next record that is not an empty line; None at the end."""
        record: Cells = []
        while not record:
            self._lines.taken = 0
            try:
                record = next(self._reader)
            except StopIteration:
                return None
            except UnicodeDecodeError:
                raise JobFailedError("ClientInputError : The content is not valid UTF-8") from None
            except csv.Error as problem:
                raise self._broken(str(problem)) from None
            self._check_line_end()
        if self._lines.taken > _MOST_FIELD_CHARS:
            self._check_size(record)
        return record

    def _check_line_end(self) -> None:
        last = self._lines.last
        if self._line_end == "\n":
            if last.endswith(("\r\n", "\r")):
                raise self._wrong_line_end()
        elif last.endswith("\n") and not last.endswith("\r\n"):
            raise self._wrong_line_end()

    def _check_size(self, record: Cells) -> None:
        if self._lines.taken > _MOST_RECORD_CHARS:
            raise JobFailedError(f"InvalidBatch : A record is longer than {_MOST_RECORD_CHARS} characters")
        if max(map(len, record)) > _MOST_FIELD_CHARS:
            raise JobFailedError(f"InvalidBatch : A field is longer than {_MOST_FIELD_CHARS} characters")

    def _broken(self, problem: str) -> JobFailedError:
        if "new-line" in problem:
            return self._wrong_line_end()
        if "field larger" in problem:
            return JobFailedError(f"InvalidBatch : A field is longer than {_MOST_FIELD_CHARS} characters")
        return JobFailedError(f"ClientInputError : The CSV is broken: {problem}")

    def _wrong_line_end(self) -> JobFailedError:
        name = self._line_end_name
        return JobFailedError(
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {name}"
        )


class _Lines:
    """The text line by line, cut only at the job's line end; counts the characters of one record."""

    def __init__(self, uploads: Sequence[bytes], line_end: str) -> None:
        self._uploads = uploads
        self._line_end = line_end
        self.taken = 0
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        for upload in self._uploads:
            for line in io.TextIOWrapper(io.BytesIO(upload), encoding="utf-8", newline=self._line_end):
                self.taken += len(line)
                self.last = line
                yield line
