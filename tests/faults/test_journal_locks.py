"""The lock of a run: one holder at a time, named to the others, freed by the system on a kill."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.errors import JournalError, LockHeld
from sfsync.journal.sqlite.locks import lock_file_name, run_lock

START = "2026-09-30T08:00:00+00:00"
RUNNER = """
import sys
from pathlib import Path
from sfsync.errors import LockHeld
from sfsync.journal.sqlite.locks import run_lock

print("ready", flush=True)
for line in sys.stdin:
    try:
        with run_lock(Path(sys.argv[1]), "nightly", at="2026-09-30T08:00:00+00:00"):
            print("got", flush=True)
            sys.stdin.readline()
    except LockHeld as held:
        print(held.message, flush=True)
        sys.stdin.readline()
    print("free", flush=True)
"""


def start(state: Path) -> subprocess.Popen[str]:
    """A process that tries for the lock at each line it gets."""
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert hear(runner) == "ready"
    return runner


def tell(runner: subprocess.Popen[str]) -> None:
    """Lets the process go on by one step."""
    assert runner.stdin is not None
    runner.stdin.write("\n")
    runner.stdin.flush()


def hear(runner: subprocess.Popen[str]) -> str:
    """What the process says next."""
    assert runner.stdout is not None
    return runner.stdout.readline().strip()


def test_c1_of_two_that_race_one_gets_the_lock_and_the_other_its_name(tmp_path: Path) -> None:
    """In 50 races exactly one process holds the lock, and the loser is told that another one does."""
    with start(tmp_path) as one, start(tmp_path) as two:
        for _ in range(50):
            tell(one)
            tell(two)
            said = {hear(one): two.pid, hear(two): one.pid}
            assert len(said) == 2
            assert "got" in said
            (told,) = said.keys() - {"got"}
            assert f"process {said[told]} on" in told or "another process" in told
            tell(one)
            tell(two)
            assert (hear(one), hear(two)) == ("free", "free")
        one.kill()
        two.kill()


def test_c1_a_kill_frees_the_lock(tmp_path: Path) -> None:
    """A holder is named with process, host and start; once it is killed the lock can be had."""
    with start(tmp_path) as holder:
        tell(holder)
        assert hear(holder) == "got"
        with pytest.raises(LockHeld) as held, run_lock(tmp_path, "nightly", at=START):
            pass
        assert f"process {holder.pid} on {os.uname().nodename} since 2" in held.value.message
        assert (held.value.exit_code, held.value.retryable) == (99, True)
        holder.kill()
        holder.wait()
        with run_lock(tmp_path, "nightly", at=START):
            pass


def test_the_lock_is_held_within_one_process_too(tmp_path: Path) -> None:
    """Two runs in one process exclude each other; other names do not; an error in the block frees it."""
    with run_lock(tmp_path, "a", at=START) as lock, run_lock(tmp_path, "b", at=START):
        assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(lock.path.parent.stat().st_mode) == 0o700
        with pytest.raises(LockHeld) as held, run_lock(tmp_path, "a", at=START):
            pass
        assert f"process {os.getpid()} on" in held.value.message
        assert "since 2026-09-30T08:00:00+00:00" in held.value.message
    with pytest.raises(KeyError), run_lock(tmp_path, "a", at=START):
        raise KeyError
    with run_lock(tmp_path, "a", at=START):
        pass


def test_an_unreadable_note_does_not_hide_that_the_lock_is_held(tmp_path: Path) -> None:
    """A holder that has not yet written its name is another process."""
    with run_lock(tmp_path, "a", at=START) as lock:
        lock.path.write_bytes(b"\xff{")
        with pytest.raises(LockHeld) as held, run_lock(tmp_path, "a", at=START):
            pass
    assert "another process" in held.value.message


@pytest.mark.parametrize("name", ["../../etc/x", "a/b", "", ".", "x" * 500, "näch\x00t\n", "\ud800", "a b"])
def test_any_name_makes_a_safe_file_name(name: str) -> None:
    """The file stays in its folder and is short, whatever the name."""
    made = lock_file_name(name)
    assert made.isascii()
    assert len(made) < 100
    assert not set(made) & set("/\\\x00\n ")
    assert not made.startswith(".")


def test_different_names_are_different_locks() -> None:
    """Names that look alike as files do not share a lock."""
    names = ["a/b", "a_b", "a:b", "A_B", "x" * 80, "x" * 81]
    assert len({lock_file_name(name).casefold() for name in names}) == len(names)


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    """A symbolic link is not followed and not written to."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / lock_file_name("a")).symlink_to(tmp_path / "target")
    with pytest.raises(JournalError), run_lock(tmp_path, "a", at=START):
        pass
    assert not (tmp_path / "target").exists()
