"""Standard input as a file: read once, to its end, because a source is looked at more than once.

What was read lies in a private temporary file (0600) for as long as the process lives. Where the system can
open a file that has no name any more, it is nameless from the start, so that not even a kill leaves it
behind; elsewhere it is removed when the process ends.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from sfsync.core.reading.source_spec import STANDARD_INPUT_SHOWN
from sfsync.errors import SourceError

_OPEN_FILES: Final = Path("/proc/self/fd")
"""Source: proc(5), /proc/pid/fd: opening an entry opens the file itself, from its start, also a nameless one."""


def spooled() -> Path:
    """The file that holds all of standard input; read at the first call.

    Raises:
        SourceError: standard input is a terminal or closed, or the temporary file cannot be written.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise SourceError(
            f"{STANDARD_INPUT_SHOWN} is closed",
            code="SOURCE_MISSING",
            hint="Pipe the rows in, or name a file.",
        )
    if sys.stdin.isatty():
        raise SourceError(
            f"{STANDARD_INPUT_SHOWN} is a terminal, not rows",
            code="STDIN_TERMINAL",
            hint='Pipe the rows in: PROGRAM | sfsync import - ..., or name a file in place of "-".',
        )
    try:
        return _spool(sys.stdin.fileno(), os.getpid())
    except OSError as error:
        raise SourceError(
            f"{STANDARD_INPUT_SHOWN} cannot be kept in a temporary file: {error.strerror or error}",
            code="SOURCE_MISSING",
            hint="Make room there, or let TMPDIR name a folder that has some.",
        ) from None


@functools.cache
def _spool(descriptor: int, process: int) -> Path:
    """The spool of this process; a fork has another number and reads for itself."""
    del process
    number, name = tempfile.mkstemp(prefix="sfsync-stdin-")
    path = _nameless(Path(name), number)
    with open(descriptor, "rb", closefd=False) as source, open(number, "wb", closefd=False) as file:
        shutil.copyfileobj(source, file)
    return path


def _nameless(path: Path, number: int) -> Path:
    """The open file without its name where it can be opened so, else with it until the process ends."""
    without = _OPEN_FILES / str(number)
    if without.exists():
        path.unlink()
        return without
    atexit.register(path.unlink, missing_ok=True)
    return path
