"""Bringing records back from the recycle bin, and emptying it.

A record comes back with the children that went with it; a child that was deleted on its own stays. Roles
belong to their deal: they come back with the deal, not with the contact.
Source: SOAP API Developer Guide, undelete and emptyRecycleBin [D]; Object Reference, OpportunityContactRole
(no undelete) [D]; roles after the undelete of a contact reported [P].
"""

import sqlite3
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.hooks import AFTER, Event
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.locks import locked_records
from sfsync.emulator.org.recycle_bin import Binned
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.access import check_object
from sfsync.emulator.rules.contact_roles import show_primary_contact
from sfsync.emulator.rules.saving import Outcome, duplicate_value

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_ROLE: Final = "OpportunityContactRole"
_NOT_IN_BIN: Final = "entity is not in the recycle bin"


def undelete(call: "Call", given: str) -> Outcome:
    """Bring a record back, with what went with it."""
    try:
        record_id = _checked_id(call, given)
        with call.work.unit():
            _undelete(call, record_id)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))
    return Outcome(record_id)


def purge(call: "Call", given: str) -> Outcome:
    """Take a record out of the recycle bin for good, with what went with it."""
    try:
        record_id = _checked_id(call, given)
        sobject, _ = _binned_row(call, record_id, code="DELETE_FAILED")
        for record in (Binned(sobject.name, record_id), *call.org.recycle_bin.went_with(record_id)):
            call.org.storage.remove(record.sobject, record.id)
            call.org.recycle_bin.take_out(record.id)
            call.work.note(record.sobject, record.id, "purge")
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))
    return Outcome(record_id)


def _checked_id(call: "Call", given: str) -> str:
    record_id = normalised(given)
    call.check_row_fault(None, record_id)
    if record_id is None:
        raise RowRefusedError("MALFORMED_ID", f"malformed id {given}")
    return record_id


def _binned_row(call: "Call", record_id: str, *, code: str) -> tuple[SObject, Row]:
    sobject = call.org.schema.by_prefix(record_id)
    row = call.org.storage.get(sobject.name, record_id) if sobject else None
    if sobject is None or row is None:
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if not sobject.undeletable:
        raise RowRefusedError(code, f"entity type cannot be undeleted: {sobject.label}")
    if not row.get("IsDeleted"):
        raise RowRefusedError(code, _NOT_IN_BIN)
    return sobject, row


def _undelete(call: "Call", record_id: str) -> None:
    sobject, row = _binned_row(call, record_id, code="UNDELETE_FAILED")
    org = call.org
    check_object(call, sobject, right="delete")
    org.capacity.take_row(org.switches, new=False)
    _check_parents(call, sobject, row)
    org.locks.take(locked_records(org.storage, sobject.name, row), call=call.number)
    followers = call.org.recycle_bin.went_with(record_id)
    back = {record_id, *(record.id for record in followers if record.sobject != _ROLE)}
    _bring_back(call, Binned(sobject.name, record_id))
    for record in followers:
        if record.sobject != _ROLE or _deal_of(call, record) in back:
            _bring_back(call, record)
    for deal in back & {_deal_of(call, record) for record in followers if record.sobject == _ROLE}:
        show_primary_contact(call, deal)
    if org.hooks.watch(sobject.name):
        back_row = org.storage.get(sobject.name, record_id) or {}
        org.hooks.fire(Event(sobject.name, "undelete", AFTER, back_row, None, call.hook_records()))


def _deal_of(call: "Call", role: Binned) -> str:
    return str(call.org.storage.value(_ROLE, role.id, "OpportunityId"))


def _check_parents(call: "Call", sobject: SObject, row: Row) -> None:
    for field in sobject.fields.values():
        parent = row.get(field.name)
        if field.cascade_delete and parent:
            target = call.org.schema.by_prefix(parent)
            if target and call.org.storage.value(target.name, parent, "IsDeleted"):
                raise RowRefusedError("UNDELETE_FAILED", f"its {target.label} is in the recycle bin")


def _bring_back(call: "Call", record: Binned) -> None:
    sobject, now = call.org.schema[record.sobject], call.now_stamp
    marks: Row = {"IsDeleted": 0, "SystemModstamp": now, "LastModifiedDate": now}
    marks["LastModifiedById"] = call.user_id
    if sobject.field_named("MasterRecordId"):
        marks["MasterRecordId"] = None
    try:
        call.org.storage.update(sobject.name, record.id, marks)
    except sqlite3.IntegrityError:
        row = call.org.storage.get(sobject.name, record.id) or {}
        raise duplicate_value(call, sobject, row) from None
    call.org.recycle_bin.take_out(record.id)
    call.work.note(sobject.name, record.id, "undelete")
