"""Typed values of a field: how text becomes one, when two are the same, and how one travels as JSON.

Text is read strictly (ASCII digits, ISO dates): what could be read two ways is refused, never guessed.
Sameness follows the platform: null, "" and blanks are one thing; text is compared trimmed, because the
database trims it on save; numbers by value; ids by their 18 characters.
Source: REST API Developer Guide, "Field types"; Apex Developer Guide, primitives (trimming).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator

_NUMBER: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
MAX_NUMBER_CHARS: Final = 10_000
"""The longest number, written out; the platform's own longest have 18 digits, doubles 309 before the point.

A number beyond it is no number that anybody meant, and `1e999999999` written out would fill the memory.
"""

_EXACT: Final = Context(prec=MAX_NUMBER_CHARS)
"""Arithmetic that rounds nothing a cell can hold; the default context would round to 28 digits."""

_TOLD: Final = 120

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUE: Final = frozenset({"true", "1", "yes", "y", "x"})
_FALSE: Final = frozenset({"false", "0", "no", "n"})


@dataclass(frozen=True, slots=True)
class Pending:
    """The id of a record that this plan creates first; known after apply."""

    change_id: str


def encode(value: object) -> Any:
    """A value as tagged JSON that `decode` turns back into exactly the same value."""
    if value is None or type(value) is str:  # most are, and this is asked of each
        return value
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Pending):
        return {"new": value.change_id}
    return value


def decode(raw: Any) -> Any:
    """The value that `encode` wrote.

    Raises:
        ValueError: the JSON is not one that `encode` writes.
    """
    if not isinstance(raw, dict):
        return raw
    match raw:
        case {"number": str(text)}:
            return Decimal(text)
        case {"time": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"new": str(text)}:
            return Pending(text)
    raise ValueError("not an encoded value")


_TAGGED: Final = (PlainValidator(decode), PlainSerializer(encode))

Value = Annotated[str | bool | Decimal | date | datetime | None, *_TAGGED]
"""A field's value as a plan holds it. A `datetime` is aware; a date has no zone."""

PlannedValue = Annotated[str | bool | Decimal | date | datetime | Pending | None, *_TAGGED]
"""A value that may be the id of a record which the plan creates first."""


def clipped(text: str) -> str:
    """Text for a message; of a very long one the beginning, since a cell may hold millions of characters."""
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}... ({len(text):,} characters)"


def parse_number(text: str) -> Decimal:
    """The number that plain text spells: ASCII digits, a point, no grouping, no exponent.

    Raises:
        ValueError: the text is anything else, such as `1,234.50`, `NaN`, `1e400` or full-width digits.
    """
    if len(text) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text):
        raise ValueError(f"{clipped(text)!r} is not a plain number such as 1234.50")
    return Decimal(text)


def parse_date(text: str) -> date:
    """The date that text spells: `2026-09-30`.

    Raises:
        ValueError: the text is not such a date; what `03/04/2026` means only a declared form can say (`dates`).
    """
    if not _ISO_DATE.fullmatch(text):
        raise ValueError(f"{clipped(text)!r} is not a date such as 2026-09-30")
    return date.fromisoformat(text)


def parse_datetime(text: str) -> datetime:
    """The moment that ISO text with an offset spells, in UTC, at the platform's one-second grain.

    Raises:
        ValueError: the text is no ISO time, or has no offset.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(clipped(str(error))) from None
    if moment.tzinfo is None:
        raise ValueError(f"{clipped(text)!r} has no offset such as Z or +02:00")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError(f"{clipped(text)!r} lies, in UTC, outside the years 1 to 9999") from None


def parse_boolean(text: str) -> bool:
    """The truth value that text spells: true/false, yes/no, y/n, 1/0, x.

    Raises:
        ValueError: the text is none of these.
    """
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{clipped(text)!r} is neither true nor false")


def trimmed(text: str) -> str:
    """Text as the database keeps it: without the blanks around it (a no-break space stays).

    Source: Apex Developer Guide, primitives: string field values are trimmed on save.
    """
    return text.strip(" \t\r\n\f\v")


def clean_key(text: str) -> str:
    """A key as it is sent and compared: trimmed, and in Unicode's composed form (NFC)."""
    return unicodedata.normalize("NFC", trimmed(text))


def is_same(left: PlannedValue, right: PlannedValue, *, scale: int | None = None) -> bool:
    """Whether the platform would keep both values as the same thing; numbers at the field's scale."""
    if left is right or (type(left) is str and left == right):  # nearly always
        return True
    return canonical(left, scale=scale) == canonical(right, scale=scale)


def decimals_of(number: Decimal) -> int:
    """How many digits after the point a number really has; zeros at the end do not count."""
    exponent = _EXACT.normalize(number).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def canonical(value: PlannedValue, *, scale: int | None = None) -> PlannedValue:
    """The one form in which equal values are equal."""
    if isinstance(value, str):
        return trimmed(value).replace("\r\n", "\n") or None
    if isinstance(value, Decimal):
        return _EXACT.normalize(value if scale is None else _EXACT.quantize(value, Decimal(1).scaleb(-scale)))
    return value


def from_json(raw: object, field_type: str) -> Value:
    """A field's value from an answer of the org, typed by the field's describe type.

    Source: REST API Developer Guide; dates as `2026-09-30`, moments as `2022-03-17T16:21:26.000+0000`.
    """
    if raw is None or isinstance(raw, bool):
        return raw
    if not isinstance(raw, str) and isinstance(raw, int | float | Decimal):
        return Decimal(str(raw)) if field_type not in _TEXT_TYPES else str(raw)
    text = str(raw)
    if field_type == "date":
        return date.fromisoformat(text)
    if field_type == "datetime":
        return parse_datetime(text)
    return text


_TEXT_TYPES: Final = frozenset({"string", "textarea", "picklist", "email", "phone", "url", "id", "reference"})


def to_json(value: Value) -> str | bool | Decimal | None:
    """A value as it stands in a request body; a `Decimal` stays exact for the encoder."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value


def shown(value: PlannedValue) -> str:
    """A value as a person reads it in a plan or a report."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Pending):
        return f"(new {value.change_id})"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def text_or_none(value: object) -> str | None:
    """The value where it is text; None for anything else."""
    return value if isinstance(value, str) else None
