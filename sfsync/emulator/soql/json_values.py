"""Turns stored values into what the platform's JSON shows, and into what format() shows.

Source: REST API Developer Guide, "Valid Date and DateTime Formats"; datetimes with the offset +0000 [R].
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from sfsync.emulator.soql.values import Family, family_of

Convert = Callable[[Any], Any]


def _boolean(value: Any) -> bool:
    return bool(value)


def _decimal(value: Any) -> float | None:
    return None if value is None else float(value)


def _datetime(value: Any) -> str | None:
    return None if value is None else f"{value[:-1]}+0000"


_CONVERSIONS: Final[dict[str, Convert]] = {
    "boolean": _boolean,
    "currency": _decimal,
    "double": _decimal,
    "percent": _decimal,
    "datetime": _datetime,
}


def conversion_for(type_name: str) -> Convert | None:
    """Return how to show values of a describe type; None when they are shown as stored."""
    return _CONVERSIONS.get(type_name)


def formatting_for(type_name: str) -> Convert:
    """Return how format() shows values of a describe type to a user in the United States, in UTC."""

    def show(value: Any) -> str | None:
        return None if value is None else _formatted(value, type_name)

    return show


def _formatted(value: Any, type_name: str) -> str:
    match family_of(type_name):
        case Family.NUMBER if type_name == "currency":
            return f"${value:,.2f}"
        case Family.NUMBER:
            return f"{value:,}%" if type_name == "percent" else f"{value:,}"
        case Family.DATE:
            return _day(date.fromisoformat(value))
        case Family.DATETIME:
            moment = datetime.fromisoformat(value)
            return f"{_day(moment)}, {moment.hour % 12 or 12}:{moment:%M %p}"
        case Family.BOOLEAN:
            return "true" if value else "false"
        case Family.ID | Family.TEXT:
            return str(value)


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
