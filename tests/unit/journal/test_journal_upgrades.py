"""P10: a journal of an earlier version is upgraded with a copy beside it; locks say who holds them."""

from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfsync.errors import ConfigError, JournalError
from sfsync.journal import open_journal, upgrade_journal
from sfsync.journal.migrations import STEPS

MOMENT = datetime(2026, 9, 30, 12, tzinfo=UTC)


def clock() -> datetime:
    """A clock that stands still."""
    return MOMENT


def an_old_journal(folder: Path) -> None:
    """A journal as the version before the newest step left it, with one job that may begin."""
    with open_journal(folder, clock=clock) as journal:
        journal.admit_job("nightly", "00D000000000062EAA", at="2026-09-30T12:00:00+00:00")
    connection = sqlite3.connect(folder / "journal.sqlite")
    for table in ("print_scopes", "row_prints", "print_sums", "known_stamps"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("DELETE FROM migrations WHERE name = ?", (STEPS[-1].name,))
    connection.commit()
    connection.close()


def test_p10_an_upgrade_keeps_a_private_copy_of_what_was(tmp_path: Path) -> None:
    """The steps are named, the copy is of the old version with everything in it, and nobody else can read it."""
    an_old_journal(tmp_path)
    upgrade = upgrade_journal(tmp_path, clock=clock)
    assert upgrade.steps == (STEPS[-1].name,)
    assert upgrade.backup is not None
    assert stat.S_IMODE(upgrade.backup.stat().st_mode) == 0o600
    copy = sqlite3.connect(upgrade.backup)
    assert copy.execute("SELECT job FROM admitted_jobs").fetchall() == [("nightly",)]
    assert copy.execute("SELECT max(name) FROM migrations").fetchall() == [(STEPS[-2].name,)]
    copy.close()
    assert upgrade_journal(tmp_path, clock=clock).steps == ()


def test_p10_every_start_upgrades_with_a_copy_too(tmp_path: Path) -> None:
    """A run does not need the command."""
    an_old_journal(tmp_path)
    with open_journal(tmp_path, clock=clock) as journal:
        assert journal.knows_job("nightly", "00D000000000062EAA")
    assert len(list(tmp_path.glob("journal.sqlite.before-upgrade-from-*"))) == 1


def test_p10_the_copy_can_take_the_journals_place(tmp_path: Path) -> None:
    """Put in the journal's place, the copy is a journal of the older version again."""
    an_old_journal(tmp_path)
    upgrade = upgrade_journal(tmp_path, clock=clock)
    assert upgrade.backup is not None
    upgrade.backup.replace(tmp_path / "journal.sqlite")
    assert upgrade_journal(tmp_path, clock=clock).steps == (STEPS[-1].name,)


def test_there_is_nothing_to_upgrade_before_the_first_run(tmp_path: Path) -> None:
    """An upgrade makes no journal, and a journal that is missing is not taken for none."""
    with pytest.raises(ConfigError, match="no journal"):
        upgrade_journal(tmp_path, clock=clock)
    with open_journal(tmp_path, clock=clock):
        pass
    (tmp_path / "journal.sqlite").unlink()
    with pytest.raises(JournalError):
        upgrade_journal(tmp_path, clock=clock)


def test_c1_locks_name_their_holder(tmp_path: Path) -> None:
    """A lock that is held says by whom and since when; one that was let go is not told of."""
    with open_journal(tmp_path, clock=clock) as journal:
        with journal.locked("nightly-00D"):
            [held] = journal.facts().holders
            assert held.name == "nightly-00D"
            assert "since 2026-09-30T12:00:00" in held.described()
        assert journal.facts().holders == ()
