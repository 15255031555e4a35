"""What a bulk job carries and what the org says of it: values for the route of the job fence and for jobs by id.

Creating and filling a job writes nothing; its close is the only commit, and afterwards the job tells of every row
what became of it. Results come in no promised order. A row that is inserted carries no key of ours for sure, so it
is known by its own content: the cells that were sent, with line ends and outer blanks as the platform keeps them;
rows with the same content are interchangeable. A row that is updated or deleted is known by its id.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest", "Prepare CSV Files".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sfsync.core.writes import Node

NULL: Final = "#N/A"
"""What clears a field; a text that says just this cannot be sent. Source: "Valid Date Format in Records"."""

ID: Final = "Id"

MOST_CELL_CHARS: Final = 131_072
MOST_ROW_CHARS: Final = 400_000
"""How long a field and a record may be. Source: "Limits", Bulk API 2.0 Ingest."""


class JobOperation(StrEnum):
    """What a job does with its rows, in the platform's words."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class JobState(StrEnum):
    """The states of a job, in the platform's words."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


TERMINAL: Final = frozenset({JobState.JOB_COMPLETE, JobState.FAILED, JobState.ABORTED})
"""States in which a job stays; none of them takes rows back that were saved."""


class ResultFile(StrEnum):
    """The three files of results, by the last part of their addresses."""

    SAVED = "successfulResults"
    REFUSED = "failedResults"
    UNPROCESSED = "unprocessedrecords"


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: rows that were looked at, those of them that were refused, and why a job failed."""

    state: JobState
    processed: int
    failed: int
    message: str = ""

    def leaves_empty(self, file: ResultFile, rows: int | None) -> bool:
        """Whether the job's own numbers prove that a file of results holds nothing, so that it is not fetched.

        `numberRecordsProcessed` counts every row that was looked at, saved or refused, and `numberRecordsFailed`
        the refused ones. A complete job that has looked at as many rows as were sent (`rows`; None where that is
        not known) left none unprocessed; when none of them failed besides, none is among the failed. Of a job that
        failed or was aborted the numbers may lag behind, so nothing is left out.
        Source: "Get Job Info" (numberRecordsProcessed, numberRecordsFailed).
        """
        if self.state is not JobState.JOB_COMPLETE or rows is None or self.processed != rows:
            return False
        return file is ResultFile.UNPROCESSED or (file is ResultFile.REFUSED and self.failed == 0)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row of a file of results: its cells, and what the job says of it.

    `record_id` is that of a saved row, `code`, `message` and `fields` are those of a refused one.
    """

    cells: tuple[str, ...]
    record_id: str = ""
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobShape:
    """What a job declares: sObject, operation, and the columns of its rows.

    `known_by` are the columns by which a result is known for its row's; none means all, so the whole content.
    """

    sobject: str
    operation: JobOperation
    columns: tuple[str, ...]
    known_by: tuple[str, ...] = ()

    def cells(self, node: Node) -> tuple[str, ...]:
        """The cells of a row.

        Raises:
            ValueError: no cells can carry the row as it is; the field and why.
        """
        body, written = node.body, _WRITTEN[self.operation]
        cells = tuple([(node.record_id or "") if c == ID else written(body, c) for c in self.columns])
        if sum(map(len, cells)) > MOST_ROW_CHARS:
            raise ValueError("the row is longer than a job takes")
        return cells

    def widened(self, columns: Sequence[str]) -> JobShape:
        """The same with further columns."""
        return replace(self, columns=tuple(dict.fromkeys((*self.columns, *columns))))


def operation_of(node: Node) -> JobOperation:
    """What a job does that carries the row."""
    if node.record_id is None:
        return JobOperation.INSERT
    return JobOperation.DELETE if node.deletes else JobOperation.UPDATE


def shape_of(node: Node, columns: Iterable[str] = ()) -> JobShape:
    """The shape of a job for rows such as this one, which have these fields."""
    operation = operation_of(node)
    match operation:
        case JobOperation.INSERT:
            return JobShape(node.sobject, operation, tuple(dict.fromkeys(columns)))
        case JobOperation.UPDATE:
            return JobShape(node.sobject, operation, tuple(dict.fromkeys((ID, *columns))), (ID,))
        case JobOperation.DELETE:
            return JobShape(node.sobject, operation, (ID,), (ID,))


def columns_of(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The fields that the rows have between them, in the order met."""
    return tuple({name: None for node in nodes for name in node.body})


def _cell(name: str, value: object) -> str:
    """The value as a cell.

    Raises:
        ValueError: no cell can carry it without meaning something else.
    """
    match value:
        case str():
            return value if _is_plain(value) else _checked(name, value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        case date():
            return value.isoformat()
    raise ValueError(f"{name}: a {type(value).__name__} cannot go by a bulk job")


def _is_plain(text: str) -> bool:
    """Whether nothing about a text needs a closer look; most texts are such."""
    return text.isascii() and len(text) < MOST_CELL_CHARS and "\0" not in text and NULL not in text


def _checked(name: str, text: str) -> str:
    if text.strip() == NULL:
        raise ValueError(f'{name}: the text "{NULL}" would clear the field when it goes by a bulk job')
    if "\0" in text:
        raise ValueError(f"{name}: a text with a NUL character cannot go by a bulk job")
    if len(text) > MOST_CELL_CHARS:
        raise ValueError(f"{name}: a text of {len(text):,} characters cannot go by a bulk job")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name}: a text holds half of a surrogate pair, which is no character") from None
    return text


def _inserted(body: Mapping[str, object], name: str) -> str:
    """A field that a new row does not have is an empty cell, which means the default."""
    return _cell(name, body.get(name))


def _updated(body: Mapping[str, object], name: str) -> str:
    """An empty cell leaves the field alone, so a field that is to be cleared says so.

    To the platform blank text is no text. Source: "Prepare CSV Files": empty values are ignored in updates.
    """
    if name not in body:
        return ""
    cell = _cell(name, body[name])
    return cell if cell and not cell.isspace() else NULL


_WRITTEN: Final[Mapping[JobOperation, Callable[[Mapping[str, object], str], str]]] = {
    JobOperation.INSERT: _inserted,
    JobOperation.UPDATE: _updated,
    JobOperation.DELETE: _inserted,
}


def unsendable(nodes: Sequence[Node]) -> frozenset[str]:
    """The rows that no job can carry as they are, by change id."""
    if not nodes:
        return frozenset()
    shape, bad = shape_of(nodes[0], columns_of(nodes)), []
    for node in nodes:
        try:
            shape.cells(node)
        except ValueError:
            bad.append(node.change_id)
    return frozenset(bad)


class RowMarks:
    """Marks of rows by which a result is known for its row's; rows with one mark are interchangeable.

    A mark covers the cells that are not empty, each with its column's name, as the platform compares them: line
    ends and outer blanks do not count. So it does not depend on how many columns a file has, or in which order.
    With `known_by` it covers these columns alone.
    """

    def __init__(self, columns: Sequence[str], known_by: Sequence[str] = ()) -> None:
        folded = [name.lower() for name in columns]
        wanted = {name.lower() for name in known_by} or set(folded)
        self.is_complete = wanted <= set(folded)
        places = sorted((name, place) for place, name in enumerate(folded) if name in wanted)
        self._places = [(place, name) for name, place in places]

    def of(self, cells: Sequence[str]) -> bytes:
        """The mark of a row, 128 bits."""
        parts = []
        for place, name in self._places:
            kept = cells[place].strip()
            if kept:
                if "\r" in kept:
                    kept = kept.replace("\r\n", "\n").replace("\r", "\n")
                parts.append(f"{name}={len(kept)}:{kept}")
        text = ";".join(parts)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
