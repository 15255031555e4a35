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
    """A journal that lacks the newest step, with one job that may begin.

    That step makes tables anew out of those there are, so that it can be taken again.
    """
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


BEFORE_SINGLE_TREES = """
INSERT INTO runs (run_id, number, job, org_id, plan_digest, plan_file, started_at)
VALUES ('r1', 1, 'j', 'o', 'd', 'f', 't');
INSERT INTO attempts VALUES ('r1', 'r1/1', 'key fence', 'hash', 't');
INSERT INTO changes VALUES ('r1', 'Opportunity:1', 'intent', NULL, NULL, NULL, 'r1/1', 't1', 'token');
INSERT INTO changes VALUES ('r1', 'Opportunity:2', 'done', 'created', '006A', '{"a":1}', 'r1/1', 't2', NULL);
INSERT INTO ledger VALUES ('o', 'Opportunity', '1', '006A', '{"Name":"A"}', '{"Name":"B"}', 't');
INSERT INTO job_rows VALUES ('j', 'o', 'Opportunity', '1', '006A', NULL, 'created', 'm', 'r', 'gone')
"""


def test_rows_of_before_stand_in_the_tables_made_anew(tmp_path: Path) -> None:
    """Nothing of changes, ledger and rows of jobs is lost or moved, and it is read as it was meant."""
    (tmp_path / "journal.sqlite").touch(mode=0o600)
    raw = sqlite3.connect(tmp_path / "journal.sqlite")
    for step in STEPS[: [each.name for each in STEPS].index("0011_single_trees")]:
        for statement in step.sql("sqlite"):
            raw.execute(statement)
        raw.execute("INSERT INTO migrations VALUES (?, 't')", (step.name,))
    raw.executescript(BEFORE_SINGLE_TREES)
    raw.execute(f"PRAGMA application_id = {int.from_bytes(b'sfsj')}")
    tables = ("changes", "ledger", "job_rows")
    before = {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    raw.close()
    with open_journal(tmp_path, clock=clock) as journal:
        open_one, done = journal.changes("r1")["Opportunity:1"], journal.changes("r1")["Opportunity:2"]
        assert (open_one.attempt_id, open_one.token, done.record_id) == ("r1/1", "token", "006A")
        entry = journal.ledger("o", "Opportunity", ["1"])["1"]
        assert (entry.sent, entry.seen) == ({"Name": "A"}, {"Name": "B"})
        raw = sqlite3.connect(tmp_path / "journal.sqlite")
        assert {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in tables} == before
        raw.close()


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
