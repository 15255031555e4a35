"""The save order of the platform: from a draft to a stored row, or to the reasons why not.

references and formats -> restricted picklists -> triggers -> required fields -> validation rules ->
duplicate rules -> unique keys -> row lock -> store -> derived rows. A row that is refused leaves nothing
behind; whether the others stay is decided by the caller (`batch.py`).
Source: Apex Developer Guide, Triggers and Order of Execution [D].
"""

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import RowError, RowRefusedError
from sfsync.emulator.org.locks import locked_account
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules import contact_roles, opportunity
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.field_checks import check_offered_values, checked_value, resolved_lookup

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_PERSON_NAMES: Final = frozenset({"Contact", "Lead", "User"})


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
        return Outcome(_insert(call, draft), created=True)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,), created=True)


def update(call: "Call", draft: Draft, record_id: str) -> Outcome:
    """Change a record that is known to exist."""
    try:
        call.check_row_fault(draft, record_id)
        _update(call, draft, record_id)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))
    return Outcome(record_id)


def _insert(call: "Call", draft: Draft) -> str:
    sobject, org = draft.sobject, call.org
    if draft.sent_id:
        raise RowRefusedError("INVALID_ID_FIELD", "cannot specify Id in an insert call", "Id")
    _check_writable(call, draft, verb="inserted", allowed=sobject.createable)
    sent = _checked_values(call, draft)
    row = {**org.templates[sobject.name], **sent}
    _apply_defaults(call, sobject, row, sent=sent)
    _check_owner_and_type(call, sobject, row, sent=sent)
    check_offered_values(sobject, row, sent=sent)
    org.hooks.before_save(sobject, row, before=None)
    _check_required(sobject, row)
    _derive(call, sobject, row, sent=sent, before=None)
    org.hooks.validate(call, sobject, row, before=None)
    _lock(call, sobject, row)
    row["Id"] = org.next_id(sobject)
    _store_new(call, sobject, row)
    _after_insert(call, sobject, row)
    return str(row["Id"])


def _check_writable(call: "Call", draft: Draft, *, verb: str, allowed: bool) -> None:
    if not allowed:
        message = f"entity type cannot be {verb}: {draft.sobject.label}"
        raise RowRefusedError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
    if call.org.switches.read_only:
        message = "Insert, update, and delete operations are not allowed during maintenance."
        raise RowRefusedError("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", message)
    if call.org.switches.storage_full and verb == "inserted":
        raise RowRefusedError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
    if draft.forbidden:
        message = (
            f"Unable to create/update fields: {', '.join(draft.forbidden)}. Please check the security "
            "settings of this field and verify that it is read/write for your profile or permission set."
        )
        raise RowRefusedError("INVALID_FIELD_FOR_INSERT_UPDATE", message, *draft.forbidden)


def _checked_values(call: "Call", draft: Draft) -> Row:
    fields = draft.sobject.fields
    values = {name: checked_value(call, fields[name.lower()], value) for name, value in draft.values.items()}
    for lookup in draft.lookups:
        values[lookup.field.name] = resolved_lookup(call, lookup)
    return values


def _apply_defaults(call: "Call", sobject: SObject, row: Row, *, sent: Row) -> None:
    now, user = call.now_stamp, call.user_id
    row.update(
        CreatedDate=now, LastModifiedDate=now, SystemModstamp=now, CreatedById=user, LastModifiedById=user
    )
    if "ownerid" in sobject.fields and row.get("OwnerId") is None:
        row["OwnerId"] = user
    if sobject.record_types and row.get("RecordTypeId") is None and "RecordTypeId" not in sent:
        kind = sobject.default_record_type
        row["RecordTypeId"] = kind.id if kind else None
    if sobject.custom and row.get("Name") is None:
        row["Name"] = sobject.label


def _check_owner_and_type(call: "Call", sobject: SObject, row: Row, *, sent: Row) -> None:
    owner = sent.get("OwnerId")
    if owner is not None and not call.org.storage.value("User", owner, "IsActive"):
        message = f"operation performed with inactive user [{owner}] as owner of {sobject.label.lower()}"
        raise RowRefusedError("INACTIVE_OWNER_OR_USER", message, "OwnerId")
    kind = sent.get("RecordTypeId")
    if kind is not None and not any(
        one.id == kind and one.available and one.active for one in sobject.record_types
    ):
        message = f"Record Type ID: this ID value isn't valid for the user: {kind}"
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", message, "RecordTypeId")
    if "OwnerId" in row and row["OwnerId"] is None:
        raise RowRefusedError("REQUIRED_FIELD_MISSING", "Required fields are missing: [OwnerId]", "OwnerId")


def _check_required(sobject: SObject, row: Row) -> None:
    missing = [
        field.name
        for field in sobject.fields.values()
        if field.createable and not field.nillable and row[field.name] is None
    ]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise RowRefusedError("REQUIRED_FIELD_MISSING", message, *missing)


def _derive(call: "Call", sobject: SObject, row: Row, *, sent: Row, before: Row | None) -> None:
    if sobject.name == "Opportunity":
        opportunity.check_stage(call, sobject, row)
        row.update(opportunity.derive(call, row, sent=sent, before=before))
    elif sobject.name == "OpportunityContactRole":
        contact_roles.check_second_primary(call, row)
    elif sobject.name in _PERSON_NAMES:
        row["Name"] = " ".join(part for part in (row.get("FirstName"), row["LastName"]) if part)


def _lock(call: "Call", sobject: SObject, row: Row) -> None:
    account = locked_account(call.org.storage, sobject.name, row)
    if account is not None:
        call.org.locks.take(account, call=call.number)


def _store_new(call: "Call", sobject: SObject, row: Row) -> None:
    try:
        call.org.storage.insert(sobject.name, row)
    except sqlite3.IntegrityError:
        raise _duplicate(call, sobject, row) from None
    call.work.note(sobject.name, row["Id"], "insert")


def _duplicate(call: "Call", sobject: SObject, row: Row) -> RowRefusedError:
    for field in sobject.fields.values():
        value = row.get(field.name)
        if not field.unique or value is None:
            continue
        owner = call.org.storage.key_owner(sobject, field, value)
        if owner and owner != row["Id"]:
            message = f"duplicate value found: {field.name} duplicates value on record with id: {owner}"
            return RowRefusedError("DUPLICATE_VALUE", message)
    return RowRefusedError("DUPLICATE_VALUE", "duplicate value found: <unknown>")


def _after_insert(call: "Call", sobject: SObject, row: Row) -> None:
    if sobject.name == "OpportunityContactRole":
        contact_roles.settle_primary(call, row, before=None)
    elif sobject.name == "Opportunity" and row.get("ContactId"):
        values: Row = {"OpportunityId": row["Id"], "ContactId": row["ContactId"], "IsPrimary": 1}
        _insert(call, Draft(call.org.schema["OpportunityContactRole"], values=values))
    call.org.hooks.after_save(sobject, row, before=None)


def _update(call: "Call", draft: Draft, record_id: str) -> None:
    sobject, org = draft.sobject, call.org
    before = org.storage.get(sobject.name, record_id)
    if before is None:
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if before.get("IsDeleted"):
        raise RowRefusedError("ENTITY_IS_DELETED", "entity is deleted")
    _check_writable(call, draft, verb="updated", allowed=sobject.updateable)
    sent = _checked_values(call, draft)
    if sobject.name == "Opportunity":
        sent = opportunity.without_ignored_amount(before, sent)
    row = {**before, **sent}
    _check_owner_and_type(call, sobject, row, sent=sent)
    check_offered_values(sobject, row, sent=sent)
    org.hooks.before_save(sobject, row, before=before)
    _check_required(sobject, row)
    _derive(call, sobject, row, sent=sent, before=before)
    org.hooks.validate(call, sobject, row, before=before)
    _lock(call, sobject, before)
    _lock(call, sobject, row)
    now = call.now_stamp
    row.update(LastModifiedDate=now, SystemModstamp=now, LastModifiedById=call.user_id)
    _store_changes(call, sobject, row, before=before)


def _store_changes(call: "Call", sobject: SObject, row: Row, *, before: Row) -> None:
    changes: dict[str, Any] = {name: value for name, value in row.items() if before[name] != value}
    if changes:
        try:
            call.org.storage.update(sobject.name, row["Id"], changes)
        except sqlite3.IntegrityError:
            raise _duplicate(call, sobject, row) from None
    call.work.note(sobject.name, row["Id"], "update")
    if sobject.name == "OpportunityContactRole":
        contact_roles.settle_primary(call, row, before=before)
    call.org.hooks.after_save(sobject, row, before=before)
