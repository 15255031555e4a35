"""Deleting records: the recycle bin, and what goes with a parent.

A role deleted directly is gone for good; everything else stays, marked, and takes its children along.
References that do not cascade are emptied.
Source: Object Reference, OpportunityContactRole [D]; cascadeDelete of the recorded describes [R].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.locks import locked_account
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.contact_roles import settle_after_delete, show_primary_contact
from sfsync.emulator.rules.saving import Outcome

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_ROLE: Final = "OpportunityContactRole"


def delete(call: "Call", sobject: SObject, record_id: str) -> Outcome:
    """Delete a record and what depends on it."""
    try:
        call.check_row_fault(None, record_id)
        _delete(call, sobject, record_id)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))
    return Outcome(record_id)


def _delete(call: "Call", sobject: SObject, record_id: str) -> None:
    row = call.org.storage.get(sobject.name, record_id)
    if row is None:
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if row.get("IsDeleted"):
        raise RowRefusedError("ENTITY_IS_DELETED", "entity is deleted")
    if not sobject.deletable:
        message = f"entity type cannot be deleted: {sobject.label}"
        raise RowRefusedError("INSUFFICIENT_ACCESS_OR_READONLY", message)
    if call.org.switches.read_only:
        message = "Insert, update, and delete operations are not allowed during maintenance."
        raise RowRefusedError("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", message)
    account = locked_account(call.org.storage, sobject.name, row)
    if account is not None:
        call.org.locks.take(account, call=call.number)
    if sobject.name == _ROLE:
        _remove_role(call, row)
    else:
        _bin(call, sobject, row)


def _remove_role(call: "Call", row: Row) -> None:
    call.org.storage.remove(_ROLE, row["Id"])
    call.work.note(_ROLE, row["Id"], "delete")
    settle_after_delete(call, row)


def _bin(call: "Call", sobject: SObject, row: Row) -> None:
    now = call.now_stamp
    marks: Row = {
        "IsDeleted": 1,
        "SystemModstamp": now,
        "LastModifiedDate": now,
        "LastModifiedById": call.user_id,
    }
    call.org.storage.update(sobject.name, row["Id"], marks)
    call.work.note(sobject.name, row["Id"], "delete")
    for child in sobject.children:
        shape = call.org.schema[child.child]
        if not shape.has_recycle_bin or (child.name is None and not child.cascade_delete):
            continue
        where = f'"{child.field}" = ? AND "IsDeleted" = 0'
        for dependent in call.org.storage.select(child.child, where, row["Id"]):
            if child.cascade_delete:
                _bin(call, shape, dependent)
            else:
                call.org.storage.update(child.child, dependent["Id"], {child.field: None})
    if sobject.name == _ROLE:
        show_primary_contact(call, row["OpportunityId"])
