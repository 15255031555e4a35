"""Decides which reader a section's source gets, and refuses by name what no reader is there for.

The kind comes from the job; where the job says no more than "a file", the file's ending decides.
Invariant: a source that is returned has been looked at: the file is there, and its header can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from sfsync.core.job import FieldRule, Section
from sfsync.core.presets.fitting import Header, fitted
from sfsync.core.reading.mapping import PLACE
from sfsync.core.reading.rows import RowSource
from sfsync.core.references.parents import columns_for_parents
from sfsync.core.wording import suggestion
from sfsync.errors import ConfigError, SourceError
from sfsync.sources.json_documents import DEALS, DocumentSource, NestedSource
from sfsync.sources.listed_roles import ListedSource
from sfsync.sources.python_rows import PythonSource
from sfsync.sources.text.delimited import DelimitedSource
from sfsync.sources.text.footers import WithoutFooter
from sfsync.sources.text.text_file import TextFile, open_text
from sfsync.sources.text.typed_again import typed_again
from sfsync.sources.workbooks.still_bad import minding_marks

_HEADED_ENDINGS: Final = {".xlsx": "xlsx", ".xlsm": "xlsx", ".parquet": "parquet"}
_JSON_ENDINGS: Final = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_SAVE_AS: Final = "Save it as .xlsx, or the sheet as CSV UTF-8, and name that file."
_UNPACK: Final = "Unpack it and name the file inside."
_EXPORT: Final = "Export it as CSV, Parquet or JSON Lines, or give the rows from Python."
_QUERY: Final = 'Name it by database = "sqlite:///FILE" and query = "FILE.sql", or export it as CSV.'
_REFUSED_ENDINGS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys((".xls", ".xlsb"), ("an Excel workbook of another form than .xlsx", _SAVE_AS)),
    **dict.fromkeys((".ods", ".numbers"), ("a spreadsheet", _SAVE_AS)),
    **dict.fromkeys((".feather", ".arrow", ".avro", ".orc"), ("a column file", _EXPORT)),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".mdb", ".accdb"), ("a database", _QUERY)),
    **dict.fromkeys((".xml", ".yaml", ".yml", ".pickle", ".pkl"), ("of a kind that is not read", _EXPORT)),
    **dict.fromkeys((".zip", ".gz", ".bz2", ".xz", ".zst", ".7z", ".tar"), ("packed", _UNPACK)),
}


def open_source(section: Section) -> RowSource:
    """The rows of a section's source, opened.

    Raises:
        ConfigError: the source is of a kind that is not read, or its encoding is unknown.
        SourceError: the file is missing, empty, no regular file, or its header cannot be read.
    """
    spec = section.source
    if spec.kind == "rows":
        rows = () if spec.rows is None else spec.rows
        return PythonSource(section.name, section.sobject, rows, wanted=wanted_columns(section))
    if spec.path is None:
        raise ConfigError(
            f"{section.name} names no file", code="NO_FILE", hint=f'Set file = "..." in [{section.name}].'
        )
    _refuse_ending(section, spec.path)
    ending = spec.path.suffix.lower()
    kind = (_JSON_ENDINGS | _HEADED_ENDINGS).get(ending, spec.kind) if spec.kind == "csv" else spec.kind
    if spec.listed is not None:
        section = replace(section, name=DEALS)  # the rows, and what is wrong with them, are the deals'
    source = _opened(section, spec.path, kind)
    if section.preset is not None and section.preset.footer:
        source = WithoutFooter(source, section.preset.footer)
    return source if spec.listed is None else _listed(section, source)


def _listed(section: Section, deals: RowSource) -> RowSource:
    """The roles in a cell of the deals, whose header may be one of several that a preset knows."""
    own = fitted(section, Header(deals.form.columns, deals.form.file)).source.listed
    assert own is not None
    if deals.form.columns and own.column not in deals.form.columns:
        raise SourceError(
            f'{deals.form.file}: there is no column "{own.column}", which contact_roles.listed reads',
            code="COLUMN_MISSING",
            hint=f"{suggestion(own.column, deals.form.columns)} Correct the header or the job.",
        )
    return ListedSource(deals, own)


def _opened(section: Section, path: Path, kind: str) -> RowSource:
    if kind == "xlsx":
        from sfsync.sources.workbooks.workbook import open_workbook

        def book(wanted: frozenset[str]) -> RowSource:
            return open_workbook(path, section=section.name, sheet=section.source.sheet, wanted=wanted)

        return _told_columns(section, book)
    if kind == "parquet":
        from sfsync.sources.parquet import open_parquet

        return _told_columns(section, lambda wanted: open_parquet(path, section=section.name, wanted=wanted))
    return _of_text(section, open_text(path, encoding=section.source.encoding, section=section.name), kind)


def _told_columns(section: Section, opened: Callable[[frozenset[str]], RowSource]) -> RowSource:
    """A source that has to know which of its columns the rules read; with a preset only its header can tell."""
    source = opened(wanted_columns(section))
    if section.preset is not None:
        source = opened(_columns_in(source, section))
    return _as_rejects(section, source)


def _as_rejects(section: Section, source: RowSource) -> RowSource:
    """The source; of a rejects file the cells are what they were, and those that still are bad are refused."""
    return minding_marks(typed_again(source), _columns_in(source, section))


def _columns_in(source: RowSource, section: Section) -> frozenset[str]:
    """The columns of a source with a header that the rules read, by the names that they have there."""
    header = Header(source.form.columns, source.form.file, source.form.kind)
    return wanted_columns(fitted(section, header))


def _of_text(section: Section, file: TextFile, kind: str) -> RowSource:
    spec, wanted = section.source, wanted_columns(section)
    match kind:
        case "csv":
            return _as_rejects(section, DelimitedSource(section.name, file, delimiter=spec.delimiter))
        case "json" | "jsonl":
            return DocumentSource(section.name, file, kind=kind, wanted=wanted)
        case "nested":
            documents = _JSON_ENDINGS.get(file.path.suffix.lower(), "jsonl")
            member, of_deal = spec.nested or "contact_roles", _columns(section.rule("OpportunityId"))
            return NestedSource(file, kind=documents, member=member, wanted=wanted, of_deal=of_deal)
    raise ConfigError(
        f'{section.name}: sources of kind "{kind}" are not read',
        code="SOURCE_KIND",
        hint="Kinds: csv, jsonl, json, xlsx, parquet, nested, rows.",
    )


def wanted_columns(section: Section) -> frozenset[str]:
    """The columns that the section's rules, its row key and its leads read."""
    others = {section.row_key, section.lead.column if section.lead else None} - {None, ""}
    of_rules = {column for rule in section.rules for column in (*_columns(rule), *columns_for_parents(rule))}
    return frozenset(column for column in of_rules | others if column)


def _columns(rule: FieldRule | None) -> list[str]:
    if rule is None:
        return []
    of_value = list(rule.value_columns) or PLACE.findall(rule.compose or "")
    return of_value if rule.account is None else [*of_value, rule.account]


def _refuse_ending(section: Section, path: Path) -> None:
    what, hint = _REFUSED_ENDINGS.get(path.suffix.lower(), ("", ""))
    if what:
        raise ConfigError(
            f"{section.name}: {path.name} is {what}, which sfsync does not read",
            code="SOURCE_KIND",
            hint=hint,
        )
