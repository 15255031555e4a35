"""The save order of the platform: from a draft to a stored row, or to the reasons why not.

rights -> references, formats, lengths, restricted picklists -> before triggers -> required fields ->
validation rules -> duplicate rules -> row locks -> unique keys, store -> derived rows -> after triggers. A
row that is refused leaves nothing behind; whether the others stay is decided by the caller (`batch.py`).
Source: Apex Developer Guide, Triggers and Order of Execution [D].
"""

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowError, RowRefusedError
from sfsync.emulator.org.hooks import AFTER, BEFORE, Event
from sfsync.emulator.org.locks import check_approval_lock, locked_records
from sfsync.emulator.org.person_accounts import name_person
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules import derived_rows
from sfsync.emulator.rules.access import check_owner_and_type, check_write, default_record_type_id
from sfsync.emulator.rules.deriving import complete
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.duplicate_rules import check_duplicates
from sfsync.emulator.rules.field_checks import checked_draft, checked_rewrites
from sfsync.emulator.rules.opportunity import check_offered_values

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_NEVER_EMPTY: Final = ("OwnerId", "Name")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    id: str | None = None
    errors: tuple[RowError, ...] = ()
    created: bool = False

    @property
    def success(self) -> bool:
        """Whether the row was saved."""
        return not self.errors


def insert(call: "Call", draft: Draft) -> Outcome:
    """Create a record from a draft."""
    try:
        call.check_row_fault(draft, None)
        return Outcome(insert_row(call, draft), created=True)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,), created=True)


def update(call: "Call", draft: Draft, record_id: str) -> Outcome:
    """Change a record that is known to exist."""
    try:
        call.check_row_fault(draft, record_id)
        update_row(call, draft, record_id)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))
    return Outcome(record_id)


def insert_row(call: "Call", draft: Draft) -> str:
    """Create a record from a draft and return its id.

    Raises: RowRefusedError; nothing is left behind then.
    """
    if call.org.hooks.watch(draft.sobject.name) or derived_rows.may_refuse(draft):
        with call.work.unit():
            return _insert(call, draft)
    return _insert(call, draft)


def update_row(call: "Call", draft: Draft, record_id: str) -> None:
    """Change a record.

    Raises: RowRefusedError; nothing is left behind then.
    """
    if call.org.hooks.watch(draft.sobject.name):
        with call.work.unit():
            _update(call, draft, record_id)
    else:
        _update(call, draft, record_id)


def _insert(call: "Call", draft: Draft) -> str:
    sobject, org = draft.sobject, call.org
    if draft.sent_id:
        raise RowRefusedError("INVALID_ID_FIELD", "cannot specify Id in an insert call", "Id")
    check_write(call, draft, right="create")
    if not call.is_system:
        org.capacity.take_row(org.switches, new=True)
    sent = checked_draft(call, draft)
    defaults = _defaults(call, draft)
    row = {**org.templates[sobject.name], **defaults, **sent}
    for name in _NEVER_EMPTY:
        if name in defaults and row[name] is None:
            row[name] = defaults[name]
    _check(call, draft, row, sent=sent, before=None)
    row["Id"] = org.next_id(sobject)
    try:
        org.storage.insert(sobject.name, row)
    except sqlite3.IntegrityError:
        raise duplicate_value(call, sobject, row) from None
    _settle(call, sobject, row, before=None)
    return str(row["Id"])


def _defaults(call: "Call", draft: Draft) -> Row:
    sobject, now, user = draft.sobject, call.now_stamp, call.user_id
    row: Row = {
        "CreatedDate": now,
        "LastModifiedDate": now,
        "SystemModstamp": now,
        "CreatedById": user,
        "LastModifiedById": user,
    }
    if "ownerid" in sobject.fields:
        row["OwnerId"] = user
    if sobject.record_types:
        row["RecordTypeId"] = default_record_type_id(call, sobject, user_id=draft.made_for or user)
    if sobject.custom:
        row["Name"] = sobject.label
    return row


def _check(call: "Call", draft: Draft, row: Row, *, sent: Row, before: Row | None) -> None:
    """Take a row through every step that may refuse or rewrite it before it is stored."""
    org, sobject, op = call.org, draft.sobject, "insert" if before is None else "update"
    check_owner_and_type(call, sobject, sent, before=before)
    check_offered_values(call, sobject, row, sent=sent)
    watched = draft.runs_automation and org.hooks.watch(sobject.name)
    if watched:
        rewritten = _before_triggers(call, sobject, row, before=before)
        check_offered_values(call, sobject, row, sent=rewritten)
        sent = {**sent, **rewritten}
    name_person(sobject, row)
    _check_required(row, org.required[sobject.name])
    complete(call, sobject, row, sent=sent, before=before)
    if watched:
        org.hooks.validate(_event(call, sobject, row, before=before, moment=BEFORE))
    if org.definition.duplicate_rules:
        check_duplicates(call, sobject, row, op=op)
    org.locks.take(locked_records(org.storage, sobject.name, row), call=call.number)


def _before_triggers(call: "Call", sobject: SObject, row: Row, *, before: Row | None) -> Row:
    kept = dict(row)
    call.org.hooks.fire(_event(call, sobject, row, before=before, moment=BEFORE))
    return checked_rewrites(call, sobject, row, kept=kept, creating=before is None)


def _event(call: "Call", sobject: SObject, row: Row, *, before: Row | None, moment: str) -> Event:
    op = "insert" if before is None else "update"
    return Event(sobject.name, op, moment, row, dict(before) if before else None, call.hook_records())


def _check_required(row: Row, names: tuple[str, ...]) -> None:
    missing = [name for name in names if row[name] is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise RowRefusedError("REQUIRED_FIELD_MISSING", message, *missing)


def duplicate_value(call: "Call", sobject: SObject, row: Row) -> RowRefusedError:
    """Return the refusal of a row whose unique value another record holds."""
    for field in sobject.fields.values():
        value = row.get(field.name)
        if not field.unique or value is None:
            continue
        owner = call.org.storage.key_owner(sobject, field, value)
        if owner and owner != row["Id"]:
            message = f"duplicate value found: {field.name} duplicates value on record with id: {owner}"
            return RowRefusedError("DUPLICATE_VALUE", message)
    return RowRefusedError("DUPLICATE_VALUE", "duplicate value found: <unknown>")


def _settle(call: "Call", sobject: SObject, row: Row, *, before: Row | None) -> None:
    """Tell of a stored row, bring the rows in line that depend on it, and let it be acted on."""
    call.work.note(sobject.name, row["Id"], "insert" if before is None else "update")
    primary_role = derived_rows.settle(call, sobject, row, before=before)
    if primary_role is not None:
        with call.system_mode():
            insert_row(call, primary_role)
    if call.org.hooks.watch(sobject.name):
        call.org.hooks.fire(_event(call, sobject, row, before=before, moment=AFTER))


def _update(call: "Call", draft: Draft, record_id: str) -> None:
    sobject, org = draft.sobject, call.org
    before = org.storage.get(sobject.name, record_id)
    if before is None:
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if before.get("IsDeleted"):
        raise RowRefusedError("ENTITY_IS_DELETED", "entity is deleted")
    if sobject.name == "Lead" and before["IsConverted"]:
        raise RowRefusedError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    check_write(call, draft, right="edit")
    if not call.is_system:
        org.capacity.take_row(org.switches, new=False)
    check_approval_lock(org.storage, record_id)
    sent = checked_draft(call, draft)
    row = {**before, **sent}
    org.locks.take(locked_records(org.storage, sobject.name, before), call=call.number)
    _check(call, draft, row, sent=sent, before=before)
    now = call.now_stamp
    row.update(LastModifiedDate=now, SystemModstamp=now, LastModifiedById=call.user_id)
    changes: Row = {name: value for name, value in row.items() if before[name] != value}
    try:
        org.storage.update(sobject.name, record_id, changes)
    except sqlite3.IntegrityError:
        raise duplicate_value(call, sobject, row) from None
    _settle(call, sobject, row, before=before)
