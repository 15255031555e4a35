"""Writes a new job file, and overwrites none that nobody has given up."""

from __future__ import annotations

from pathlib import Path

from sfsync.errors import ConfigError


def require_new(out: Path, *, force: bool) -> None:
    """Refuses to overwrite a file, and a place that cannot be written to.

    Raises:
        ConfigError: the file is there and may not be overwritten, or its folder cannot be written to.
    """
    from sfsync.app.run_files import require_writable

    if out.exists() and not force:
        raise ConfigError(
            f"{out} is there already",
            code="FILE_EXISTS",
            hint="Name another file, or give --force to replace it.",
        )
    require_writable(out)


def write_job(out: Path, text: str) -> None:
    """Writes a job file, wholly or not at all; it holds no secret, and is as readable as other job files."""
    from sfsync.app.run_files import unwritable, write_whole

    try:
        write_whole(out, text.encode(), mode=0o644)
    except OSError as error:
        raise unwritable(out, error.strerror or "") from None
