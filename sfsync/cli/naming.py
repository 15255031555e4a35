"""Which job a person means by a word: a job file, or the name of a job that only the journal knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sfsync.core.job import Job
from sfsync.errors import ConfigError

_NOT_A_FILE = frozenset({"NO_SUCH_JOB", "NO_CONFIG"})


def named_job(text: str, *, org: str | None, environ: Mapping[str, str]) -> Job:
    """The job of a file, or a job of that name without sections, as an import leaves one in the journal.

    Raises:
        ConfigError: a job file has mistakes, or a path leads nowhere.
    """
    from sfsync.jobs import load_job

    try:
        return load_job(text, org=org, environ=environ)
    except ConfigError as error:
        is_plain = len(Path(text).parts) == 1 and Path(text).suffix != ".toml"
        if error.code not in _NOT_A_FILE or not is_plain:
            raise
    return Job(text, org, {}, "")
