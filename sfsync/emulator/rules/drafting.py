"""Reads one record of a request body into a draft: known fields, stored values, nested lookups.

The first half of a save. What fails here fails the whole request, as on the platform: unknown columns
and values the parser cannot turn into the field's type. Everything that only refuses the row is left to
`saving.py`.
Source: REST API Developer Guide, sObject Rows [D]; INVALID_FIELD and JSON_PARSER_ERROR texts recorded
[R].
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import ApiError, UncoercibleError, bad_field
from sfsync.emulator.org.rights import SET_AUDIT_FIELDS
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.values import coerce

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_AUDIT_FIELDS: Final = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})


@dataclass(frozen=True, slots=True)
class NestedLookup:
    """A parent named by one of its keys instead of its id."""

    field: Field
    parent: SObject
    key: Field
    value: Any


@dataclass(slots=True)
class Draft:
    """What a request, or the platform itself, wants one record to be.

    `runs_automation` is false where the platform skips before triggers and validation rules; `made_for` is the
    user whose default record type a new record takes, if not that of the call.
    """

    sobject: SObject
    values: Row = field(default_factory=dict)
    lookups: list[NestedLookup] = field(default_factory=list)
    sent_id: str | None = None
    forbidden: list[str] = field(default_factory=list)
    runs_automation: bool = True
    made_for: str | None = None


def read_draft(call: "Call", sobject: SObject, record: object, *, creating: bool) -> Draft:
    """Return the draft of a JSON record.

    Raises: ApiError for an unknown column or parent; UncoercibleError for a value of a wrong type.
    """
    if not isinstance(record, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "Unexpected parser error: a record must be a JSON object")
    draft = Draft(sobject)
    trimmed = call.org.switches.text_is_trimmed
    hidden, locked = call.hidden_fields(sobject), call.locked_fields(sobject)
    for key, value in record.items():
        name = key.lower()
        if name == "attributes":
            continue
        if name == "id":
            draft.sent_id = _sent_id(value)
            continue
        item = None if name in hidden else sobject.fields.get(name)
        if item is not None:
            draft.values[item.name] = coerce(item, value, trimmed=trimmed)
        else:
            item = _read_parent(call, draft, key, value=value, hidden=hidden)
        writable = item.createable or _is_audit_field(call, item) if creating else item.updateable
        if not writable or name in locked:
            draft.forbidden.append(item.name)
    return draft


def _is_audit_field(call: "Call", item: Field) -> bool:
    return item.name in _AUDIT_FIELDS and call.org.rights.may(call.user_id, SET_AUDIT_FIELDS)


def _sent_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise UncoercibleError("ID", value, "Id")
    return value or None


def _read_parent(call: "Call", draft: Draft, key: str, *, value: object, hidden: frozenset[str]) -> Field:
    item = draft.sobject.parents.get(key.lower())
    if item is None or item.name.lower() in hidden:
        raise bad_field(key, draft.sobject.name)
    if value is None:
        draft.values[item.name] = None
        return item
    if not isinstance(value, dict):
        raise UncoercibleError(item.reference_to[0], value, key)
    parent = _parent_of(call, item, value)
    keys = {name: part for name, part in value.items() if name.lower() != "attributes"}
    if len(keys) != 1:
        raise ApiError(
            400, "INVALID_FIELD", f"{key}: exactly one external id field must be given for a foreign key"
        )
    ((name, part),) = keys.items()
    field_named = parent.field_named(name)
    if field_named is None or field_named.name.lower() in call.hidden_fields(parent):
        raise bad_field(name, parent.name)
    if not field_named.upsertable:
        message = f"{name} is not an External ID or indexed field for {parent.name}"
        raise ApiError(400, "INVALID_FIELD", message)
    draft.lookups.append(NestedLookup(item, parent, field_named, coerce(field_named, part)))
    return item


def _parent_of(call: "Call", item: Field, value: dict[str, Any]) -> SObject:
    attributes = value.get("attributes")
    named = attributes.get("type") if isinstance(attributes, dict) else None
    parent = call.org.schema.sobject(str(named or item.reference_to[0]))
    if parent is None or parent.name not in item.reference_to:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{named}' is not supported.")
    return parent
