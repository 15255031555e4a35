"""Numbers of declared locales: many real spellings, and what is none of them."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from sfsync.core.reading.numbers import NotANumber, number_form, read_number

NNBSP, NBSP, THIN, APOSTROPHE, MINUS = "\u202f", "\u00a0", "\u2009", "\u2019", "\u2212"

TAKEN = [
    ("de_DE", "1.234,50", "1234.50"),
    ("de_DE", "1234,50", "1234.50"),
    ("de_DE", "1.234", "1234"),
    ("de_DE", "1,234", "1.234"),
    ("de_DE", "1.234.567", "1234567"),
    ("de_DE", "0,5", "0.5"),
    ("de_DE", ",5", "0.5"),
    ("de_DE", "-1.234,50", "-1234.50"),
    ("de_DE", f"{MINUS}5", "-5"),
    ("de_DE", "1.234,50 €", "1234.50"),
    ("de_DE", f"1.234,50{NBSP}€", "1234.50"),
    ("de_DE", "€ 1.234,50", "1234.50"),
    ("de_DE", "EUR 1.234", "1234"),
    ("de_DE", "1.234 EUR", "1234"),
    ("de_DE", "-1.234,50 €", "-1234.50"),
    ("de_DE", "USD 5", "5"),
    ("de_AT", "€ 1.234,50", "1234.50"),
    ("de_CH", f"1{APOSTROPHE}234.50", "1234.50"),
    ("de_CH", "1'234.50", "1234.50"),
    ("de_CH", "CHF 1'234.50", "1234.50"),
    ("de_CH", "Fr. 5.50", "5.50"),
    ("en_US", "1,234.50", "1234.50"),
    ("en_US", "$1,234.50", "1234.50"),
    ("en_US", "-$1,234.50", "-1234.50"),
    ("en_US", "$-1,234.50", "-1234.50"),
    ("en_US", "(1,234.50)", "-1234.50"),
    ("en_US", "($1,234.50)", "-1234.50"),
    ("en_US", "EUR 1,234", "1234"),
    ("en_GB", "£1,234.50", "1234.50"),
    ("en_IN", "12,34,567.50", "1234567.50"),
    ("en_IN", "1,234", "1234"),
    ("en_IN", "₹12,34,567", "1234567"),
    ("en_IN", "Rs. 1,00,000", "100000"),
    ("fr_FR", f"1{NNBSP}234,50", "1234.50"),
    ("fr_FR", f"1{NBSP}234,50", "1234.50"),
    ("fr_FR", f"1{THIN}234,50", "1234.50"),
    ("fr_FR", "1 234 567,50 €", "1234567.50"),
    ("fr_FR", f"1{NNBSP}234,50{NBSP}€", "1234.50"),
    ("pl_PL", f"1{NBSP}234,50 zł", "1234.50"),
    ("sv_SE", f"{MINUS}1{NBSP}234,5 kr", "-1234.5"),
    ("da_DK", "1.234,50 kr.", "1234.50"),
    ("pt_BR", "R$ 1.234,50", "1234.50"),
    ("ja_JP", "¥1,234", "1234"),
    ("es_ES", "1.234,5", "1234.5"),
]


@pytest.mark.parametrize(("locale", "text", "value"), TAKEN)
def test_a_number_is_read_as_its_locale_writes_it(locale: str, text: str, value: str) -> None:
    """Grouping, decimal mark, currency and negative numbers as people of that locale really write them."""
    assert read_number(text, locale).value == Decimal(value)


REFUSED = [
    ("de_DE", "1.5"),
    ("de_DE", "12.34"),
    ("de_DE", "1.2345"),
    ("de_DE", "1.23.456"),
    ("de_DE", "1234.567"),
    ("de_DE", "0.123"),
    ("de_DE", "01.234"),
    ("de_DE", "1,234,567"),
    ("de_DE", "1,234.50"),
    ("de_DE", "1 234"),
    ("de_DE", "5,"),
    ("de_DE", "5."),
    ("de_DE", "."),
    ("de_DE", ""),
    ("de_DE", "€"),
    ("de_DE", "5 € EUR"),
    ("de_DE", "5-"),
    ("de_DE", "5 -"),
    ("de_DE", "--5"),
    ("de_DE", "+5"),
    ("de_DE", "-€ -5"),
    ("de_DE", "(-5)"),
    ("de_DE", "(5"),
    ("de_DE", "5)"),
    ("de_DE", "1_000"),
    ("de_DE", "NaN"),
    ("de_DE", "inf"),
    ("de_DE", "Infinity"),
    ("de_DE", "1e400"),
    ("de_DE", "1e3"),
    ("de_DE", "0x10"),
    ("de_DE", "\uff11\uff12"),
    ("de_DE", "\u0661\u0662"),
    ("de_DE", "5 Stück"),
    ("de_DE", "ABC 5"),
    ("de_DE", "%5%"),
    ("en_US", "1.234,50"),
    ("en_US", "1,23"),
    ("en_US", "12,34,567"),
    ("en_IN", "1,234,567"),
    ("en_IN", "123,456"),
    ("fr_FR", "12.50"),
    ("fr_FR", f"1{NBSP}234{NNBSP}567"),
    ("fr_FR", "1  234"),
    ("de_CH", f"1'234{APOSTROPHE}567"),
    ("de_CH", "1.234,50"),
    ("plain", "1,234"),
    ("plain", "€5"),
    ("plain", "(5)"),
    ("plain", "5 %"),
]


@pytest.mark.parametrize(("locale", "text"), REFUSED)
def test_what_the_locale_would_not_write_is_refused(locale: str, text: str) -> None:
    """Wrong groups, signs behind or doubled, other scripts' digits, exponents, words: none is a number."""
    with pytest.raises(NotANumber):
        read_number(text, locale)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1.5", "such as 1.234,50: it is not grouped so"),
        ("5-", "such as 1.234,50: the minus stands behind it"),
        ("--5", "such as 1.234,50: it has two signs"),
        ("+5", "such as 1.234,50: a plus sign is not written"),
        ("\u0661", "such as 1.234,50: its digits are not 0 to 9"),
        ("five", "is not a number as de_DE writes it, such as 1.234,50"),
    ],
)
def test_a_refusal_says_what_was_expected_with_an_example(text: str, why: str) -> None:
    """The message ends with what is wrong, where it can be told."""
    with pytest.raises(NotANumber) as error:
        read_number(text, "de_DE")
    assert str(error.value).endswith(why)


def test_the_example_of_a_locale_is_one_of_its_numbers() -> None:
    """What a message shows can be typed."""
    for locale in ("de_DE", "en_US", "en_IN", "fr_FR", "de_CH", "sv_SE", "pt_BR", "de_AT"):
        form = number_form(locale)
        assert form.read(form.example).value in (Decimal("1234.50"), Decimal("1234567.50"))


def test_a_symbol_says_which_currencies_it_may_mean() -> None:
    """The dollar is many countries', a code is one; a bare number says none."""
    assert read_number("5 €", "de_DE").currencies == {"EUR"}
    assert {"USD", "CAD"} <= read_number("$5", "en_US").currencies
    assert read_number("CHF 5", "de_CH").currencies == {"CHF"}
    assert read_number("5", "de_DE").currencies == frozenset()


@pytest.mark.parametrize(("locale", "text"), [("de_DE", "75 %"), ("en_US", "75%"), ("tr_TR", "%75")])
def test_a_percentage_is_its_number_and_says_so(locale: str, text: str) -> None:
    """Seventy-five percent is 75, as the org's percent fields hold it."""
    assert (read_number(text, locale).value, read_number(text, locale).is_percent) == (Decimal(75), True)


@pytest.mark.parametrize(
    ("name", "near"), [("de_DEE", '"de_DE"'), ("de-DE", '"de_DE"'), ("EN_us", '"en_US"'), ("", "no locale")]
)
def test_an_unknown_locale_is_named_with_near_ones(name: str, near: str) -> None:
    """A slip in the name is seen."""
    with pytest.raises(ValueError, match="is no locale") as error:
        number_form(name)
    assert near in str(error.value)


def test_a_command_that_declares_no_locale_loads_none() -> None:
    """The library of locales is heavy, and most jobs are plain."""
    words = "import sys, sfsync.cli.main, sfsync.jobs.job_files; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False, timeout=60).returncode == 0
