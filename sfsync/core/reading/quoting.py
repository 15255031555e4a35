"""How the cells of a delimited record stand in quotes: read off its text, kept in short, written again.

A record's text is its cells and one mark for each of them: quoted or not. The marks are kept as "101"; records
in which nobody else would have quoted otherwise than `own_quotes` keep none ("").
Source: RFC 4180; Python, csv (strict): quotes open a cell only at its start, and are doubled inside.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

DELIMITERS: Final = (",", ";", "\t", "|")
"""The usual delimiters, one of which an import looks for in the header."""

Runs = tuple[tuple[int, str], ...]
"""Marks of many records: from which ordinal on which marks hold; 0 is the header."""


def own_quotes(cells: Iterable[str], special: str) -> str:
    """The marks of a writer that quotes what has to be: `special` are the delimiters; quotes and line ends too."""
    special += '"\r\n'
    return "".join("1" if any(char in cell for char in special) else "0" for cell in cells)


def quotes_of(text: str, cells: Sequence[str], delimiter: str, *, special: str = "") -> str:
    """The marks of a record that was read from this text; "" where they are those of `own_quotes`."""
    if '"' not in text and not special:
        return ""
    marks, place = "", 0
    for cell in cells:
        is_quoted = text.startswith('"', place)
        marks += "1" if is_quoted else "0"
        place += len(cell) + 1 + (2 + cell.count('"') if is_quoted else 0)
    return "" if marks == own_quotes(cells, special or delimiter) else marks


def add_run(runs: list[tuple[int, str]], ordinal: int, marks: str) -> None:
    """Takes in the marks of one more record, whose ordinal is at least that of the last one."""
    if marks != (runs[-1][1] if runs else ""):
        runs.append((ordinal, marks))


def marks_at(runs: Runs, ordinal: int) -> str:
    """The marks of a record."""
    place = bisect_right(runs, ordinal, key=lambda run: run[0])
    return runs[place - 1][1] if place else ""


def joined(cells: Sequence[str], marks: str, delimiter: str, *, special: str = "") -> str:
    """The text of a record, without its line end."""
    if len(marks) != len(cells):
        marks = own_quotes(cells, special or delimiter)
    return delimiter.join(map(_cell, cells, marks))


def _cell(cell: str, mark: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if mark == "1" else cell
