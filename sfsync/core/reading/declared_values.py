"""What a rule's text means by what the job declares of numbers and dates, and what an undeclared one could mean.

The declaration stands at the rule or at its section; which of the section's counts for a rule is told by the type
of its field, so it is settled when the describe of the org is known (`settled`). Cells that are numbers or dates
already, as in a JSON document or a workbook, need no declaration. Nothing is guessed: a text that fits none is a
problem, and where none is given, the hint says each reading with the key that would declare it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Context, Decimal
from typing import Final

from sfsync.core.job import FieldRule, Section
from sfsync.core.orgs.describe import Field
from sfsync.core.reading.dates import COMMON_ORDERS, ISO, date_form, read_date, read_moment
from sfsync.core.reading.numbers import PLAIN, Amount, NotANumber, read_number
from sfsync.core.reading.rows import Percentage
from sfsync.core.values import shown

NUMBER_TYPES: Final = frozenset({"currency", "double", "percent", "int"})
_EXACT: Final = Context(prec=20_000)
_HUNDRED: Final = Decimal(100)
_TAKE_THE_DAY: Final = frozenset({"iso-minutes", "excel-serial-day", "excel-serial-1904-day"})
"""Forms of dates that say of a date-time that its day counts."""

_CURRENCY: Final = "currencyisocode"
_TWO_WAYS: Final = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
"""Three decimals, or a group of thousands: of all plain numbers only these are other numbers in other locales."""

_COMMON_LOCALES: Final = (PLAIN, "en_US", "de_DE", "fr_FR", "de_CH", "en_IN")
_LIKELY_SERIALS: Final = range(20_000, 80_000)
"""Days of the years 1954 to 2119; other whole numbers are hardly meant as Excel's days."""


class NotAsDeclared(ValueError):
    """A text that is not what its declaration says; `code` and `hint` go into the problem of its row."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def settled(rule: FieldRule, section: Section, field: Field) -> FieldRule:
    """The rule with the type of its field, and with the section's numbers or dates where these are for it.

    Of date-times the section's dates count only where they say a moment, which is true of epoch times.
    """
    numbers, dates = rule.numbers, rule.date_format
    if field.type in NUMBER_TYPES:
        numbers = numbers or section.numbers
    if field.type == "date" or (field.type == "datetime" and _says_moments(section.dates)):
        dates = dates or section.dates
    return replace(rule, numbers=numbers, date_format=dates, field_type=field.type)


def _says_moments(dates: str | None) -> bool:
    return dates is not None and date_form(dates).moment is not None


def declared_value(rule: FieldRule, text: str, typed: Decimal | date | None) -> object:
    """The value that a rule's text means; the text itself where nothing is declared of it.

    `typed` is the cell's own number or date where the source has typed it: such a date needs no declared form, and
    its text is ISO.

    Raises:
        NotAsDeclared: the text is not what the job declares.
    """
    if isinstance(typed, date):
        return _typed_date(rule, text, typed)
    if isinstance(typed, Percentage) and rule.field_type == "percent" and rule.times is None:
        return _EXACT.multiply(typed, _HUNDRED)
    if (
        rule.numbers is None
        and typed is None
        and rule.field_type in NUMBER_TYPES
        and _TWO_WAYS.fullmatch(text)
    ):
        raise NotAsDeclared("BAD_NUMBER", f'{rule.field}: "{text}" can be read two ways', _number_hint(text))
    if rule.numbers is not None or rule.times is not None:
        return _number(rule, text, typed)
    is_moment = rule.field_type == "datetime"
    if rule.date_format is None or (is_moment and rule.date_format == ISO):
        return text
    try:
        return (read_moment if is_moment else read_date)(text, rule.date_format)
    except ValueError as error:
        hint = "Correct the cell, or what the job says of dates: format in the rule, or dates in the section."
        raise NotAsDeclared("BAD_DATE", str(error), hint) from None


def _typed_date(rule: FieldRule, text: str, typed: date) -> str:
    """ISO text; a date field gets the day of a midnight, as programs keep days, or of any time where declared."""
    if rule.field_type != "date" or not isinstance(typed, datetime) or typed.tzinfo is not None:
        return text
    return text[:10] if typed.time() == time() or rule.date_format in _TAKE_THE_DAY else text


def _number(rule: FieldRule, text: str, number: Decimal | None) -> Decimal:
    try:
        amount = Amount(number) if number is not None else read_number(text, rule.numbers)
    except NotANumber as error:
        hint = "Correct the cell, or what the job says of numbers: numbers in the rule or in the section."
        raise NotAsDeclared("BAD_NUMBER", str(error), hint) from None
    if amount.is_percent and rule.field_type != "percent":
        message = f'"{text}" is a percentage, and {rule.field} is not'
        raise NotAsDeclared("BAD_NUMBER", message, "Correct the cell.")
    if amount.is_percent and rule.times is not None:
        message = f'"{text}" is a percentage already, and the job would multiply it by {rule.times}'
        raise NotAsDeclared("BAD_NUMBER", message, "Correct the cell, or take times out of the rule.")
    return amount.value if rule.times is None else _EXACT.multiply(amount.value, rule.times)


def currency_contradictions(
    section: Section, texts: Mapping[str, str], wanted: object
) -> Iterator[tuple[FieldRule, NotAsDeclared]]:
    """The rules whose number is written with a currency that is not the row's own.

    `texts` holds the cells' texts by field, `wanted` is the row's CurrencyIsoCode; without one nothing contradicts.
    """
    if not isinstance(wanted, str):
        return
    for rule in section.rules:
        text = texts.get(rule.field, "")
        if rule.numbers in (None, PLAIN) or text == "":
            continue
        try:
            currencies = read_number(text, rule.numbers).currencies
        except NotANumber:
            continue
        if currencies and wanted not in currencies:
            message = f'"{text}" is written with another currency than the row\'s {wanted}'
            hint = "Correct the amount's currency, or the row's."
            yield rule, NotAsDeclared("OTHER_CURRENCY", message, hint)


def maps_currency(section: Section) -> bool:
    """Whether a section says the currency of its rows, and has numbers that may say it too."""
    has_numbers = any(each.numbers not in (None, PLAIN) for each in section.rules)
    return has_numbers and section.rule(_CURRENCY) is not None


def undeclared_hint(reason: str, text: str) -> str | None:
    """What to do about a text that is no plain number or ISO date: its readings, each with the key that says it.

    `reason` is the refusal of `values`; None where it is about something else.
    """
    if reason.endswith("is not a date such as 2026-09-30"):
        return _date_hint(text)
    if reason.endswith("is not a plain number such as 1234.50"):
        return _number_hint(text)
    return None


def _date_hint(text: str) -> str:
    flag = "in the job (format in the rule, or dates in the section), or --date-format in an import"
    readings = dict(_date_readings(text))
    if not readings:
        return f"Correct the cell, or say how dates are written {flag}."
    said = ", ".join(f'dates = "{name}" reads {reading}' for name, reading in readings.items())
    flags = " or ".join(f"--date-format {name}" for name in readings)
    return f"Say how dates are written {flag}: {said} ({flags})."


def _date_readings(text: str) -> Iterator[tuple[str, str]]:
    names = [*COMMON_ORDERS, "iso-minutes", "epoch-ms", "epoch-s"]
    if text.partition(".")[0].isascii() and text.isdigit() and int(text[:12]) in _LIKELY_SERIALS:
        names.append("excel-serial")
    for name in names:
        try:
            yield name, read_date(text, name).isoformat()
        except ValueError:
            continue


def _number_hint(text: str) -> str:
    readings: dict[str, str] = {}
    for locale in _COMMON_LOCALES:
        try:
            value = shown(read_number(text, locale).value)
        except NotANumber:
            continue
        readings.setdefault(value, locale)
    if not readings:
        return "Correct the cell, or say how numbers are written: numbers in the job, --numbers in an import."
    said = ", ".join(f'numbers = "{locale}" reads {value}' for value, locale in readings.items())
    flags = " or ".join(f"--numbers {locale}" for locale in readings.values())
    return f"Say how numbers are written, in the rule, in the section or in an import: {said} ({flags})."
