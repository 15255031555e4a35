"""Keeps two runs of one job apart on one host: an advisory lock that the system frees when its holder dies.

The lock is `flock` on a file of the state folder; the file stays and only says who holds it. Windows has no
`flock` and is out of scope, and so are state folders that several hosts share.
Source: flock(2): the lock belongs to the open file and goes with it, also on SIGKILL. Whoever removes the file
lets a second run in; the first one notices before its next intent.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sfsync.errors import JournalError, LockHeld
from sfsync.journal.sqlite.failures import translated
from sfsync.journal.state import PRIVATE_FILE, make_private_folder
from sfsync.journal.store import LockHolder

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_LENGTH: Final = 60
_NOTE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class RunLock:
    """A lock that this process holds."""

    name: str
    path: Path
    descriptor: int

    def refuse_lost(self) -> None:
        """Checks that the file which is locked is still the one that others would try to lock.

        Raises:
            JournalError: it was removed or replaced (`LOCK_LOST`).
        """
        own = os.fstat(self.descriptor)
        try:
            named = self.path.stat()
        except FileNotFoundError:
            named = None
        if named is None or (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino):
            raise lock_lost(self.name, f"its file {self.path} was removed")


def lock_lost(name: str, why: str) -> JournalError:
    """The error for a run that may not be alone any more."""
    return JournalError(
        f"The run lock of {name} is lost: {why}. Another run may have begun.",
        code="LOCK_LOST",
        hint="Nothing was sent after it was lost. Run again, or go on with sfsync resume.",
    )


@contextmanager
def run_lock(state: Path, name: str, *, at: str) -> Iterator[RunLock]:
    """Holds the lock of that name while the block runs; `at` is the start that others are told.

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
            _write_note(descriptor, _holder(name, at))
        try:
            yield RunLock(name, path, descriptor)
        finally:
            with translated(path):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holders(state: Path) -> list[LockHolder]:
    """Who holds which lock of the state folder, by their notes; locks are not tried, which could get in a
    run's way.
    """
    held: list[LockHolder] = []
    for path in sorted((state / "locks").glob("*.lock")):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            holder = _holder_of(_read_note(descriptor), path.stem)
        finally:
            os.close(descriptor)
        if _may_live(holder):
            held.append(holder)
    return held


def _may_live(holder: LockHolder) -> bool:
    """Whether the process of a note can still be there; a note is emptied at the end, but not by a kill."""
    if not holder.pid.isdecimal():
        return False
    try:
        os.kill(int(holder.pid), 0)
    except ProcessLookupError:
        return holder.host != socket.gethostname()
    except OSError:
        return True
    return True


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
            f"{name} is being run by {_holder_of(_read_note(descriptor), name).described()}.",
            code="LOCK_HELD",
            hint="Wait for that run to end, or stop it; the lock is free as soon as its process is gone.",
        ) from None


def _holder(name: str, at: str) -> dict[str, str]:
    return {"name": name, "pid": str(os.getpid()), "host": socket.gethostname(), "started_at": at}


def _write_note(descriptor: int, holder: dict[str, str]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _read_note(descriptor: int) -> dict[str, str]:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_BYTES, 0))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _holder_of(note: dict[str, str], name: str) -> LockHolder:
    known = {key: str(note.get(key, "")) for key in ("host", "pid", "started_at")}
    return LockHolder(str(note.get("name") or name), **known)
