"""Where a machine keeps the state of sfsync, and that only its owner can read it.

`SFSYNC_STATE` wins, then the XDG folder, then the platform's own; it may also be the URL of a PostgreSQL database,
and then only the run folders need a folder. Folders are made 0700 and files 0600
before anything is written to them: SQLite gives its side files the mode of the main file.
Source: SQLite, "Write-Ahead Logging" (side files take the mode of the database); XDG Base Directory
Specification (a relative path in XDG_STATE_HOME is to be ignored).
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError, JournalError

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_POSTGRES: Final = re.compile(r"(postgres|postgresql|postgresql\+psycopg)://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatePlace:
    """Where the state is: the journal in `database`, or in `folder` when there is none; run folders in `folder`.

    `may_be_shared` says that a person lets the folder be on a network share.
    """

    folder: Path
    database: str | None = field(default=None, repr=False)
    may_be_shared: bool = False


def state_place(environ: Mapping[str, str], *, platform: str = sys.platform) -> StatePlace:
    """Where the journal and the run folders are, by the environment given.

    `SFSYNC_STATE` is a folder or the URL of a PostgreSQL database. With a URL the run folders, which stay with the
    host, go to `SFSYNC_STATE_FOLDER`, else to the platform's folder.

    Raises:
        ConfigError: the URL is of another database, or no folder is set and there is no home.
    """
    chosen = environ.get("SFSYNC_STATE", "").strip()
    may_be_shared = environ.get("SFSYNC_ALLOW_NETWORK_SHARE", "").strip() in {"1", "true", "yes"}
    if not _URL.match(chosen):
        return StatePlace(_folder(chosen, environ, platform), may_be_shared=may_be_shared)
    if not _POSTGRES.match(chosen):
        raise ConfigError(
            f"SFSYNC_STATE is a URL that begins with {chosen.partition(':')[0]}, which is no PostgreSQL database.",
            code="STATE_URL",
            hint="Set SFSYNC_STATE to a folder on a local disk, or to postgresql://user@host/database.",
        )
    folder = environ.get("SFSYNC_STATE_FOLDER", "").strip()
    return StatePlace(_folder(folder, environ, platform), database=chosen, may_be_shared=may_be_shared)


def state_folder(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """The folder of the run folders and, unless it is in a database, of the journal.

    Raises:
        ConfigError: as `state_place`.
    """
    return state_place(environ, platform=platform).folder


def _folder(chosen: str, environ: Mapping[str, str], platform: str) -> Path:
    if chosen:
        return _without_tilde(chosen, environ)
    xdg = environ.get("XDG_STATE_HOME", "").strip()
    if xdg.startswith("/"):
        return Path(xdg) / "sfsync"
    if platform == "darwin":
        return _home(environ) / "Library" / "Application Support" / "sfsync"
    return _home(environ) / ".local" / "state" / "sfsync"


def _without_tilde(text: str, environ: Mapping[str, str]) -> Path:
    if text == "~" or text.startswith("~/"):
        return _home(environ) / text[2:]
    return Path(text)


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME", "").strip()
    if not home:
        raise ConfigError(
            "There is no folder for the journal: neither SFSYNC_STATE nor HOME is set.",
            code="STATE_UNKNOWN",
            hint="Set SFSYNC_STATE to a folder on a local disk, such as /var/lib/sfsync.",
        )
    return Path(home)


def make_private_folder(folder: Path) -> None:
    """Makes the folder 0700 if it is missing; one that exists keeps the mode its owner gave it."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def make_private_file(path: Path) -> bool:
    """Makes an empty 0600 file that survives power loss; True when it was not there before.

    A file that exists and is ours loses the rights of group and others; a symbolic link is not followed.

    Raises:
        JournalError: something else than a plain file has the name.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    except FileExistsError:
        _close_to_others(path)
        return False
    os.close(descriptor)
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Makes the names of new files in the folder survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close_to_others(path: Path) -> None:
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            status = each.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(status.st_mode):
            raise JournalError(
                f"{each} is not a plain file.",
                code="JOURNAL_NOT_A_FILE",
                hint="Move it away; to keep the state elsewhere, set SFSYNC_STATE to that folder.",
            )
        if status.st_uid == os.geteuid() and status.st_mode & 0o077:
            each.chmod(PRIVATE_FILE)
