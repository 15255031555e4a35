"""Decides what a literal is for a field of a given type: the value to bind, or the platform's refusal.

Storage and comparison agree here: ids in the 18-character form, dates and datetimes as sortable text in UTC,
booleans as 0 and 1. Empty text is null.
"""

from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import Final

from sfsync.emulator.soql.date_ranges import days_covered
from sfsync.emulator.soql.errors import QueryFault, invalid_field
from sfsync.emulator.soql.sql import SqlValue
from sfsync.emulator.soql.statement import Literal, NamedDate

_CHECK_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID_CHARS: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class Family(Enum):
    """How the values of a describe type are stored and compared."""

    ID = auto()
    TEXT = auto()
    BOOLEAN = auto()
    NUMBER = auto()
    DATE = auto()
    DATETIME = auto()


_FAMILIES: Final = {
    "id": Family.ID,
    "reference": Family.ID,
    "boolean": Family.BOOLEAN,
    "int": Family.NUMBER,
    "long": Family.NUMBER,
    "double": Family.NUMBER,
    "currency": Family.NUMBER,
    "percent": Family.NUMBER,
    "date": Family.DATE,
    "datetime": Family.DATETIME,
}
# The words of the refusal; the rest are called string.
_WANTED: Final = {
    Family.ID: "ID",
    Family.TEXT: "string",
    Family.BOOLEAN: "boolean",
    Family.NUMBER: "double",
    Family.DATE: "date",
    Family.DATETIME: "dateTime",
}


def family_of(type_name: str) -> Family:
    """Return the family of a describe type; everything without one of its own is text."""
    return _FAMILIES.get(type_name, Family.TEXT)


def wrong_type(name: str, type_name: str, *, offset: int) -> QueryFault:
    """Build the refusal of a literal that does not suit its field.

    Source: message reported for quoted dates and unquoted text [P].
    """
    family = family_of(type_name)
    quotes = "should be" if family in {Family.ID, Family.TEXT} else "should not be"
    wanted = "int" if type_name == "int" else _WANTED[family]
    rule = f"must be of type {wanted} and {quotes} enclosed in quotes"
    return invalid_field(f"value of filter criterion for field '{name}' {rule}", offset=offset)


def value_for(literal: Literal, *, name: str, type_name: str) -> SqlValue:
    """Return what to bind for a literal that is compared with a field of that name and type.

    Raises:
        QueryFault: INVALID_FIELD for a literal of another type, INVALID_QUERY_FILTER_OPERATOR for a bad id.
    """
    value = literal.value
    if value is None:
        return None
    match family_of(type_name), value:
        case Family.ID, str():
            return normal_id(value, offset=literal.offset) if value else None
        case Family.TEXT, str():
            return value or None
        case Family.BOOLEAN, bool():
            return int(value)
        case Family.NUMBER, int() | float() if not isinstance(value, bool):
            return value
        case Family.DATETIME, datetime():
            return _utc_text(value)
        case Family.DATE, date() if not isinstance(value, datetime):
            return value.isoformat()
    raise wrong_type(name, type_name, offset=literal.offset)


def normal_id(text: str, *, offset: int) -> str:
    """Return an id in its 18-character form.

    Raises:
        QueryFault: INVALID_QUERY_FILTER_OPERATOR for what cannot be an id.

    Source: id checksum, verified on recorded ids [R]; message [P].
    """
    if len(text) in {15, 18} and _ID_CHARS.issuperset(text):
        full = text[:15] + "".join(_check_character(text[at : at + 5]) for at in (0, 5, 10))
        if len(text) == 15 or full == text:
            return full
    raise QueryFault("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}", offset=offset)


def _check_character(five: str) -> str:
    return _CHECK_ALPHABET[sum(1 << place for place, character in enumerate(five) if "A" <= character <= "Z")]


def range_for(literal: Literal, *, name: str, type_name: str, now: datetime) -> tuple[str, str]:
    """Return the first value that a date literal covers, and the first one after it.

    Raises:
        QueryFault: INVALID_FIELD for a field that is no date, NUMBER_OUTSIDE_VALID_RANGE off the calendar.
    """
    assert isinstance(literal.value, NamedDate)
    family = family_of(type_name)
    if family not in {Family.DATE, Family.DATETIME}:
        raise wrong_type(name, type_name, offset=literal.offset)
    today = now.astimezone(UTC).date()
    try:
        first, after = days_covered(literal.value.name, count=literal.value.count, today=today)
    except (ValueError, OverflowError):
        reason = f"{literal.value.name}:{literal.value.count} is out of range"
        raise QueryFault("NUMBER_OUTSIDE_VALID_RANGE", reason, offset=literal.offset) from None
    if family is Family.DATE:
        return first.isoformat(), after.isoformat()
    return f"{first.isoformat()}T00:00:00.000Z", f"{after.isoformat()}T00:00:00.000Z"


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
