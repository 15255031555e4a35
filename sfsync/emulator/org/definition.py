"""The org file: what an admin would have set up, read from TOML and checked key by key.

It decides which keys exist; unknown keys are refused with the place and the nearest known name. The
result is a plain value: the schema is built from it in `building.py`, the seed records are saved from it
in `seeding.py`.
Invariant: a definition that was read needs no further checks of shape, only of meaning.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.switches import Switches

if TYPE_CHECKING:
    from sfsync.emulator.org.snapshot_file import Snapshot

_NUMBER: Final = (int, float)
LOGIN_FAULTS: Final = (
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
    "LOGIN_CHALLENGE_ISSUED",
    "PASSWORD_LOCKOUT",
)
_ORGANIZATION: Final = {
    "name": str,
    "id": str,
    "sandbox": bool,
    "api_version": int,
    "api_enabled": bool,
    "bulk_api": bool,
    "session_timeout_minutes": int,
    "currencies": list,
    "currency_rates": dict,
    "person_accounts": bool,
    "fiscal_year_start_month": int,
    "fiscal_year_named_by_start": bool,
}
_OAUTH: Final = {
    "client_id": str,
    "client_secret": str,
    "certificate": (str, list),
    "refused_grants": list,
    "scopes": list,
    "approved_users": list,
    "run_as_user": str,
    "refresh_token_hours": _NUMBER,
    "rotate_refresh_tokens": bool,
}
_LIMITS: Final = {
    "daily_api_requests": int,
    "concurrent_long_requests": int,
    "latency_s": _NUMBER,
    "search_lag_s": _NUMBER,
    "storage_records": int,
    "read_only_after_rows": int,
    "daily_bulk_batches": int,
    "daily_bulk_query_jobs": int,
    "bulk_queue_s": _NUMBER,
    "bulk_chunk_s": _NUMBER,
    "bulk_result_page_rows": int,
}
_USER: Final = {
    "local": str,
    "username": str,
    "first_name": str,
    "last_name": str,
    "email": str,
    "active": bool,
    "api_user": bool,
    "api_enabled": bool,
    "password": str,
    "security_token": str,
    "locked": bool,
    "login_hours": str,
    "login_addresses": list,
    "alias": str,
    "federation_id": str,
    "has": list,
    "lacks": list,
    "password_expired": bool,
    "login_fault": str,
}
_STAGE: Final = {
    "name": str,
    "label": str,
    "probability": int,
    "forecast_category": str,
    "closed": bool,
    "won": bool,
    "active": bool,
}
_OBJECT: Final = {"name": str, "label": str, "label_plural": str, "key_prefix": str}
_FIELD: Final = {
    "object": str,
    "name": str,
    "label": str,
    "type": str,
    "length": int,
    "precision": int,
    "scale": int,
    "values": list,
    "restricted": bool,
    "external_id": bool,
    "unique": bool,
    "case_sensitive": bool,
    "required": bool,
    "default": (str, int, float, bool),
    "reference_to": str,
    "relationship_name": str,
    "child_relationship": str,
}
_RECORD_TYPE: Final = {
    "object": str,
    "developer_name": str,
    "namespace": str,
    "name": str,
    "stages": list,
    "picklists": dict,
    "default": bool,
    "active": bool,
    "available": bool,
    "users": list,
    "default_for": list,
}
_RECORD: Final = {"object": str, "local": str, "values": dict, "approval_locked": bool}
_VALIDATION: Final = {"object": str, "name": str, "hook": str, "fields": list}
_TRIGGER: Final = {"object": str, "name": str, "hook": str, "action": str, "on": list}
_DUPLICATE: Final = {
    "object": str,
    "name": str,
    "fields": list,
    "action": str,
    "message": str,
    "on": list,
}
_QUEUE: Final = {"local": str, "name": str, "developer_name": str, "email": str, "objects": list}
_LEAD_CONVERSION: Final = {"automation": bool}
_LEAD_MAPPING: Final = {"lead_field": str, "object": str, "field": str}
_ACCESS: Final = {"object": str, "field": str, "user": str, "read": bool, "edit": bool}
_OBJECT_ACCESS: Final = {
    "object": str,
    "user": str,
    "read": bool,
    "create": bool,
    "edit": bool,
    "delete": bool,
}
_TOP: Final = {
    "organization": dict,
    "oauth": dict,
    "limits": dict,
    "switches": dict,
    "lead_conversion": dict,
    "users": list,
    "queues": list,
    "stages": list,
    "contact_roles": list,
    "restricted": list,
    "objects": list,
    "fields": list,
    "record_types": list,
    "records": list,
    "validation_rules": list,
    "triggers": list,
    "duplicate_rules": list,
    "field_permissions": list,
    "object_permissions": list,
    "lead_mappings": list,
}

Table = Mapping[str, Any]


class DefinitionError(ValueError):
    """An org file that cannot be used; the message names the place."""


@dataclass(frozen=True, slots=True)
class OrgDefinition:
    """Everything an org file may say."""

    organization: Table = field(default_factory=dict)
    oauth: Table = field(default_factory=dict)
    limits: Table = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)
    lead_conversion: Table = field(default_factory=dict)
    users: tuple[Table, ...] = ()
    queues: tuple[Table, ...] = ()
    stages: tuple[Table, ...] = ()
    contact_roles: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    objects: tuple[Table, ...] = ()
    fields: tuple[Table, ...] = ()
    record_types: tuple[Table, ...] = ()
    records: tuple[Table, ...] = ()
    validation_rules: tuple[Table, ...] = ()
    triggers: tuple[Table, ...] = ()
    duplicate_rules: tuple[Table, ...] = ()
    field_permissions: tuple[Table, ...] = ()
    snapshot: "Snapshot | None" = None
    object_permissions: tuple[Table, ...] = ()
    lead_mappings: tuple[Table, ...] = ()


def load_definition(path: Path) -> OrgDefinition:
    """Return the definition in a TOML file; paths of certificates and of hooks are relative to that file.

    Raises: DefinitionError for text that is not TOML, unknown keys and values of a wrong type.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        raise DefinitionError(f"{path.name}: {problem}") from None
    oauth = document.get("oauth", {})
    if isinstance(oauth, dict) and "certificate" in oauth:
        oauth["certificate"] = [str(path.parent / name) for name in names_of(oauth["certificate"])]
    for table in _dicts(document.get("triggers")) + _dicts(document.get("validation_rules")):
        if ".py:" in str(table.get("hook", "")):
            table["hook"] = str(path.parent / table["hook"])
    return definition_from(document)


def names_of(value: object) -> list[str]:
    """Return a setting that is one text or a list of texts as a list."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _dicts(value: object) -> list[dict[str, Any]]:
    return [table for table in value if isinstance(table, dict)] if isinstance(value, list) else []


def definition_from(document: Table) -> OrgDefinition:
    """Return the definition in a parsed document.

    Raises: DefinitionError for unknown keys and values of a wrong type.
    """
    _check(document, _TOP, where="the org file")
    try:
        switches = Switches.from_table(document.get("switches", {}))
    except ValueError as problem:
        raise DefinitionError(f"[switches]: {problem}") from None
    return OrgDefinition(
        organization=_table(document, "organization", keys=_ORGANIZATION),
        oauth=_table(document, "oauth", keys=_OAUTH),
        limits=_table(document, "limits", keys=_LIMITS),
        switches=switches,
        lead_conversion=_table(document, "lead_conversion", keys=_LEAD_CONVERSION),
        queues=_tables(document, "queues", keys=_QUEUE, needed=("name", "objects")),
        lead_mappings=_tables(
            document, "lead_mappings", keys=_LEAD_MAPPING, needed=("lead_field", "object", "field")
        ),
        users=_users(document),
        stages=_tables(document, "stages", keys=_STAGE, needed=("name", "probability", "forecast_category")),
        contact_roles=tuple(document.get("contact_roles", ())),
        restricted=tuple(document.get("restricted", ())),
        objects=_tables(document, "objects", keys=_OBJECT, needed=("name", "label", "key_prefix")),
        fields=_tables(document, "fields", keys=_FIELD, needed=("object", "name", "type")),
        record_types=_tables(
            document, "record_types", keys=_RECORD_TYPE, needed=("object", "developer_name")
        ),
        records=_tables(document, "records", keys=_RECORD, needed=("object", "values")),
        validation_rules=_tables(document, "validation_rules", keys=_VALIDATION, needed=("object", "hook")),
        triggers=_tables(document, "triggers", keys=_TRIGGER, needed=("object", "hook")),
        duplicate_rules=_tables(
            document, "duplicate_rules", keys=_DUPLICATE, needed=("object", "name", "fields")
        ),
        field_permissions=_tables(
            document, "field_permissions", keys=_ACCESS, needed=("object", "field", "user")
        ),
        object_permissions=_tables(
            document, "object_permissions", keys=_OBJECT_ACCESS, needed=("object", "user")
        ),
    )


def _users(document: Table) -> tuple[Table, ...]:
    users = _tables(document, "users", keys=_USER, needed=("username", "last_name"))
    for user in users:
        if user.get("login_fault", LOGIN_FAULTS[0]) not in LOGIN_FAULTS:
            known = ", ".join(LOGIN_FAULTS)
            raise DefinitionError(f"user {user['username']}: login_fault is one of {known}")
    return users


def _table(document: Table, name: str, *, keys: Mapping[str, Any]) -> Table:
    table: Table = document.get(name, {})
    _check(table, keys, where=f"[{name}]")
    return table


def _tables(
    document: Table, name: str, *, keys: Mapping[str, Any], needed: tuple[str, ...]
) -> tuple[Table, ...]:
    tables = tuple(document.get(name, ()))
    for number, table in enumerate(tables, start=1):
        where = f"[[{name}]] number {number}"
        if not isinstance(table, dict):
            raise DefinitionError(f"{where} is not a table")
        _check(table, keys, where=where)
        missing = [key for key in needed if key not in table]
        if missing:
            raise DefinitionError(f"{where} lacks {', '.join(missing)}")
    return tables


def _check(table: Table, keys: Mapping[str, Any], *, where: str) -> None:
    for key, value in table.items():
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f" (did you mean {near[0]}?)" if near else f"; known: {', '.join(keys)}"
            raise DefinitionError(f"{where}: unknown key {key!r}{hint}")
        if not isinstance(value, keys[key]):
            raise DefinitionError(f"{where}: {key} has the wrong type: {value!r}")
