"""Makes the process fit to hold secrets and to be run by anybody: its streams, its core dumps, its traces.

Called once, before any command. Invariants: the numbers 0 to 2 are always open, so that no file of ours can
get one and be printed into; a character that the terminal's encoding lacks is spelled out; a crash leaves no
picture of the memory; a trace names files, lines and kinds of errors, never their texts.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
import traceback


def made_safe() -> None:
    """Opens the standard streams that are closed, lets them print anything, and switches core dumps off."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdin is None:
        sys.stdin = open(0)  # noqa: SIM115 - lives as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def trace_of(error: BaseException) -> str:
    """Where a fault happened, cause by cause: files, lines and kinds of errors, without their texts."""
    parts: list[str] = []
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        frames = "".join(traceback.format_tb(each.__traceback__))
        kind = f"{type(each).__module__}.{type(each).__qualname__}"
        parts.append(f"Traceback (most recent call last):\n{frames}{kind} (its text is left out)\n")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\nthe error above came while this one was handled, or was caused by it:\n\n".join(parts)
