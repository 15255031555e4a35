"""The small file that remembers that a journal existed, and whether it was closed well.

A journal that vanished must not look like a first start, and a `-wal` file that vanished takes the last
commits with it: both are refused. The marker says "open" only after SQLite has made its `-wal` file, and
"closed" before SQLite removes it, so a crash between the two never makes a sound journal look damaged.
Processes open and close one at a time (`alone`), or the two files would tell different moments.
A person who accepts the loss deletes the marker.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from sfsync.errors import JournalError
from sfsync.journal.state import PRIVATE_FILE, sync_folder

_TOOL: Final = " (A database tool that looked into the journal removes this file too; then nothing is lost.)"
_NAME: Final = "journal.exists"
_NOTE: Final = "sfsync: a journal exists here; do not delete this file. Last seen: "


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process opens or closes the journal of the folder, and keeps them out."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class LastSeen(StrEnum):
    """How the journal was left; both words have one length, so that one replaces the other in place."""

    OPEN = "open  "
    CLOSED = "closed"


class Marker:
    """The marker beside one journal file."""

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(_NAME)
        self._journal = journal
        self._wal = journal.with_name(f"{journal.name}-wal")

    def read(self) -> LastSeen | None:
        """How the journal was left; None when there was none. An unreadable note counts as closed."""
        try:
            text = self.path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return LastSeen.OPEN if text == f"{_NOTE}{LastSeen.OPEN}\n" else LastSeen.CLOSED

    def write(self, seen: LastSeen) -> None:
        """Notes how the journal is left now, surviving power loss."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, PRIVATE_FILE)
        try:
            is_new = os.fstat(descriptor).st_size == 0
            os.write(descriptor, f"{_NOTE}{seen}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self.path.parent)

    def note_left(self) -> None:
        """Notes how a connection that was closed left the journal: others may still have it open."""
        if self._wal.exists():
            self.write(LastSeen.OPEN)

    def refuse_loss(self) -> None:
        """Stops when the journal, or its newest part, is gone.

        Raises:
            JournalError: a file that must be there is missing.
        """
        if not self._journal.exists() and (self._wal.exists() or self.read() is not None):
            raise self._lost(self._journal, "JOURNAL_MISSING", "")
        if not self._wal.exists() and self.read() is LastSeen.OPEN:
            raise self._lost(self._wal, "JOURNAL_WAL_MISSING", _TOOL)

    def _lost(self, path: Path, code: str, innocent: str) -> JournalError:
        return JournalError(
            f"{path} is missing, but a journal was kept here: what was sent may be forgotten.",
            code=code,
            hint=(
                "Nothing was sent. Put the file back from where it went, or the whole folder from a backup. "
                f"To go on with the loss, delete {self.path.name} and a {self._wal.name} left, then check "
                f"the org for what the last run wrote before you plan again.{innocent}"
            ),
        )
