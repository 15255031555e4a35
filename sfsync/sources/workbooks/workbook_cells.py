"""What one cell of a workbook says: text, an exact number, a day or moment as ISO text, or what is wrong with
it.

A spreadsheet's numbers are doubles of which 15 digits count, so a number is read with these: what was typed
comes back as it was typed (10012345678, 0.1), and the dust of a calculation (3.3000000000000003) goes. A whole
number of more digits has lost some and is no value. Truth values are text, so that a reject that is saved as
CSV says the same.
Source: ECMA-376-1, 18.18.11 (cell types); Excel specifications and limits, "Number precision: 15 digits".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sfsync.core.reading.rows import Cell
from sfsync.core.reading.serial_days import iso_duration, iso_moment
from sfsync.sources.cells import as_cell
from sfsync.sources.workbooks.still_bad import mark
from sfsync.sources.workbooks.workbook_parts import Looks, Workbook, unescaped

DIGITS: Final = 15
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00(?::00(?:\.0+)?)?")


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that is no value: what stands in it, what is wrong and what to do."""

    code: str
    shown: str
    why: str
    hint: str


Content = Cell | BadCell


def content_of(kind: str, text: str | None, look: Looks, book: Workbook) -> Content:
    """What a cell of that type says; None when it says nothing, as without a text."""
    if text is None:
        return None
    if kind == "n":
        return _number(text, look, book)
    match kind:
        case "s":
            return _shared(text, book)
        case "str" | "inlineStr":
            return unescaped(text)
        case "b":
            return "true" if text.strip() == "1" else "false"
        case "e":
            return _error(text)
        case "d":
            day = _DAY.fullmatch(text.strip())
            return day[1] if day else text.strip()
    return _number(text, look, book)


def content_of_formula(kind: str, text: str | None, look: Looks, book: Workbook) -> Content:
    """The same of a cell with a formula; an empty text is a value where the cell says that it is text."""
    if text is None or (text == "" and kind != "str"):
        return _not_calculated(_NEVER)
    return _not_calculated(_OUT_OF_DATE) if book.must_recalculate else content_of(kind, text, look, book)


def _bad(code: str, held: str, why: str, hint: str) -> BadCell:
    return BadCell(code, mark(code, held), why, hint)


def _shared(text: str, book: Workbook) -> Content:
    try:
        return book.texts[int(text)]
    except (ValueError, IndexError):
        return _bad("BROKEN_CELL", "", "names a text that the workbook does not have", _SAVE_AGAIN)


def _number(text: str, look: Looks, book: Workbook) -> Content:
    is_plain = look is Looks.NUMBER or look is Looks.PERCENT
    if is_plain and len(text) <= DIGITS and text.isascii() and text.isdecimal():
        return Decimal(text)
    text = text.strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        return _bad("BROKEN_CELL", text, f'holds "{text[:40]}", which is no number', _SAVE_AGAIN)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return _bad("BROKEN_CELL", text, "holds a number that is too large", _SAVE_AGAIN)
    if not is_plain:
        return _time(number, look, book)
    if abs(number) >= 10**DIGITS and number.is_integer():
        shown = f"{number:.15g}"
        why = f"holds a number of more than {DIGITS} digits ({shown}); a spreadsheet keeps no more"
        return _bad("LOST_DIGITS", shown, why, _AS_TEXT)
    return as_cell(Decimal(f"{number:.{DIGITS}g}"), "")


def _time(serial: float, look: Looks, book: Workbook) -> Content:
    try:
        if look is Looks.LENGTH or (look is Looks.TIME and serial < 1):
            return iso_duration(serial)
        said = iso_moment(serial, since_1904=book.since_1904)
        return datetime.fromisoformat(said) if "T" in said else date.fromisoformat(said)
    except (ValueError, OverflowError) as error:
        why = f"is formatted as a date, and its number means {error}"
        return _bad("NO_SUCH_DATE", f"{serial:.15g}", why, "Correct the cell, or its number format.")


_AS_TEXT: Final = (
    "Format the column as text and enter the number again from where it came; "
    "its last digits are not in the workbook."
)
_SAVE_AGAIN: Final = "Open the workbook in a spreadsheet program, correct the cell and save."
_CALCULATE: Final = "Open the workbook in a spreadsheet program and save it: that calculates its formulas."


def _error(text: str) -> BadCell:
    shown = text.strip() or "#VALUE!"
    return BadCell("CELL_ERROR", shown, f"is {shown[:40]}", "Correct the formula, or clear the cell.")


def _not_calculated(why: str) -> BadCell:
    return _bad("FORMULA_WITHOUT_VALUE", "", why, _CALCULATE)


_NEVER: Final = "is a formula that no spreadsheet program has calculated yet"
_OUT_OF_DATE: Final = (
    "is a formula whose value is out of date: the workbook says that all must be calculated again"
)
