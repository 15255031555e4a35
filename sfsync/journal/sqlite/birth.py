"""Which file a journal is: a copy that was put back is another one, a file that was renamed on its disk is not.

The file is never opened for that: closing it would drop the locks that SQLite holds on it in this process.
A disk gives the number of a removed file to a new one, so the time of birth counts too, where the system tells it.
Source: fcntl(2), "Record locks"; statx(2); SQLite, "How To Corrupt An SQLite Database File".
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

_HERE: Final = -100
_NOT_THROUGH_LINKS: Final = 0x100
_BIRTH: Final = 0x800
_SECONDS: Final = slice(80, 88)
_NANOSECONDS: Final = slice(88, 92)
"""Where `struct statx` has the parts of `stx_btime`, the same on every machine."""


def birth_of(path: Path) -> str:
    """The number and the time of birth of a file that exists."""
    status = path.lstat()
    known = getattr(status, "st_birthtime", None)
    return f"file {status.st_ino} born {known if known is not None else _birth_on_linux(path)}"


def _birth_on_linux(path: Path) -> str:
    """The time of birth; "?" where the C library or the file system does not tell it."""
    try:
        statx = ctypes.CDLL(None).statx
    except (AttributeError, OSError):
        return "?"
    answer = ctypes.create_string_buffer(256)
    failed = statx(_HERE, os.fsencode(path), _NOT_THROUGH_LINKS, _BIRTH, answer)
    if failed or not int.from_bytes(answer.raw[:4], sys.byteorder) & _BIRTH:
        return "?"
    seconds, nanoseconds = (
        int.from_bytes(answer.raw[part], sys.byteorder) for part in (_SECONDS, _NANOSECONDS)
    )
    return f"{seconds}.{nanoseconds:09}"
