"""Settles which file each section of a job reads, and of what kind it is.

Paths are relative to the job file and may lie anywhere; links are resolved, pipes and devices refused.
Whether a file is there is the source's own question, asked when it is opened.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import normpath
from pathlib import Path
from typing import Any, Final

from sfsync.core.job import SECTIONS, SourceSpec
from sfsync.core.wording import listed
from sfsync.errors import ConfigError
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
    roles = file.document.get("contact_roles")
    if isinstance(roles, Mapping) and isinstance(roles.get("nested"), str):
        _settle_nested(sources, roles["nested"], file.document.get("opportunities"))
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
    path = Path(normpath(file.path.parent / written))
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


def _kind(path: Path, declared: object) -> tuple[str, str]:
    """What the file is, and why that cannot be ("" = it can)."""
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
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""  # the source says so when it is opened
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return "is a pipe or a device; a source is a regular file"


def _settle_nested(sources: Sources, member: str, deals: object) -> None:
    if deals is None:
        message = "needs [opportunities]: the roles stand inside its documents"
        sources.mistakes.append(Mistake(("contact_roles", "nested"), message, "MISSING_KEY"))
        return
    spec = sources.specs.get("opportunities")
    if spec is None:
        return  # the deals' own mistake is listed
    if spec.kind not in _JSON or (
        spec.path is not None and ENDINGS.get(spec.path.suffix.lower()) != spec.kind
    ):
        known = listed(ending for ending, kind in ENDINGS.items() if kind in _JSON)
        message = f"needs deals in a JSON file that ends in one of {known}"
        sources.mistakes.append(Mistake(("contact_roles", "nested"), message))
        return
    sources.specs["contact_roles"] = SourceSpec("nested", spec.path, None, spec.encoding, nested=member)
