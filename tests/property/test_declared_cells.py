"""Properties of declared numbers and dates: what a locale writes is read back, and nothing else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from babel.dates import format_date
from babel.numbers import (
    NumberFormatError,
    format_currency,
    format_decimal,
    get_decimal_symbol,
    get_group_symbol,
    parse_decimal,
)
from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.core.job import FieldRule
from sfsync.core.reading.dates import read_date
from sfsync.core.reading.declared_values import declared_value
from sfsync.core.reading.numbers import read_number
from sfsync.core.reading.reading_hints import NUMBER_NAMES, DateEvidence, Standing
from sfsync.core.values import parse_date, parse_number

LOCALES = (
    "de_DE",
    "de_AT",
    "de_CH",
    "en_US",
    "en_GB",
    "en_IN",
    "es_ES",
    "fr_FR",
    "hi_IN",
    "it_IT",
    "ja_JP",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "sv_SE",
    "tr_TR",
)
locales = st.sampled_from(LOCALES)
amounts = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=2)
odd_texts = st.text("0123456789.,'- \u00a0\u202f$\u20aceE_+()%", max_size=12)
days = st.dates(date(1900, 3, 1), date(2999, 12, 31))


def read_or_none(text: str, numbers: str) -> Decimal | None:
    """What our reader makes of a text."""
    try:
        return read_number(text, numbers).value
    except ValueError:
        return None


def by_babel(text: str, locale: str) -> Decimal | None:
    """What babel's strict parser makes of it, but for a point at the end, which Decimal takes."""
    if text.endswith(get_decimal_symbol(locale)) or not any(each.isdigit() for each in text):
        return None
    try:
        return parse_decimal(text, locale=locale, strict=True)
    except NumberFormatError:
        return None


@given(locales, st.data())
def test_our_pattern_and_babels_strict_parser_are_of_one_mind(locale: str, data: st.DataObject) -> None:
    """The same verdict and the same value for any text of the locale's own characters."""
    own = ["-", get_group_symbol(locale), get_decimal_symbol(locale), *"0123456789"]
    text = "".join(data.draw(st.lists(st.sampled_from(own), min_size=1, max_size=12)))
    assert read_or_none(text, locale) == by_babel(text, locale)


@given(locales, amounts)
def test_what_a_locale_writes_is_read_back(locale: str, amount: Decimal) -> None:
    """With groups and with a currency, positive and negative, to the last digit."""
    text = format_decimal(amount, locale=locale, decimal_quantization=False)
    assert read_number(text, locale).value == amount
    for currency in ("EUR", "USD", "INR", "CHF"):
        text = format_currency(amount, currency, locale=locale)
        found = read_number(text, locale)
        assert found.value == amount
        assert currency in found.currencies


@given(
    st.text("0123456789.,'- \u00a0\u202f$\u20aceE_+()%", max_size=12)
    | st.from_regex(r"-?[0-9]{1,4}\.[0-9]{2,4}", fullmatch=True)
)
@example("1.234")
@example("1.000")
def test_nothing_that_two_locales_read_differently_is_taken_undeclared(text: str) -> None:
    """Undeclared, a number is taken only where every locale that reads it reads the same."""
    readings = {each for name in NUMBER_NAMES if (each := read_or_none(text, name)) is not None}
    rule = FieldRule("Amount", "a", field_type="currency")
    try:
        taken = declared_value(rule, text, None)
        value = parse_number(str(taken))
    except ValueError:
        return
    assert readings == {value}


@given(days, st.sampled_from(["D.M.Y", "D/M/Y", "M/D/Y", "D-M-Y", "Y/M/D"]))
def test_a_day_written_in_an_order_is_read_back_and_never_without_it(day: date, order: str) -> None:
    """One- and two-digit days and months; undeclared it is no date at all."""
    parts = {"D": str(day.day), "M": f"{day.month:02}", "Y": str(day.year)}
    text = "".join(parts.get(each, each) for each in order)
    assert read_date(text, order) == day
    with pytest.raises(ValueError, match="is not a date"):
        parse_date(text)


@given(
    days, st.sampled_from(["de_DE", "en_US", "fr_FR", "es_ES", "it_IT", "nl_NL", "sv_SE", "pt_BR", "pl_PL"])
)
def test_a_day_with_its_month_in_words_is_read_back(day: date, locale: str) -> None:
    """As CLDR writes months in a sentence, long and short."""
    for width in ("d MMM y", "d MMMM y"):
        text = format_date(day, width, locale=locale)
        assert read_date(text, f"D MMM Y {locale}") == day


@given(days)
def test_a_day_as_a_number_is_read_back(day: date) -> None:
    """Excel counts days, clocks count seconds."""
    assert read_date(str((day - date(1899, 12, 30)).days), "excel-serial") == day
    if day >= date(1904, 1, 1):
        assert read_date(str((day - date(1904, 1, 1)).days), "excel-serial-1904") == day
    if day >= date(1980, 1, 1):
        seconds = (day - date(1970, 1, 1)).days * 86_400
        assert read_date(str(seconds), "epoch-s") == read_date(str(seconds * 1000), "epoch-ms") == day


@given(st.lists(days, min_size=1, max_size=20))
def test_a_verdict_on_an_order_is_never_wrong(given_days: list[date]) -> None:
    """Days written day first are decided to be that, or left open, and never the other order."""
    evidence = DateEvidence()
    for line, day in enumerate(given_days, start=2):
        evidence.add(line, f"{day.day}/{day.month}/{day.year}")
    found = evidence.verdict()
    names = [each.name for each in found.rivals]
    assert "D/M/Y" in names
    if found.standing is Standing.DECIDED:
        assert found.name == "D/M/Y"
        assert all(day.day == day.month for day in given_days) or any(day.day > 12 for day in given_days)
    else:
        assert all(day.day <= 12 for day in given_days)
