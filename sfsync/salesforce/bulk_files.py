"""The CSV of bulk jobs on disk: an upload that grows row by row, and files of results that are counted, then read.

Comma, LF and every cell quoted, as the jobs declare it. A file of results is read strictly and only up to its last
whole row; whether that is all, the caller holds against the job's own numbers.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Prepare CSV Files", "Get Job Successful Record Results".
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from sfsync.core.org_jobs import MOST_UPLOAD_BYTES, no_room
from sfsync.core.sending.bulk import JobShape, ResultFile, ResultRow
from sfsync.core.sobject import record_id
from sfsync.errors import OrgUnavailable
from sfsync.salesforce.spooling import FileBody, Spool, private_file, text_lines

_ID, _CREATED, _ERROR = "sf__Id", "sf__Created", "sf__Error"
_OWN_COLUMNS: Final = {
    ResultFile.SAVED: (_ID, _CREATED),
    ResultFile.REFUSED: (_ID, _ERROR),
    ResultFile.UNPROCESSED: (),
}
_LARGEST_CELL: Final = 2**31 - 1


class _Line:
    """What a csv writer writes into: the bytes of one row."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, text: str) -> int:
        self.data = text.encode()
        return len(text)


class CsvUpload:
    """The rows of one job on disk; implements `core.org_jobs.JobUpload`."""

    def __init__(self, shape: JobShape, *, most_bytes: int = MOST_UPLOAD_BYTES) -> None:
        self._most_bytes = most_bytes
        self._file = private_file()
        self._line = _Line()
        self._writer = csv.writer(self._line, quoting=csv.QUOTE_ALL, lineterminator="\n")
        self._hash = hashlib.blake2b(digest_size=16)
        self.rows = 0
        self.size = 0
        self._writer.writerow(shape.columns)
        self._append()

    @property
    def digest(self) -> str:
        """A hash of what will be sent."""
        return self._hash.hexdigest()

    def add(self, cells: Sequence[str]) -> bool:
        """Appends a row; False, and nothing appended, when the job would be larger than it may be."""
        self._writer.writerow(cells)
        if self.rows and self.size + len(self._line.data) > self._most_bytes:
            return False
        self._append()
        self.rows += 1
        return True

    def _append(self) -> None:
        try:
            self._file.write(self._line.data)
        except OSError as error:
            raise no_room(error) from None
        self._hash.update(self._line.data)
        self.size += len(self._line.data)

    def cells(self) -> Iterator[tuple[str, ...]]:
        """The rows again, in the order added."""
        rows = _reader(text_lines(self._file))
        next(rows)
        return map(tuple, rows)

    def body(self) -> FileBody:
        """The file as what is sent."""
        try:
            self._file.flush()
        except OSError as error:
            raise no_room(error) from None
        return FileBody(self._file, self.size, self.digest)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


class CsvRows:
    """One spooled file of results; implements `core.org_jobs.JobRows`."""

    def __init__(self, spool: Spool, file: ResultFile, shape: JobShape) -> None:
        self._spool = spool
        self._file = file
        self._sobject = shape.sobject
        # Every cell is quoted, so a file that ends neither with a line nor with a quote ends within a row.
        self.count, self.is_whole = 0, spool.last_byte() in (b"", b"\n", b'"')
        header: list[str] | None = None
        for row in self._rows():
            if header is None:
                header = row
            elif len(row) == len(header):
                self.count += 1
            else:
                self.is_whole = False
        self.columns, self._places = _places(header or [], _OWN_COLUMNS[file])

    def __iter__(self) -> Iterator[ResultRow]:
        """The rows, in the file's order; a row with more or fewer cells than the header is none."""
        rows = self._rows()
        width = len(next(rows, ()))
        read = _READERS[self._file]
        inputs, own = self._places
        for row in rows:
            if len(row) == width:
                yield read(tuple([row[each] for each in inputs]), [row[each] for each in own], self._sobject)

    def close(self) -> None:
        """Lets go of the file."""
        self._spool.close()

    def _rows(self) -> Iterator[list[str]]:
        """The rows with the header, up to where the text is no CSV any more."""
        try:
            yield from filter(None, _reader(self._spool.lines()))
        except (csv.Error, UnicodeDecodeError):
            self.is_whole = False


def _reader(lines: Iterator[str]) -> Iterator[list[str]]:
    csv.field_size_limit(_LARGEST_CELL)
    return csv.reader(lines, strict=True)


def _places(header: Sequence[str], own: Sequence[str]) -> tuple[tuple[str, ...], tuple[list[int], list[int]]]:
    """The columns of the upload, and where these and the job's own stand.

    Raises:
        OrgUnavailable: the job's own columns are not there.
    """
    if not header:
        return (), ([], [])  # no row: whether that can be is for the job's numbers to say
    if any(name not in header for name in own):
        raise unreadable()
    inputs = [place for place, name in enumerate(header) if name not in own]
    return tuple(header[place] for place in inputs), (inputs, [header.index(name) for name in own])


def _saved(cells: tuple[str, ...], own: Sequence[str], sobject: str) -> ResultRow:
    """Source: "Successful Record Results": sf__Id, and sf__Created, which is false for a record that was there."""
    found = record_id(own[0], sobject)
    if found is None or own[1].lower() not in ("true", "false"):
        raise unreadable()
    return ResultRow(cells, found)


def _refused(cells: tuple[str, ...], own: Sequence[str], sobject: str) -> ResultRow:
    """Source: "Failed Record Results": CODE:message:FIELD1,FIELD2 -- where the message may hold colons itself."""
    code, _, rest = own[1].partition(":")
    message, _, fields = rest.rpartition(":")
    names = tuple(each.strip() for each in fields.removesuffix("--").strip().split(",") if each.strip())
    return ResultRow(cells, record_id(own[0], sobject) or "", code.strip(), message or rest, names)


def _unprocessed(cells: tuple[str, ...], own: Sequence[str], sobject: str) -> ResultRow:
    del own, sobject
    return ResultRow(cells)


_READERS: Final = {
    ResultFile.SAVED: _saved,
    ResultFile.REFUSED: _refused,
    ResultFile.UNPROCESSED: _unprocessed,
}


def unreadable() -> OrgUnavailable:
    """What is said of results that are none."""
    return OrgUnavailable(
        "the org told of a bulk job in a form that is not the platform's",
        code="UNREADABLE",
        hint="the job's id is in the journal; try again later with sfsync resume",
    )
