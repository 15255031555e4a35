"""Finds where a quote opens that is never closed, for the one error message that needs it.

It walks the lines again, from the row that swallowed the rest of the file; the reader itself keeps no such
record, because nearly no file needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice


def line_of_open_quote(lines: Iterator[str], start: int, delimiter: str) -> int:
    """The line (1 = top) of the last quote that opens a cell and finds no end.

    `start` is the line on which the row begins that runs to the end of the file.
    """
    opened, is_inside = start, False
    for number, line in enumerate(islice(lines, start - 1, None), start=start):
        is_inside, has_opened = _after(line, delimiter, is_inside=is_inside)
        if has_opened:
            opened = number
    return opened


def _after(line: str, delimiter: str, *, is_inside: bool) -> tuple[bool, bool]:
    """Whether the line ends inside a quoted cell, and whether that cell opened on it."""
    may_open, is_closed, has_opened = not is_inside, False, False
    for char in line:
        if is_inside:
            is_inside = char != '"'
            is_closed = not is_inside
        elif char == '"' and is_closed:
            is_inside, is_closed = True, False  # a doubled quote: the cell goes on
        elif char == '"' and may_open:
            is_inside = has_opened = True
            may_open = False
        else:
            may_open, is_closed = char == delimiter, False
            has_opened = False
    return is_inside, is_inside and has_opened
