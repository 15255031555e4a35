"""What run_results.json keeps besides counts and rows, so that the run's other files can be made from it again.

That is the page as data, and under `kept` the rows that were not done, as their source wrote them, with what is
wrong with them, the references to settle and what the audit found. `folder.rebuild` makes report.html, rejects,
unprocessed, successes.csv, picks.csv and verify.csv of it; successes-SOURCE.csv, whole sources, stay as they are.
Invariant: made again in the same form, each file is byte for byte what the run wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfsync.core.plans.image_merging import with_rows_of
from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.references.open_references import OpenReference
from sfsync.core.reports.audit import Audit
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome, Problem
from sfsync.errors import SyncError
from sfsync.report.files.rejects import Failure, LeftRow, image_of, left_rows

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA: Final = "sfsync.results/1"


@dataclass(frozen=True, slots=True)
class KeptFailure:
    """One problem of one change, with as much of the change as a rejects file tells."""

    change_id: str
    sobject: str
    key: str
    label: str
    outcome: Outcome
    problem: Problem


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One source row that was not done."""

    ordinal: int
    line: int
    failures: tuple[KeptFailure, ...]


@dataclass(frozen=True, slots=True)
class KeptSource:
    """The rows of one source that were not done; the image holds their cells."""

    image: SourceImage
    rows: tuple[KeptRow, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the files are made from; `first` is the source whose rejects a person looks at first."""

    sources: Mapping[str, KeptSource] = field(default_factory=dict)
    picks: tuple[OpenReference, ...] = ()
    audit: Audit | None = None
    first: str = ""


@cache
def _form() -> TypeAdapter[Kept]:
    from pydantic import TypeAdapter

    return TypeAdapter(Kept)


def kept_of(report: Report, first: str) -> Kept:
    """What is kept of a report."""
    sources = {}
    for name, rows in left_rows(report).items():
        if rows:
            image = with_rows_of(image_of(report, name), {each.ordinal for each in rows})
            sources[name] = KeptSource(image, tuple(_kept_row(each) for each in rows))
    return Kept(sources, report.plan.open_references, report.audit, first)


def _kept_row(row: LeftRow) -> KeptRow:
    failures = (
        KeptFailure(
            each.change.change_id,
            each.change.sobject,
            each.change.key,
            each.change.label,
            each.outcome,
            each.problem,
        )
        for each in row.failures
    )
    return KeptRow(row.ordinal, row.line, tuple(failures))


def kept_text(kept: Kept) -> str:
    """It as JSON; a text that holds half a character keeps it."""
    from pydantic_core import PydanticSerializationError

    try:
        return _form().dump_json(kept).decode()
    except PydanticSerializationError:
        return json.dumps(_form().dump_python(kept, mode="json"), ensure_ascii=True)


def rows_left(source: KeptSource) -> list[LeftRow]:
    """The rows as the writers of files take them."""
    return [LeftRow(row.ordinal, row.line, tuple(_failures(row))) for row in source.rows]


def _failures(row: KeptRow) -> Iterator[Failure]:
    for each in row.failures:
        change = Change(each.change_id, each.sobject, Action.REJECT, each.key, each.label)
        yield Failure(change, each.outcome, each.problem)


def read_results(file: Path) -> tuple[dict[str, Any], Kept]:
    """The document of run_results.json, and what it keeps.

    Raises:
        SyncError: it cannot be read, or an earlier version wrote it; code RESULTS_NOT_READ.
    """
    from pydantic import ValidationError

    try:
        document = json.loads(file.read_bytes())
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise _refusal(file, f"it is not of the schema {SCHEMA}")
        return document, _form().validate_python(document["kept"])
    except OSError as error:
        raise _refusal(file, error.strerror or str(error)) from None
    except (ValueError, KeyError, ValidationError):
        raise not_as_written(file) from None


def not_as_written(file: Path) -> SyncError:
    """What is said of results that somebody has changed."""
    return _refusal(file, "it is not as it was written")


def _refusal(file: Path, why: str) -> SyncError:
    return SyncError(
        f"{file} cannot be read: {why}",
        code="RESULTS_NOT_READ",
        hint="The journal still knows the run: sfsync state show JOB.",
    )
