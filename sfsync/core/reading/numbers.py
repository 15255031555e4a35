"""Numbers as a declared locale writes them: `1.234,50` of de_DE, `12,34,567.5` of en_IN, `1 234,5` of fr_FR.

A locale's symbols come from CLDR by way of babel, which is imported only when a job declares one; from them one
pattern is made, because babel's own parser would read each row anew. It is stricter than babel's strict one: digits
are ASCII, groups are whole or left out, there is one sign, in front. The declared locale also takes a currency off
(`1.234,50 €`, `EUR 1,234`) and accounting's brackets for a negative number; a percent sign only where it belongs.
Source: Unicode CLDR, number symbols, latn (the digits 0-9), grouping sizes of the decimal pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from sfsync.core.values import MAX_NUMBER_CHARS, clipped, parse_number
from sfsync.core.wording import suggestion

PLAIN: Final = "plain"
"""The name of numbers without a locale: a point, no grouping, nothing else; `values.parse_number` reads them."""

_SPACES: Final = " \u00a0\u2009\u202f"
"""Blanks that people and programs write for each other: space, no-break, thin and narrow no-break."""

_NO_CURRENCY: Final = "XXX"
_APOSTROPHES: Final = "'\u2019"
_MINUS: Final = "-\u2212"
_SAME_SYMBOL: Final[Mapping[str, str]] = {
    "$": "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD "
    "USD UYU XCD",
    "\u00a3": "GBP EGP FKP GIP LBP SDG SHP SSP SYP",
    "\u00a5": "JPY CNY",
    "\u20ac": "EUR",
    "\u20b9": "INR",
    "Rs": "INR LKR MUR NPR PKR SCR",
    "Rs.": "INR LKR MUR NPR PKR SCR",
    "Fr.": "CHF",
    "kr": "DKK ISK NOK SEK",
    "kr.": "DKK ISK NOK SEK",
}
"""Symbols and all the currencies that write themselves so, whatever the locale. Source: CLDR, narrow symbols."""


class NotANumber(ValueError):
    """The text is no number as it was declared; the message says why, with an example."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and what stood at it: the currencies that its symbol may mean (none: no symbol), a percent sign."""

    value: Decimal
    currencies: frozenset[str] = frozenset()
    is_percent: bool = False


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How one locale writes numbers. `example` is a number of it, such as `1.234,50`."""

    locale: str
    example: str
    decimal: str
    groups: str
    bare: re.Pattern[str]
    dressed: re.Pattern[str]
    symbols: Mapping[str, frozenset[str]]

    def read(self, text: str) -> Amount:
        """The number that the text spells.

        Raises:
            NotANumber: it spells none in this locale.
        """
        bare = self.bare.fullmatch(text)
        if bare is not None:
            return Amount(self._value(bare, is_negative=bool(bare["sign"])))
        dressed = self.dressed.fullmatch(text)
        if dressed is None:
            raise NotANumber(self._refusal(text))
        signs = sum(bool(dressed[each]) for each in ("open", "sign", "inner"))
        marks = [dressed[each] for each in ("before", "after", "percent", "percent_before") if dressed[each]]
        if signs > 1 or len(marks) > 1 or bool(dressed["open"]) != bool(dressed["close"]):
            raise NotANumber(self._refusal(text))
        mark = dressed["before"] or dressed["after"] or ""
        value = self._value(dressed, is_negative=signs == 1)
        return Amount(value, self.symbols.get(mark, frozenset()), bool(marks) and not mark)

    def _value(self, found: re.Match[str], *, is_negative: bool) -> Decimal:
        digits = "".join(each for each in found["whole"] or "0" if each not in self.groups)
        part = found["part"] or found["only"]
        return Decimal(f"{'-' if is_negative else ''}{digits}{'.' + part if part else ''}")

    def _refusal(self, text: str) -> str:
        said = f"{clipped(text)!r} is not a number as {self.locale} writes it, such as {self.example}"
        why = _why(text, self.decimal, self.groups)
        return f"{said}: {why}" if why else said


def _why(text: str, decimal: str, groups: str) -> str:
    """What most likely is wrong, in a few words; "" where nothing can be told."""
    if any(each.isdigit() and not each.isascii() for each in text):
        return "its digits are not 0 to 9"
    if re.fullmatch(rf".*[0-9][{_SPACES}]?[{_MINUS}]", text):
        return "the minus stands behind it"
    if sum(each in f"{_MINUS}+(" for each in text) > 1:
        return "it has two signs"
    if text.startswith("+"):
        return "a plus sign is not written"
    digits = set(text) - set("0123456789") - set(f"{decimal}{groups}{_MINUS}")
    if not digits and any(each in groups for each in text):
        return "it is not grouped so"
    return ""


@cache
def number_form(locale: str) -> NumberForm:
    """The form of a locale by its CLDR name, such as de_DE, fr or en_IN.

    Raises:
        ValueError: there is no such locale; the message names near ones.
    """
    from babel import Locale

    require_locale(locale)
    data = Locale.parse(locale)
    symbols = data.number_symbols["latn"]
    decimal, grouping = symbols["decimal"], data.decimal_formats[None].grouping
    written = [symbols["group"], symbols.get("currencyGroup", "")]
    groups = "".join(dict.fromkeys("".join(_alike(each) for each in written)))
    marks = _marks(data.currencies, data.currency_symbols)
    number = _number_pattern(decimal, groups, grouping)
    blank = rf"[{_SPACES}]?"
    mark = "|".join(re.escape(each) for each in sorted(marks, key=len, reverse=True))
    dressed = (
        rf"(?P<open>\()?(?P<sign>[{_MINUS}])?(?:{blank}(?:(?P<before>{mark})|(?P<percent_before>%)){blank})?"
        rf"(?P<inner>[{_MINUS}])?{number}(?:{blank}(?:(?P<after>{mark})|(?P<percent>%)))?(?P<close>\))?"
    )
    return NumberForm(
        locale,
        _example(decimal, symbols["group"], grouping),
        decimal,
        groups,
        re.compile(rf"(?P<sign>[{_MINUS}])?{number}"),
        re.compile(dressed),
        marks,
    )


def require_locale(locale: str) -> None:
    """Refuses a name that CLDR has no locale of.

    Raises:
        ValueError: there is no such locale; the message names near ones.
    """
    from babel.localedata import locale_identifiers

    known = locale_identifiers()
    if locale in known:
        return
    spelled = locale.replace("-", "_")
    same = next((each for each in known if each.lower() == spelled.lower()), None)
    hint = f'Did you mean "{same}"?' if same else suggestion(spelled, known if locale else ())
    raise ValueError(f'"{locale[:60]}" is no locale such as de_DE or en_US. {hint}'.strip())


def _alike(group: str) -> str:
    """The characters that people write for a group symbol."""
    for kin in (_SPACES, _APOSTROPHES):
        if group and group in kin:
            return kin
    return group


def _marks(codes: Iterable[str], symbols: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Every symbol and code of a currency that may stand at a number, and which currencies it may mean."""
    marks = {code: frozenset({code}) for code in codes if code != _NO_CURRENCY}
    for code, symbol in symbols.items():
        if symbol and not any(each.isdigit() for each in symbol) and code != _NO_CURRENCY:
            marks[symbol] = marks.get(symbol, frozenset()) | {code}
    for symbol, shared in _SAME_SYMBOL.items():
        marks[symbol] = marks.get(symbol, frozenset()) | set(shared.split())
    return marks


def _number_pattern(decimal: str, groups: str, grouping: tuple[int, int]) -> str:
    """Digits alone or in whole groups, one group symbol throughout; the first group never begins with a zero."""
    primary, secondary = grouping
    point = re.escape(decimal)
    first = rf"[1-9][0-9]{{0,{secondary - 1}}}"
    mark = f"[{re.escape(groups)}]"
    later = rf"(?:[0-9]{{{secondary}}}(?P=group))*[0-9]{{{primary}}}"
    whole = rf"(?P<whole>{first}(?P<group>{mark}){later}|[0-9]+)"
    return rf"(?:{whole}(?:{point}(?P<part>[0-9]+))?|{point}(?P<only>[0-9]+))"


def _example(decimal: str, group: str, grouping: tuple[int, int]) -> str:
    whole = f"12{group}34{group}567" if grouping == (3, 2) else f"1{group}234"
    return f"{whole}{decimal}50"


def read_number(text: str, numbers: str | None) -> Amount:
    """The number that text spells in a declared locale; plain where none is declared.

    Raises:
        NotANumber: it spells none so.
    """
    if numbers is not None and numbers != PLAIN:
        if len(text) > MAX_NUMBER_CHARS:
            raise NotANumber(f"{clipped(text)!r} is longer than any number")
        return number_form(numbers).read(text)
    try:
        return Amount(parse_number(text))
    except ValueError as error:
        raise NotANumber(str(error)) from None
