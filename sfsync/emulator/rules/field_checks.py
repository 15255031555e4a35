"""The checks of single values that refuse a row: formats, lengths, ranges, picklists and references.

The first step of the platform's save order. Each check raises with the platform's code and words, which
use the field's label. Returns the value as it will be stored: picklist text in its known spelling, ids
in 18 characters.
Source: Apex Developer Guide, Triggers and Order of Execution [D]; message texts recorded [R]. SOQL and SOSL
Reference, Date Formats: the earliest and the latest date [D]; their refusal as reported [P].
"""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import RowRefusedError, UncoercibleError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.schema import NUMBER_TYPES, Field, SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.drafting import Draft, NestedLookup
from sfsync.emulator.rules.values import coerce
from sfsync.emulator.switches import ControlCharacters, TextLengthUnit

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MAX_MULTI_VALUES: Final = 100
# Stored dates and times are ISO text, so that text in order is time in order.
_SPANS: Final = {
    "date": ("1700-01-01", "4000-12-31"),
    "datetime": ("1700-01-01T00:00:00.000Z", "4000-12-31T00:00:00.000Z"),
}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LAST_OF_ONE_UNIT: Final = "\uffff"


def checked_draft(call: "Call", draft: Draft) -> Row:
    """Return the values of a draft as they will be stored, its nested lookups resolved.

    Raises: RowRefusedError when one breaks a rule of its field.
    """
    fields = draft.sobject.fields
    values = {name: checked_value(call, fields[name.lower()], value) for name, value in draft.values.items()}
    for lookup in draft.lookups:
        if values.get(lookup.field.name) is not None:
            name = lookup.field.name
            named = lookup.field.relationship_name or name
            message = f"Cannot specify both an external ID reference {named} and a salesforce id, {name}"
            raise RowRefusedError("INVALID_FIELD", message)
        values[lookup.field.name] = resolved_lookup(call, lookup)
    return values


def checked_rewrites(call: "Call", sobject: SObject, row: Row, *, kept: Row, creating: bool) -> Row:
    """Check what a trigger wrote to a row, in place; return the fields it changed.

    Raises: RowRefusedError when a value breaks a rule of its field.
    """
    rewritten: Row = {}
    for name in [name for name, value in row.items() if name not in kept or kept[name] != value]:
        field = sobject.field_named(name)
        if field is None or field.name != name or not (field.createable if creating else field.updateable):
            message = f"Field is not writeable: {sobject.name}.{name}"
            raise RowRefusedError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        value = bool(row[name]) if field.type == "boolean" else row[name]
        try:
            stored = coerce(field, value, trimmed=call.org.switches.text_is_trimmed)
        except UncoercibleError as problem:
            message = f"{field.label}: value not of required type: {problem.value}"
            raise RowRefusedError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, name) from None
        rewritten[name] = row[name] = checked_value(call, field, stored)
    return rewritten


def checked_value(call: "Call", field: Field, value: Any) -> Any:
    """Return the value as it will be stored.

    Raises: RowRefusedError when it breaks a rule of its field.
    """
    if value is None:
        return None
    if field.type == "reference":
        return _reference(call, field, value)
    if field.type in NUMBER_TYPES:
        return _number(field, value)
    if field.type == "picklist":
        value = _picklist(field, value)
    elif field.type == "multipicklist":
        value = _multipicklist(field, value)
    elif field.type == "email" and not _EMAIL.fullmatch(value):
        message = f"{field.label}: invalid email address: {value}"
        raise RowRefusedError("INVALID_EMAIL_ADDRESS", message, field.name)
    elif field.type in _SPANS and not _SPANS[field.type][0] <= value <= _SPANS[field.type][1]:
        moment = datetime.fromisoformat(value)
        message = f"{field.label}: invalid date: {moment:%a %b %d %H:%M:%S} GMT {moment.year}"
        raise RowRefusedError("FIELD_INTEGRITY_EXCEPTION", message, field.name)
    if field.length and _length(call, value) > field.length:
        message = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise RowRefusedError("STRING_TOO_LONG", message, field.name)
    return value


def _length(call: "Call", text: str) -> int:
    """Return the length that the platform counts, and refuse what it cannot hold."""
    if text.isascii() and text.isprintable():
        return len(text)
    switches = call.org.switches
    if switches.control_characters is ControlCharacters.REFUSE and _CONTROL.search(text):
        message = "Text data contains characters outside of the supported character set"
        raise RowRefusedError("TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", message)
    if switches.text_length_unit is TextLengthUnit.CODE_POINTS:
        return len(text)
    return len(text) + sum(char > _LAST_OF_ONE_UNIT for char in text)


def _number(field: Field, value: float) -> float:
    limit = 100 if field.type == "percent" and field.precision <= 3 else 10 ** (field.precision - field.scale)
    low = 0 if field.name == "Probability" else -limit
    outside = not low <= value <= limit if field.type == "percent" else abs(value) >= limit
    if outside:
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise RowRefusedError("NUMBER_OUTSIDE_VALID_RANGE", message, field.name)
    return value


def known_value(field: Field, text: str) -> str | None:
    """Return the spelling of an active picklist value that equals the text without regard to case."""
    for item in field.picklist:
        if item.value == text and item.active:
            return text
    wanted = text.casefold()
    return next(
        (item.value for item in field.picklist if item.active and item.value.casefold() == wanted), None
    )


def bad_picklist_value(field: Field, value: str) -> RowRefusedError:
    """Return the refusal of a value that a restricted picklist lacks."""
    message = f"{field.label}: bad value for restricted picklist field: {value}"
    return RowRefusedError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)


def _picklist(field: Field, value: str) -> str:
    known = known_value(field, value)
    if known is None and field.name == "CurrencyIsoCode":
        raise RowRefusedError("INVALID_CURRENCY_ISO", f"invalid currency iso code: {value}", field.name)
    if known is None and field.restricted:
        raise bad_picklist_value(field, value)
    return known or value


def _multipicklist(field: Field, value: str) -> str:
    parts = [part.strip() for part in value.split(";") if part.strip()]
    if len(parts) > _MAX_MULTI_VALUES:
        message = f"{field.label}: too many values: {len(parts)} (max {_MAX_MULTI_VALUES})"
        raise RowRefusedError("TOO_MANY_ENUM_VALUE", message, field.name)
    chosen = {_picklist(field, part) for part in parts}
    order = [item.value for item in field.picklist]
    return ";".join(sorted(chosen, key=lambda part: order.index(part) if part in order else len(order)))


def _reference(call: "Call", field: Field, value: str) -> str:
    record_id = normalised(value)
    target = call.org.schema.by_prefix(record_id) if record_id else None
    if record_id is None or target is None or target.name not in field.reference_to:
        message = f"{field.label}: id value of incorrect type: {value}"
        raise RowRefusedError("MALFORMED_ID", message, field.name)
    if target.name == "RecordType":
        return record_id
    if not call.is_system and call.org.rights.denies(target.name, call.user_id, "read"):
        message = f"insufficient access rights on cross-reference id: {record_id}"
        raise RowRefusedError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message, field.name)
    check_parent(call, target, record_id)
    return record_id


def check_parent(call: "Call", target: SObject, record_id: str) -> None:
    """Check that a referenced record is there.

    Raises: RowRefusedError when it never existed or is deleted.
    """
    column = "IsDeleted" if target.has_recycle_bin else "Id"
    found = call.org.storage.value(target.name, record_id, column)
    if found is None:
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if found == 1:
        raise RowRefusedError("ENTITY_IS_DELETED", "entity is deleted")


def resolved_lookup(call: "Call", lookup: NestedLookup) -> str | None:
    """Return the id of the parent that a nested lookup names, None where it says that there is none.

    Raises: RowRefusedError when none or several records match.
    """
    if lookup.key.type == "id":
        return None if lookup.value is None else str(checked_value(call, lookup.field, lookup.value))
    found = call.org.storage.find(lookup.parent, lookup.key, lookup.value) if lookup.value is not None else []
    if len(found) == 1:
        return found[0]
    value = "null" if lookup.value is None else lookup.value
    place = f"field {lookup.key.name} in entity {lookup.parent.name}"
    if found:
        message = f"Foreign key external ID: {lookup.value} matches {len(found)} records for {place}"
    else:
        message = f"Foreign key external ID: {value} not found for {place}"
    raise RowRefusedError("INVALID_FIELD", message)
