"""Run locks on both databases: one run at a time, the holder named, free after a kill, and never sent without."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from journal_homes import PLAN, Home, a_run, an_attempt, postgres_home
from postgres_cluster import Cluster

from sfsync.errors import JournalError, LockHeld
from sfsync.journal import SqlJournal

HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sfsync.journal import StatePlace, open_journal

place = StatePlace(Path(sys.argv[1]), database=sys.argv[2] or None)
journal = open_journal(place, clock=lambda: datetime(2026, 9, 30, 8, tzinfo=UTC))
with journal.locked("nightly"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process(home: Home) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is told to end, or is killed."""
    command = [sys.executable, "-c", HOLDER, str(home.place.folder), home.place.database or ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def free_at_last(journal: SqlJournal) -> bool:
    """Whether the lock can be had within two seconds: a server needs a moment to see that a client is gone."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            with journal.locked("nightly"):
                return True
        except LockHeld:
            continue
    return False


def test_c1_c2_the_holder_is_named_and_a_kill_frees_its_lock(home: Home) -> None:
    """A second run is told the process, the host and the start of the first, until that is killed."""
    with home.open() as journal, another_process(home) as holder:
        with pytest.raises(LockHeld) as held, journal.locked("nightly"):
            pass
        named = f"process {holder.pid} on {socket.gethostname()} since 2026-09-30T08:00:00+00:00"
        assert named in held.value.message
        assert [each.described() for each in journal.facts().holders] == [named]
        with journal.locked("other"):
            assert len(journal.facts().holders) == 2
        holder.kill()
        holder.wait()
        assert free_at_last(journal)
        assert journal.facts().holders == ()


def test_c1_two_journals_of_one_process_exclude_each_other(home: Home) -> None:
    """The lock is the journal's, not the process's; an error in the block frees it."""
    with home.open() as one, home.open() as two:
        with one.locked("nightly"):
            for each in (one, two):
                with pytest.raises(LockHeld) as held, each.locked("nightly"):
                    pass
                assert f"process {os.getpid()} on" in held.value.message
        with pytest.raises(KeyError), two.locked("nightly"):
            raise KeyError
        with one.locked("nightly"), one.locked("second"):
            pass


@pytest.mark.parametrize("name", ["", "x" * 500, "näch\n", "\ud800", "a'b\"; --"])
def test_any_name_is_a_lock(journal: SqlJournal, name: str) -> None:
    """Whatever a job is called, its lock can be had; or it is refused by an error of ours."""
    try:
        with journal.locked(name), pytest.raises(LockHeld), journal.locked(name):
            pass
    except JournalError:
        assert "\ud800" in name


def test_j4_a_run_whose_lock_is_lost_sends_nothing_more(home: Home) -> None:
    """Once its lock is lost, by whatever cause, no intent is committed; outcomes still are."""
    with home.open() as journal:
        journal.begin_run(a_run(), PLAN)
        with journal.locked("nightly"):
            journal.intend("r1", an_attempt("a1", "Opportunity:1"), at="t")
            lose_lock(home)
            with pytest.raises(JournalError) as refused:
                journal.intend("r1", an_attempt("a2", "Opportunity:2"), at="t")
            assert (refused.value.code, bool(refused.value.hint)) == ("LOCK_LOST", True)
            with pytest.raises(JournalError), journal.locked("second"):
                journal.intend("r1", an_attempt("a3", "Opportunity:3"), at="t")
        assert list(journal.changes("r1")) == ["Opportunity:1"]


def lose_lock(home: Home) -> None:
    """Takes the lock away: its file is removed, or the server ends the session that holds it."""
    if home.is_postgres:
        assert home.sql("SELECT pg_terminate_backend(backend) FROM run_locks") == [(True,)]
    else:
        for each in (home.place.folder / "locks").iterdir():
            each.unlink()


def test_c2_a_run_that_was_overtaken_is_fenced_off_by_its_token(pg: Home) -> None:
    """A holder whose connection seems alive commits no intent once another run has written its name."""
    with pg.open() as journal:
        journal.begin_run(a_run(), PLAN)
        with journal.locked("nightly"):
            pg.sql("UPDATE run_locks SET token = 'of another run'")
            with pytest.raises(JournalError) as refused:
                journal.intend("r1", an_attempt("a1", "Opportunity:1"), at="t")
        assert refused.value.code == "LOCK_LOST"
        assert journal.changes("r1") == {}
        assert pg.sql("SELECT token FROM run_locks") == [("of another run",)]


def test_c2_two_journals_in_one_database_do_not_share_locks(pg: Home, cluster: Cluster) -> None:
    """A lock's name belongs to its journal: a schema beside it is another world."""
    other = postgres_home(cluster, pg.place.folder)
    with pg.open() as one, other.open() as two, one.locked("nightly"), two.locked("nightly"):
        assert len(one.facts().holders) == len(two.facts().holders) == 1


def test_c2_a_holder_that_has_not_written_its_name_is_another_process(pg: Home) -> None:
    """An old note is not taken for the name of who holds the lock now."""
    with pg.open() as one, pg.open() as two, one.locked("nightly"):
        pg.sql("UPDATE run_locks SET backend = 1")
        with pytest.raises(LockHeld) as held, two.locked("nightly"):
            pass
        assert "another process" in held.value.message
