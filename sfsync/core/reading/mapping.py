"""A source row becomes a typed local row by the rules of its section: columns in, fields out.

What an empty cell means, which words are translated, how a date is written and by what a parent is looked
up is all said by the job; nothing is guessed. A row with problems still yields what could be read, so that
a report can name it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from sfsync.core.job import Blank, FieldRule, Section
from sfsync.core.models import InvalidField, Reference, validated
from sfsync.core.reading.declared_values import (
    NotAsDeclared,
    currency_contradictions,
    declared_value,
    maps_currency,
    undeclared_hint,
)
from sfsync.core.reading.rows import Cell, SourceRow
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.sobject import record_id
from sfsync.core.values import clipped, trimmed
from sfsync.core.wording import suggestion

PLACE: Final = re.compile(r"\{([^{}]+)\}")
"""A `{column}` place in composed text."""

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class LocalRow:
    """One row in the words of the org: field values (typed, references unresolved) and what is wrong."""

    ref: RowRef
    values: Mapping[str, Any]
    problems: tuple[Problem, ...]


def mapped(section: Section, row: SourceRow) -> LocalRow:
    """The local row that the section's rules make of a source row."""
    raw: dict[str, Any] = {}
    problems: list[Problem] = []
    cells = put_right(section, row.cells)
    for rule in section.rules:
        try:
            value = _value(rule, cells)
        except _Unmappable as error:
            problems.append(_problem(rule, row, error))
            continue
        if value is not _ABSENT:
            raw[rule.field] = value
    values, invalid = validated(section.sobject, raw)
    problems.extend(_invalid(section, row, each) for each in invalid)
    if maps_currency(section):
        texts = {rule.field: source_text(rule, row) for rule in section.rules}
        found = currency_contradictions(section, texts, values.get("CurrencyIsoCode"))
        problems.extend(
            _problem(rule, row, _Unmappable(why.code, str(why), why.hint, value=texts[rule.field]))
            for rule, why in found
        )
    return LocalRow(row.ref, values, tuple(problems))


def said(section: Section, rule: FieldRule, row: SourceRow) -> str:
    """What the row says for one rule, translated but not typed; "" where it says nothing that is mapped."""
    cells = put_right(section, row.cells)
    text = trimmed(as_text(_cell(rule, cells)))
    if text == "" and rule.blank is Blank.DEFAULT:
        return rule.default or ""
    return (
        text if rule.value_map is None else (rule.value_map.get(text) or (text if rule.keep_unmapped else ""))
    )


def put_right(section: Section, cells: Mapping[str, Cell]) -> Mapping[str, Cell]:
    """The cells with the section's replaced words."""
    if not section.replace:
        return cells
    known = {column: words for column, words in section.replace.items() if column in cells}
    return {**cells} | {
        column: words.get(trimmed(as_text(cells[column])), cells[column]) for column, words in known.items()
    }


def source_text(rule: FieldRule | None, row: SourceRow) -> str:
    """What the row's own cell says for a rule, as a person wrote it."""
    column = value_column(rule, row.cells) if rule else ""
    return as_text(row.cells.get(column)) if column else ""


def source_texts(section: Section, row: SourceRow) -> dict[str, str]:
    """What the row's own cells say, by the field of each rule, as a person wrote it."""
    cells, texts = row.cells, {}
    for rule in section.rules:
        column = value_column(rule, cells) if rule.or_columns else rule.column
        cell = cells.get(column) if column else None
        texts[rule.field] = cell if isinstance(cell, str) else as_text(cell)
    return texts


def value_column(rule: FieldRule, cells: Mapping[str, Cell]) -> str:
    """The column that gives the rule's value: of several the first that says something, else the first; "" is none.

    A word that the rule's map makes "" says nothing, so that one column can decide for another: Status=Won is a
    stage of its own, and Status=Open leaves it to the column Stage.
    """
    for column in rule.value_columns if rule.or_columns else ():
        text = trimmed(as_text(cells.get(column)))
        if text and (rule.value_map or {}).get(text) != "":
            return column
    return rule.column or ""


def as_text(cell: Cell) -> str:
    """A cell as text; truth values in the words of a file."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell.isoformat() if isinstance(cell, date) else f"{cell:f}"


class _Unmappable(Exception):
    def __init__(self, code: str, message: str, hint: str, *, value: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.value = value


def _value(rule: FieldRule, cells: Mapping[str, Cell]) -> object:
    cell = _cell(rule, cells)
    if isinstance(cell, bool):
        return cell
    text = trimmed(cell if isinstance(cell, str) else as_text(cell))
    if text == "":
        return _of_blank(rule, cells)
    if rule.value_map is not None:
        text = _translated(rule, text)
        if text == "":
            return _of_blank(rule, cells)
    if isinstance(cell, str) or rule.value_map is not None:
        return _typed(rule, text, cells)
    return _typed(rule, text, cells, cell if isinstance(cell, Decimal | date) else None)


def _cell(rule: FieldRule, cells: Mapping[str, Cell]) -> Cell:
    if rule.constant is not None:
        return rule.constant
    if rule.compose is not None:
        places = _places(rule.compose)
        if places and not any(trimmed(as_text(cells.get(each))) for each in places):
            return None
        return PLACE.sub(lambda place: trimmed(as_text(cells.get(place[1]))), rule.compose)
    return cells.get(value_column(rule, cells) if rule.or_columns else rule.column or "")


@lru_cache(maxsize=256)
def _places(composed: str) -> tuple[str, ...]:
    return tuple(PLACE.findall(composed))


def _of_blank(rule: FieldRule, cells: Mapping[str, Cell]) -> object:
    match rule.blank:
        case Blank.SKIP:
            return _ABSENT
        case Blank.NULL:
            return None
        case Blank.DEFAULT:
            return _typed(rule, rule.default or "", cells)
        case Blank.ERROR:
            raise _Unmappable(
                "BLANK",
                f"{rule.field} is empty",
                "Fill the cell in, or say in the job what an empty cell means.",
            )


def _translated(rule: FieldRule, text: str) -> str:
    table = rule.value_map or {}
    if text in table:
        return table[text]
    if rule.keep_unmapped:
        return text
    hint = f"{suggestion(text, table)} Add it to the map of {rule.field}, or correct the cell.".strip()
    raise _Unmappable(
        "VALUE_NOT_MAPPED", f'"{clipped(text)}" is not in the map of {rule.field}', hint, value=text
    )


def _typed(
    rule: FieldRule, text: str, cells: Mapping[str, Cell], typed: Decimal | date | None = None
) -> object:
    if rule.match:
        account = trimmed(as_text(cells.get(rule.account))) if rule.account else ""
        return Reference(text, rule.match, account)
    if rule.as_record_id:
        return _full_id(text)
    try:
        return declared_value(rule, text, typed)
    except NotAsDeclared as error:
        raise _Unmappable(error.code, str(error), error.hint, value=text) from None


def _full_id(text: str) -> str:
    full = record_id(text)
    if full is None:
        hint = "Give the 15 or 18 characters as the org shows them; spreadsheets may change capitals."
        raise _Unmappable("BAD_RECORD_ID", f'"{clipped(text)}" is no record id', hint, value=text)
    return full


def _problem(rule: FieldRule, row: SourceRow, error: _Unmappable) -> Problem:
    return Problem(
        code=error.code,
        stage=Stage.MAP,
        message=str(error),
        hint=error.hint,
        row=row.ref,
        column=value_column(rule, row.cells),
        field=rule.field,
        value=error.value,
    )


_VALUE_HINT: Final = "Correct the cell, or the rule of this field in the job."


def _invalid(section: Section, row: SourceRow, invalid: InvalidField) -> Problem:
    rule = section.rule(invalid.field)
    text = source_text(rule, row)
    return Problem(
        code="BAD_VALUE",
        stage=Stage.MAP,
        message=f"{invalid.field}: {invalid.reason}",
        hint=undeclared_hint(invalid.reason, trimmed(text)) or _VALUE_HINT,
        row=row.ref,
        column=value_column(rule, row.cells) if rule else "",
        field=invalid.field,
        value=text,
    )
