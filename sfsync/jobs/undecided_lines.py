"""Refuses a job file in which a person has yet to decide something, before anything else is said of it."""

from __future__ import annotations

from typing import Final

from sfsync.core.suggesting.undecided import open_lines
from sfsync.jobs.mistakes import Mistake, refusal
from sfsync.jobs.toml_file import TomlFile

UNDECIDED: Final = "UNDECIDED"
_HINT: Final = (
    "sfsync suggest and sfsync init mark what nothing proves; the comments beside it say what to look at."
)


def refuse_undecided(file: TomlFile) -> None:
    """Returns when no line of the job file is marked as undecided.

    Raises:
        ConfigError: some are; each is named with the exact edit.
    """
    found = open_lines(file.document)
    if found:
        raise refusal(file, [Mistake(each.path, each.message, UNDECIDED) for each in found], hint=_HINT)
