"""Turns the members of a document, or of a mapping given in Python, into cells by column.

Objects inside objects become columns with dots (`account.name`); lists are no cells.
Invariants: numbers become exact decimals, never floats; a list or object that a rule wants as a value is a
problem of the row, never a blank; text that no answer of the org could carry (NUL, half a surrogate pair)
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sfsync.core.reading.rows import Cell, UnreadableRow
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.values import MAX_NUMBER_CHARS

OWN_PREFIX: Final = "_sfsync_"
"""Columns that begin so were added by our own rejects and are never read."""

MAX_CELL_CHARS: Final = 10_000_000
"""The longest text of one cell; the platform's own longest field holds 131,072 characters.

Source: Object Reference, long text area.
"""

MAX_DEPTH: Final = 16
FLATTER: Final = "Write the values that the job reads further up in the document."
_PLAIN_DIGITS: Final = 40


class BadRow(Exception):
    """A row that cannot be read, and why."""

    def __init__(self, code: str, message: str, hint: str = "", *, column: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.column = column

    def row(self, ref: RowRef, raw: tuple[str, ...], types: str = "") -> UnreadableRow:
        """The row as one that cannot be read."""
        problem = Problem(self.code, Stage.PARSE, str(self), self.hint, row=ref, column=self.column)
        return UnreadableRow(ref, raw, problem, types=types)


def _as_it_is(value: Any, column: str) -> Any:
    del column
    return value


def cells_of(
    members: Mapping[Any, Any], wanted: Collection[str], *, plain: Callable[[Any, str], Any] = _as_it_is
) -> dict[str, Cell]:
    """The cells by column; `wanted` are the columns that rules read, `plain` makes foreign values Python's own.

    Raises:
        BadRow: a value cannot be a cell, or a column occurs twice.
    """
    cells: dict[str, Cell] = {}
    for column, value in _scalars(members, wanted, plain, prefix="", depth=1):
        if column in cells:
            raise BadRow(
                "REPEATED_KEY", f'"{column}" occurs twice', "Take one of the two out.", column=column
            )
        cells[column] = value
    return cells


def _scalars(
    members: Mapping[Any, Any],
    wanted: Collection[str],
    plain: Callable[[Any, str], Any],
    *,
    prefix: str,
    depth: int,
) -> Iterator[tuple[str, Cell]]:
    if depth > MAX_DEPTH:
        raise BadRow("TOO_DEEP", f'"{prefix[:80]}" is nested more than {MAX_DEPTH} deep', FLATTER)
    for key, given in members.items():
        if not isinstance(key, str):
            raise BadRow("NOT_A_COLUMN", f"the key {key!r} is no text", "Use the names of columns as keys.")
        column = prefix + key
        if column.startswith(OWN_PREFIX):
            continue
        value = plain(given, column)
        if isinstance(value, Mapping):
            _refuse_wanted(column, wanted, "an object", hint=f'Name a value inside it: "{column}.NAME".')
            yield from _scalars(value, wanted, plain, prefix=f"{column}.", depth=depth + 1)
        elif value is None or isinstance(value, str | bool | int | float | Decimal | date):
            yield column, as_cell(value, column)
        else:
            what = "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
            _refuse_wanted(column, wanted, what, hint="Give text, a number, true or false, a date or null.")


def _refuse_wanted(column: str, wanted: Collection[str], what: str, *, hint: str) -> None:
    if column in wanted:
        raise BadRow("NOT_A_VALUE", f'"{column}" is {what}, not a value', hint, column=column)


def as_cell(value: str | float | Decimal | date | None, column: str) -> Cell:
    """A plain value as a cell: numbers as exact decimals, dates and moments as they are.

    Raises:
        BadRow: the number is no number, or the text holds what the org cannot.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _check_text(value, column)
        return str.__str__(value)  # the text of an enum's member, not its name
    if isinstance(value, date):
        return value
    number = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        message = f'"{column}" is {value}, which is no number'
        raise BadRow("NOT_A_NUMBER", message, "Write the number out, or null.", column=column)
    if number and abs(number.adjusted()) > MAX_NUMBER_CHARS:
        message = f'"{column}" is {number!s:.60}, which written out has more than {MAX_NUMBER_CHARS:,} digits'
        raise BadRow("NOT_A_NUMBER", message, "No field holds it. Correct the number.", column=column)
    return _plain(number)


def _plain(number: Decimal) -> Decimal | str:
    """The number as a person would write it: 1e3 is 1000; digits that Python shows with an exponent are text."""
    if "E" not in str(number) or abs(number.adjusted()) > _PLAIN_DIGITS:
        return number
    return f"{number:f}"


def _check_text(text: str, column: str) -> None:
    if len(text) > MAX_CELL_CHARS:
        message = f'"{column}" is longer than {MAX_CELL_CHARS:,} characters'
        raise BadRow("CELL_TOO_LARGE", message, "Shorten the text.", column=column)
    if "\0" in text:
        message = f'there is a NUL character in "{column}"'
        raise BadRow("BAD_CHARACTER", message, "Take the character out.", column=column)
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        message = f'"{column}" holds half a surrogate pair, which is no character'
        raise BadRow("BAD_CHARACTER", message, "Correct the export.", column=column) from None
