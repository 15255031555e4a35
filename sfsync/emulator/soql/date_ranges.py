"""Decides which days a date literal such as LAST_N_DAYS:7 covers, counted from a given day.

Pure: the day comes in, a half-open range of days goes out. Weeks begin on Sunday and the fiscal year is
the calendar year, which are the settings of a new org in the United States.
Source: SOQL and SOSL Reference, "Date Formats and Date Literals in WHERE" [D].
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

_DAY: Final = timedelta(days=1)
_RELATIVE: Final = re.compile(r"(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)")
_COUNTED: Final = re.compile(
    r"(?:(LAST|NEXT)_N_(DAY|WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)S"
    r"|N_(DAY|WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)S_AGO)"
)
_FIXED: Final = {"YESTERDAY": (-1, 0), "TODAY": (0, 1), "TOMORROW": (1, 2)}
_NINETY: Final = {"LAST_90_DAYS": (-90, 1), "NEXT_90_DAYS": (1, 91)}
_STEPS: Final = {"LAST": -1, "THIS": 0, "NEXT": 1}


def is_named_date(name: str, *, has_count: bool) -> bool:
    """Say whether the upper-case name is a date literal that takes (or takes no) `:n`."""
    if has_count:
        return _COUNTED.fullmatch(name) is not None
    return name in _FIXED or name in _NINETY or _RELATIVE.fullmatch(name) is not None


def days_covered(name: str, *, count: int | None, today: date) -> tuple[date, date]:
    """Return the first day that the literal covers, and the first day after it.

    Raises:
        OverflowError: the range leaves the calendar.
        ValueError: likewise.
    """
    around_today = _FIXED.get(name) or _NINETY.get(name)
    if around_today:
        return today + around_today[0] * _DAY, today + around_today[1] * _DAY
    if counted := _COUNTED.fullmatch(name):
        return _counted(counted, count=count or 0, today=today)
    relative = _RELATIVE.fullmatch(name)
    assert relative, f"the parser lets only known date literals through, not {name}"
    start_of = _starts(relative[2], today)
    step = _STEPS[relative[1]]
    return start_of(step), start_of(step + 1)


def _counted(match: re.Match[str], *, count: int, today: date) -> tuple[date, date]:
    direction, unit, unit_ago = match.groups()
    start_of = _starts(unit or unit_ago, today)
    if unit_ago:
        return start_of(-count), start_of(-count + 1)
    if direction == "NEXT":
        return start_of(1), start_of(count + 1)
    if unit == "DAY":  # LAST_N_DAYS runs on to the end of today; the other units end with the last whole one
        return start_of(-count), start_of(1)
    return start_of(-count), start_of(0)


def _starts(unit: str, today: date) -> Callable[[int], date]:
    unit = unit.removeprefix("FISCAL_")
    if unit == "DAY":
        return lambda steps: today + steps * _DAY
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return lambda steps: sunday + steps * 7 * _DAY
    if unit == "MONTH":
        return lambda steps: _month_start(today.year, today.month + steps)
    if unit == "QUARTER":
        return lambda steps: _month_start(today.year, (today.month - 1) // 3 * 3 + 1 + 3 * steps)
    return lambda steps: date(today.year + steps, 1, 1)


def _month_start(year: int, month: int) -> date:
    years, month_index = divmod(month - 1, 12)
    return date(year + years, month_index + 1, 1)
