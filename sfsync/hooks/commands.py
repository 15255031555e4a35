"""One command of the user that is told something: JSON on its stdin, no shell, no logins in its environment.

What it prints goes nowhere: stdout belongs to the run's document. When its time is over it is killed with all that
it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

_LOGINS: Final = "SFSYNC_ORGS__"


def tell_command(
    command: Sequence[str], document: bytes, *, environ: Mapping[str, str], timeout_s: float
) -> str:
    """Runs the command with the document on its stdin; returns "" when it ended with 0, else why not."""
    own = {name: value for name, value in environ.items() if not name.upper().startswith(_LOGINS)}
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=own,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"it cannot be started ({type(error).__name__})"
    with process:
        try:
            process.communicate(document, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            return "it did not end in time and was stopped"
    return "" if process.returncode == 0 else f"it ended with {process.returncode}"
