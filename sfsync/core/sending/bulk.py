"""What a bulk job carries and what the org says of it: values for the route of the job fence.

Creating and filling a job writes nothing; its close is the only commit, and afterwards the job tells of every row
what became of it. Results come in no promised order and carry no key of ours, so a row is known by its own
content: the cells that were sent, with line ends and outer blanks as the platform keeps them. Rows with the same
content are interchangeable.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sfsync.core.writes import Node

NULL: Final = "#N/A"
"""What clears a field; a text that says just this cannot be sent. Source: "Valid Date Format in Records"."""


ID: Final = "Id"
"""The column by which the rows of an update are known."""


class JobOperation(StrEnum):
    """What a job does with its rows, in the platform's words."""

    INSERT = "insert"
    UPDATE = "update"


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


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: rows that were looked at, those of them that were refused, and why a job failed."""

    state: JobState
    processed: int
    failed: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class SavedRow:
    """A row that the job saved."""

    record_id: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the job refused, with the platform's code."""

    code: str
    message: str
    fields: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobResults:
    """The three result files of a job; `cells` are in the order of the table's columns."""

    saved: tuple[SavedRow, ...]
    refused: tuple[RefusedRow, ...]
    unprocessed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class JobTable:
    """Rows of one sObject to insert or to update: the columns, and the cells of every row by its change id."""

    sobject: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    operation: JobOperation = JobOperation.INSERT


def job_table(nodes: Sequence[Node]) -> JobTable:
    """The rows of inserts or of updates as a table.

    Fields that a row does not have are empty cells: of a new record they get the default, of another they stay as
    they are. What an update clears says so. Source: "Valid Date Format in Records", empty fields and #N/A.

    Raises:
        ValueError: a value cannot be written as a cell without meaning something else.
    """
    columns = tuple(dict.fromkeys(name for node in nodes for name in node.body))
    if nodes[0].record_id is None:
        rows = {node.change_id: tuple(_cell(node.body.get(name)) for name in columns) for node in nodes}
        return JobTable(nodes[0].sobject, columns, rows)
    rows = {
        node.change_id: (node.record_id or "", *(_changed(node, name) for name in columns)) for node in nodes
    }
    return JobTable(nodes[0].sobject, (ID, *columns), rows, JobOperation.UPDATE)


def _changed(node: Node, name: str) -> str:
    if name not in node.body:
        return ""
    value = node.body[name]
    return NULL if value is None or value == "" else _cell(value)


def unsendable_rows(nodes: Iterable[Node]) -> dict[str, str]:
    """The rows that no cell can carry as they are, by change id, with the reason."""
    found: dict[str, str] = {}
    for node in nodes:
        try:
            job_table([node])
        except ValueError as error:
            found[node.change_id] = str(error)
    return found


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        case date():
            return value.isoformat()
        case str() if value.strip() == NULL:
            raise ValueError(f'the text "{NULL}" would clear the field when it goes by a bulk job')
        case str():
            return value
    raise ValueError(f"a {type(value).__name__} cannot go by a bulk job")


def content_of(cells: Iterable[str]) -> tuple[str, ...]:
    """The cells as they are compared: line ends and outer blanks do not count, as on the platform."""
    return tuple(each.replace("\r\n", "\n").replace("\r", "\n").strip() for each in cells)


class Unmatched:
    """The rows of a job that no result has been found for yet, by content."""

    def __init__(self, table: JobTable) -> None:
        self._by_content: dict[tuple[str, ...], list[str]] = {}
        for change_id, cells in table.rows.items():
            self._by_content.setdefault(content_of(cells), []).append(change_id)

    def take(self, cells: Sequence[str]) -> str | None:
        """The change id of a row with that content, or None when no such row is left."""
        left = self._by_content.get(content_of(cells))
        return left.pop() if left else None

    def left(self) -> list[str]:
        """The change ids that no result was found for."""
        return [change_id for left in self._by_content.values() for change_id in left]
