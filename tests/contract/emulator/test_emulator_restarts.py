"""An org that comes back from its database file: what it remembers, and what must never mean something else."""

import signal
import sqlite3
from pathlib import Path

import pytest
from bulk_client import Bulk
from emulator_client import DEAL, Client

from sfsync.emulator.__main__ import main
from sfsync.emulator.org.definition import DefinitionError
from sfsync.emulator.server import running

MARIA = {"username": "maria@example.com", "last_name": "Jimenez", "email": "maria@example.com"}
PAUL = {"username": "paul@example.com", "last_name": "Owen", "email": "paul@example.com", "api_user": True}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The place of a database that is not there yet."""
    return tmp_path / "org.db"


def test_the_id_of_a_record_that_is_gone_for_good_never_comes_back(database: Path):
    """The id of a deleted role is not given to another one after a restart."""
    with running(database=database) as emulator:
        org = Client(emulator)
        role = {"OpportunityId": org.deal(), "ContactId": org.create("Contact", LastName="x")}
        gone = org.create("OpportunityContactRole", **role)
        assert org.call("DELETE", f"/sobjects/OpportunityContactRole/{gone}").status_code == 204
    with running(database=database) as emulator:
        assert Client(emulator).create("OpportunityContactRole", **role) > gone


def test_the_id_of_a_job_of_another_life_is_unknown(database: Path):
    """Jobs end with the process, so a new job is never found under the id of an old one."""
    ids = []
    for _ in range(2):
        with running(database=database) as emulator:
            bulk = Bulk(emulator)
            assert [bulk.call("GET", f"/jobs/ingest/{each}").status_code for each in ids] == [404] * len(ids)
            created = bulk.call("POST", "/jobs/ingest", {"object": "Account", "operation": "insert"})
            ids.append(created.json()["id"])
    assert len(set(ids)) == 2


def test_the_locator_of_another_life_leads_nowhere(database: Path):
    """A page of a query of the last life is refused, though a new query of as many rows is open."""
    small = {"Sforce-Query-Options": "batchSize=200"}
    following = []
    for life in range(2):
        with running(database=database) as emulator:
            org = Client(emulator)
            deals = [{"attributes": {"type": "Opportunity"}, **DEAL}] * 200
            for _ in range(2 - life):
                org.call("POST", "/composite/sobjects", {"records": deals})
            page = org.call("GET", "/query", params={"q": "SELECT Id FROM Opportunity"}, headers=small)
            following.append(page.json()["nextRecordsUrl"])
            answer = org.call("GET", following[0])
            assert (answer.status_code == 200) is (life == 0), answer.text


def test_a_user_added_to_the_org_file_is_there_after_a_restart(database: Path):
    """The org file may gain users, even another one who logs in, while the records are kept."""
    with running({"users": [MARIA]}, database=database) as emulator:
        Client(emulator).deal()
    with running({"users": [MARIA, PAUL]}, database=database) as emulator:
        names = [each["Username"] for each in Client(emulator).query("SELECT Username FROM User")]
        assert names == [MARIA["username"], PAUL["username"]]
        assert emulator.username == PAUL["username"]


def test_a_database_that_another_emulator_has_open_is_refused(database: Path):
    """Two emulators on one file would give one id to two records, so the second is refused in words."""
    with (
        running(database=database),
        pytest.raises(DefinitionError, match="another emulator has it open"),
        running(database=database),
    ):
        pass
    with running(database=database) as emulator:
        assert Client(emulator).deal()


@pytest.mark.parametrize("name", ["a text", "nowhere/org.db"])
def test_a_file_that_is_no_database_is_refused_in_words(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The command names the file and ends with 2, and leaves the file and the process's signals alone."""
    handler = signal.getsignal(signal.SIGTERM)
    (tmp_path / "a text").write_text("no database, but somebody's words\n" * 100, encoding="utf-8")
    assert main(["serve", "--db", str(tmp_path / name)]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is handler
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "a text").execute("SELECT 1 FROM sqlite_master")
