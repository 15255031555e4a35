"""Keeps two runs of one job apart on one host: an advisory lock that the system frees when its holder dies.

The lock is `flock` on a file of the state folder; the file stays and only says who holds it. Windows has no
`flock` and is out of scope, and so are state folders that several hosts share.
Source: flock(2): the lock belongs to the open file and goes with it, also on SIGKILL.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sfsync.errors import LockHeld
from sfsync.journal.failures import translated
from sfsync.journal.state import PRIVATE_FILE, make_private_folder

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_LENGTH: Final = 60
_NOTE_BYTES: Final = 4096


def _system_time() -> datetime:
    return datetime.now(UTC)


@contextmanager
def run_lock(state: Path, name: str, *, clock: Callable[[], datetime] = _system_time) -> Iterator[Path]:
    """Holds the lock of that name while the block runs; gives the lock's file.

    Raises:
        LockHeld: another run holds it; the message names its process, host and start.
        JournalError: the lock file cannot be made or locked.
    """
    path = state / "locks" / lock_file_name(name)
    with translated(path):
        make_private_folder(state)
        make_private_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        with translated(path):
            _take(descriptor, name)
            _write_note(descriptor, _holder(name, clock()))
        try:
            yield path
        finally:
            with translated(path):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def lock_file_name(name: str) -> str:
    """A file name for any text: readable in front, and different for different names."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    readable = _UNSAFE.sub("_", name)[:_NAME_LENGTH]
    return f"{readable}-{digest}.lock"


def _take(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockHeld(
            f"{name} is being run by {_described(_read_note(descriptor))}.",
            code="LOCK_HELD",
            hint="Wait for that run to end, or stop it; the lock is free as soon as its process is gone.",
        ) from None


def _holder(name: str, started_at: datetime) -> dict[str, str]:
    return {
        "name": name,
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "started_at": started_at.isoformat(timespec="seconds"),
    }


def _write_note(descriptor: int, holder: dict[str, str]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _read_note(descriptor: int) -> dict[str, str]:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_BYTES, 0))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _described(holder: dict[str, str]) -> str:
    if not {"pid", "host", "started_at"} <= holder.keys():
        return "another process"
    return f"process {holder['pid']} on {holder['host']} since {holder['started_at']}"
