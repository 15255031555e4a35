"""JSON values to stored values and back, as the platform's parser and serialiser do it.

`coerce` is the parser: what it cannot turn into the field's type fails the whole request
(JSON_PARSER_ERROR), unlike the row checks in `field_checks.py`. `render` is the way out.
Source: salesforce REST API Developer Guide, Data Types [D]; JSON_PARSER_ERROR text recorded [R];
trimming: Apex Developer Guide, primitives [D].
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from sfsync.emulator.errors import UncoercibleError
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.schema import Field
from sfsync.emulator.org.storage import Row

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2})?(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_BLANKS: Final = " \t\r\n"
_INT_LIMIT: Final = 2**31


def _text(field: Field, value: object) -> str | None:
    if not isinstance(value, str):
        raise UncoercibleError("string", value, field.name)
    return value or None


def _boolean(field: Field, value: object) -> int:
    if not isinstance(value, bool):
        raise UncoercibleError("boolean", value, field.name)
    return int(value)


def _number(field: Field, value: object) -> float | int:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UncoercibleError(field.type, value, field.name)
    if field.type != "int":
        return float(value)
    if value != int(value) or not -_INT_LIMIT <= value < _INT_LIMIT:
        raise UncoercibleError("int", value, field.name)
    return int(value)


def _date(field: Field, value: object) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise UncoercibleError("date", value, field.name)
    try:
        date.fromisoformat(value)
    except ValueError:
        raise UncoercibleError("date", value, field.name) from None
    return value


def _datetime(field: Field, value: object) -> str:
    match = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UncoercibleError("datetime", value, field.name)
    minutes, seconds, zone = match.groups()
    try:
        moment = datetime.fromisoformat(minutes + (seconds or ":00") + zone.replace("Z", "+00:00"))
        return stamp(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise UncoercibleError("datetime", value, field.name) from None


_COERCERS: Final[dict[str, Callable[[Field, object], Any]]] = {
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
}


def coerce(field: Field, value: object, *, trimmed: bool = True) -> str | int | float | None:
    """Return the stored form of a JSON value.

    Raises: UncoercibleError when the platform's parser would give up on the request.
    """
    if value is None:
        return 0 if field.type == "boolean" else None
    stored: str | int | float | None = _COERCERS.get(field.type, _text)(field, value)
    if trimmed and isinstance(stored, str):
        return stored.strip(_BLANKS) or None
    return stored


def render(field: Field, stored: Any) -> Any:
    """Return the JSON form of a stored value."""
    if field.type == "boolean":
        return bool(stored)
    if field.type == "datetime" and stored is not None:
        return stored[:-1] + "+0000"
    return stored


def render_record(fields: list[Field], row: Row, *, url: str, sobject: str) -> dict[str, Any]:
    """Return a record as a row of an answer, with its attributes first."""
    record: dict[str, Any] = {"attributes": {"type": sobject, "url": url}}
    for field in fields:
        record[field.name] = render(field, row[field.name])
    return record
