"""Reads files that hold secrets, as ssh does: only ones that nobody else can read.

Invariants: a regular file, no link, owned by the user, without any right for group or others; its content
never reaches a message.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError

MAX_BYTES: Final = 65_536


def read_private(path: Path, *, key: str) -> str:
    """The text of a private file, without the line end behind it; `key` is what asks for it.

    Raises:
        ConfigError: the file is missing, or others could read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        what = "is a link" if path.is_symlink() else f"cannot be read: {error.strerror or error}"
        raise _refusal(path, key, what) from None
    with os.fdopen(descriptor, "rb") as file:
        _require_private(os.fstat(file.fileno()), path, key)
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _refusal(path, key, f"is longer than {MAX_BYTES:,} bytes")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _refusal(path, key, "is no text") from None


def _require_private(found: os.stat_result, path: Path, key: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _refusal(path, key, "is no regular file")
    if found.st_uid != os.getuid():
        raise _refusal(path, key, "is owned by another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise _refusal(path, key, f"can be read by others (mode {mode:04o}); do: chmod 600 {path.name}")


def _refusal(path: Path, key: str, what: str) -> ConfigError:
    # A path that leads to nothing may be the secret itself, pasted where its file belongs.
    shown = f"the file {path}" if os.path.lexists(path) else "the file that it names"
    return ConfigError(
        f"{key}: {shown} {what}",
        code="SECRET_FILE",
        hint="Files with secrets must be yours alone: a regular file of mode 0600.",
    )
