"""Whether the delimiter that a header shows also tells the first rows apart, or the rows show another one.

A header can hold a character as part of a name (`Amount, EUR` above rows of one number, or above rows with
semicolons). Such a file is refused with what could be meant, because every row would be wrong the same way.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

_LINE: Final = re.compile(r"[^\r\n]+(?:\r\n|[\r\n])?|\r\n|[\r\n]")
_ROWS: Final = 20
_ENOUGH: Final = 2
"""So many rows say something about a file; one alone may just be wrong."""


def misfit(text: str, shown: str, others: Sequence[str], *, is_whole: bool) -> str | None:
    """Why the delimiter does not fit the first rows of a text that begins with its header; None = it fits.

    `is_whole` says that the text is not cut off; of one that is, the last row is not looked at.
    """
    widths = _widths(text, shown, is_whole=is_whole)
    if len(widths) <= _ENOUGH or widths[0] == 1:
        return None
    header, rows = widths[0], widths[1:]
    if all(each == header for each in rows):
        return None
    for other in others:
        across = _widths(text, other, is_whole=is_whole)[1:]
        if len(across) == len(rows) and len(set(across)) == 1 and across[0] > 1 and header not in rows:
            return (
                f"the header holds {shown!r} ({header} columns), but the first {len(rows)} rows hold {other!r} "
                f"({across[0]} cells each)"
            )
    if set(rows) == {1}:
        return f"the header holds {shown!r} ({header} columns), but none of the first {len(rows)} rows does"
    return None


def _widths(text: str, delimiter: str, *, is_whole: bool) -> list[int]:
    """How many cells the header and the first rows have; an unreadable one ends the list."""
    found: list[int] = []
    lines = (each[0] for each in _LINE.finditer(text))
    try:
        for record in islice(csv.reader(lines, delimiter=delimiter, strict=True), 4 * _ROWS):
            if record:
                found.append(len(record))
            if len(found) > _ROWS:
                return found
    except csv.Error:
        return found
    return found if is_whole else found[:-1]
