"""A small file beside the journal that knows how far it had come, so that an older copy of it is recognised.

It lies in the state folder, not in the database: a backup that is put back does not move it. It is raised
after each commit and never waits for the disk: after a power loss it may be too low, which only makes it
notice less. Several processes may raise it; the highest number wins.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import Final

from sfsync.journal.state import PRIVATE_FILE

_LINE: Final = re.compile(rb"sfsync journal ([0-9a-f]{32}) had come to (\d{20})\n")
_LENGTH: Final = 90


class SequenceMark:
    """The mark of one journal; open from the first use until `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def read(self) -> tuple[str, int] | None:
        """The journal that was last here and how far it had come; None when there was none that can be read."""
        try:
            found = _LINE.match(self.path.read_bytes()[:_LENGTH])
        except FileNotFoundError:
            return None
        return (found[1].decode(), int(found[2])) if found else None

    def raise_to(self, journal_id: str, sequence: int) -> None:
        """Notes that the journal has come so far, unless the mark says more of the same journal already."""
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, PRIVATE_FILE)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            found = _LINE.match(os.pread(self._descriptor, _LENGTH, 0))
            if found is None or found[1].decode() != journal_id or int(found[2]) < sequence:
                line = f"sfsync journal {journal_id} had come to {sequence:020}\n".encode()
                os.pwrite(self._descriptor, line, 0)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Lets go of the file; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
