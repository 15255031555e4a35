"""How far a job has read a source: the watermark of a query, and when it may move.

A source that is read on from its watermark yields only some of its rows, so a row that is not settled would never
be seen again once the mark has passed it. The mark therefore moves to the greatest value read only where every row
is settled; else it stays at the least value of a row that is not, which is read again by the next run.
Invariants: a mark counts only for the query, the database and the job that it was noted for; texts are compared
as what they mean (moments, numbers), never as they are spelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from sfsync.core.plans.plan import Change, Plan
from sfsync.core.reading.rows import Cell, RowSource
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reports.results import DEFERRED, NOT_DONE, Outcome, RowRef, RowResult

if TYPE_CHECKING:
    from sfsync.core.reports.report import Report

FINAL_SKIPS: Final = frozenset({"ALREADY_THERE", "NO_ROLE"})
"""Rows left out with such a code alone are settled: no later run would do anything else with them."""

_TEXT_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.(\d{6}|\d{3}))?(?!\d)")
_DIGITS: Final = {0: "seconds", 3: "milliseconds", 6: "microseconds"}

Bound = datetime | date | Decimal | str
"""A watermark as a value that a query can compare with."""


@runtime_checkable
class MarkedSource(Protocol):
    """A source that is read on from where the last run came to."""

    @property
    def mark(self) -> SourceMark | None:
        """How far this reading has come; None where the source has no watermark."""
        ...


def marks_of(sources: Mapping[str, RowSource]) -> tuple[SourceMark, ...]:
    """The marks of the sources that have one."""
    marks = (each.mark for each in sources.values() if isinstance(each, MarkedSource))
    return tuple(each for each in marks if each is not None)


def mark_name(section: str) -> str:
    """The name by which the journal keeps the mark of a section."""
    return f"source {section}"


def kind_of(cell: Cell) -> str | None:
    """A cell as a watermark: moment, local moment, day, number or text; None where it cannot be one."""
    match cell:
        case bool() | None:
            return None
        case datetime():
            return "local moment" if cell.tzinfo is None else "moment"
        case date():
            return "day"
        case Decimal():
            return "number"
    return "text"


def meaning(kind: str, text: str) -> Bound:
    """What a watermark's text means.

    Raises:
        ValueError, ArithmeticError: the text is none of that kind.
    """
    match kind:
        case "moment" | "local moment":
            return datetime.fromisoformat(text)
        case "day":
            return date.fromisoformat(text)
        case "number":
            return Decimal(text)
    return text


def is_greater(kind: str, text: str, than: str) -> bool:
    """Whether a watermark is greater than another one of its kind."""
    greater: bool = meaning(kind, text) > meaning(kind, than)  # type: ignore[operator]
    return greater


def noted(mark: SourceMark, text: str) -> str:
    """A mark at that value as the journal keeps it."""
    return json.dumps({"at": text, "basis": mark.basis, "kind": mark.kind}, sort_keys=True)


def bound_from(kept: str | None, *, basis: str, overlap: timedelta) -> Bound | None:
    """From where on a source is read: the kept mark less the overlap; None reads all.

    A mark that was noted for another query, job or database does not count.
    """
    document = json.loads(kept) if kept else {}
    if document.get("basis") != basis:
        return None
    value = meaning(document["kind"], document["at"])
    if isinstance(value, datetime):
        return value - overlap
    return _earlier_text(value, overlap) if isinstance(value, str) else value


def _earlier_text(text: str, overlap: timedelta) -> str:
    """A moment that is kept as text, so much earlier and spelled alike; any other text as it is."""
    zone = "Z" if text.endswith("Z") else ""
    shape = _TEXT_MOMENT.match(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if shape is None:
        return text
    digits = _DIGITS[len(shape[1] or "")]

    def spelled(value: datetime) -> str:
        plain = value.replace(tzinfo=None) if zone else value
        return plain.isoformat(sep=text[10], timespec=digits) + zone

    return spelled(moment - overlap) if spelled(moment) == text else text


def marks_after(report: Report) -> dict[str, str]:
    """What the journal is to keep of a run that has ended: the marks that moved, by their names."""
    open_rows = _open_rows(report)
    kept: dict[str, str] = {}
    for mark in report.plan.marks:
        if mark.greatest is None:
            continue
        texts = [_text_at(report.plan, mark, ordinal) for ordinal in open_rows.get(mark.section, ())]
        if all(texts):  # a row without a watermark is found again only from where this reading began
            values = [*texts, mark.greatest] if texts else [mark.greatest]
            kept[mark_name(mark.section)] = noted(mark, min(values, key=lambda each: _order(mark, each)))
    return kept


def _order(mark: SourceMark, text: str) -> Bound:
    return meaning(mark.kind, text)


def _open_rows(report: Report) -> dict[str, set[int]]:
    """The ordinals of the rows that are not settled, by section."""
    changes = {each.change_id: each for each in report.plan.changes}
    found: dict[str, set[int]] = {}
    for change in report.plan.changes:
        if not is_settled(report.result(change)) and (row := _row_of(change, changes)) is not None:
            found.setdefault(row.source, set()).add(row.ordinal)
    return found


def _row_of(change: Change, changes: Mapping[str, Change]) -> RowRef | None:
    whole = changes.get(change.completes) if change.completes else change
    return whole.row if whole is not None else None


def is_settled(result: RowResult) -> bool:
    """Whether a later run that reads the row again would do nothing else with it, as long as it stays as it is.

    What is left out because of something else (a reference that is not there yet, a lead's status) is not settled.
    """
    codes = {each.code for each in result.problems}
    if result.outcome in NOT_DONE or DEFERRED in codes:
        return False
    return result.outcome is not Outcome.SKIPPED or (bool(codes) and codes <= FINAL_SKIPS)


def _text_at(plan: Plan, mark: SourceMark, ordinal: int) -> str:
    image = plan.sources[mark.section]
    raw = image.rows.get(ordinal, ())
    place = image.columns.index(mark.column)
    return raw[place] if place < len(raw) else ""
