"""The journal's file: private, durable by its pragmas, of a known shape, in the folder it should be in."""

from __future__ import annotations

import os
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from sfsync.errors import ConfigError, JournalError
from sfsync.journal import open_journal, state_folder
from sfsync.journal.migrations import STEPS
from sfsync.journal.schema import METADATA

NOW = datetime(2026, 9, 30, tzinfo=UTC)


def now() -> datetime:
    """The time of these tests."""
    return NOW


def mode_of(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_t18_the_folder_and_all_files_are_private(tmp_path: Path) -> None:
    """Under the widest umask the folder is 0700 and the file, its -wal and its -shm are 0600."""
    state = tmp_path / "deep" / "state"
    before = os.umask(0)
    try:
        with open_journal(state, clock=now):
            modes = {path.name: mode_of(path) for path in state.iterdir()}
    finally:
        os.umask(before)
    assert mode_of(state) == 0o700
    assert modes == dict.fromkeys(
        [
            "journal.sqlite",
            "journal.sqlite-wal",
            "journal.sqlite-shm",
            "journal.exists",
            "journal.sequence",
        ],
        0o600,
    )


def test_t18_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    """A journal copied with wide rights loses them when it is opened."""
    open_journal(tmp_path, clock=now).close()
    (tmp_path / "journal.sqlite").chmod(0o644)
    with open_journal(tmp_path, clock=now):
        assert mode_of(tmp_path / "journal.sqlite") == 0o600
        assert mode_of(tmp_path / "journal.sqlite-wal") == 0o600


def test_every_connection_is_durable(tmp_path: Path) -> None:
    """WAL, synchronous=FULL, foreign keys, a wait of 30 s, and our application id hold when read back."""
    with open_journal(tmp_path, clock=now) as journal, journal.store.engine.connect() as connection:
        held = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "user_version")
        }
        application_id = connection.exec_driver_sql("PRAGMA application_id").scalar()
    assert held == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "user_version": len(STEPS),
    }
    assert application_id == int.from_bytes(b"sfsj")


def test_a_file_that_cannot_have_a_wal_is_not_opened_as_something_weaker(tmp_path: Path) -> None:
    """When another program prevents the WAL mode, opening fails by name."""
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError) as refused:
        open_journal(tmp_path, clock=now, busy_wait_s=0.01)
    other.close()
    assert refused.value.code == "JOURNAL_LOCKED"


def test_the_migrations_build_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    """Columns, keys and indexes made step by step are those of the schema."""
    open_journal(tmp_path, clock=now).close()
    migrated = create_engine(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    declared = create_engine("sqlite://")
    METADATA.create_all(declared)
    try:
        assert shape_of(inspect(migrated)) == shape_of(inspect(declared))
    finally:
        migrated.dispose()
        declared.dispose()


def shape_of(inspector: object) -> dict[str, object]:
    """What two schemas must agree on."""
    return {
        table: (
            [(each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(each["name"] for each in inspector.get_indexes(table)),
            sorted(each["column_names"] for each in inspector.get_unique_constraints(table)),
            sorted((each["constrained_columns"], each["referred_table"]) for each in fks(inspector, table)),
        )
        for table in inspector.get_table_names()
    }


def fks(inspector: object, table: str) -> list[dict[str, object]]:
    """The foreign keys of a table."""
    return inspector.get_foreign_keys(table)


def test_open_changes_are_found_by_the_partial_index(tmp_path: Path) -> None:
    """A resume does not read what is done."""
    with open_journal(tmp_path, clock=now) as journal, journal.store.engine.connect() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT change_id FROM changes JOIN runs ON changes.run_id = runs.run_id"
            " WHERE runs.job = 'a' AND runs.org_id = 'b' AND state IN ('intent', 'unknown')"
        ).all()
    assert any("open_changes" in str(step) for step in plan)


def test_p10_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """A migration that this version does not know stops it, by name, and leaves the file alone."""
    open_journal(tmp_path, clock=now).close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as raw:
        raw.execute("INSERT INTO migrations VALUES ('9999_future', 'then')")
    raw.close()

    with pytest.raises(JournalError) as refused:
        open_journal(tmp_path, clock=now)

    assert refused.value.code == "JOURNAL_NEWER"
    assert "9999_future" in refused.value.message
    assert refused.value.hint


def test_an_interrupted_first_start_is_gone_on_with(tmp_path: Path) -> None:
    """An empty file without a marker is a start that was cut off: the next one makes the tables."""
    (tmp_path / "journal.sqlite").touch(0o600)
    with open_journal(tmp_path, clock=now) as journal:
        assert journal.runs() == []


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({"SFSYNC_STATE": "/srv/state", "HOME": "/home/a"}, "linux", "/srv/state"),
        ({"SFSYNC_STATE": "~/state", "HOME": "/home/a"}, "linux", "/home/a/state"),
        ({"SFSYNC_STATE": " ", "HOME": "/home/a"}, "linux", "/home/a/.local/state/sfsync"),
        ({"XDG_STATE_HOME": "/xdg", "HOME": "/home/a"}, "linux", "/xdg/sfsync"),
        ({"XDG_STATE_HOME": "rel", "HOME": "/home/a"}, "linux", "/home/a/.local/state/sfsync"),
        ({"SFSYNC_STATE": "postgresql://h/db", "SFSYNC_STATE_FOLDER": "/srv/runs"}, "linux", "/srv/runs"),
        ({"SFSYNC_STATE": "postgres://h/db", "HOME": "/home/a"}, "linux", "/home/a/.local/state/sfsync"),
        ({"HOME": "/Users/a"}, "darwin", "/Users/a/Library/Application Support/sfsync"),
    ],
)
def test_the_state_folder_follows_the_environment(
    environ: dict[str, str], platform: str, folder: str
) -> None:
    """SFSYNC_STATE wins, then an absolute XDG folder, then the platform's own."""
    assert state_folder(environ, platform=platform) == Path(folder)


@pytest.mark.parametrize("environ", [{"SFSYNC_STATE": "mysql://u:s3cret@h/db"}, {}])
def test_a_state_that_is_no_folder_is_refused(environ: dict[str, str]) -> None:
    """The URL of another database, or no home at all, is a config error that shows no password."""
    with pytest.raises(ConfigError) as refused:
        state_folder(environ)
    assert "SFSYNC_STATE" in refused.value.message
    assert "s3cret" not in refused.value.message + refused.value.hint
