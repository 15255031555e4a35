"""Asks the Salesforce CLI, the program `sf`, for one JSON document, and says what is wrong when there is none.

It is found on PATH and started without a shell, with our environment as it is and nothing on its stdin. Invariants:
an answer is waited for `PATIENCE_S` at most and read up to a size, then the program and all that it started are
ended; of what it prints only the name of an error reaches a message, because a token may stand in the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sfsync.errors import AccessError, ConfigError, OrgUnavailable, SyncError

PROGRAM: Final = "sf"

PATIENCE_S: Final = 60.0
"""How long one command of sf may take; it starts slowly, and asks the org whether the session still holds."""

MOST_BYTES: Final = 1024 * 1024
_MOST_PLACES: Final = 100
"""How many opening braces are looked at for the document; warnings before it may hold some."""

_LOOK_EVERY_S: Final = 0.2
_GRACE_S: Final = 2.0
"""How long sf may take to end, after its answer or after it was told to."""

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")

_UNKNOWN_ORG: Final = ("NamedOrgNotFound", "NoOrgFound", "NoAuthInfoFound", "AuthInfoNotFound", "NoTargetOrg")
_EXPIRED: Final = (
    "RefreshTokenAuth",
    "ExpiredAccess",
    "INVALID_SESSION_ID",
    "Bad_OAuth_Token",
    "AuthCodeExchange",
    "invalid_grant",
)
"""Beginnings of error names. Source: @salesforce/core, Messages "auth" and "core"; observed answers of sf."""

_OTHER_LOGIN: Final = "or log in another way: login = jwt or client_credentials"


def ask(
    words: tuple[str, ...], *, alias: str, refuse_stopped: Callable[[], None], patience_s: float = PATIENCE_S
) -> Mapping[str, Any]:
    """The `result` of an sf command about the org of that alias; `refuse_stopped` raises once a stop was asked for.

    Raises:
        ConfigError: sf is not installed, cannot be started, or knows no such org.
        AccessError: the org's login in sf has expired, sf refuses, or what it printed cannot be read.
        OrgUnavailable: sf did not answer in time.
    """
    command = [_program(), *words, "--target-org", alias, "--json"]
    printed = _printed(command, refuse_stopped=refuse_stopped, patience_s=patience_s)
    document = _document(printed, words)
    result = document.get("result")
    if document.get("status") == 0 and isinstance(result, dict):
        return result
    raise _refusal(document.get("name"), alias=alias, words=words)


def _refusal(name: object, *, alias: str, words: tuple[str, ...]) -> SyncError:
    """The error that the name of an error of sf means."""
    known = name if isinstance(name, str) and _NAME.fullmatch(name) else ""
    if known.startswith(_UNKNOWN_ORG):
        return ConfigError(
            f"sf knows no org {alias} on this machine ({known})",
            code="SF_UNKNOWN_ORG",
            hint=f"`sf org list` shows those that it knows; log in: sf org login web --alias {alias}",
        )
    if known.startswith(_EXPIRED):
        return AccessError(
            f"the login of {alias} in sf has expired or was revoked ({known})",
            code="SF_LOGIN_EXPIRED",
            hint=f"Log in again: sf org login web --alias {alias}",
        )
    return AccessError(
        f"sf {' '.join(words)} failed for {alias}" + (f" ({known})" if known else ""),
        code="SF_REFUSED",
        hint=f"Run it and see what it says: sf {' '.join(words)} --target-org {alias}",
    )


def _program() -> str:
    """The program's whole path; a folder of PATH that depends on where we stand is left out."""
    folders = [
        each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(each).is_absolute()
    ]
    found = shutil.which(PROGRAM, path=os.pathsep.join(folders)) if folders else None
    if found is None:
        raise ConfigError(
            "the Salesforce CLI (sf) is not on PATH, and this org profile logs in by it",
            code="SF_NOT_FOUND",
            hint=f"Install it, or put its folder on PATH (a scheduler's PATH is often short); {_OTHER_LOGIN}",
        )
    return found


def _printed(command: list[str], *, refuse_stopped: Callable[[], None], patience_s: float) -> bytes:
    """What the command prints on stdout, whole."""
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; the alias can be no option
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError(
            f"sf cannot be started: {error.strerror}",
            code="SF_NOT_STARTED",
            hint=f"Run `sf --version` as the same user; {_OTHER_LOGIN}",
        ) from None
    until_s = time.monotonic() + patience_s
    try:
        printed = _read(process, refuse_stopped=refuse_stopped, until_s=until_s)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)  # it may be saving the session that it renewed
        return printed
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and what it has started; one that has ended and was waited for is left alone."""
    if process.returncode is None:
        # Its number cannot be another's before it is waited for; the group may hold more than the program.
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    if process.returncode is None:
        _signal(process, signal.SIGKILL)
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended; it keeps its number, so that its group can still be signalled."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Signals all of the group; some systems refuse that once its first process has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _read(process: subprocess.Popen[bytes], *, refuse_stopped: Callable[[], None], until_s: float) -> bytes:
    assert process.stdout is not None
    printed = bytearray()
    while True:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise OrgUnavailable(
                "sf did not answer in time",
                code="SF_TIMEOUT",
                hint="Run `sf org list` and see what it waits for: the network, or a question.",
            )
        refuse_stopped()
        if not select.select([process.stdout], [], [], min(left_s, _LOOK_EVERY_S))[0]:
            if _has_ended(process):  # what it left behind holds its stdout, and says nothing for it
                _signal(process, signal.SIGTERM)
                return bytes(printed)
            continue
        chunk = os.read(process.stdout.fileno(), 65_536)
        if not chunk:
            return bytes(printed)
        printed += chunk
        if len(printed) > MOST_BYTES:
            raise _unreadable("it is longer than 1 MiB")


def _document(printed: bytes, words: tuple[str, ...]) -> Mapping[str, Any]:
    """The one JSON object among what was printed; warnings may stand around it."""
    text = _COLOURS.sub("", printed.decode("utf-8", "replace"))
    if not text.strip():
        raise _unreadable("it is nothing", words)
    decoder = json.JSONDecoder()
    for place in _places(text):
        try:
            found, _ = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and ("status" in found or "result" in found):
            return found
    raise _unreadable("it is a web page" if "<html" in text[:2000].lower() else "it is no JSON", words)


def _places(text: str) -> Iterator[int]:
    place = -1
    for _ in range(_MOST_PLACES):
        place = text.find("{", place + 1)
        if place < 0:
            return
        yield place


def _unreadable(why: str, words: tuple[str, ...] = ()) -> AccessError:
    return AccessError(
        f"what sf {' '.join(words)} printed cannot be read: {why}".replace("  ", " "),
        code="SF_UNREADABLE",
        hint="Run `sf org list --json` as the same user and see what it prints; `sf update` brings the newest sf.",
    )
