"""Dates as they are declared: by a named form, by an order of day, month and year, or by a strptime format.

A date has no zone. A date-time as text is taken as the day that it says; one with an offset is refused, since the
day hangs on where one stands. Numbers that stand for days are read by their declared unit only, within bounds that
no other unit reaches. Years have four digits unless a strptime format says %y.
Sources: Python, strptime; Microsoft, "Excel incorrectly assumes that the year 1900 is a leap year" and
"Differences between the 1900 and the 1904 date system"; Unicode CLDR, month names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Final

from sfsync.core.values import clipped, parse_date
from sfsync.core.wording import listed, nearest

ISO: Final = "iso"
"""The name of dates as they are without any declaration: 2026-09-30."""

_DAYS: Final = (date(2026, 1, 2), date(1999, 12, 31))
_WHOLE: Final = re.compile(r"([0-9]{1,16})(?:\.0+)?")
_SERIAL: Final = re.compile(r"([0-9]{1,7})(?:\.([0-9]+))?")
_MINUTES: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?)?"
)
_OFFSET: Final = re.compile(r".*[0-9] ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})")
_ORDER: Final = re.compile(r"(D|MMM|M|Y)(?:[./-] ?| )(D|MMM|M|Y)(?:[./,-] ?| )(D|MMM|M|Y)(?: (\w+))?")
_WORDED: Final = re.compile(r"[^\W\d_]+(?:\.?)")
_LAST_SERIAL: Final = 2_958_465
_FIRST_MOMENT: Final = datetime(1980, 1, 1, tzinfo=UTC)
_LAST_MOMENT: Final = datetime(4000, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Seconds of these years, taken for milliseconds, lie before them; milliseconds, taken for seconds, behind them.

Source of the last year: Salesforce, "Field types" (dates up to 4000-12-31).
"""


@dataclass(frozen=True, slots=True)
class DateForm:
    """How dates are written. `example` is one; `read` gives the day, `moment`, where it is there, the moment.

    Both raise ValueError with a short reason, perhaps empty, where the text is none.
    """

    name: str
    example: str
    read: Callable[[str], date]
    moment: Callable[[str], datetime] | None = None


@cache
def date_form(name: str) -> DateForm:
    """The form of a declared name, order or strptime format.

    Raises:
        ValueError: it is none, or does not say day, month and year; the message goes on behind the key.
    """
    if "%" in name:
        return _strptime_form(name)
    if name in _NAMED:
        return _NAMED[name]
    order = _ORDER.fullmatch(name)
    if order is not None and sorted(each[0] for each in order.groups()[:3]) == ["D", "M", "Y"]:
        return _worded_form(name, order) if "MMM" in name else _order_form(name, order)
    if re.fullmatch(r"[DMY./, -]+", name):
        raise ValueError(f'= "{name}" does not say day, month and year; an example is D.M.Y')
    near = nearest(name, [*_NAMED, *COMMON_ORDERS], most=1)
    known = (
        f'did you mean "{near[0]}"?' if near else f"known are {listed([*_NAMED, *COMMON_ORDERS], most=20)}."
    )
    raise ValueError(
        f'= "{name[:60]}" is no form of dates; {known} A strptime format such as %d.%m.%Y is one too'
    )


@lru_cache(maxsize=4096)
def read_date(text: str, name: str) -> date:
    """The day that text spells in a declared form; a file has few days and many rows.

    Raises:
        ValueError: it spells none so; the message says what is expected, with an example.
    """
    form = date_form(name)
    try:
        return form.read(text)
    except ValueError as error:
        raise ValueError(_refusal(text, form, error)) from None


def read_moment(text: str, name: str) -> datetime:
    """The moment that text spells in a declared form, in UTC, at the platform's one-second grain.

    Raises:
        ValueError: it spells none so, or the form says days alone.
    """
    form = date_form(name)
    if form.moment is None:
        raise ValueError(f"{name} says no moment with a zone")
    try:
        return form.moment(text).replace(microsecond=0)
    except ValueError as error:
        raise ValueError(_refusal(text, form, error)) from None


def _refusal(text: str, form: DateForm, error: ValueError) -> str:
    said = f'"{clipped(text)}" is not a date written as {form.name}, such as {form.example}'
    why = clipped(str(error))
    return f"{said}: {why}" if why and "%" not in form.name else said


def _refuse_other_digits(text: str) -> None:
    if any(each.isdigit() and not each.isascii() for each in text):
        raise ValueError("its digits are not 0 to 9")


def _strptime_form(name: str) -> DateForm:
    form = DateForm(name, _written(name), partial(_by_strptime, name))
    try:
        says_it = all(form.read(each.strftime(name)) == each for each in _DAYS)
    except (ValueError, re.error):
        says_it = False
    if not says_it:
        raise ValueError(f'= "{name[:60]}" does not say day, month and year; an example is %d.%m.%Y')
    return form


def _written(name: str) -> str:
    try:
        return date(2026, 9, 30).strftime(name)
    except ValueError:
        return ""


def _by_strptime(name: str, text: str) -> date:
    _refuse_other_digits(text)
    return datetime.strptime(text, name).replace(tzinfo=UTC).date()


def _order_form(name: str, order: re.Match[str]) -> DateForm:
    if order[4]:
        raise ValueError(f'= "{name[:60]}" names a language without a month in words, which is MMM')
    parts = {"D": "(?P<D>[0-9]{1,2})", "M": "(?P<M>[0-9]{1,2})", "Y": "(?P<Y>[0-9]{4})"}
    pattern = "".join(parts.get(each, re.escape(each)) for each in name)
    example = name.replace("D", "30").replace("M", "9").replace("Y", "2026")
    return DateForm(name, example, partial(_by_order, re.compile(pattern)))


def _by_order(pattern: re.Pattern[str], text: str) -> date:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(_why_not(text))
    return date(int(found["Y"]), int(found["M"]), int(found["D"]))


def _why_not(text: str) -> str:
    _refuse_other_digits(text)
    if re.fullmatch(r"[0-9]{1,2}[./ -]+[^\W_]+[./ -]+[0-9]{2}", text):
        return "the year needs four digits"
    return ""


def _worded_form(name: str, order: re.Match[str]) -> DateForm:
    if not order[4]:
        raise ValueError(f'= "{name}" has a month in words, so it needs the language: "{name} en_US"')
    months, example = _months(order[4])
    parts = {"D": r"(?P<D>[0-9]{1,2})\.?", "MMM": r"(?P<M>[^\W\d_]+)\.?", "Y": "(?P<Y>[0-9]{4})"}
    between = "[ \u00a0,./-]{1,2}(?:de )?"
    pattern = between.join(parts[each] for each in order.groups()[:3])
    words = {"D": "30", "MMM": example, "Y": "2026"}
    shown = " ".join(words[each] for each in order.groups()[:3])
    return DateForm(name, shown, partial(_by_words, re.compile(pattern), months))


def _by_words(pattern: re.Pattern[str], months: Mapping[str, int], text: str) -> date:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(_why_not(text))
    month = months.get(found["M"].casefold())
    if month is None:
        raise ValueError(f'"{found["M"]}" is no month of it')
    return date(int(found["Y"]), month, int(found["D"]))


def _months(locale: str) -> tuple[Mapping[str, int], str]:
    """The months by their names and abbreviations, without case and points; and the name of September."""
    from babel import Locale

    from sfsync.core.reading.numbers import require_locale

    try:
        require_locale(locale)
    except ValueError as error:
        raise ValueError(f"names a language: {error}") from None
    meant: dict[str, set[int]] = {}
    names = Locale.parse(locale).months
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, word in names[context][width].items():
                meant.setdefault(word.casefold().rstrip("."), set()).add(number)
    months = {
        word: min(numbers) for word, numbers in meant.items() if len(numbers) == 1 and _WORDED.fullmatch(word)
    }
    if set(months.values()) != set(range(1, 13)):
        raise ValueError(f"names {locale}, whose months are no single words")
    return months, names["format"]["abbreviated"][9]


def _by_minutes(text: str) -> date:
    found = _MINUTES.fullmatch(text)
    if found is None:
        _refuse_other_digits(text)
        if _OFFSET.fullmatch(text):
            raise ValueError("it has an offset, so which day it is depends on the zone of whoever reads it")
        raise ValueError("")
    return date.fromisoformat(found[1])


def _by_serial(text: str, *, is_1904: bool, is_day: bool) -> date:
    found = _SERIAL.fullmatch(text)
    if found is None:
        _refuse_other_digits(text)
        raise ValueError("it is no number of days")
    if (found[2] or "").strip("0") and not is_day:
        base = "excel-serial-1904-day" if is_1904 else "excel-serial-day"
        raise ValueError(f"it has a time of day, which {base} leaves out")
    days = int(found[1])
    if is_1904:
        if days > _LAST_SERIAL - 1462:
            raise ValueError("it lies behind the year 9999")
        return date(1904, 1, 1) + timedelta(days)
    if days == 60:
        raise ValueError("it stands for 1900-02-29, a day that never was")
    if not 1 <= days <= _LAST_SERIAL:
        raise ValueError("it stands for no day between the years 1900 and 9999")
    return date(1899, 12, 31 if days < 60 else 30) + timedelta(days)


def _by_epoch(text: str, *, per_second: int) -> datetime:
    found = _WHOLE.fullmatch(text)
    if found is None:
        _refuse_other_digits(text)
        raise ValueError("it is no whole number")
    other = "epoch-s" if per_second == 1000 else "epoch-ms"
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(found[1]) // per_second)
    except OverflowError:
        moment = None
    if moment is None or not _FIRST_MOMENT <= moment <= _LAST_MOMENT:
        lands = f"in {moment.year}" if moment else "beyond all years"
        raise ValueError(f"it would lie {lands}; {other} is the other unit")
    return moment


def _epoch_form(name: str, example: str, per_second: int) -> DateForm:
    read = partial(_by_epoch, per_second=per_second)
    return DateForm(name, example, lambda text: read(text).date(), read)


def _serial_form(name: str, example: str, *, is_1904: bool, is_day: bool) -> DateForm:
    return DateForm(name, example, partial(_by_serial, is_1904=is_1904, is_day=is_day))


COMMON_ORDERS: Final = ("D.M.Y", "D/M/Y", "M/D/Y", "D-M-Y", "M-D-Y", "Y/M/D", "Y.M.D")
"""The orders that files really have; any other order of D, M and Y is known too."""

_NAMED: Final[Mapping[str, DateForm]] = {
    each.name: each
    for each in (
        DateForm(ISO, "2026-09-30", parse_date),
        DateForm("iso-minutes", "2026-09-30 14:05", _by_minutes),
        _serial_form("excel-serial", "46295", is_1904=False, is_day=False),
        _serial_form("excel-serial-day", "46295.5868", is_1904=False, is_day=True),
        _serial_form("excel-serial-1904", "44833", is_1904=True, is_day=False),
        _serial_form("excel-serial-1904-day", "44833.5868", is_1904=True, is_day=True),
        _epoch_form("epoch-ms", "1790726400000", 1000),
        _epoch_form("epoch-s", "1790726400", 1),
    )
}
FORM_NAMES: Final = (*_NAMED, *COMMON_ORDERS)
"""The names that a job and `--date-format` may give; `D MMM Y en_US` and strptime formats are known besides."""
