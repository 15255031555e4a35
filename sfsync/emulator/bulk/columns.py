"""What each column of a file means, decided once, so that a row becomes a draft without a look-up.

A column is a field, the Id, or a parent named by one of its keys: `Account.Ext__c`, `Rel__r.Ext__c`, and
`User:Owner.Ext__c` where several objects are possible. Names are compared without regard to case. An
empty cell leaves the field alone, `#N/A` clears it. A column that the object does not have fails the job,
a cell that its field cannot hold refuses the row.
Source: Bulk API 2.0 Guide, Prepare CSV Files, Relationship Fields and Valid CSV Record Rows [D]; "Field
name not found" and INVALID_TYPE_ON_FIELD_IN_RECORD reported [P].
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.emulator.bulk.jobs import JobFailedError
from sfsync.emulator.call import Call
from sfsync.emulator.errors import RowRefusedError, UncoercibleError
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.rules.drafting import Draft, NestedLookup
from sfsync.emulator.rules.values import coerce

NULL: Final = "#N/A"
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}

Reader = Callable[[Draft, str], None]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how a cell goes into a draft, and which field it writes (None: the Id)."""

    read: Reader
    field: Field | None
    may_create: bool = True
    may_update: bool = True


class ColumnPlan:
    """The columns of one file against one object."""

    def __init__(self, call: Call, sobject: SObject, header: Sequence[str], *, key: Field | None) -> None:
        self.sobject = sobject
        names = [name.lower() for name in header]
        if len(set(names)) < len(names):
            raise JobFailedError("InvalidBatch : A field is named twice in the header")
        if key is not None and key.name.lower() not in names:
            raise _unknown(key.name)
        self.key = key
        self._columns = [_column(call, sobject, name) for name in header]
        self._key_index = names.index(key.name.lower()) if key is not None else -1

    def draft(self, cells: Sequence[str], *, creating: bool) -> Draft:
        """Return the draft of a row.

        Raises: RowRefusedError for a cell that its field cannot hold.
        """
        draft = Draft(self.sobject)
        for column, cell in zip(self._columns, cells, strict=True):
            if not cell:
                continue
            column.read(draft, cell)
            if not (column.may_create if creating else column.may_update) and column.field is not None:
                draft.forbidden.append(column.field.name)
        for lookup in draft.lookups:
            if lookup.field.name in draft.values:
                raise _named_twice(lookup.field)
        return draft

    def key_text(self, cells: Sequence[str]) -> str:
        """Return the cell of the key column as sent; empty when there is none."""
        return "" if cells[self._key_index] == NULL else cells[self._key_index]


def _column(call: Call, sobject: SObject, name: str) -> Column:
    lowered = name.lower()
    if lowered == "id":
        return Column(_read_id, None)
    item = None if lowered in call.hidden_fields(sobject) else sobject.fields.get(lowered)
    if item is not None:
        reader = _field_reader(item, trimmed=call.org.switches.text_is_trimmed)
    else:
        item, reader = _parent(call, sobject, name)
    locked = item.name.lower() in call.locked_fields(sobject)
    return Column(reader, item, item.createable and not locked, item.updateable and not locked)


def _read_id(draft: Draft, cell: str) -> None:
    draft.sent_id = None if cell == NULL else cell


def _field_reader(item: Field, *, trimmed: bool) -> Reader:
    def read(draft: Draft, cell: str) -> None:
        draft.values[item.name] = _stored(item, cell, trimmed=trimmed)

    return read


def _stored(item: Field, cell: str, *, trimmed: bool) -> str | int | float | None:
    value: str | bool | None = None if cell == NULL else cell
    try:
        if value is not None and item.type == "boolean":
            value = _BOOLEANS.get(cell.lower(), cell)
        return coerce(item, value, trimmed=trimmed)
    except UncoercibleError:
        message = f"{item.label}: value not of required type: {cell}"
        raise RowRefusedError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, item.name) from None


def _parent(call: Call, sobject: SObject, name: str) -> tuple[Field, Reader]:
    path, dot, key_name = name.partition(".")
    kind, colon, relationship = path.rpartition(":")
    item = sobject.parents.get(relationship.lower())
    if not dot or item is None or (colon and not kind):
        raise _unknown(name)
    parent = call.org.schema.sobject(kind or item.reference_to[0])
    if parent is None or parent.name not in item.reference_to or (len(item.reference_to) > 1 and not kind):
        raise _unknown(name)
    key = None if key_name.lower() in call.hidden_fields(parent) else parent.field_named(key_name)
    if key is None or not key.upsertable:
        raise _unknown(name)
    return item, _lookup_reader(item, parent, key)


def _lookup_reader(item: Field, parent: SObject, key: Field) -> Reader:
    def read(draft: Draft, cell: str) -> None:
        if cell == NULL:
            draft.values[item.name] = None
        else:
            draft.lookups.append(NestedLookup(item, parent, key, _stored(key, cell, trimmed=True)))

    return read


def _named_twice(item: Field) -> RowRefusedError:
    parent = item.relationship_name
    message = f"cannot specify both an external ID reference {parent} and a salesforce id, {item.name}"
    return RowRefusedError("INVALID_FIELD", message, item.name)


def _unknown(name: str) -> JobFailedError:
    return JobFailedError(f"InvalidBatch : Field name not found : {name}")
