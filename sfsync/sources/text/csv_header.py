"""The first lines of a delimited file: which delimiter, which line end, which columns, or why it cannot be said.

A first line `sep=;` (as spreadsheets write it) says the delimiter; else the job does; else the header shows
exactly one of the usual ones outside its quotes, and the first rows have it too. Column names are unique and
none is empty. `name` is the file's name in messages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.reading.quoting import DELIMITERS
from sfsync.errors import ConfigError, SourceError
from sfsync.sources.cells import OWN_PREFIX
from sfsync.sources.text.delimiter_fit import misfit

_SEPARATOR_LINE: Final = re.compile(r'("?)sep=([^\r\n"])\1\2*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
"""A spreadsheet that saves such a file again puts the delimiters of the other columns behind it."""

_SHOWN: Final = 80
_NO_DELIMITERS: Final = '"\r\n\0'


@dataclass(frozen=True, slots=True)
class HeaderText:
    """What the first lines say; `skipped` lines stand before the header and belong to no one.

    `separator_line` is the text of one that says the delimiter, with its line end.
    """

    delimiter: str
    line_end: str
    skipped: int
    separator_line: str = ""


def header_text(name: str, text: str, declared: str | None, *, is_whole: bool) -> HeaderText:
    """What the first characters of a file say about its form; `is_whole` says that they are all of it.

    Raises:
        ConfigError: the declared delimiter cannot be one.
        SourceError: the delimiter is unclear, or the file says another one than the job.
    """
    if declared is not None and (len(declared) != 1 or declared in _NO_DELIMITERS):
        raise ConfigError(
            f"{name}: {declared!r} cannot be a delimiter",
            code="DELIMITER",
            hint="A delimiter is one character.",
        )
    separator = _SEPARATOR_LINE.match(text)
    if separator is None:
        outside, line_end = _outside_quotes(text, declared)
        if declared is None:
            body = text.lstrip("\r\n")
            place = f"{name}:{1 + len(text[: len(text) - len(body)].splitlines())}"
            declared = _seen_delimiter(place, outside, body)
            if OWN_PREFIX not in outside:  # our rejects are written by the delimiter that was found once
                _require_fit(place, body, declared, is_whole=is_whole)
        return HeaderText(declared, line_end, 0)
    if declared not in (None, separator[2]):
        raise SourceError(
            f"{name}:1: the file says that its delimiter is {separator[2]!r}, the job says {declared!r}",
            code="DELIMITER",
            hint="Take delimiter out of the job, or correct the file.",
        )
    _, line_end = _outside_quotes(text[separator.end() :], separator[2])
    return HeaderText(separator[2], line_end, 1, separator[0])


def column_names(name: str, line: int, cells: Sequence[str]) -> tuple[str, ...]:
    """The header's names, trimmed.

    Raises:
        SourceError: a name is missing, stands twice, or is no text.
    """
    columns = tuple(cell.strip() for cell in cells)
    if columns[0].startswith("\ufeff"):
        raise _error(
            name, line, "the file has two byte order marks", "Take the second one out, or export again."
        )
    if any("\0" in column for column in columns):
        raise _error(
            name,
            line,
            "the header holds a NUL character",
            'Is it UTF-16? Then set encoding = "utf-16-le" (or "utf-16-be").',
        )
    named = max((number for number, column in enumerate(columns, start=1) if column), default=0)
    if named == 0:
        raise _error(name, line, "the header names no column", "The first line must name the columns.")
    if len(columns) - named > 0:
        raise _error(
            name,
            line,
            f'{len(columns) - named} columns behind the last one, "{columns[named - 1]}", have no name',
            "Delete these empty columns: spreadsheets leave them when cells were used there once.",
        )
    seen: set[str] = set()
    for number, column in enumerate(columns, start=1):
        if column == "":
            raise _error(name, line, f"column {number} has no name", "Name it, or take it out.")
        if column.startswith('"') and cells[number - 1][0] != '"':
            raise _error(
                name,
                line,
                f"a blank stands before the quote of column {number}, so the quotes would be part of its name",
                "Write no blanks between a delimiter and a quote.",
            )
        if column in seen:
            raise _error(name, line, f'two columns are named "{column}"', "Rename one of them.")
        seen.add(column)
    return columns


def _outside_quotes(text: str, declared: str | None) -> tuple[str, str]:
    """The header line without what stands in quotes, and the line end behind it."""
    starts = {*DELIMITERS, declared, None}
    outside: list[str] = []
    before: str | None = None
    in_quotes = has_closed = False
    body = text.lstrip("\r\n")
    for place, char in enumerate(body):
        if in_quotes:
            in_quotes = char != '"'
            has_closed = not in_quotes
        elif char == '"' and (before in starts or has_closed):  # a doubled quote goes on
            in_quotes = True
        elif char in "\r\n":
            return "".join(outside), "\r\n" if body.startswith("\r\n", place) else char
        else:
            outside.append(char)
            has_closed = False
        before = char
    return "".join(outside), "\n"


def _seen_delimiter(place: str, outside: str, body: str) -> str:
    """The one delimiter that stands in the header outside quotes; a comma where there is one column."""
    seen = [each for each in DELIMITERS if each in outside]
    if len(seen) > 1:
        header = body.splitlines()[0]
        shown = " and ".join(f"{each!r} ({outside.count(each) + 1} columns)" for each in seen)
        raise SourceError(
            f"{place}: the header holds {shown}: {header[:_SHOWN]}", code="DELIMITER", hint=_say_which(seen)
        )
    return seen[0] if seen else ","


def _require_fit(place: str, body: str, delimiter: str, *, is_whole: bool) -> None:
    others = [each for each in DELIMITERS if each != delimiter]
    why = misfit(body, delimiter, others, is_whole=is_whole)
    if why is not None:
        raise SourceError(
            f"{place}: {why}",
            code="DELIMITER",
            hint="If it belongs to a column's name, put that name in quotes. Or say which delimiter is meant: "
            'delimiter = ";" in the job, --delimiter ";" in an import.',
        )


def _say_which(seen: Sequence[str]) -> str:
    either = " or ".join(_in_toml(each) for each in seen)
    options = " or ".join(f"--delimiter {_in_shell(each)}" for each in seen)
    return f"Say which one separates the columns: delimiter = {either} in the job, {options} in an import."


def _in_toml(delimiter: str) -> str:
    return '"\\t"' if delimiter == "\t" else f'"{delimiter}"'


def _in_shell(delimiter: str) -> str:
    return "$'\\t'" if delimiter == "\t" else f'"{delimiter}"'


def _error(name: str, line: int, message: str, hint: str) -> SourceError:
    return SourceError(f"{name}:{line}: {message}", code="HEADER", hint=hint)
