"""Lists of rows whose record is in the org: one of all rows with our names, and one for each source with its own.

`successes.csv` has the same columns for every sObject. `successes-SOURCE.csv` has the columns of a source with
cells, and behind them the record's id and the row's outcome, for whoever looks ids up in a spreadsheet; an import
ignores what is ours. Both are CSV in UTF-8 for people to read: no cell in them is a formula. JSON documents are in
the first alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sfsync.core.plans.plan import SourceImage
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_numbers import IN_ORG
from sfsync.report.files.rejects import is_json, source_places
from sfsync.report.safe_text import unformulated

COLUMNS: Final = ("sobject", "key", "label", "outcome", "record_id", "source", "file", "line")
OWN_COLUMNS: Final = ("_sfsync_id", "_sfsync_outcome")

_DONE: Final = frozenset(each.value for each in IN_ORG)


def success_lines(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of successes.csv, header first."""
    yield csv_line(COLUMNS)
    for entry in entries:
        if entry["outcome"] in _DONE:
            yield csv_line([cell(entry[name]) for name in COLUMNS])


def own_header(image: SourceImage) -> str:
    """The header of a source's own list."""
    places = source_places(image, len(image.columns))
    return csv_line([*(cell(image.columns[place]) for place in places), *OWN_COLUMNS])


def own_lines(report: Report) -> Iterator[tuple[str, str]]:
    """The name of a source with cells, and a line of its own list, for each of its rows that is in the org."""
    places = {
        name: source_places(each, len(each.columns))
        for name, each in report.plan.sources.items()
        if not is_json(each) and each.columns
    }
    rows = {name: report.plan.sources[name].rows for name in places}
    for change, result in report.rows():
        row = change.row
        if row is None or row.source not in places or result.outcome not in IN_ORG:
            continue
        raw = rows[row.source].get(row.ordinal)
        if raw is not None:
            cells = [cell(raw[place]) for place in places[row.source] if place < len(raw)]
            yield row.source, csv_line([*cells, result.record_id or "", result.outcome.value])


def own_file(name: str) -> str:
    """What a source's own list is called."""
    return f"successes-{''.join(char if char.isalnum() or char in '-_' else '_' for char in name)}.csv"


def cell(value: Any) -> str:
    """A cell of a list, which no spreadsheet takes for a formula."""
    return unformulated(value) if isinstance(value, str) else str(value if value is not None else "")


def csv_line(cells: Sequence[str]) -> str:
    """A line of a list."""
    return ",".join('"' + each.replace('"', '""') + '"' for each in cells) + "\r\n"
