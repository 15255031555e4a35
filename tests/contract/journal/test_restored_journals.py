"""P7: a journal that was put back from a backup is recognised, and jobs without keys wait for a person's word."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from journal_homes import ORG, PLAN, Home, a_run, an_attempt

INTENTS = 4


def work(home: Home, *, run_id: str = "r1", upto: int = INTENTS) -> None:
    """A run that sends so many times."""
    with home.open() as journal:
        journal.begin_run(a_run(run_id), PLAN)
        for number in range(upto):
            journal.intend(run_id, an_attempt(f"{run_id}/{number}", f"Opportunity:{number}"), at="t")


def is_trusted(home: Home) -> bool:
    """Whether a job without keys may go on with the journal."""
    with home.open() as journal:
        restored = journal.restored_at()
        assert (restored is None) == (journal.facts().identity.restorations == 0)
        return journal.knows_job("nightly", ORG)


def reconcile(home: Home) -> None:
    """A person says that the journal knows all."""
    with home.open() as journal:
        journal.admit_job("nightly", ORG, at="t")


@pytest.mark.parametrize("prefix", range(INTENTS))
def test_p7_a_file_put_back_over_the_journal_is_recognised(tmp_path: Path, prefix: int) -> None:
    """However few intents it forgot: the mark beside it knows more; a word makes it trusted again, once."""
    home = Home(place_at(tmp_path / "state"))
    file = tmp_path / "state" / "journal.sqlite"
    work(home, upto=prefix)
    backup = file.read_bytes()
    with home.open() as journal:
        journal.intend("r1", an_attempt("later", "Opportunity:later"), at="t")
    with file.open("r+b") as same_file:
        same_file.truncate()
        same_file.write(backup)

    assert not is_trusted(home)
    assert not is_trusted(home)
    reconcile(home)
    assert is_trusted(home)
    work(home, run_id="r2")
    assert is_trusted(home)


def test_p7_a_whole_folder_put_back_is_recognised(tmp_path: Path) -> None:
    """A copy of the folder, its mark included, is another file than the journal was."""
    home = Home(place_at(tmp_path / "state"))
    work(home)
    shutil.copytree(tmp_path / "state", tmp_path / "backup")
    work(home, run_id="r2")
    shutil.rmtree(tmp_path / "state")
    shutil.copytree(tmp_path / "backup", tmp_path / "state")
    assert not is_trusted(home)
    reconcile(home)
    assert is_trusted(home)


def test_p7_a_folder_that_was_moved_is_still_the_same_journal(tmp_path: Path) -> None:
    """A rename within a disk forgets nothing and asks nobody."""
    home = Home(place_at(tmp_path / "state"))
    work(home)
    (tmp_path / "state").rename(tmp_path / "moved")
    assert is_trusted(Home(place_at(tmp_path / "moved")))


def place_at(folder: Path) -> object:
    """A place for a journal on SQLite."""
    from sfsync.journal import StatePlace

    return StatePlace(folder)


def test_p7_a_word_said_before_the_backup_was_put_back_does_not_count(home: Home, tmp_path: Path) -> None:
    """Admitted once is not admitted for ever: each restoration needs its own word."""
    with home.open() as journal:
        journal.admit_job("nightly", ORG, at="t")
    work(home)
    assert is_trusted(home)
    forget_newest(home)
    assert not is_trusted(home)
    reconcile(home)
    assert is_trusted(home)
    with home.open() as journal:
        assert not journal.knows_job("other", ORG)


def forget_newest(home: Home) -> None:
    """Makes the journal forget its newest intent, as a backup does."""
    home.sql("DELETE FROM changes WHERE change_id = 'Opportunity:3'")
    home.sql("UPDATE identity SET sequence = sequence - 1")


def test_p7_another_host_that_saw_less_notices_by_the_place_of_the_tables(pg: Home, tmp_path: Path) -> None:
    """A dump that was read back makes new tables: any host sees that, also one that never worked on the journal."""
    work(pg)
    other = pg.on_host(tmp_path / "other-host")
    assert is_trusted(other)
    pg.sql("CREATE TABLE copied AS TABLE identity")
    pg.sql("DROP TABLE identity")
    pg.sql("ALTER TABLE copied RENAME TO identity")
    assert not is_trusted(other)
    reconcile(other)
    assert is_trusted(other)
    assert is_trusted(pg)


def test_p7_a_mark_that_lags_behind_or_is_lost_raises_no_alarm(home: Home) -> None:
    """After a power loss the mark may be older than the journal; that only makes it notice less."""
    work(home)
    [mark] = home.place.folder.glob("journal*.sequence")
    old = mark.read_bytes()
    work(home, run_id="r2")
    mark.write_bytes(old)
    assert is_trusted(home)
    mark.unlink()
    assert is_trusted(home)
    mark.write_bytes(b"\xff torn")
    assert is_trusted(home)
    assert mark.stat().st_mode & 0o077 == 0


def test_p7_a_running_job_raises_no_alarm_in_those_who_open_beside_it(home: Home) -> None:
    """Openers never see the mark of a commit that they do not see."""
    script = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[3:]\n"
        "from journal_homes import Home, StatePlace, a_run, an_attempt\n"
        "home = Home(StatePlace(Path(sys.argv[1]), database=sys.argv[2] or None))\n"
        "with home.open() as journal:\n"
        "    journal.begin_run(a_run(), b'')\n"
        "    print('begun', flush=True)\n"
        "    for n in range(10**6): journal.intend('r1', an_attempt(str(n), f'O:{n}'), at='t')\n"
    )
    import sys

    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    command = [sys.executable, "-c", script, str(home.place.folder), home.place.database or "", *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        assert [is_trusted(home) for _ in range(8)] == [True] * 8
        writer.kill()


def test_p7_a_user_who_may_not_ask_for_the_server_raises_no_alarm(pg: Home) -> None:
    """What one user can see of the place and another cannot is not a difference."""
    work(pg)
    [(home,)] = pg.sql("SELECT home FROM identity")
    assert "?" not in home
    pg.sql(
        "UPDATE identity SET home = regexp_replace(home, 'server [0-9]+ timeline [0-9]+', 'server ? timeline ?')"
    )
    assert is_trusted(pg)
    assert pg.sql("SELECT home FROM identity") == [(home,)]
    pg.sql("UPDATE identity SET home = replace(home, 'timeline 1', 'timeline 7')")
    assert not is_trusted(pg)
