"""Settles what a section that reads a database names: the URL with its variables filled in, and the query's text.

The query is read with the job, so that a plan belongs to its text. A password that stands in the job file itself
is refused, and never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os.path import normpath
from pathlib import Path
from typing import Any, Final

from sfsync.core.reading.source_spec import SourceSpec
from sfsync.errors import ConfigError
from sfsync.jobs.mistakes import Mistake
from sfsync.jobs.placeholders import filled_in
from sfsync.jobs.toml_file import TomlFile

OVERLAP_MIN: Final = 10
"""So far before its watermark a source is read again when the job does not say: as far as a pull is."""

_A_FILE: Final = 'Name a text file with one SELECT: query = "deals.sql".'
LARGEST_QUERY: Final = 1_000_000
_PASSWORD: Final = re.compile(
    r"//[^/?#]*:(?!\$\{)[^/?#@]+@|[?&](password|sslpassword)=(?!\$\{)", re.IGNORECASE
)


def settled_database(
    name: str, section: Mapping[str, Any], *, file: TomlFile, environ: Mapping[str, str]
) -> SourceSpec | Mistake:
    """The source that the section names, or what is wrong with it."""
    written, query = section.get("database"), section.get("query")
    if not isinstance(written, str) or not written:
        return Mistake((name, "database"), "must be the URL of a database in quotes")
    if _PASSWORD.search(written):
        message = 'holds a password; keep it in the environment: database = "${DEALS_DB}"'
        return Mistake((name, "database"), message, "SECRET_IN_JOB")
    if not isinstance(query, str) or not query:
        message = 'needs query = "FILE.sql", the file with the query'
        return Mistake((name,), message, "MISSING_KEY")
    folder = file.path.parent
    try:
        url = filled_in(written, environ=environ, folder=folder, key=f"{name}.database")
        path = Path(normpath(folder / filled_in(query, environ=environ, folder=folder, key=f"{name}.query")))
        text = _text_of(path)
    except ConfigError as error:
        said = error.message.removeprefix(f"{name}.database: ").removeprefix(f"{name}.query: ")
        key = "query" if error.message.startswith(f"{name}.query") or error.code == "NO_QUERY" else "database"
        return Mistake((name, key), f"cannot be used: {said}", error.code)
    watermark, overlap = section.get("watermark"), section.get("overlap")
    return SourceSpec(
        "database",
        path,
        database=url,
        folder=folder,
        query=text,
        watermark=watermark if isinstance(watermark, str) else None,
        overlap_min=overlap if isinstance(overlap, int) else OVERLAP_MIN,
    )


def _text_of(path: Path) -> str:
    """The text of a query file.

    Raises:
        ConfigError: there is none, or it is no text.
    """
    if path.suffix.lower() != ".sql":
        raise ConfigError(f'{path.name} does not end in ".sql"', code="NO_QUERY", hint=_A_FILE)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_QUERY:
            raise ConfigError(
                f"{path} is no file of at most {LARGEST_QUERY:,} bytes", code="NO_QUERY", hint=_A_FILE
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        raise ConfigError(f"{path} cannot be read: {why}", code="NO_QUERY", hint=_A_FILE) from None
