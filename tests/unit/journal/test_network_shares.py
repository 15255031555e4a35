"""P5: a state folder on a network share is refused, by the kind of its file system."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfsync.errors import JournalError
from sfsync.journal import StatePlace, open_journal, state_place
from sfsync.journal.sqlite import shares
from sfsync.journal.sqlite.shares import file_system_of, refuse_network_share

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:45 / /mnt/nfs rw shared:9 - nfs4 server:/export rw,vers=4.2
41 40 0:46 / /mnt/nfs/local rw - xfs /dev/sdb rw
42 22 0:47 / /mnt/two\\040words rw master:1 shared:3 - cifs //server/share rw
43 22 0:48 / /srv/over rw - ext4 /dev/sdc rw
44 22 0:49 / /srv/over rw - fuse.sshfs host: rw
45 22 0:50 / /home/box rw - fuse.encfs enc rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/sfsync", "ext4"),
        ("/mnt/nfs", "nfs4"),
        ("/mnt/nfs/a/b", "nfs4"),
        ("/mnt/nfs2", "ext4"),
        ("/mnt/nfs/local/a", "xfs"),
        ("/mnt/two words/a", "cifs"),
        ("/srv/over/a", "fuse.sshfs"),
    ],
)
def test_the_innermost_newest_mount_counts(folder: str, kind: str) -> None:
    """Mounts within mounts, mounts over mounts and names with spaces are told apart."""
    assert file_system_of(Path(folder), MOUNTS) == kind
    assert file_system_of(Path(folder), "") == ""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"])
def test_p5_a_network_share_is_refused_with_the_ways_out(tmp_path: Path, kind: str) -> None:
    """The refusal names the kind, another folder, PostgreSQL and the override."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 8:1 / / rw - {kind} server:/export rw\n")
    with pytest.raises(JournalError) as refused:
        refuse_network_share(tmp_path, mounts=mounts)
    assert refused.value.code == "JOURNAL_ON_SHARE"
    assert kind in refused.value.message
    assert "SFSYNC_ALLOW_NETWORK_SHARE=1" in refused.value.hint


def test_p5_a_local_disk_and_a_system_that_does_not_say_are_taken(tmp_path: Path) -> None:
    """An encrypted local folder is local; where no mounts are listed nothing is refused."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    refuse_network_share(tmp_path, mounts=mounts)
    refuse_network_share(tmp_path, mounts=tmp_path / "none")
    refuse_network_share(tmp_path)


def test_p5_the_override_is_a_persons_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only with it a journal opens on a share."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 8:1 / / rw - nfs4 server:/export rw\n")
    refuse = shares.refuse_network_share
    monkeypatch.setattr(
        "sfsync.journal.sqlite.opening.refuse_network_share", lambda folder: refuse(folder, mounts=mounts)
    )
    environ = {"SFSYNC_STATE": str(tmp_path / "state")}
    with pytest.raises(JournalError):
        open_journal(state_place(environ), clock=lambda: datetime(2026, 9, 30, tzinfo=UTC))
    allowed = state_place({**environ, "SFSYNC_ALLOW_NETWORK_SHARE": "1"})
    assert allowed == StatePlace(tmp_path / "state", may_be_shared=True)
    open_journal(allowed, clock=lambda: datetime(2026, 9, 30, tzinfo=UTC)).close()
