"""Deleting records: the recycle bin, and what goes with a parent.

A role deleted directly is gone for good; everything else stays, marked, and takes its children along.
References that do not cascade are emptied. Triggers run for the record that is deleted, not for those that
go with it.
Source: Object Reference, OpportunityContactRole [D]; cascadeDelete of the recorded describes [R]; Apex
Developer Guide, Operations That Don't Invoke Triggers [D].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.hooks import AFTER, BEFORE, Event
from sfsync.emulator.org.locks import check_approval_lock, locked_records
from sfsync.emulator.org.recycle_bin import Binned
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.access import check_object
from sfsync.emulator.rules.contact_roles import show_primary_contact
from sfsync.emulator.rules.derived_rows import settle_after_delete
from sfsync.emulator.rules.saving import Outcome

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_ROLE: Final = "OpportunityContactRole"


def delete(call: "Call", sobject: SObject, record_id: str) -> Outcome:
    """Delete a record and what depends on it."""
    try:
        call.check_row_fault(None, record_id)
        delete_row(call, sobject, record_id)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))
    return Outcome(record_id)


def delete_row(call: "Call", sobject: SObject, record_id: str) -> None:
    """Delete a record and what depends on it.

    Raises: RowRefusedError; nothing is left behind then.
    """
    if call.org.hooks.watch(sobject.name):
        with call.work.unit():
            _delete(call, sobject, record_id)
    else:
        _delete(call, sobject, record_id)


def _delete(call: "Call", sobject: SObject, record_id: str) -> None:
    org, row = call.org, call.org.storage.get(sobject.name, record_id)
    if row is None:
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if row.get("IsDeleted"):
        raise RowRefusedError("ENTITY_IS_DELETED", "entity is deleted")
    check_object(call, sobject, right="delete")
    if not call.is_system:
        org.capacity.take_row(org.switches, new=False)
    check_approval_lock(org.storage, record_id)
    _fire(call, sobject, row, moment=BEFORE)
    org.locks.take(locked_records(org.storage, sobject.name, row), call=call.number)
    if sobject.name == _ROLE:
        org.storage.remove(_ROLE, record_id)
        call.work.note(_ROLE, record_id, "delete")
    else:
        _bin(call, sobject, row, root=record_id)
    settle_after_delete(call, sobject, row)
    _fire(call, sobject, row, moment=AFTER)


def _fire(call: "Call", sobject: SObject, row: Row, *, moment: str) -> None:
    if call.org.hooks.watch(sobject.name):
        event = Event(sobject.name, "delete", moment, dict(row), dict(row), call.hook_records())
        call.org.hooks.fire(event)


def _bin(call: "Call", sobject: SObject, row: Row, *, root: str) -> None:
    now = call.now_stamp
    marks: Row = {
        "IsDeleted": 1,
        "SystemModstamp": now,
        "LastModifiedDate": now,
        "LastModifiedById": call.user_id,
    }
    call.org.storage.update(sobject.name, row["Id"], marks)
    call.org.recycle_bin.add(Binned(sobject.name, row["Id"]), root=root)
    call.work.note(sobject.name, row["Id"], "delete")
    for child in sobject.children:
        shape = call.org.schema[child.child]
        if not shape.has_recycle_bin or (child.name is None and not child.cascade_delete):
            continue
        where = f'"{child.field}" = ? AND "IsDeleted" = 0'
        for dependent in call.org.storage.select(child.child, where, row["Id"]):
            if child.cascade_delete:
                _bin(call, shape, dependent, root=root)
            else:
                call.org.storage.update(child.child, dependent["Id"], {child.field: None})
    if sobject.name == _ROLE:
        show_primary_contact(call, row["OpportunityId"])
