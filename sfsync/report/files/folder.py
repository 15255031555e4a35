"""Writes the files of one run into its folder, says where they are, and makes them again from run_results.json.

run_results.json holds the machine output, one entry for each input row, and what the other files are made from;
report.html all that a person wants to know; verify.csv lists what an audit found, where it found something;
successes files the rows whose record is in the org, of an applied run that has any; rejects and unprocessed files
the source rows to correct or to send again, as their source wrote them or as workbooks.
Files of an earlier report of the same run are replaced or taken away, so that the folder always tells one story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from sfsync.core.references.open_references import OpenReference
from sfsync.core.reports.audit import Audit
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_numbers import IN_ORG, total
from sfsync.core.sobject import OPPORTUNITY
from sfsync.report.document import made_entries, row_entries, run_document
from sfsync.report.files.kept_reports import (
    SCHEMA,
    Kept,
    KeptSource,
    kept_of,
    kept_text,
    not_as_written,
    read_results,
    rows_left,
)
from sfsync.report.files.kept_rows import KeptRows, OwnLines
from sfsync.report.files.picks_template import FILE, picks_lines
from sfsync.report.files.private_files import write_private_file, write_private_text
from sfsync.report.files.rejects import (
    LeftRow,
    delimited_lines,
    document_lines,
    ending,
    is_json,
    problem_lines,
)
from sfsync.report.files.rejects_form import RejectsFormat, parted, why_no_workbook, workbook_table
from sfsync.report.files.successes import cell, csv_line, own_file, own_header, success_lines
from sfsync.report.files.text_workbook import write_text_workbook
from sfsync.report.pages.html_report import html_page
from sfsync.report.pages.page import Page, file_names, page_of
from sfsync.report.words import audit_view
from sfsync.report.words.audit_view import audit_entry

RESULTS: Final = "run_results.json"
PAGE: Final = "report.html"

_REMADE: Final = ("rejects-*", "unprocessed-*", "successes.csv", "verify.csv", FILE)
_REPLACED: Final = (*_REMADE, "successes-*")
_OF_OTHERS: Final = ("plan.json", "plan.json.gz", "log.jsonl")
"""What others write into the folder of a run."""

RunFiles = dict[str, str | dict[str, str]]
"""Where the files are: "rejects" (the one to look at first), "picks", "successes", "results", "report", and those
of each source."""

Entries = Callable[[], Iterator[Mapping[str, Any]]]
"""One entry for every input row, each time it is asked."""


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
    made_from = kept_of(report, _first_source(report))
    has_successes = report.applied and any(total(report.numbers(), each.value) for each in IN_ORG)
    rows: Entries = kept.rows if kept else lambda: row_entries(report)
    writer = _Writer(folder, rejects_format)
    files = writer.write(made_from, rows if has_successes else None)
    with nullcontext(kept.own) if kept else OwnLines() as own:
        if has_successes and kept is None:
            own.add(report)
        files["successes_by_source"] = _write_own(report, folder, own) if has_successes else {}
    _remove_stale(earlier, files)
    page = page_of(report, files, _beside(folder))
    # The results first: where there is no room for both, the page can be made of them again.
    write_private_text(folder / RESULTS, _results_parts(report, files, kept, page, made_from))
    write_private_text(folder / PAGE, [html_page(page)])
    return files


def rebuild(folder: Path, rejects_format: RejectsFormat = RejectsFormat.SOURCE) -> RunFiles:
    """Makes the files of a run again from its run_results.json, which stays as it is; returns where they are.

    Raises:
        SyncError: the results cannot be read (RESULTS_NOT_READ), or a file cannot be written (REPORT_NOT_WRITTEN).
    """
    from jinja2 import TemplateError

    document, made_from = read_results(folder / RESULTS)
    try:
        return _rebuilt(folder, document, made_from, rejects_format)
    except (LookupError, TypeError, AttributeError, ValueError, TemplateError):
        raise not_as_written(folder / RESULTS) from None


def _rebuilt(
    folder: Path, document: dict[str, Any], made_from: Kept, rejects_format: RejectsFormat
) -> RunFiles:
    earlier = {path for name in _REMADE for path in folder.glob(name)}
    has_successes = bool(document["files"].get("successes"))
    files = _Writer(folder, rejects_format).write(
        made_from, (lambda: iter(document["rows"])) if has_successes else None
    )
    there = document["files"].get("successes_by_source", {})
    files["successes_by_source"] = {name: str(folder / Path(path).name) for name, path in there.items()}
    _remove_stale(earlier, files)
    page = {**document["page"], "files": file_names(files, _beside(folder, document["page"]["files"]))}
    write_private_text(folder / PAGE, [html_page(page)])
    return files


def _beside(folder: Path, known: Sequence[str] = ()) -> list[str]:
    """The files that no source is named by: those of others, there or `known`, and the problems of documents."""
    others = [each for each in _OF_OTHERS if each in known or (folder / each).exists()]
    return [*sorted(each.name for each in folder.glob("*.problems.jsonl")), *others]


def _first_source(report: Report) -> str:
    """The source of the deals, whose rejects are looked at first; "" where no deal has a row."""
    changes = report.plan.changes
    return next(
        (each.row.source for each in changes if each.sobject == OPPORTUNITY and each.row is not None), ""
    )


def _results_parts(
    report: Report, files: RunFiles, kept: KeptRows | None, page: Page, made_from: Kept
) -> Iterator[str]:
    """The text of run_results.json, a row at a time."""
    rows = kept.rows() if kept else row_entries(report)
    made = kept.made() if kept else iter(made_entries(report))
    document = run_document(report, files=files) | {"schema": SCHEMA}
    head = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    yield head.removesuffix("\n}")
    for name, entries in (("rows", rows), ("created_for_references", made)):
        yield f',\n  "{name}": ['
        place = -1
        for place, entry in enumerate(entries):
            yield (",\n    " if place else "\n    ") + _indented(entry)
        yield "]" if place < 0 else "\n  ]"
    yield f',\n  "page": {orjson.dumps(page).decode()},\n  "kept": {kept_text(made_from)}\n}}\n'


def _indented(entry: Mapping[str, Any]) -> str:
    """An entry as it stands in a list of the document; a line end in a value is spelled out, so none is in it."""
    return orjson.dumps(entry, option=orjson.OPT_INDENT_2).decode().replace("\n", "\n    ")


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes into a folder what a run and a rebuilding of it have in common."""

    folder: Path
    form: RejectsFormat

    def write(self, made_from: Kept, successes: Entries | None) -> RunFiles:
        """Writes all but the page and the results; `successes` has all rows, None where none is in the org."""
        left = {name: parted(rows_left(each)) for name, each in made_from.sources.items()}
        rejects: dict[str, str] = {}
        unprocessed: dict[str, str] = {}
        for name, (rejected, rest) in left.items():
            for rows, title, written in ((rejected, "rejects", rejects), (rest, "unprocessed", unprocessed)):
                if rows:
                    written[name] = str(self._of_source(name, made_from.sources[name], rows, title))
        return {
            "rejects": rejects.get(made_from.first) or next(iter(rejects.values()), ""),
            "rejects_by_source": rejects,
            "unprocessed_by_source": unprocessed,
            "picks": self._picks(made_from.picks),
            "successes": self._successes(successes),
            "verify": self._audit(made_from.audit),
            "report": str(self.folder / PAGE),
            "results": str(self.folder / RESULTS),
        }

    def _of_source(self, name: str, source: KeptSource, rows: Sequence[LeftRow], title: str) -> Path:
        """Writes the rows of one source as the source wrote them, or as the workbook that was asked for."""
        image = source.image
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

    def _successes(self, rows: Entries | None) -> str:
        """Writes the rows whose record is in the org; without one there is no file."""
        return self._text("successes.csv", success_lines(rows())) if rows is not None else ""

    def _picks(self, references: Sequence[OpenReference]) -> str:
        """Writes the references that a person has to settle; without one there is no file."""
        lines = list(picks_lines(references))
        return self._text(FILE, iter(lines)) if lines else ""

    def _audit(self, audit: Audit | None) -> str:
        """Writes every finding of the read-back audit; without one there is no file."""
        if audit is None or not audit.findings:
            return ""
        names = audit_view.COLUMNS
        entries = (audit_entry(each) for each in audit.findings)
        lines = [csv_line(names), *(csv_line([cell(entry[name]) for name in names]) for entry in entries)]
        return self._text("verify.csv", iter(lines))

    def _text(self, name: str, lines: Iterator[str]) -> str:
        path = self.folder / name
        write_private_text(path, lines)
        return str(path)


def _write_own(report: Report, folder: Path, own: OwnLines) -> dict[str, str]:
    """Writes for each source with cells its rows that are in the org, with its own columns."""
    files = {}
    for name in own.sources():
        image = report.plan.sources.get(name)
        if image is not None:
            path = folder / own_file(name)
            write_private_text(path, _with_header(own_header(image), own.lines(name)))
            files[name] = str(path)
    return files


def _with_header(header: str, lines: Iterator[str]) -> Iterator[str]:
    yield header
    yield from lines


def _remove_stale(earlier: set[Path], files: RunFiles) -> None:
    kept = {path for each in files.values() for path in (each.values() if isinstance(each, dict) else [each])}
    problems = {path.removesuffix(".jsonl") + ".problems.jsonl" for path in kept if path.endswith(".jsonl")}
    for path in earlier:
        if str(path) not in kept | problems:
            path.unlink(missing_ok=True)
