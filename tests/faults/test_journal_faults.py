"""What can happen to the journal from outside: kills, damage, loss, a full or locked or read-only disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfsync.core.ports import Attempt, ChangeRecord, ChangeState, LedgerEntry, RunRecord
from sfsync.core.writes import Route
from sfsync.errors import JournalError
from sfsync.journal import SqlJournal, open_journal

ROWS = 40
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sfsync.core.ports import Attempt, ChangeRecord, ChangeState, RunRecord
from sfsync.core.writes import Route
from sfsync.journal import open_journal

run_id, rows = sys.argv[2], int(sys.argv[3])
journal = open_journal(Path(sys.argv[1]), clock=lambda: datetime.now(UTC))
journal.begin_run(RunRecord(run_id, "job", "org", run_id, "plan", "t"), b"plan")
for number in range(100_000):
    ids = tuple(f"{number}-{row}" for row in range(rows))
    journal.intend(run_id, Attempt(f"a{number}", Route.KEY_FENCE, "hash", ids), at="t")
    print("intent", number, flush=True)
    journal.record(run_id, [ChangeRecord(each, ChangeState.DONE) for each in ids])
    print("done", number, flush=True)
"""


def now() -> datetime:
    """The time of these tests."""
    return datetime(2026, 9, 30, tzinfo=UTC)


def filled(state: Path, *, rows: int = 300) -> Path:
    """A closed journal with some entries; its file."""
    with open_journal(state, clock=now) as journal:
        journal.begin_run(RunRecord("r1", "job", "org", "digest", "plan", "t"), b"plan")
        intend(journal, rows=rows)
    return state / "journal.sqlite"


def intend(journal: SqlJournal, *, rows: int = 1, name: str = "a1") -> None:
    """Marks so many changes as about to be sent."""
    ids = tuple(f"{name}:{row}:{'x' * 40}" for row in range(rows))
    journal.intend("r1", Attempt(name, Route.KEY_FENCE, "hash", ids), at="t")


def leave_open(state: Path) -> None:
    """Leaves a journal as a killed process does: not closed, its newest commits only in the -wal file."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(state), "killed", "1"], stdout=subprocess.PIPE, text=True
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline()
        writer.kill()


def code_of_opening(state: Path) -> str:
    """The code by which opening is refused, always with a hint."""
    with pytest.raises(JournalError) as refused:
        open_journal(state, clock=now)
    assert refused.value.hint
    return refused.value.code


def test_p1_a_killed_writer_loses_nothing_it_was_told_is_durable(tmp_path: Path) -> None:
    """After kill -9 between and inside commits every answered call is there whole, and no call in part."""
    rng = random.Random(7)
    for kill in range(3):
        told = killed_after(tmp_path, run_id=f"r{kill}", lines=rng.randrange(5, 40))
        with open_journal(tmp_path, clock=now) as journal:
            states = Counter(
                (change.change_id.split("-")[0], change.state)
                for change in journal.changes(f"r{kill}").values()
            )
        assert set(states.values()) == {ROWS}
        assert len({number for number, _ in states}) == len(states)
        for word, number in told:
            assert states[number, ChangeState.DONE] or (
                word == "intent" and states[number, ChangeState.INTENT]
            )


def killed_after(state: Path, *, run_id: str, lines: int) -> list[tuple[str, str]]:
    """What a writer said until it was killed in the midst of its work."""
    command = [sys.executable, "-c", WRITER, str(state), run_id, str(ROWS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [line for line in writer.stdout if line.endswith("\n")]
    return [(word, number) for word, number in (line.split() for line in said)]


def test_processes_that_start_at_once_make_one_journal(tmp_path: Path) -> None:
    """Several first starts at the same time all get the journal that one of them made."""
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, str(tmp_path), f"r{number}", "1"],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(3)
        ]
        said = [writer.stdout.readline() for writer in writers if writer.stdout is not None]
        for writer in writers:
            writer.kill()
    assert said == ["intent 0\n"] * 3
    with open_journal(tmp_path, clock=now) as journal:
        assert {run.run_id for run in journal.runs()} == {"r0", "r1", "r2"}


def test_p3_bytes_torn_behind_the_last_commit_do_no_harm(tmp_path: Path) -> None:
    """A half-written frame at the end of the -wal file, as power loss leaves it, is not a commit."""
    leave_open(tmp_path)
    with (tmp_path / "journal.sqlite-wal").open("ab") as wal:
        wal.write(random.Random(1).randbytes(5000))
    with open_journal(tmp_path, clock=now) as journal:
        assert "0-0" in journal.changes("killed")


def test_p4_a_full_disk_stops_the_intent_and_the_journal_stays_right(tmp_path: Path) -> None:
    """SQLITE_FULL is our error with its cause; the old entries are there, and room makes it work again."""
    filled(tmp_path, rows=10)
    with open_journal(tmp_path, clock=now) as journal:
        limit_pages(journal, 1)
        with pytest.raises(JournalError) as refused:
            intend(journal, rows=3000, name="a2")
        assert refused.value.code == "JOURNAL_FULL"
        assert isinstance(refused.value.__cause__, Exception)
        assert len(journal.changes("r1")) == 10
        limit_pages(journal, 1_000_000)
        intend(journal, rows=3000, name="a2")
        assert len(journal.changes("r1")) == 3010


def limit_pages(journal: SqlJournal, pages: int) -> None:
    """Lets the file grow to so many pages, or not at all when it is larger already."""
    with journal.store.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def test_p5_a_read_only_journal_stops_the_intent(tmp_path: Path) -> None:
    """SQLITE_READONLY is our error; reading goes on."""
    filled(tmp_path, rows=10)
    with open_journal(tmp_path, clock=now) as journal:
        with journal.store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(JournalError) as refused:
            intend(journal, name="a2")
        assert refused.value.code == "JOURNAL_READ_ONLY"
        assert len(journal.changes("r1")) == 10


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Gives up root's right to write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_p5_a_folder_without_write_rights_is_refused(reachable: Path) -> None:
    """The file system's refusal names the folder and what to do."""
    reachable.chmod(0o555)
    with unprivileged():
        assert code_of_opening(reachable) == "JOURNAL_UNREACHABLE"


def test_p5_a_journal_that_may_only_be_read_is_refused(reachable: Path) -> None:
    """A file and folder without write rights are refused when they are opened, not at the first intent."""
    path = filled(reachable)
    path.chmod(0o444)
    reachable.chmod(0o555)
    before = path.read_bytes()
    with unprivileged():
        assert code_of_opening(reachable) in {"JOURNAL_UNREACHABLE", "JOURNAL_READ_ONLY"}
    assert path.read_bytes() == before


def test_p5_a_state_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A plain file in the place of the folder is our error, not a traceback."""
    (tmp_path / "state").write_text("")
    assert code_of_opening(tmp_path / "state") == "JOURNAL_UNREACHABLE"


def test_p5_a_journal_that_another_program_keeps_locked_is_refused_after_the_wait(tmp_path: Path) -> None:
    """A second writer is waited for, then named as the cause; nothing of the call stays."""
    path = filled(tmp_path, rows=10)
    other = sqlite3.connect(path, isolation_level=None)
    try:
        with open_journal(tmp_path, clock=now, busy_wait_s=0.01) as journal:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError) as refused:
                intend(journal, name="a2")
            assert refused.value.code == "JOURNAL_LOCKED"
            assert len(journal.changes("r1")) == 10
            other.execute("ROLLBACK")
            intend(journal, name="a2")
    finally:
        other.close()


def test_p6_a_deleted_journal_is_not_started_afresh(tmp_path: Path) -> None:
    """J7: a marker without its journal is a loss; a person accepts it by deleting the marker."""
    filled(tmp_path).unlink()
    assert code_of_opening(tmp_path) == "JOURNAL_MISSING"
    assert not (tmp_path / "journal.sqlite").exists()
    (tmp_path / "journal.exists").unlink()
    with open_journal(tmp_path, clock=now) as journal:
        assert journal.runs() == []


def test_p6_a_journal_deleted_without_its_wal_is_not_started_afresh(tmp_path: Path) -> None:
    """A left-over -wal file alone says that there was a journal."""
    leave_open(tmp_path)
    (tmp_path / "journal.exists").unlink()
    (tmp_path / "journal.sqlite").unlink()
    assert code_of_opening(tmp_path) == "JOURNAL_MISSING"


def test_p6_a_removed_wal_is_noticed(tmp_path: Path) -> None:
    """A journal that was not closed, and whose newest commits are gone with the -wal file, is refused."""
    leave_open(tmp_path)
    (tmp_path / "journal.sqlite-wal").unlink()
    assert code_of_opening(tmp_path) == "JOURNAL_WAL_MISSING"


def test_p6_a_killed_process_beside_a_living_one_is_no_loss(tmp_path: Path) -> None:
    """The -wal file that the last process to close removes is not missed, whoever was killed before."""
    with open_journal(tmp_path, clock=now):
        leave_open(tmp_path)
    with open_journal(tmp_path, clock=now) as journal:
        assert "0-0" in journal.changes("killed")


def test_p6_a_start_that_was_refused_does_not_make_the_next_one_see_a_loss(tmp_path: Path) -> None:
    """A refused start may tidy the -wal file away; the next start is refused for the same reason only."""
    leave_open(tmp_path / "first")
    newer = sqlite3.connect(tmp_path / "first" / "journal.sqlite")
    newer.execute("INSERT INTO migrations VALUES ('9999_future', 'then')")
    newer.commit()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    newer.close()
    assert [code_of_opening(tmp_path / "second") for _ in range(2)] == ["JOURNAL_NEWER"] * 2


@pytest.mark.parametrize("size", [0, 100, 4096, 9000])
def test_p6_a_truncated_journal_is_refused(tmp_path: Path, size: int) -> None:
    """A file cut short anywhere is damaged, and is not written over."""
    path = filled(tmp_path)
    os.truncate(path, size)
    assert code_of_opening(tmp_path) == "JOURNAL_DAMAGED"


def test_p6_a_journal_with_garbled_pages_is_refused(tmp_path: Path) -> None:
    """Pages written over are found before anything is trusted; the hint says how to repair."""
    path = filled(tmp_path)
    content = bytearray(path.read_bytes())
    for page in range(8):
        content[4096 * page + 100 : 4096 * page + 400] = random.Random(page).randbytes(300)
    path.write_bytes(content)
    with pytest.raises(JournalError) as refused:
        open_journal(tmp_path, clock=now)
    assert refused.value.code == "JOURNAL_DAMAGED"
    assert ".recover" in refused.value.hint
    assert path.read_bytes() == bytes(content)


def test_p6_mutations_are_refused_or_harmless(tmp_path: Path) -> None:
    """Random damage to whole sectors ends in our own error or in a journal that can be read, never else."""
    pristine = filled(tmp_path).read_bytes()
    used = [start for start in range(0, len(pristine), 512) if any(pristine[start : start + 512])]
    rng = random.Random(11)
    refused = 0
    for _ in range(60):
        content = bytearray(pristine)
        start = rng.choice(used)  # a sector that nothing is in can be damaged without harm
        content[start : start + 512] = rng.randbytes(512)
        (tmp_path / "journal.sqlite").write_bytes(content)
        try:
            with open_journal(tmp_path, clock=now) as journal:
                journal.open_changes("job", "org")
        except JournalError:
            refused += 1
    assert refused >= 30


@pytest.mark.parametrize("content", [b"not a database, but long enough to have a header", b"x" * 9000])
def test_p6_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    """Another kind of file in the journal's place stays as it is."""
    (tmp_path / "journal.sqlite").write_bytes(content)
    assert code_of_opening(tmp_path) == "JOURNAL_DAMAGED"
    assert (tmp_path / "journal.sqlite").read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A database without our application id is not made into a journal."""
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE theirs (a)")
    raw.close()
    before = path.read_bytes()
    assert code_of_opening(tmp_path) == "JOURNAL_FOREIGN"
    assert path.read_bytes() == before


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    """A journal that is a link to elsewhere is refused."""
    (tmp_path / "journal.sqlite").symlink_to(tmp_path / "elsewhere")
    assert code_of_opening(tmp_path) == "JOURNAL_NOT_A_FILE"
    assert not (tmp_path / "elsewhere").exists()


def test_no_values_in_messages(tmp_path: Path) -> None:
    """The error of a failed write names no value of the rows, nor does its cause."""
    with open_journal(tmp_path, clock=now) as journal:
        with journal.store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(JournalError) as refused:
            journal.put_ledger(
                "org", [LedgerEntry("Contact", "K", "003A", {"Email": "canary@x.example"}, {})]
            )
    assert "canary" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"


def test_an_outcome_without_an_attempt_known_is_refused(tmp_path: Path) -> None:
    """A word that names an attempt which never was breaks a rule of the journal."""
    filled(tmp_path, rows=1)
    with open_journal(tmp_path, clock=now) as journal, pytest.raises(JournalError) as refused:
        journal.record("r1", [ChangeRecord("x", ChangeState.DONE, attempt_id="ghost")])
    assert refused.value.code == "JOURNAL_RULE"
