"""A command as a step of GitHub Actions: what it prints is no command to the runner, but for its own annotations.

The runner takes any line that begins with `::` for a command, on stdout and stderr alike, and a cell may hold one.
So the runner is told to stop reading commands before anything is printed; behind everything that was printed it
reads again, for our annotations alone. Elsewhere nothing of this happens.
Source: GitHub Docs, "Workflow commands for GitHub Actions", "Stopping and starting workflow commands", "Adding a
job summary" (1 MiB a step).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sfsync.core.reports.report import Report

MOST_SUMMARY_BYTES: Final = 65536

_lines: ContextVar[list[str] | None] = ContextVar("_lines", default=None)
"""The annotations of the step under way; None where there is none."""


@contextlib.contextmanager
def github_step(environ: Mapping[str, str]) -> Iterator[None]:
    """The runner reads nothing that is printed in the block as a command; then it reads our annotations."""
    if environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    word = secrets.token_hex(16)
    told: list[str] = []
    token = _lines.set(told)
    _print([f"::stop-commands::{word}"])
    try:
        yield
    finally:
        _lines.reset(token)
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        _print([f"::{word}::", *told])


def annotate_error(code: str, message: str) -> None:
    """Lets the step say why a command stopped."""
    told = _lines.get()
    if told is not None:
        from sfsync.report.watching.github import Annotation

        told.append(Annotation("error", code, message).command())


def annotate_report(report: Report) -> None:
    """Lets the step show the problems of a report beside their lines, and its summary."""
    told = _lines.get()
    if told is None:
        return
    from sfsync.report.watching.github import annotations_of, step_summary

    told += [each.command() for each in annotations_of(report)]
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if file:
        text = step_summary(report).encode("utf-8", "backslashreplace")
        if len(text) > MOST_SUMMARY_BYTES:
            text = text[:MOST_SUMMARY_BYTES].rpartition(b"\n")[0] + b"\n"
        with contextlib.suppress(OSError), open(file, "ab") as summary:  # noqa: PTH123 - the runner's own file
            summary.write(text)


def _print(lines: list[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        sys.stderr.flush()
