"""Writes the files of one run into its folder, and says where they are.

run_results.json holds the machine output and one entry for each input row, report.html all that a person wants to
know; verify.csv lists what an audit found, where it found something; successes.csv the rows whose record is in the
org, of an applied run that has any; rejects and unprocessed files the source rows to correct or to send again, as
their source wrote them or as workbooks.
Files of an earlier report of the same run are replaced or taken away, so that the folder always tells one story.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from sfsync.core.report import Report
from sfsync.core.report_numbers import IN_ORG, total
from sfsync.core.sobject import OPPORTUNITY
from sfsync.report.audit_view import COLUMNS, audit_entry
from sfsync.report.document import made_entries, row_entries, run_document
from sfsync.report.html_report import html_report
from sfsync.report.kept_rows import KeptRows
from sfsync.report.picks_template import FILE, picks_lines
from sfsync.report.private_files import write_private_file, write_private_text
from sfsync.report.rejects import (
    LeftRow,
    delimited_lines,
    document_lines,
    ending,
    image_of,
    is_json,
    left_rows,
    problem_lines,
)
from sfsync.report.rejects_form import RejectsFormat, parted, why_no_workbook, workbook_table
from sfsync.report.safe_text import unformulated
from sfsync.report.text_workbook import write_text_workbook

SUCCESS_COLUMNS: Final = ("sobject", "key", "label", "outcome", "record_id", "source", "file", "line")

_REPLACED: Final = ("rejects-*", "unprocessed-*", "successes.csv", "verify.csv", FILE)

RunFiles = dict[str, str | dict[str, str]]
"""Where the files are: "rejects" (the one to look at first), "picks", "successes", "results", "report", and those
of each source."""


def write_run_folder(
    report: Report,
    folder: Path,
    rejects_format: RejectsFormat = RejectsFormat.SOURCE,
    *,
    kept: KeptRows | None = None,
) -> RunFiles:
    """Writes the files of a run into an existing private folder; returns where they are ("" = none).

    `kept` has the rows that a condensed report does not hold.

    Raises:
        SyncError: the file system refuses; code REPORT_NOT_WRITTEN.
    """
    earlier = {path for name in _REPLACED for path in folder.glob(name)}
    left = {name: parted(rows) for name, rows in left_rows(report).items()}
    writer = _RowsWriter(report, folder, rejects_format)
    by_source = writer.write({name: rejected for name, (rejected, _) in left.items()}, title="rejects")
    files: RunFiles = {
        "rejects": _first_to_read(report, by_source),
        "rejects_by_source": by_source,
        "unprocessed_by_source": writer.write(
            {name: rest for name, (_, rest) in left.items()}, title="unprocessed"
        ),
        "picks": _write_picks(report, folder),
        "successes": _write_successes(report, folder, kept),
        "verify": _write_audit(report, folder),
        "report": str(folder / "report.html"),
        "results": str(folder / "run_results.json"),
    }
    _remove_stale(earlier, files)
    write_private_text(folder / "report.html", [html_report(report, files)])
    write_private_text(folder / "run_results.json", _results_parts(report, files, kept))
    return files


def _results_parts(report: Report, files: RunFiles, kept: KeptRows | None) -> Iterator[str]:
    """The text of run_results.json, a row at a time."""
    rows = kept.rows() if kept else row_entries(report)
    made = kept.made() if kept else iter(made_entries(report))
    head = orjson.dumps(run_document(report, files=files), option=orjson.OPT_INDENT_2).decode()
    yield head.removesuffix("\n}")
    for name, entries in (("rows", rows), ("created_for_references", made)):
        yield f',\n  "{name}": ['
        place = -1
        for place, entry in enumerate(entries):
            yield (",\n    " if place else "\n    ") + _indented(entry)
        yield "]" if place < 0 else "\n  ]"
    yield "\n}\n"


def _indented(entry: Mapping[str, Any]) -> str:
    """An entry as it stands in a list of the document; a line end in a value is spelled out, so none is in it."""
    return orjson.dumps(entry, option=orjson.OPT_INDENT_2).decode().replace("\n", "\n    ")


@dataclass(frozen=True, slots=True)
class _RowsWriter:
    """Writes source rows that were not done, a file for each source."""

    report: Report
    folder: Path
    form: RejectsFormat

    def write(self, left: Mapping[str, Sequence[LeftRow]], *, title: str) -> dict[str, str]:
        return {name: str(self._of_source(name, rows, title)) for name, rows in left.items() if rows}

    def _of_source(self, name: str, rows: Sequence[LeftRow], title: str) -> Path:
        """Writes the rows of one source as the source wrote them, or as the workbook that was asked for."""
        image = image_of(self.report, name)
        stem = f"{title}-{''.join(char if char.isalnum() or char in '-_' else '_' for char in name)}"
        if self.form is RejectsFormat.XLSX and not why_no_workbook(image, rows):
            table, path = workbook_table(image, rows), self.folder / f"{stem}.xlsx"
            write_private_file(path, lambda file: write_text_workbook(file, table))
            return path
        path = self.folder / (stem + ending(image))
        if not is_json(image):
            write_private_text(path, delimited_lines(image, rows), encoding=image.encoding)
            return path
        write_private_text(path, document_lines(image, rows), encoding=image.encoding)
        write_private_text(self.folder / f"{stem}.problems.jsonl", problem_lines(image, rows))
        return path


def _first_to_read(report: Report, by_source: dict[str, str]) -> str:
    """The rejects of the deals, else of the first source that has any."""
    deals = {
        each.row.source
        for each in report.plan.changes
        if each.sobject == OPPORTUNITY and each.row is not None
    }
    return next(
        (path for name, path in by_source.items() if name in deals), next(iter(by_source.values()), "")
    )


def _write_successes(report: Report, folder: Path, kept: KeptRows | None) -> str:
    """Writes the rows whose record is in the org; without one there is no file."""
    if not (report.applied and any(total(report.numbers(), each.value) for each in IN_ORG)):
        return ""
    path = folder / "successes.csv"
    write_private_text(path, _success_lines(kept.rows() if kept else row_entries(report)))
    return str(path)


def _write_picks(report: Report, folder: Path) -> str:
    """Writes the references that a person has to settle; without one there is no file."""
    lines = list(picks_lines(report.plan))
    if not lines:
        return ""
    path = folder / FILE
    write_private_text(path, lines)
    return str(path)


def _write_audit(report: Report, folder: Path) -> str:
    """Writes every finding of the read-back audit; without one there is no file."""
    if report.audit is None or not report.audit.findings:
        return ""
    path = folder / "verify.csv"
    entries = (audit_entry(each) for each in report.audit.findings)
    lines = (_csv_line([_cell(entry[name]) for name in COLUMNS]) for entry in entries)
    write_private_text(path, [_csv_line(COLUMNS), *lines])
    return str(path)


def _success_lines(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    done = {each.value for each in IN_ORG}
    yield _csv_line(SUCCESS_COLUMNS)
    for entry in entries:
        if entry["outcome"] in done:
            yield _csv_line([_cell(entry[name]) for name in SUCCESS_COLUMNS])


def _cell(value: Any) -> str:
    return unformulated(value) if isinstance(value, str) else str(value if value is not None else "")


def _csv_line(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"


def _remove_stale(earlier: set[Path], files: RunFiles) -> None:
    kept = {path for each in files.values() for path in (each.values() if isinstance(each, dict) else [each])}
    problems = {path.removesuffix(".jsonl") + ".problems.jsonl" for path in kept if path.endswith(".jsonl")}
    for path in earlier:
        if str(path) not in kept | problems:
            path.unlink(missing_ok=True)
