"""The records of the org as a hook reads and writes them: the same save order, in the same transaction.

As in Apex, a hook sees and writes every field whatever the user's field permissions say, a refused record
raises in the hook, and hooks that start each other stop at a depth of 16.
Source: Apex Developer Guide, Execution Governors and Limits; Enforcing Object and Field Permissions [D].
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import RowRefusedError, UncoercibleError
from sfsync.emulator.org.hooks import DmlError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.deleting import delete_row
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.saving import insert_row, update_row
from sfsync.emulator.rules.values import coerce

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_DEEPEST: Final = 16


class HookRecords:
    """Implements `sfsync.emulator.org.hooks.Records` for one call."""

    def __init__(self, call: "Call") -> None:
        self._call = call

    def get(self, record_id: str) -> Row | None:
        """Return a record that is not deleted."""
        sobject = self._call.org.schema.by_prefix(record_id)
        row = self._call.org.storage.get(sobject.name, normalised(record_id) or "") if sobject else None
        return None if row is None or row.get("IsDeleted") else row

    def find(self, sobject: str, **equals: Any) -> list[Row]:
        """Return the records, oldest first, whose fields have those values."""
        shape = self._shape(sobject)
        names = [self._field_name(shape, name) for name in equals]
        conditions = [f'"{name}" IS ?' for name in names]
        if shape.has_recycle_bin:
            conditions.append('"IsDeleted" = 0')
        return self._call.org.storage.select(shape.name, " AND ".join(conditions) or "1", *equals.values())

    def insert(self, sobject: str, **values: Any) -> str:
        """Save a new record and return its id."""
        draft = self._draft(self._shape(sobject), values, creating=True)
        with _statement(self._call, "Insert"):
            return insert_row(self._call, draft)

    def update(self, record_id: str, **values: Any) -> None:
        """Change a record."""
        draft = self._draft(self._shape_of(record_id), values, creating=False)
        with _statement(self._call, "Update"):
            update_row(self._call, draft, normalised(record_id) or record_id)

    def delete(self, record_id: str) -> None:
        """Delete a record."""
        shape = self._shape_of(record_id)
        with _statement(self._call, "Delete"):
            delete_row(self._call, shape, normalised(record_id) or record_id)

    def _shape(self, name: str) -> SObject:
        found = self._call.org.schema.sobject(name)
        if found is None:
            raise DmlError(f"sObject type '{name}' is not supported.")
        return found

    def _shape_of(self, record_id: str) -> SObject:
        found = self._call.org.schema.by_prefix(record_id)
        if found is None:
            raise DmlError(f"Invalid id: {record_id}")
        return found

    def _field_name(self, shape: SObject, name: str) -> str:
        field = shape.field_named(name)
        if field is None:
            raise DmlError(f"No such column '{name}' on sobject of type {shape.name}")
        return field.name

    def _draft(self, shape: SObject, values: Row, *, creating: bool) -> Draft:
        draft = Draft(shape)
        for name, value in values.items():
            field = shape.fields[self._field_name(shape, name).lower()]
            if not (field.createable if creating else field.updateable):
                raise DmlError(f"Field is not writeable: {shape.name}.{field.name}")
            plain = bool(value) if field.type == "boolean" and isinstance(value, int) else value
            try:
                draft.values[field.name] = coerce(field, plain)
            except UncoercibleError as problem:
                raise DmlError(str(problem)) from None
        return draft


@contextmanager
def _statement(call: "Call", verb: str) -> Iterator[None]:
    """Run one DML statement of a hook; a refused record raises DmlError."""
    if call.counted.depth >= _DEEPEST:
        raise DmlError("Maximum trigger depth exceeded")
    try:
        with call.system_mode():
            yield
    except RowRefusedError as refused:
        error = refused.error
        raise DmlError(
            f"System.DmlException: {verb} failed. First exception on row 0; first error: "
            f"{error.code}, {error.message}: [{', '.join(error.fields)}]"
        ) from refused
