"""Refuses a state folder on a network share: locks and the shared memory of a WAL are not to be trusted there.

Source: SQLite, "Write-Ahead Logging" (all processes must be on one host; it does not work over a network file
system); proc(5), /proc/self/mountinfo. Where there is no such file, as on a Mac, nothing is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sfsync.errors import JournalError

OVERRIDE: Final = "SFSYNC_ALLOW_NETWORK_SHARE"
_MOUNTS: Final = Path("/proc/self/mountinfo")
_SHARES: Final = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ocfs2",
        "gfs2",
        "ncpfs",
        "coda",
    ]
)
_REMOTE_FUSE: Final = re.compile(
    r"fuse\.(sshfs|s3fs|goofys|rclone|gcsfuse|davfs|cephfs|glusterfs|blobfuse.*)"
)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def refuse_network_share(folder: Path, *, mounts: Path = _MOUNTS) -> None:
    """Stops when the folder, which exists, is on a network share.

    Raises:
        JournalError: it is.
    """
    try:
        listed = mounts.read_text("utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = file_system_of(folder.resolve(), listed)
    if kind in _SHARES or _REMOTE_FUSE.fullmatch(kind):
        raise JournalError(
            f"The state folder {folder} is on a network share ({kind}): a journal cannot be kept safely there.",
            code="JOURNAL_ON_SHARE",
            hint=(
                "Set SFSYNC_STATE to a folder on a local disk, or to a PostgreSQL database for several hosts. "
                f"{OVERRIDE}=1 keeps it here at your own risk: then one host alone may use it."
            ),
        )


def file_system_of(folder: Path, mountinfo: str) -> str:
    """The kind of file system that an absolute path is on; "" when the list does not say."""
    longest, kind = -1, ""
    for line in mountinfo.splitlines():
        fields, _, tail = line.partition(" - ")
        words, kinds = fields.split(" "), tail.split(" ")
        if len(words) < 5 or not kinds[0]:
            continue
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), words[4]))
        # Of two mounts on one point the later one covers the earlier.
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), kinds[0]
    return kind
