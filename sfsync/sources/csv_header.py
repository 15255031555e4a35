"""The first lines of a delimited file: which delimiter, which line end, which columns, or why it cannot be said.

A first line `sep=;` (as spreadsheets write it) says the delimiter; else the job does; else the header shows
exactly one of the usual ones outside its quotes. Column names are unique and none is empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError, SourceError

DELIMITERS: Final = (",", ";", "\t", "|")

_SEPARATOR_LINE: Final = re.compile(r'("?)sep=([^\r\n"])\1(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_NO_DELIMITERS: Final = '"\r\n\0'


@dataclass(frozen=True, slots=True)
class HeaderText:
    """What the first lines say; `skipped` lines stand before the header and belong to no one."""

    delimiter: str
    line_end: str
    skipped: int


def header_text(path: Path, text: str, declared: str | None) -> HeaderText:
    """What the first characters of a file say about its form.

    Raises:
        ConfigError: the declared delimiter cannot be one.
        SourceError: the delimiter is unclear, or the file says another one than the job.
    """
    if declared is not None and (len(declared) != 1 or declared in _NO_DELIMITERS):
        raise ConfigError(
            f"{path}: {declared!r} cannot be a delimiter",
            code="DELIMITER",
            hint="A delimiter is one character.",
        )
    separator = _SEPARATOR_LINE.match(text)
    if separator is None:
        outside, line_end = _outside_quotes(text, declared)
        return HeaderText(declared or _seen_delimiter(path, outside), line_end, 0)
    if declared not in (None, separator[2]):
        raise SourceError(
            f"{path}:1: the file says that its delimiter is {separator[2]!r}, the job says {declared!r}",
            code="DELIMITER",
            hint="Take delimiter out of the job, or correct the file.",
        )
    _, line_end = _outside_quotes(text[separator.end() :], separator[2])
    return HeaderText(separator[2], line_end, 1)


def column_names(path: Path, line: int, cells: Sequence[str]) -> tuple[str, ...]:
    """The header's names, trimmed.

    Raises:
        SourceError: a name is missing, stands twice, or is no text.
    """
    columns = tuple(cell.strip() for cell in cells)
    if any("\0" in column for column in columns):
        raise _error(
            path, line, "the header holds a NUL character", 'Is it UTF-16? Then set encoding = "utf-16-le".'
        )
    named = max((number for number, column in enumerate(columns, start=1) if column), default=0)
    if named == 0:
        raise _error(path, line, "the header names no column", "The first line must name the columns.")
    if len(columns) - named > 0:
        raise _error(
            path,
            line,
            f'{len(columns) - named} columns behind the last one, "{columns[named - 1]}", have no name',
            "Delete these empty columns: spreadsheets leave them when cells were used there once.",
        )
    seen: set[str] = set()
    for number, column in enumerate(columns, start=1):
        if column == "":
            raise _error(path, line, f"column {number} has no name", "Name it, or take it out.")
        if column in seen:
            raise _error(path, line, f'two columns are named "{column}"', "Rename one of them.")
        seen.add(column)
    return columns


def _outside_quotes(text: str, declared: str | None) -> tuple[str, str]:
    """The header line without what stands in quotes, and the line end behind it."""
    starts = {*DELIMITERS, declared, None}
    outside: list[str] = []
    before: str | None = None
    in_quotes = False
    body = text.lstrip("\r\n")
    for place, char in enumerate(body):
        if in_quotes:
            in_quotes = char != '"'
        elif char == '"' and (before in starts or before == '"'):
            in_quotes = True
        elif char in "\r\n":
            return "".join(outside), "\r\n" if body.startswith("\r\n", place) else char
        else:
            outside.append(char)
        before = char
    return "".join(outside), "\n"


def _seen_delimiter(path: Path, outside: str) -> str:
    """The one delimiter that stands in the header outside quotes; a comma where there is one column."""
    seen = [each for each in DELIMITERS if each in outside]
    if len(seen) > 1:
        shown = " and ".join(repr(each) for each in seen)
        raise SourceError(
            f"{path}: the header holds {shown}", code="DELIMITER", hint="Say which one with delimiter."
        )
    return seen[0] if seen else ","


def _error(path: Path, line: int, message: str, hint: str) -> SourceError:
    return SourceError(f"{path}:{line}: {message}", code="HEADER", hint=hint)
