"""What makes one row of a delimited file unreadable, in words that lead to the cell.

A row of another width than the header is never filled up or cut: which cell is which cannot be said. The
cells that are too many may be blank, and still an unquoted delimiter further left may have pushed them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.sources.text.row_account import END_MARK

_BYTE_ORDER_MARK: Final = "\ufeff"


def cell_problem(ref: RowRef, cells: Sequence[str], text: str, columns: Sequence[str]) -> Problem | None:
    """What is wrong with a row as it stands in the file; `text` is all its cells in one."""
    if len(cells) != len(columns):
        return _ragged(ref, cells, len(columns))
    if "\0" in text:
        message = "the row holds a NUL character, which is no text"
        column = next(name for name, cell in zip(columns, cells, strict=True) if "\0" in cell)
        return Problem(
            "BAD_CHARACTER", Stage.PARSE, message, "Export the file again.", row=ref, column=column
        )
    if text.endswith(END_MARK):
        message = "the row ends in Ctrl-Z, the end mark of old programs"
        return Problem(
            *("BAD_CHARACTER", Stage.PARSE, message, "Take it out; it is no part of the cell."),
            row=ref,
            column=columns[-1],
        )
    if cells[-1].strip() == columns[-1] and _is_header(cells, columns):
        return Problem(
            code="REPEATED_HEADER",
            stage=Stage.PARSE,
            message="the row repeats the header",
            hint="Were files put together? Take this line out.",
            row=ref,
        )
    return None


def _is_header(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """A single column may hold a word that is its name, so that is no header."""
    if len(columns) == 1:
        return False
    return [each.strip().lstrip(_BYTE_ORDER_MARK) for each in cells] == list(columns)


def _ragged(ref: RowRef, cells: Sequence[str], width: int) -> Problem:
    count = len(cells)
    further = count - width
    message = f"the row has {count} cell{'' if count == 1 else 's'}, the header has {width}"
    hint = "Is a quote or a delimiter missing? Correct the row."
    if further > 0 and not any(cells[width:]):
        message += f"; the last {further} are blank" if further > 1 else "; the last one is blank"
        hint = (
            "Does the row end in a delimiter too many? Take it out, unless one further left stands in a cell "
            "without quotes."
        )
    elif count == 1 and width > 2:
        hint = "Is it a remark or a total, and no row? Take the line out, or correct it."
    return Problem("RAGGED_ROW", Stage.PARSE, message, hint, row=ref)
