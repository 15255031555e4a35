"""Notices when a file changes while it is read: then its rows belong to no one version of it.

A file is known by its place on the disk, its size and its time of change, looked at when the source is
opened (its header is read then) and again after the last row.
"""

from __future__ import annotations

from pathlib import Path

from sfsync.errors import SourceError


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


def _look(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise cannot_open(path, error) from None
    return found.st_ino, found.st_size, found.st_mtime_ns
