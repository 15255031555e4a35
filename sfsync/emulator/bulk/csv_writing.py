"""Result files: CSV with every cell quoted, in the job's delimiter and line end.

The files of an ingest job echo the columns as they were sent. The order of rows promises nothing: within
a batch the last row comes first, so that nobody leans on the order of the upload.
Source: Bulk API 2.0 Guide, Get Job Successful, Failed and Unprocessed Record Results, Get Results for a
Query Job [D].
"""

import contextlib
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from sfsync.emulator.bulk.csv_reading import Cells, CsvFile
from sfsync.emulator.bulk.jobs import DELIMITERS, LINE_ENDS, Job, JobFailedError, JobRequest, RowResult
from sfsync.emulator.soql import QueryResult
from sfsync.emulator.switches import Switches

_PLAIN_FROM: Final = 1e-3
_PLAIN_BELOW: Final = 1e7


def successful_rows(job: Job, switches: Switches) -> bytes:
    """Return the rows that were saved: their id, whether they are new, and the columns sent."""
    rows = (
        [result.id, "true" if result.created else "false", *cells]
        for result, cells in _rows(job, switches)
        if result is not None and result.error is None
    )
    return _file(["sf__Id", "sf__Created", *_header(job)], rows, job.request)


def failed_rows(job: Job, switches: Switches) -> bytes:
    """Return the rows that were refused: the id if it is known, why, and the columns sent."""
    rows = (
        [result.id, result.error, *cells]
        for result, cells in _rows(job, switches)
        if result is not None and result.error is not None
    )
    return _file(["sf__Id", "sf__Error", *_header(job)], rows, job.request)


def unprocessed_rows(job: Job, switches: Switches) -> bytes:
    """Return the rows that nobody looked at, as they were sent."""
    rows = (cells for result, cells in _rows(job, switches) if result is None)
    return _file(_header(job), rows, job.request)


def query_rows(result: QueryResult, request: JobRequest, *, first: int, end: int) -> bytes:
    """Return the rows of a query from one place to another, under a header."""
    paths = [path for column in result.columns for path in _paths(column)]
    rows = ([_cell(record, path) for path in paths] for record in result.records[first:end])
    return _file([".".join(path) for path in paths], rows, request)


def _header(job: Job) -> Cells:
    try:
        return CsvFile(job.uploads, job.request).header
    except JobFailedError:
        return []


def _rows(job: Job, switches: Switches) -> Iterator[tuple[RowResult | None, Cells]]:
    """Return the rows that can be read, each with its result, in the order of the result files."""
    place = 0
    lost = len(job.results) - 1 if switches.result_row_missing and job.results else None
    for batch in _readable(job):
        results = job.results[place : place + len(batch)]
        results += [None] * (len(batch) - len(results))
        for index in range(len(batch) - 1, -1, -1):
            if place + index != lost:
                cells = batch[index]
                yield results[index], _altered(cells) if switches.result_echo_altered else cells
        place += len(batch)


def _readable(job: Job) -> Iterator[list[Cells]]:
    with contextlib.suppress(JobFailedError):
        yield from CsvFile(job.uploads, job.request).readable_batches()


def _altered(cells: Cells) -> Cells:
    return [cell.replace("\r\n", "\n").strip() for cell in cells]


def _file(header: Sequence[str], rows: Iterable[Sequence[Any]], request: JobRequest) -> bytes:
    raw = io.BytesIO()
    text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(
        text,
        delimiter=DELIMITERS[request.delimiter],
        lineterminator=LINE_ENDS[request.line_end],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(header)
    writer.writerows(rows)
    text.flush()
    text.detach()
    return raw.getvalue()


def _paths(column: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    name = str(column["columnName"])
    if not column["joinColumns"]:
        yield (name,)
    for inner in column["joinColumns"]:
        for path in _paths(inner):
            yield (name, *path)


def _cell(record: Any, path: tuple[str, ...]) -> str:
    value = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return scientific(value)
        case str() if value.endswith("+0000"):
            return value.removesuffix("+0000") + "Z"
    return str(value)


def scientific(number: float) -> str:
    """Return a number as the platform's results write it: in powers of ten from ten millions on.

    Source: Bulk API 2.0 Guide, Prepare CSV Files [D]: `9.12260031E8`.
    """
    if number == 0 or _PLAIN_FROM <= abs(number) < _PLAIN_BELOW:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    first, *others = map(str, digits)
    power = len(digits) - 1 + int(exponent)
    return f"{'-' * sign}{first}.{''.join(others) or '0'}E{power}"
