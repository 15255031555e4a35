"""What is done with one row that the org refused inside a good answer; a table, like `verdict`.

Invariants: codes decide, because messages may be translated (the exceptions name identifiers that the platform
never translates); an unknown code rejects the row and nothing else.
Source: SOAP API Developer Guide, error codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sfsync.core.sending.verdict import ACCESS_PREFIXES


class RowFate(StrEnum):
    """What is done with a row that the org refused inside a good answer."""

    LOCKED = "send again later, in smaller batches"
    DUPLICATE_KEY = "look the key up"
    GONE = "the record is not there any more"
    HALTED = "send again without the culprit"
    REJECT = "reject the row"
    STOP = "stop the run"


def row_fate(code: str, message: str = "") -> RowFate:
    """What is done with a row refused by that code; an unknown code rejects the row."""
    if code in _ROW_FATES:
        return _ROW_FATES[code]
    if code.startswith(ACCESS_PREFIXES):
        return RowFate.STOP
    if "UNABLE_TO_LOCK_ROW" in message or message.startswith("Too many batch retries"):
        return RowFate.LOCKED
    return RowFate.REJECT


_ROW_FATES: Final[Mapping[str, RowFate]] = {
    "UNABLE_TO_LOCK_ROW": RowFate.LOCKED,
    "RECORD_IN_USE_BY_WORKFLOW": RowFate.LOCKED,
    "TOO_MANY_APEX_REQUESTS": RowFate.LOCKED,
    "SERVER_UNAVAILABLE": RowFate.LOCKED,
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": RowFate.LOCKED,
    "UNKNOWN_EXCEPTION": RowFate.LOCKED,
    "QUERY_TIMEOUT": RowFate.LOCKED,
    "REQUEST_RUNNING_TOO_LONG": RowFate.LOCKED,
    "INVALID_SESSION_ID": RowFate.LOCKED,
    "DUPLICATE_VALUE": RowFate.DUPLICATE_KEY,
    "ENTITY_IS_DELETED": RowFate.GONE,
    "NOT_FOUND": RowFate.GONE,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": RowFate.HALTED,
    "PROCESSING_HALTED": RowFate.HALTED,
    "BATCH_PROCESSING_HALTED": RowFate.HALTED,
    "REQUEST_LIMIT_EXCEEDED": RowFate.STOP,
    "EXCEEDED_QUOTA": RowFate.STOP,
    "STORAGE_LIMIT_EXCEEDED": RowFate.STOP,
    "ORG_IN_MAINTENANCE": RowFate.STOP,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": RowFate.STOP,
    "API_CURRENTLY_DISABLED": RowFate.STOP,
    "API_DISABLED_FOR_ORG": RowFate.STOP,
    "FUNCTIONALITY_NOT_ENABLED": RowFate.STOP,
    "ORG_LOCKED": RowFate.STOP,
    "TRIAL_EXPIRED": RowFate.STOP,
}
