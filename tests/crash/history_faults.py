"""The faults that random histories meet: those of the emulator's catalogue that cost no real time, and the
platform's commonest refusals. Each is the table of a script without its place.
"""

from __future__ import annotations

from typing import Any

from sfsync.emulator.network_faults import NETWORK

Table = dict[str, Any]
_SLOW = {"delay", "drip"}


def _refuse(status: int, code: str, phase: str = "before_read") -> Table:
    body = [{"errorCode": code, "message": "played"}]
    return {"action": "refuse", "status": status, "body": body, "phase": phase}


_PLATFORM: tuple[tuple[str, Table], ...] = (
    ("S1", {"action": "expire_session"}),
    ("S3", _refuse(403, "REQUEST_LIMIT_EXCEEDED")),
    ("S5", _refuse(503, "SERVER_UNAVAILABLE")),
    ("S5", {**_refuse(429, "TOO_MANY_REQUESTS"), "headers": {"Retry-After": "7"}}),
    ("S6", _refuse(500, "UNKNOWN_EXCEPTION")),
    ("S6", _refuse(500, "UNKNOWN_EXCEPTION", "after_commit")),
    ("S8", {"action": "fail_rows"}),
    ("S8", {"action": "fail_rows", "rows": [0]}),
    (
        "S11",
        {"action": "fail_rows", "rows": [1], "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no"},
    ),
)

FAULTS: tuple[tuple[str, Table], ...] = (
    *((fault.id, script) for fault in NETWORK for script in fault.scripts if script["action"] not in _SLOW),
    *_PLATFORM,
)
"""Id of the fault and its script."""
