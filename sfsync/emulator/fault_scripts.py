"""A fault of the failure model with the scripts that play it, and short ways to write such scripts.

Scripts are the JSON tables that /_emulator/faults takes; words in angle brackets stand for ids of the org
at hand.
"""

from dataclasses import dataclass
from typing import Any

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what happens, and the scripts that make it happen, or why no server can play it."""

    id: str
    says: str
    scripts: tuple[Table, ...] = ()
    elsewhere: str = ""


def refuse(status: int, code: str, message: str, **more: Any) -> Table:
    """Return the script of an error answer."""
    body = [{"message": message, "errorCode": code}]
    return {"action": "refuse", "status": status, "body": body, **more}


def fail_rows(code: str, message: str, **more: Any) -> Table:
    """Return the script of refused rows."""
    return {"action": "fail_rows", "code": code, "message": message, **more}


def change_org(what: str, *, phase: str = "before_read", **table: Any) -> Table:
    """Return the script of a change that somebody makes to the org."""
    return {"action": "change_org", "phase": phase, "table": {"what": what, **table}}
