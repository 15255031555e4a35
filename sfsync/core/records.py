"""What a record of the org says of itself, however it was read: its id, a value at a path, when it was modified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sfsync.core.ports import Record
from sfsync.core.sobject import record_id

MODIFIED: Final = "LastModifiedDate"
"""When somebody last wrote to a record. Source: Object Reference, "System Fields"."""


def full_id(record: Record) -> str:
    """The record's id in its 18 characters."""
    return record_id(str(record["Id"])) or str(record["Id"])


def value_at(record: Record, path: str) -> Any:
    """The record's value at a path such as `Account.Name`; None where a parent is not there."""
    found: Any = record
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
