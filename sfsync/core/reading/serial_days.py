"""What a spreadsheet's serial number means as a day or a moment.

A serial counts days; its fraction is the time of day. Source: ECMA-376-1, 18.17.4.1 (the 1900 and 1904 date
systems): in the 1900 system 1 is 1900-01-01, and 60 is a 29 February 1900 that never was; in the 1904 system 0 is
1904-01-01. The last day is 9999-12-31 in both.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

_BEFORE_THE_GAP: Final = datetime(1899, 12, 31, tzinfo=UTC)
_FROM_THE_GAP: Final = datetime(1899, 12, 30, tzinfo=UTC)
_SINCE_1904: Final = datetime(1904, 1, 1, tzinfo=UTC)
_GAP: Final = 60
_MILLISECONDS: Final = 86_400_000


def iso_moment(serial: float, *, since_1904: bool = False) -> str:
    """The day as `2026-09-30`, or the moment as `2026-09-30T14:30:00`, to the millisecond and without a zone.

    Raises:
        ValueError: there is no such day.
    """
    whole, milliseconds = _parts(serial)
    if since_1904:
        first, epoch = 0, _SINCE_1904
    else:
        first, epoch = 1, _BEFORE_THE_GAP if whole < _GAP else _FROM_THE_GAP
        if whole == _GAP:
            raise ValueError("29 February 1900, a day that Excel has and the calendar has not")
    if whole < first:
        raise ValueError(f"{serial:.15g}, which is before the first day that a spreadsheet knows")
    try:
        moment = epoch + timedelta(days=whole, milliseconds=milliseconds)
    except OverflowError:
        raise ValueError(f"{serial:.15g}, which is after the last day that a spreadsheet knows") from None
    return _iso(moment.date(), milliseconds)


def iso_duration(serial: float) -> str:
    """A time of day, or a length of time, as `14:30:00`; hours may go beyond 24.

    Raises:
        ValueError: the serial is negative.
    """
    whole, milliseconds = _parts(serial)
    if serial < 0:
        raise ValueError(f"{serial:.15g}, a time before zero")
    return _clock(whole * _MILLISECONDS + milliseconds)


def _parts(serial: float) -> tuple[int, int]:
    return divmod(round(serial * _MILLISECONDS), _MILLISECONDS)


def _iso(day: date, milliseconds: int) -> str:
    return day.isoformat() if milliseconds == 0 else f"{day.isoformat()}T{_clock(milliseconds)}"


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{rest:03}" if rest else text
