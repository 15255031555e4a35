"""Decides as what the rows of a source that were not done are written: as their source, or as a workbook.

A workbook holds the cells of a source with a header, all as text, with our columns behind them. What a sheet cannot
say stays a CSV, with a note that tells why: rows of another width than the header, which would be filled up in
silence, and what is too large. JSON documents stay JSON Lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from sfsync.core.plans.plan import SourceImage
from sfsync.core.reading.rows import REJECTS_SHEET
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.wording import listed
from sfsync.report.files.rejects import (
    LeftRow,
    has_ragged_rows,
    image_of,
    is_json,
    left_rows,
    own_cells,
    own_columns,
    source_places,
)
from sfsync.report.files.text_workbook import TextTable, misfit_of

NOT_A_WORKBOOK: Final = "REJECTS_NOT_XLSX"
_WIDE: Final = ("_sfsync_message", "_sfsync_hint")


class RejectsFormat(StrEnum):
    """How a person wants the rows back that were not done."""

    SOURCE = "source"
    XLSX = "xlsx"


def workbook_table(image: SourceImage, rows: Sequence[LeftRow]) -> TextTable:
    """The rows as the table of a sheet; only for rows as wide as their header."""
    names = own_columns(image, rows)
    places = source_places(image, len(image.columns))
    header = [*(image.columns[place] for place in places), *names]

    def lines() -> Iterator[Sequence[str]]:
        for row in rows:
            raw = image.rows.get(row.ordinal, ())
            yield [*(raw[place] for place in places), *own_cells(row, image, names)]

    wide = frozenset(place for place, name in enumerate(header) if name in _WIDE)
    return TextTable(REJECTS_SHEET, header, wide, lines)


def why_no_workbook(image: SourceImage, rows: Sequence[LeftRow]) -> str:
    """Why the rows cannot be a workbook; "" where they can."""
    if is_json(image):
        return "its rows are JSON documents"
    if has_ragged_rows(image, rows):
        return "some of its rows have more or fewer cells than the header"
    return misfit_of(workbook_table(image, rows))


def rejects_notes(report: Report, form: RejectsFormat) -> Iterator[Problem]:
    """A note for the sources whose rows are not written as the workbook that was asked for."""
    if form is not RejectsFormat.XLSX:
        return
    by_reason: dict[str, list[str]] = {}
    for name, rows in left_rows(report).items():
        image = image_of(report, name)
        for part in parted(rows):
            if part and (why := why_no_workbook(image, part)):
                names = by_reason.setdefault(why, [])
                names.extend([name] if name not in names else [])
    for why, names in by_reason.items():
        message = f"the rejects of {listed(names)} are no workbook: {why}"
        hint = "They are written as their source was, and imported like that."
        yield Problem(NOT_A_WORKBOOK, Stage.PLAN, message, hint)


def parted(rows: Sequence[LeftRow]) -> tuple[list[LeftRow], list[LeftRow]]:
    """The rows of the rejects file, and those of the file of unprocessed rows."""
    return [row for row in rows if not row.is_unprocessed], [row for row in rows if row.is_unprocessed]
