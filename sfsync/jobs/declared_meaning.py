"""Checks what a job file says of numbers and dates: known locales, known forms, a factor that is a number.

It looks at the raw document, like `job_meaning`; whether a declaration suits its field only the org can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sfsync.core.reading.dates import date_form
from sfsync.core.reading.numbers import PLAIN, number_form
from sfsync.core.values import parse_number
from sfsync.jobs.mistakes import Mistake, Path, shown

Table = Mapping[str, Any]


def declared_mistakes(path: Path, table: Table) -> Iterator[Mistake]:
    """What is wrong with the declarations of a section or a rule."""
    for key, given in table.items():
        if not isinstance(given, str) or not given:
            continue
        if key == "numbers" and given != PLAIN:
            try:
                number_form(given)
            except ValueError as error:
                yield Mistake((*path, key), f"= {error}")
        elif key in ("dates", "format"):
            try:
                date_form(given)
            except ValueError as error:
                yield Mistake((*path, key), str(error))
        elif key == "times" and factor(given) is None:
            yield Mistake((*path, key), f'= {shown(given)} is no factor; an example is "100" or "0.01"')


def rule_clashes(path: Path, rule: Table) -> Iterator[Mistake]:
    """Keys of a rule of which only one can be meant."""
    for key in ("numbers", "times"):
        if key in rule and "format" in rule:
            yield Mistake((*path, key), "is for numbers, format is for dates; give one")
        if key in rule and "match" in rule:
            yield Mistake((*path, key), "is for numbers, match is for references; give one")


def factor(text: str) -> Decimal | None:
    """The exact factor that a text spells; None where it is no plain number, or zero."""
    try:
        return parse_number(text) or None
    except ValueError:
        return None
