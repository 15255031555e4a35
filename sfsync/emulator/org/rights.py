"""What a user may do: user permissions, rights on objects and fields, and the record types on offer.

A user has every user permission that its table in the org file does not list under `lacks`, but for those
that an admin must grant, listed under `has`. What is not said about an object, a field or a record type is
allowed. Sharing is not played: every user sees every record.
Invariant: names of fields are lower-case here; usernames are compared as they are written.
Source: Object Reference and SOAP API Developer Guide, the permissions named below [D].
"""

from dataclasses import replace
from typing import Final

from sfsync.emulator.org.definition import OrgDefinition, Table
from sfsync.emulator.org.schema import RecordType, SObject
from sfsync.emulator.org.storage import Storage

TRANSFER_RECORD: Final = "TransferAnyEntity"
CONVERT_LEADS: Final = "ConvertLeads"
SET_AUDIT_FIELDS: Final = "CreateAuditFields"
BULK_HARD_DELETE: Final = "BulkApiHardDelete"
_TO_BE_GRANTED: Final = frozenset({SET_AUDIT_FIELDS, BULK_HARD_DELETE})
_NONE: Final[frozenset[str]] = frozenset()


class Rights:
    """The rights of the users of one org."""

    def __init__(self, definition: OrgDefinition, storage: Storage) -> None:
        self._definition = definition
        self._storage = storage
        self._users = {str(user["username"]): user for user in definition.users}
        self._usernames: dict[str, str] = {}

    def may(self, user_id: str, permission: str) -> bool:
        """Whether a user has a user permission, by its API name."""
        user = self._users.get(self._username(user_id), {})
        if permission in _TO_BE_GRANTED:
            return permission in user.get("has", ())
        return permission not in user.get("lacks", ())

    def hidden_fields(self, sobject: str, user_id: str) -> frozenset[str]:
        """Return the lower-case names of the fields that a user cannot see."""
        return self._denied_fields(sobject, user_id, "read")

    def locked_fields(self, sobject: str, user_id: str) -> frozenset[str]:
        """Return the lower-case names of the fields that a user cannot edit."""
        return self._denied_fields(sobject, user_id, "edit")

    def denies(self, sobject: str, user_id: str, right: str) -> bool:
        """Whether a user lacks a right (read, create, edit, delete) on an object."""
        tables = self._definition.object_permissions
        return bool(tables) and any(
            not table.get(right, True) for table in self._of_user(tables, sobject, user_id)
        )

    def record_types(self, sobject: SObject, user_id: str) -> tuple[RecordType, ...]:
        """Return the record types of an object as a user finds them: which are available, which is default."""
        if not any(kind.users is not None or kind.default_for for kind in sobject.record_types):
            return sobject.record_types
        username = self._username(user_id)
        chosen = any(username in kind.default_for for kind in sobject.record_types)
        return tuple(
            replace(
                kind,
                available=kind.available and (kind.users is None or username in kind.users),
                default=username in kind.default_for if chosen else kind.default,
            )
            for kind in sobject.record_types
        )

    def _denied_fields(self, sobject: str, user_id: str, right: str) -> frozenset[str]:
        if not self._definition.field_permissions:
            return _NONE
        tables = self._of_user(self._definition.field_permissions, sobject, user_id)
        return frozenset(str(table["field"]).lower() for table in tables if not table.get(right, True))

    def _of_user(self, tables: tuple[Table, ...], sobject: str, user_id: str) -> list[Table]:
        username = self._username(user_id)
        return [table for table in tables if table["object"] == sobject and table["user"] == username]

    def _username(self, user_id: str) -> str:
        if user_id not in self._usernames:
            found = self._storage.value("User", user_id, "Username")
            if found is None:
                return ""
            self._usernames[user_id] = str(found)
        return self._usernames[user_id]
