"""The emulator's own resources under /_emulator: faults, changes of the org, audit, clock, switches, sessions,
users, TLS, locks.

They are no part of the played platform: they exist for tests that run the emulator or the client as another
process. Every call must carry the emulator's own access token in X-Sfsync-Emulator-Control; they are neither
audited nor counted as API calls.
"""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.faults import script_from
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.switches import Switches
from sfsync.emulator.wire.messages import Reply, Request

if TYPE_CHECKING:
    from sfsync.emulator.exchange import Emulator

PREFIX: Final = "/_emulator/"
HEADER: Final = "x-sfsync-emulator-control"


def is_control(path: str) -> bool:
    """Whether a path belongs to the emulator itself."""
    return path.startswith(PREFIX)


def answer_control(emulator: "Emulator", request: Request) -> Reply:
    """Answer a call to the emulator's own resources."""
    try:
        if request.headers.get(HEADER) != emulator.control_token:
            return Reply(
                403, [{"errorCode": "CONTROL_TOKEN_MISSING", "message": f"{HEADER} is missing or wrong"}]
            )
        return Reply(200, _answer(emulator, request))
    except ApiError as error:
        return Reply.of(error)
    except KeyError as problem:
        return Reply(400, [{"errorCode": "INVALID_CONTROL_CALL", "message": f"{problem} is missing"}])
    except (ValueError, TypeError) as problem:
        return Reply(400, [{"errorCode": "INVALID_CONTROL_CALL", "message": str(problem)}])


def _answer(emulator: "Emulator", request: Request) -> Any:
    name = request.path[len(PREFIX) :].strip("/")
    match request.method, name:
        case "GET", "faults":
            scripts = [script.as_json() for script in emulator.faults.scripts()]
            return {"faults": scripts, "held": emulator.faults.held()}
        case "POST", "faults":
            value = request.json()
            tables = value if isinstance(value, list) else [value]
            return [emulator.faults.add(script_from(table)).as_json() for table in tables]
        case "DELETE", "faults":
            emulator.faults.clear()
            return {"cleared": True}
        case "POST", "faults/release":
            return {"released": emulator.faults.release(request.json_object().get("label"))}
        case "POST", "changes":
            return change_org(emulator.org, emulator.audit, request.json_object())
        case "POST", "kill":
            return _add_kill(emulator, request.json_object())
        case "GET", "audit":
            return emulator.audit.as_json()
        case "DELETE", "audit":
            emulator.audit.clear()
            return {"cleared": True}
        case _:
            return _answer_state(emulator, request, name)


def _answer_state(emulator: "Emulator", request: Request, name: str) -> Any:
    match request.method, name:
        case "DELETE", "sessions":
            return {"ended": _end_sessions(emulator, request)}
        case "PATCH", "users":
            return _lock_user(emulator, request.json_object())
        case "PATCH", "tls":
            return _present(emulator, request.json_object())
        case "DELETE", "cursors":
            emulator.org.cursors.expire_all()
            return {"expired": True}
        case "PATCH", "switches":
            return _set_switches(emulator, request.json_object())
        case "POST", "approval_locks":
            return _set_approval_lock(emulator, request.json_object())
        case "POST", "maintenance":
            return _begin_maintenance(emulator, request.json_object())
        case "POST", "clock":
            return _advance(emulator, float(request.json_object()["advance_s"]))
        case _:
            raise not_found()


def _end_sessions(emulator: "Emulator", request: Request) -> int:
    """End the session of a token, those of a user (with the refresh tokens), or all; return how many."""
    chosen = request.json_object() if request.body else {}
    org = emulator.org
    match chosen:
        case {"token": str(token)}:
            return int(org.sessions.end(token))
        case {"username": str(username)}:
            user_id = org.logins.user_id(username)
            if user_id is None:
                raise ValueError(f"no user {username!r} in this org")
            org.grants.end_user(user_id)
            return org.sessions.end_user(user_id)
        case _ if chosen:
            raise ValueError("name a token or a username, or nothing to end all sessions")
    return org.sessions.end_all()


def _lock_user(emulator: "Emulator", table: dict[str, Any]) -> dict[str, Any]:
    username, locked = str(table["username"]), bool(table["locked"])
    emulator.org.logins.lock(username, locked=locked)
    return {"username": username, "locked": locked}


def _present(emulator: "Emulator", table: dict[str, Any]) -> dict[str, Any]:
    if emulator.tls is None:
        raise ValueError("this emulator speaks plain http")
    emulator.tls.present(str(table["situation"]), connections=table.get("connections"))
    return dict(table)


def _add_kill(emulator: "Emulator", table: dict[str, Any]) -> dict[str, Any]:
    pid = table.get("pid")
    if not isinstance(pid, int) or pid <= 1:
        raise ValueError("pid must be the number of the client's process")
    return emulator.faults.add(script_from({**table, "action": "kill"})).as_json()


def _set_switches(emulator: "Emulator", table: dict[str, Any]) -> dict[str, Any]:
    change_org(emulator.org, emulator.audit, {"what": "switches", "values": table})
    return {item.name: getattr(emulator.org.switches, item.name) for item in fields(Switches)}


def _set_approval_lock(emulator: "Emulator", table: dict[str, Any]) -> dict[str, Any]:
    record_id = normalised(str(table["id"]))
    if record_id is None:
        raise ValueError("id must be the id of a record")
    locked = bool(table.get("locked", True))
    emulator.org.storage.set_approval_lock(record_id, locked=locked)
    return {"id": record_id, "locked": locked}


def _begin_maintenance(emulator: "Emulator", table: dict[str, Any]) -> dict[str, Any]:
    """Let the org become read-only after so many rows more, in the middle of a call if need be; null ends it."""
    rows = table["after_rows"]
    if rows is not None and (not isinstance(rows, int) or rows < 0):
        raise ValueError("after_rows must be a number of rows, or null to end the maintenance")
    emulator.org.capacity.rows_until_read_only = rows
    return {"after_rows": rows}


def _advance(emulator: "Emulator", seconds: float) -> dict[str, str]:
    clock = emulator.org.clock
    if not isinstance(clock, VirtualClock):
        raise ValueError("this emulator runs on the machine's clock")
    clock.advance(seconds)
    return {"now": clock.now().isoformat()}
