"""Whether the user may write this record: object, fields, owner, record type, and the parents of a role.

The first checks of a save; nothing has been read from the row's values but the ids they name.
Source: Object Reference, Opportunity.OwnerId and RecordTypeId [D]; access to contact roles: Winter '20
release notes [D]; INVALID_FIELD_FOR_INSERT_UPDATE text recorded [R]; codes of missing rights reported [P].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.rights import TRANSFER_RECORD
from sfsync.emulator.org.schema import RecordType, SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.drafting import Draft

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_VERBS: Final = {"create": "inserted", "edit": "updated", "delete": "deleted"}


def check_write(call: "Call", draft: Draft, *, right: str) -> None:
    """Check that the user may create or edit records of the object, and the fields of the draft.

    Raises: RowRefusedError.
    """
    check_object(call, draft.sobject, right=right)
    if draft.forbidden:
        message = (
            f"Unable to create/update fields: {', '.join(draft.forbidden)}. Please check the security "
            "settings of this field and verify that it is read/write for your profile or permission set."
        )
        raise RowRefusedError("INVALID_FIELD_FOR_INSERT_UPDATE", message, *draft.forbidden)


def check_object(call: "Call", sobject: SObject, *, right: str) -> None:
    """Check that records of the object can be written at all, and by this user.

    Raises: RowRefusedError.
    """
    able = {"create": sobject.createable, "edit": sobject.updateable, "delete": sobject.deletable}[right]
    if not able and right == "delete":
        message = f"entity type cannot be deleted: {sobject.label}"
        raise RowRefusedError("INSUFFICIENT_ACCESS_OR_READONLY", message)
    if not able:
        message = f"entity type cannot be {_VERBS[right]}: {sobject.label}"
        raise RowRefusedError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
    if call.is_system or not call.org.definition.object_permissions:
        return
    if call.org.rights.denies(sobject.name, call.user_id, right):
        raise RowRefusedError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
    if sobject.name == "OpportunityContactRole":
        _check_parents_of_role(call)


def _check_parents_of_role(call: "Call") -> None:
    for sobject, right in (("Opportunity", "edit"), ("Contact", "read")):
        if call.org.rights.denies(sobject, call.user_id, right):
            message = "insufficient access rights on cross-reference id"
            raise RowRefusedError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)


def record_type_of(sobject: SObject, row: Row) -> RecordType | None:
    """Return the record type of a row, or None for the master type."""
    wanted = row.get("RecordTypeId")
    return next((kind for kind in sobject.record_types if kind.id == wanted), None)


def default_record_type_id(call: "Call", sobject: SObject, *, user_id: str) -> str | None:
    """Return the record type that a user's new records get."""
    kinds = call.org.rights.record_types(sobject, user_id)
    return next((kind.id for kind in kinds if kind.default), None)


def check_owner_and_type(call: "Call", sobject: SObject, sent: Row, *, before: Row | None) -> None:
    """Check a sent owner and a sent record type.

    Raises: RowRefusedError for an inactive owner, a transfer without the permission, a record type that the
        user does not have.
    """
    if "OwnerId" in sent:
        _check_owner(call, sobject, sent["OwnerId"], before=before)
    wanted = sent.get("RecordTypeId")
    if wanted is None or call.is_system:
        return
    kinds = call.org.rights.record_types(sobject, call.user_id)
    if not any(kind.id == wanted and kind.available and kind.active for kind in kinds):
        message = f"Record Type ID: this ID value isn't valid for the user: {wanted}"
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", message, "RecordTypeId")


def _check_owner(call: "Call", sobject: SObject, owner: str | None, *, before: Row | None) -> None:
    if owner is None:
        if before is None:
            return
        raise RowRefusedError("REQUIRED_FIELD_MISSING", "Required fields are missing: [OwnerId]", "OwnerId")
    if owner.startswith(call.org.schema["Group"].key_prefix):
        _check_queue(call, sobject, owner)
    elif not call.org.storage.value("User", owner, "IsActive"):
        message = f"operation performed with inactive user [{owner}] as owner of {sobject.label.lower()}"
        raise RowRefusedError("INACTIVE_OWNER_OR_USER", message, "OwnerId")
    if call.org.rights.denies(sobject.name, owner, "read"):
        message = "The new owner must have read permission to the object."
        raise RowRefusedError("TRANSFER_REQUIRES_READ", message, "OwnerId")
    moved = before is not None and before["OwnerId"] != owner
    if moved and not call.is_system and not call.org.rights.may(call.user_id, TRANSFER_RECORD):
        raise RowRefusedError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def _check_queue(call: "Call", sobject: SObject, queue_id: str) -> None:
    name = call.org.storage.value("Group", queue_id, "Name")
    for queue in call.org.definition.queues:
        if queue["name"] == name and sobject.name in queue["objects"]:
            return
    message = f"Queue not associated with this SObject type: {sobject.name}"
    raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", message, "OwnerId")
