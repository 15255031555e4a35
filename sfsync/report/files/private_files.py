"""Writes a run's files: each only for its owner, and wholly or not at all.

The content goes into a new temporary file beside its place, which then takes the place in one step; a link
that waits there is replaced, never followed. A character that the encoding lacks is spelled out by
its number instead of ending the report of a run that is over.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from sfsync.errors import SyncError


def write_private_text(path: Path, parts: Iterable[str], *, encoding: str = "utf-8") -> None:
    """Writes the parts, one after the other, as a file of mode 0600.

    Raises:
        SyncError: the file system refuses; code REPORT_NOT_WRITTEN.
    """

    def write(file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding=encoding, errors="backslashreplace", newline="")
        text.writelines(parts)
        text.flush()
        text.detach()

    write_private_file(path, write)


def write_private_file(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Writes a file of mode 0600; `write` puts its bytes into it.

    Raises:
        SyncError: the file system refuses; code REPORT_NOT_WRITTEN.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _refusal(path, error) from None
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(descriptor)
        part.replace(path)
    except OSError as error:
        raise _refusal(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def _refusal(path: Path, error: OSError) -> SyncError:
    return SyncError(
        f"the result file {path} cannot be written: {error.strerror or error}",
        code="REPORT_NOT_WRITTEN",
        hint="What was done is in the journal. Make room, or correct the folder's rights.",
    )
