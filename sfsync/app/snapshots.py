"""Snapshots as files: taken from an org and saved whole or not at all, and read again.

Part of the composition root. The file is for a repository: it is as readable as any other, because it holds
no record, no secret, and neither the address nor the id of the org.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sfsync.app.run_files import require_writable, unwritable, write_whole
from sfsync.app.workplace import Surroundings, connected
from sfsync.core.orgs.snapshot import MAX_BYTES, Snapshot, dump_snapshot, load_snapshot
from sfsync.core.ports import ApiUsage
from sfsync.engine.snapshotting import take_snapshot
from sfsync.errors import ConfigError

_EVERYONE_READS: Final = 0o644


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """A snapshot that was taken, its file, and what it cost."""

    snapshot: Snapshot
    file: Path
    usage: ApiUsage
    is_changed: bool


def save_snapshot(
    org: str, *, file: Path, also: Iterable[str] = (), around: Surroundings | None = None
) -> SavedSnapshot:
    """Takes the snapshot of an org profile's org and saves it; an older one is replaced.

    Raises:
        ConfigError: there is no such profile, no such object, or the file cannot be written.
        SyncError: the login or the org is at fault; see `sfsync.errors`.
    """
    from sfsync.jobs import load_org

    given = around or Surroundings()
    profile = load_org(org, environ=given.environ)
    require_writable(file)
    with connected(profile, given) as gateway:
        snapshot = take_snapshot(gateway, also=also, api_version=profile.api_version, listener=given.listener)
        data = dump_snapshot(snapshot)
        is_changed = not file.is_file() or file.read_bytes() != data
        _write(file, data)
        return SavedSnapshot(snapshot, file, gateway.usage, is_changed)


def read_snapshot(file: Path) -> Snapshot:
    """The snapshot in a file.

    Raises:
        ConfigError: the file cannot be read, or is no snapshot of this version.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"the snapshot {file} cannot be read: {error.strerror}",
            code="NO_SNAPSHOT",
            hint="Take one with sfsync org snapshot -o ORG.",
        ) from None
    return load_snapshot(data, name=str(file))


def _write(file: Path, data: bytes) -> None:
    try:
        write_whole(file, data, mode=_EVERYONE_READS)
    except OSError as error:
        raise unwritable(file, error.strerror or "") from None
