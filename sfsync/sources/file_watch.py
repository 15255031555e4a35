"""Notices when a file changes while it is read: then its rows belong to no one version of it.

A file is known by its place on the disk, its size and its time of change, looked at when the source is
opened (its header is read then) and again after the last row.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from sfsync.errors import SourceError

_NAME_A_FILE: Final = 'Name a file; rows from a pipe are read with the file name "-".'


class FileWatch:
    """One file as it was when the watch began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first = _look(path)

    def require_unchanged(self) -> None:
        """Returns when the file is still the one that it was.

        Raises:
            SourceError: the file is gone, is another one, or its size or time of change differs.
        """
        if _look(self._path) != self._first:
            raise SourceError(
                f"{self._path}: the file was changed while it was read",
                code="SOURCE_CHANGED",
                hint="Run again when whoever writes the file is done.",
            )


def cannot_open(path: Path, error: OSError, *, section: str = "") -> SourceError:
    """The error that says why the operating system does not give the file."""
    asked_by = f"{section}: " if section else ""
    return SourceError(
        f"{asked_by}{path}: the file cannot be opened: {error.strerror or error}",
        code="SOURCE_MISSING",
        hint="Correct the path (a job's paths are relative to the job file), or the file's rights.",
    )


def require_regular(path: Path, *, section: str) -> None:
    """Returns when it is a regular file: a folder, a device or a pipe could hang or never end.

    Raises:
        SourceError: it is missing, or something else.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise cannot_open(path, error, section=section) from None
    except ValueError:
        raise SourceError(
            f"{section}: {str(path)!r} is no path", code="SOURCE_MISSING", hint="Correct the path."
        ) from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise SourceError(f"{section}: {path} is {what}", code="SOURCE_NOT_A_FILE", hint=_NAME_A_FILE)


def shown_path(path: Path) -> str:
    """The path as reports show it: from the current folder where it lies below, else in full."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _look(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise cannot_open(path, error) from None
    return found.st_ino, found.st_size, found.st_mtime_ns
