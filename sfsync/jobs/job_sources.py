"""Settles which file each section of a job reads, and of what kind it is.

Paths are relative to the job file and may lie anywhere; links are resolved, pipes and devices refused. The
path "-" is standard input, which one section alone can read.
Whether a file is there is the source's own question, asked when it is opened.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os.path import normpath
from pathlib import Path
from typing import Any, Final

from sfsync.core.job import SECTIONS
from sfsync.core.reading.source_spec import STANDARD_INPUT, ListedRoles, SourceSpec
from sfsync.core.wording import listed
from sfsync.errors import ConfigError
from sfsync.jobs.database_sources import settled_database
from sfsync.jobs.mistakes import Mistake
from sfsync.jobs.placeholders import filled_in
from sfsync.jobs.toml_file import TomlFile

ENDINGS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".parquet": "parquet",
}
"""The endings that say what a file is."""

_JSON: Final = ("json", "jsonl")
_NO_TEXT: Final = {"xlsx": "a workbook", "parquet": "a Parquet file"}
"""Kinds that have no delimiter and no encoding of their own."""

_WORKBOOKS: Final = frozenset({".xls", ".xlsb", ".ods", ".numbers"})


@dataclass(slots=True)
class Sources:
    """The sources of a job's sections by name, and what is wrong with them."""

    specs: dict[str, SourceSpec] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def settled_sources(file: TomlFile, environ: Mapping[str, str]) -> Sources:
    """The sources that a job document names."""
    sources = Sources()
    for name in SECTIONS:
        section = file.document.get(name)
        if isinstance(section, Mapping) and isinstance(section.get("file"), str) and section["file"]:
            _settle(sources, name, section, file=file, environ=environ)
        elif isinstance(section, Mapping) and "database" in section:
            settled = settled_database(name, section, file=file, environ=environ)
            if isinstance(settled, Mistake):
                sources.mistakes.append(settled)
            else:
                sources.specs[name] = settled
    _refuse_second_reader(sources)
    roles = file.document.get("contact_roles")
    if isinstance(roles, Mapping) and isinstance(roles.get("nested"), str):
        _settle_nested(sources, roles["nested"], file.document.get("opportunities"))
    elif isinstance(roles, Mapping) and isinstance(roles.get("listed"), Mapping):
        _settle_listed(sources, roles["listed"], file.document.get("opportunities"))
    return sources


def _settle(
    sources: Sources, name: str, section: Mapping[str, Any], *, file: TomlFile, environ: Mapping[str, str]
) -> None:
    place = (name, "file")
    try:
        written = filled_in(section["file"], environ=environ, folder=file.path.parent, key=f"{name}.file")
    except ConfigError as error:
        said = error.message.removeprefix(f"{name}.file: ")
        sources.mistakes.append(Mistake(place, f"cannot be used: {said}", error.code))
        return
    if "\0" in written:
        sources.mistakes.append(Mistake(place, "holds a NUL character"))
        return
    path = _path(file, written)
    kind, fault = _kind(path, section.get("kind"))
    fault = fault or _pipe_or_device(path)
    if fault:
        sources.mistakes.append(Mistake(place, f'= "{path.name}" {fault}', "KIND_NOT_READ"))
        return
    encoding, delimiter = section.get("encoding"), section.get("delimiter")
    if kind != "csv" and delimiter is not None:
        what = _NO_TEXT.get(kind, "JSON")
        sources.mistakes.append(Mistake((name, "delimiter"), f"means nothing for {what}"))
    if kind in _NO_TEXT and encoding is not None:
        sources.mistakes.append(Mistake((name, "encoding"), f"means nothing for {_NO_TEXT[kind]}"))
    sheet = section.get("sheet")
    if kind != "xlsx" and sheet is not None:
        sources.mistakes.append(Mistake((name, "sheet"), "means something for workbooks alone"))
    sources.specs[name] = SourceSpec(
        kind,
        path,
        delimiter if isinstance(delimiter, str) else None,
        encoding if isinstance(encoding, str) else "utf-8",
        sheet=sheet if isinstance(sheet, str) else None,
    )


def _path(file: TomlFile, written: str) -> Path:
    """The path that a job means; a file whose name is "-" is named "./-"."""
    if written == str(STANDARD_INPUT):
        return STANDARD_INPUT
    path = Path(normpath(file.path.parent / written))
    return path.absolute() if path == STANDARD_INPUT else path


def _kind(path: Path, declared: object) -> tuple[str, str]:
    """What the file is, and why that cannot be ("" = it can)."""
    if path == STANDARD_INPUT:
        return declared if isinstance(declared, str) else "csv", ""
    ending = path.suffix.lower()
    by_ending = ENDINGS.get(ending)
    if ending in _WORKBOOKS:
        return "", "is a spreadsheet that is not read: save it as .xlsx, or the sheet as CSV UTF-8"
    if not isinstance(declared, str):
        known = ", ".join(ENDINGS)
        return by_ending or "", "" if by_ending else f'needs kind = "..."; the endings known are {known}'
    if by_ending not in (None, declared) and ending != ".txt":
        return declared, f'is read as {by_ending} by its ending, but kind = "{declared}" is given'
    return declared, ""


def _pipe_or_device(path: Path) -> str:
    if path == STANDARD_INPUT:
        return ""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""  # the source says so when it is opened
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return 'is a pipe or a device; a source is a regular file, or "-" for standard input'


def _refuse_second_reader(sources: Sources) -> None:
    """What one section has read is not there for another one."""
    readers = [name for name, spec in sources.specs.items() if spec.path == STANDARD_INPUT]
    for name in readers[1:]:
        message = f'= "-" is read by [{readers[0]}] already; standard input can be read by one section'
        sources.mistakes.append(Mistake((name, "file"), message))


def _settle_nested(sources: Sources, member: str, deals: object) -> None:
    if deals is None:
        message = "needs [opportunities]: the roles stand inside its documents"
        sources.mistakes.append(Mistake(("contact_roles", "nested"), message, "MISSING_KEY"))
        return
    spec = sources.specs.get("opportunities")
    if spec is None:
        return  # the deals' own mistake is listed
    if spec.path == STANDARD_INPUT and spec.kind != "jsonl":
        message = 'needs kind = "jsonl" of the deals when they come from standard input'
        sources.mistakes.append(Mistake(("contact_roles", "nested"), message))
        return
    if spec.path != STANDARD_INPUT and _is_no_document(spec):
        known = listed(ending for ending, kind in ENDINGS.items() if kind in _JSON)
        message = f"needs deals in a JSON file that ends in one of {known}"
        sources.mistakes.append(Mistake(("contact_roles", "nested"), message))
        return
    sources.specs["contact_roles"] = SourceSpec("nested", spec.path, None, spec.encoding, nested=member)


def _is_no_document(spec: SourceSpec) -> bool:
    by_ending = ENDINGS.get(spec.path.suffix.lower()) if spec.path is not None else spec.kind
    return spec.kind not in _JSON or by_ending != spec.kind


def _settle_listed(sources: Sources, listed_roles: Mapping[str, Any], deals: object) -> None:
    if deals is None:
        message = "needs [opportunities]: the roles stand in a cell of its rows"
        sources.mistakes.append(Mistake(("contact_roles", "listed"), message, "MISSING_KEY"))
        return
    spec, column = sources.specs.get("opportunities"), listed_roles.get("column")
    if spec is None or not isinstance(column, str):
        return  # its own mistake is listed
    given = {key: listed_roles[key] for key in ("split", "pattern") if isinstance(listed_roles.get(key), str)}
    sources.specs["contact_roles"] = replace(spec, listed=ListedRoles(column, **given))
