"""How typed values and details stand in the journal: compact JSON that reads back as exactly the same.

Values are tagged by `core.values`; here they gain a strict check, so that what could not come back equal
(a float, an unsettled reference) is refused when it is written, not found when it is read.
The JSON is pure ASCII: NUL and lone surrogates survive every database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sfsync.core.values import Value, decode, encode
from sfsync.errors import JournalError

WRITE: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
"""JSON as compact ASCII."""

READ: Final = json.loads
_KINDS: Final = (str, bool, Decimal, date, type(None))


def write_values(values: Mapping[str, Value]) -> str:
    """The values of a record as text, by field.

    Raises:
        JournalError: a value is of a kind that would not come back as it was.
    """
    return WRITE({field: _encoded(field, value) for field, value in values.items()})


def read_values(text: str) -> dict[str, Value]:
    """The values that `write_values` wrote.

    Raises:
        JournalError: the text is not such a record.
    """
    try:
        # Most values are plain text: a call for each would double the time of a large look-up.
        return {field: decode(raw) if isinstance(raw, dict) else raw for field, raw in _read(text).items()}
    except (ValueError, ArithmeticError) as error:
        raise unreadable() from error


def write_detail(detail: Mapping[str, Any] | None) -> str | None:
    """A JSON-ready detail as text.

    Raises:
        JournalError: the detail is not JSON.
    """
    if detail is None:
        return None
    try:
        return WRITE(detail)
    except (TypeError, ValueError) as error:
        raise JournalError(
            "The detail of a change cannot be kept: it is not JSON.",
            code="JOURNAL_VALUE",
            hint="This is a fault of sfsync: please report it.",
        ) from error


def read_detail(text: str | None) -> dict[str, Any] | None:
    """The detail that `write_detail` wrote.

    Raises:
        JournalError: the text is not such a detail.
    """
    return None if text is None else _read(text)


def _encoded(field: str, value: object) -> Any:
    if not isinstance(value, _KINDS):
        raise no_value(field, value)
    return encode(value)


def no_value(field: str, value: object) -> JournalError:
    """The error of a value that would not come back as it was."""
    return JournalError(
        f"The value of {field} cannot be kept: {type(value).__name__} is no kind of field value.",
        code="JOURNAL_VALUE",
        hint="This is a fault of sfsync: please report it.",
    )


def _read(text: str) -> dict[str, Any]:
    try:
        raw = READ(text)
    except ValueError as error:
        raise unreadable() from error
    if not isinstance(raw, dict):
        raise unreadable()
    return raw


def unreadable() -> JournalError:
    """The error of an entry that is damaged."""
    return JournalError(
        "The journal is damaged: an entry cannot be read.",
        code="JOURNAL_DAMAGED",
        hint="Keep a copy of the state folder, then put back its last backup.",
    )
