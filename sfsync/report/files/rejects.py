"""Writes rows that were not done as their source wrote them, with the reasons beside them.

A delimited source comes back with its own columns, order, delimiter, encoding, byte order mark, `sep=` line
and line ends, every cell and its quotes as they were, plus the `_sfsync_` columns, which an import ignores.
They stand behind the source's columns; in a file with rows of a wrong width they stand in front, where they
line up with a row of any length, no cell is lost, and the row stays as wrong as it was. Where cells were typed in
their source, `TYPED_COLUMN` is one of ours and says which. JSON documents come
back as JSON Lines, their reasons in a sibling file. A source row is one line, however many of its changes failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.plans.plan import Change, SourceImage
from sfsync.core.reading.quoting import DELIMITERS, joined, marks_at
from sfsync.core.reading.typed_cells import TYPED_COLUMN, typed_mark
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import NOT_DONE, Outcome, Problem, RowRef
from sfsync.report.nouns import noun
from sfsync.report.safe_text import json_text, unformulated

OWN_COLUMNS: Final = (
    "_sfsync_outcome",
    "_sfsync_code",
    "_sfsync_message",
    "_sfsync_hint",
    "_sfsync_line",
)

_HEADER: Final = 0
_OURS: Final = frozenset({*OWN_COLUMNS, TYPED_COLUMN})
_JSON_KINDS: Final = frozenset({"json", "jsonl", "nested"})
_BETWEEN_TOKENS: Final = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Failure:
    """One problem of one change of a row."""

    change: Change
    outcome: Outcome
    problem: Problem


@dataclass(frozen=True, slots=True)
class LeftRow:
    """One source row that was not done, with everything that is wrong with it."""

    ordinal: int
    line: int
    failures: tuple[Failure, ...]

    @property
    def is_unprocessed(self) -> bool:
        """Whether nothing is wrong with the row; the run only did not come to it."""
        return all(each.outcome is Outcome.UNPROCESSED for each in self.failures)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """How the row's changes ended, each way once."""
        return tuple(dict.fromkeys(each.outcome.value for each in self.failures))


def left_rows(report: Report) -> dict[str, list[LeftRow]]:
    """The source rows that were not done, by source name: sources as in the plan, rows as in their source."""
    by_row: dict[tuple[str, int, int], list[tuple[RowRef, Failure]]] = {}
    for change, outcome, problem in report.problems():
        assert outcome in NOT_DONE
        if change.row is None:
            continue
        ref = change.row
        place = (ref.source, ref.ordinal, 0 if ref.ordinal else ref.line)
        by_row.setdefault(place, []).append((ref, Failure(change, outcome, problem)))
    for change in report.plan.changes:
        whole = by_row.get((change.row.source, change.merged_into, 0)) if change.row else None
        if change.row and change.merged_into and whole:  # both together are the row, so both come back
            ref, failure = change.row, Failure(change, whole[0][1].outcome, change.problems[0])
            by_row.setdefault((ref.source, ref.ordinal, 0), []).append((ref, failure))
    left: dict[str, list[LeftRow]] = {name: [] for name in report.plan.sources}
    for (source, ordinal, _), found in sorted(by_row.items(), key=lambda item: item[0]):
        failures = tuple(failure for _, failure in found)
        left.setdefault(source, []).append(LeftRow(ordinal, found[0][0].line, failures))
    return left


def image_of(report: Report, source: str) -> SourceImage:
    """The source as it was read; one without columns when the plan does not hold it."""
    known = report.plan.sources.get(source)
    return known or SourceImage(source, "", "rows", (), ",", "utf-8", "\n", {})


def is_json(image: SourceImage) -> bool:
    """Whether the source's rows are JSON documents."""
    return image.kind in _JSON_KINDS


def ending(image: SourceImage) -> str:
    """The ending of a file that holds rows of the source, which an import knows the kind by."""
    if is_json(image):
        return ".jsonl"
    return ".tsv" if image.delimiter == "\t" else ".csv"


def delimited_lines(image: SourceImage, rows: Sequence[LeftRow]) -> Iterator[str]:
    """What stands before the header, the header and the rows of a delimited file, each with its line end."""
    raws = [image.rows.get(row.ordinal, ()) for row in rows]
    is_in_front = has_ragged_rows(image, rows)
    names = own_columns(image, rows)
    yield image.before
    header = image.header or image.columns
    usual = image.delimiter + "".join(DELIMITERS)  # by which an import learns the delimiter from the header
    yield _line(image, (_HEADER, header), names, is_in_front=is_in_front, special=usual)
    for row, raw in zip(rows, raws, strict=True):
        own = own_cells(row, image, names)
        yield _line(image, (row.ordinal, raw), own, is_in_front=is_in_front)


def has_ragged_rows(image: SourceImage, rows: Iterable[LeftRow]) -> bool:
    """Whether a row has another width than the header, so that our columns stand in front."""
    return any(len(image.rows.get(row.ordinal, ())) != len(image.columns) for row in rows)


def source_places(image: SourceImage, width: int) -> list[int]:
    """The places of a row's cells without those of `_sfsync_` columns that the source had itself.

    In a row of a wrong width nobody can say which cells these are, unless they lead; else all cells stay.
    """
    own = {place for place, name in enumerate(image.columns) if name in _OURS}
    if width != len(image.columns) and (own != set(range(len(own))) or width < len(own)):
        own = set()
    return [place for place in range(width) if place not in own]


def _line(
    image: SourceImage,
    record: tuple[int, Sequence[str]],
    own: Sequence[str],
    *,
    is_in_front: bool,
    special: str = "",
) -> str:
    """A line of the file; `record` is the ordinal and the cells of the source's own."""
    ordinal, cells = record
    places, marks = source_places(image, len(cells)), marks_at(image.quotes, ordinal)
    marks = "".join(marks[place] for place in places) if len(marks) == len(cells) else ""
    theirs = joined([cells[place] for place in places], marks, image.delimiter, special=special)
    ours = joined(own, "", image.delimiter)
    parts = [theirs, ours] if places else [ours]
    return image.delimiter.join(reversed(parts) if is_in_front else parts) + image.line_end


def own_columns(image: SourceImage, rows: Iterable[LeftRow]) -> tuple[str, ...]:
    """The columns that we add for these rows: the one for typed cells only where there are some."""
    has_typed = any(_mark(image, row.ordinal) for row in rows)
    return (*OWN_COLUMNS, TYPED_COLUMN) if has_typed else OWN_COLUMNS


def _mark(image: SourceImage, ordinal: int) -> str:
    """Which cells of a row were typed."""
    return typed_mark(image.columns, image.rows.get(ordinal, ()), marks_at(image.types, ordinal))


def own_cells(row: LeftRow, image: SourceImage, names: Sequence[str]) -> tuple[str, ...]:
    """What stands in those of our columns of a row; nothing of it is a formula."""
    mark = (_mark(image, row.ordinal),) if TYPED_COLUMN in names else ()
    return (
        _joined(row.outcomes),
        unformulated(_joined(each.problem.code for each in row.failures)),
        unformulated(_joined(messages(row))),
        unformulated(_joined(each.problem.hint for each in row.failures)),
        str(row.line),
        *mark,
    )


def messages(row: LeftRow) -> list[str]:
    """What is wrong with the row, one sentence each; of several records, each is named."""
    is_named = len({each.change.change_id for each in row.failures}) > 1
    return [_message(each, is_named=is_named) for each in row.failures]


def _message(failure: Failure, *, is_named: bool) -> str:
    change, problem = failure.change, failure.problem
    place = f"{problem.column}: " if problem.column and problem.column not in problem.message else ""
    who = f"{noun(change.sobject)} {change.label}: " if is_named else ""
    return f"{who}{place}{problem.message}"


def _joined(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(each for each in texts if each))


def document_lines(image: SourceImage, rows: Iterable[LeftRow]) -> Iterator[str]:
    """The rows' documents, one a line, each token as it was written."""
    for row in rows:
        raw = image.rows.get(row.ordinal)
        if raw:
            yield one_line(raw[0]) + "\n"


def one_line(document: str) -> str:
    """A JSON document on one line; keys, numbers and strings stay as written, line breaks and indents go."""
    if "\n" not in document and "\r" not in document:
        return document
    compact = _BETWEEN_TOKENS.sub(lambda found: found[1] or "", document)
    return compact.replace("\r", " ").replace("\n", " ")


def problem_lines(image: SourceImage, rows: Iterable[LeftRow]) -> Iterator[str]:
    """JSON Lines that say what is wrong with each document; `line` is its place in the file beside it."""
    line = 0
    for row in rows:
        is_there = bool(image.rows.get(row.ordinal))
        line += is_there
        yield json.dumps(_problem_document(row, line if is_there else 0)) + "\n"


def _problem_document(row: LeftRow, line: int) -> Mapping[str, object]:
    return {
        "line": line,
        "source_line": row.line,
        "outcome": _joined(row.outcomes),
        "messages": [json_text(each) for each in messages(row)],
        "problems": [
            {
                "sobject": each.change.sobject,
                "key": json_text(each.change.key),
                "code": each.problem.code,
                "field": each.problem.field,
                "value": json_text(each.problem.value),
                "message": json_text(each.problem.message),
                "hint": json_text(each.problem.hint),
            }
            for each in row.failures
        ],
    }
