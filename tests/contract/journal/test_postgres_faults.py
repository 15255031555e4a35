"""What can happen between a journal and its PostgreSQL server: lost commits, ended sessions, full disks, weak
settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy, proxy_to
from journal_homes import ORG, PLAN, Home, a_run, an_attempt

from sfsync.core.ports import ChangeRecord, ChangeState, LedgerEntry
from sfsync.errors import ConfigError, JournalError
from sfsync.journal import SqlJournal
from sfsync.journal.postgres.address import read_address
from sfsync.journal.postgres.connecting import refuse_unsafe

SAFE = {
    "synchronous_commit": "on",
    "fsync": "on",
    "server_encoding": "UTF8",
    "server_version_num": "150000",
    "transaction_read_only": "off",
}


@pytest.fixture
def proxy(pg: Home) -> Iterator[CuttingProxy]:
    """A line to the server that can be cut."""
    assert pg.cluster is not None
    with proxy_to(pg.cluster.port) as started:
        yield started


def through(pg: Home, proxy: CuttingProxy) -> Home:
    """The place as it is reached through the proxy."""
    assert pg.cluster is not None
    url = str(pg.place.database).replace(f":{pg.cluster.port}/", f":{proxy.port}/")
    return replace(pg, place=replace(pg.place, database=f"{url}&sslmode=disable"))


def intend(journal: SqlJournal, name: str) -> None:
    """Marks a change as about to be sent."""
    journal.intend("r1", an_attempt(f"r1/{name}", f"Opportunity:{name}"), at="t")


@pytest.mark.parametrize("how", ["before", "during", "after"])
def test_j1_a_commit_whose_answer_was_lost_is_settled_before_anything_is_sent(
    pg: Home, proxy: CuttingProxy, how: str
) -> None:
    """Cut before the server got it, while it works on it, or before its answer: the intent is there, exactly
    once.
    """
    with through(pg, proxy).open() as journal:
        journal.begin_run(a_run(), PLAN)
        if how == "during":
            slow_down_commits(pg)
        proxy.cut = how
        intend(journal, "1")
        assert proxy.cuts == 1
        assert [change.change_id for _, change in journal.open_changes("nightly", ORG)] == ["Opportunity:1"]
        assert pg.sql("SELECT count(*) FROM attempts") == [(1,)]
        assert pg.sql("SELECT sequence FROM identity") == [(2,)]
        proxy.cut = how
        journal.record("r1", [ChangeRecord("Opportunity:1", ChangeState.DONE, "created", "006A")])
        assert journal.changes("r1")["Opportunity:1"].record_id == "006A"
        assert proxy.cuts == 2


def slow_down_commits(pg: Home) -> None:
    """Makes each commit of an intent take half a second, in the server."""
    pg.sql(
        "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$"
    )
    pg.sql(
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE ON changes DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION doze()"
    )


def test_j6_a_run_whose_beginning_was_in_doubt_is_not_refused_as_begun_before(
    pg: Home, proxy: CuttingProxy
) -> None:
    """A plan's own lost commit does not count as its first use."""
    with through(pg, proxy).open() as journal:
        proxy.cut = "after"
        journal.begin_run(a_run(), PLAN)
        assert (proxy.cuts, journal.plan("r1"), len(journal.runs())) == (1, PLAN, 1)


def test_j1_a_commit_that_nobody_can_be_asked_about_stops_the_run(pg: Home, proxy: CuttingProxy) -> None:
    """While the server stays away the intent counts as not kept, so nothing is sent."""
    with through(pg, proxy).open(busy_wait_s=0.5) as journal:
        journal.begin_run(a_run(), PLAN)
        proxy.cut, proxy.refusing = "after", True
        with pytest.raises(JournalError) as refused:
            intend(journal, "1")
        assert refused.value.code == "JOURNAL_IN_DOUBT"
        proxy.refusing = False
        assert len(journal.open_changes("nightly", ORG)) == 1


def test_p5_a_connection_that_broke_between_commits_is_made_anew(pg: Home, proxy: CuttingProxy) -> None:
    """A transaction whose COMMIT was never sent came to nothing and is done again; reading too."""
    with through(pg, proxy).open() as journal:
        journal.begin_run(a_run(), PLAN)
        proxy.hang_up()
        intend(journal, "1")
        proxy.hang_up()
        assert list(journal.changes("r1")) == ["Opportunity:1"]
        pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sfsync'")
        intend(journal, "2")
        assert len(journal.changes("r1")) == 2


def test_p5_a_server_that_does_not_answer_is_refused_by_name(tmp_path: Path, pg: Home) -> None:
    """No server at the port, a wrong database or user: each is our error, without the password."""
    assert pg.cluster is not None
    url = f"postgresql://postgres:s3cret@127.0.0.1:{pg.cluster.port}"
    for database, code in (
        ("postgresql://u:s3cret@127.0.0.1:1/db", "JOURNAL_UNREACHABLE"),
        (f"{url}/nowhere", "JOURNAL_ACCESS"),
        (f"{url.replace('postgres:', 'nobody:')}/postgres", "JOURNAL_ACCESS"),
    ):
        with pytest.raises(JournalError) as refused:
            replace(pg, place=replace(pg.place, database=database)).open(busy_wait_s=0.1)
        assert refused.value.code in {code, "JOURNAL_UNREACHABLE"}
        assert "s3cret" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("53100", "JOURNAL_FULL"),
        ("25006", "JOURNAL_READ_ONLY"),
        ("58030", "JOURNAL_IO"),
        ("XX001", "JOURNAL_DAMAGED"),
    ],
)
def test_p4_p5_what_the_server_refuses_stops_the_intent(pg: Home, sqlstate: str, code: str) -> None:
    """A full or failing disk and a read-only server are told apart; nothing of the call stays."""
    with pg.open() as journal:
        journal.begin_run(a_run(), PLAN)
        pg.sql(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'out of luck' USING ERRCODE = '{sqlstate}', DETAIL = 'canary'; END $$"
        )
        pg.sql("CREATE TRIGGER fail AFTER INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail()")
        with pytest.raises(JournalError) as refused:
            intend(journal, "1")
        assert refused.value.code == code
        assert "canary" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"
        pg.sql("DROP TRIGGER fail ON changes")
        intend(journal, "1")
        assert len(journal.changes("r1")) == 1


def test_p5_a_journal_that_another_session_keeps_locked_is_refused_after_the_wait(pg: Home) -> None:
    """A lock held by somebody's open transaction is waited for, then named; the intent is not kept."""
    import psycopg

    with pg.open(busy_wait_s=0.2) as journal, psycopg.connect(str(pg.place.database)) as other:
        journal.begin_run(a_run(), PLAN)
        other.execute("LOCK TABLE changes")
        with pytest.raises(JournalError) as refused:
            intend(journal, "1")
        assert refused.value.code == "JOURNAL_LOCKED"
        other.rollback()
        intend(journal, "1")


def test_every_session_commits_synchronously_and_waits_a_bounded_time(pg: Home) -> None:
    """Also as a user for whom the server would answer before a commit is on its disk."""
    assert pg.cluster is not None
    [(schema,)] = pg.sql("SELECT current_schema()")
    pg.sql(f"CREATE ROLE hasty_{schema} LOGIN; ALTER ROLE hasty_{schema} SET synchronous_commit = off")
    pg.sql(f"GRANT ALL ON SCHEMA {schema} TO hasty_{schema}")
    url = str(pg.place.database).replace("postgres@", f"hasty_{schema}@")
    names = ["synchronous_commit", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"]
    with replace(pg, place=replace(pg.place, database=url)).open() as journal:
        for engine in (journal.store.engine, journal.store._locks._engine):
            with engine.connect() as connection:
                held = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
            assert held == ["on", "30s", "31s", "1min"]


@pytest.mark.parametrize("level", ["on", "remote_apply", "remote_write", "local"])
def test_settings_that_lose_nothing_are_taken(level: str) -> None:
    """Stronger and replicated commit levels are as good."""
    refuse_unsafe({**SAFE, "synchronous_commit": level}, "here")


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("synchronous_commit", "off", "JOURNAL_UNSAFE"),
        ("fsync", "off", "JOURNAL_UNSAFE"),
        ("server_encoding", "SQL_ASCII", "JOURNAL_UNSAFE"),
        ("server_version_num", "110000", "JOURNAL_UNSAFE"),
        ("transaction_read_only", "on", "JOURNAL_READ_ONLY"),
    ],
)
def test_p3_settings_that_could_lose_a_commit_are_refused(setting: str, value: str, code: str) -> None:
    """Each is named, with what to change."""
    with pytest.raises(JournalError) as refused:
        refuse_unsafe({**SAFE, setting: value}, "here")
    assert refused.value.code == code
    assert refused.value.hint


def test_p5_a_standby_or_a_read_only_user_is_refused_at_the_start(pg: Home) -> None:
    """A database that only reads is refused before a plan is made on it."""
    read_only = str(pg.place.database).replace(
        "-csearch_path", "-cdefault_transaction_read_only%3Don%20-csearch_path"
    )
    with pytest.raises(JournalError) as refused:
        replace(pg, place=replace(pg.place, database=read_only)).open()
    assert refused.value.code == "JOURNAL_READ_ONLY"


def test_a_journal_replaced_under_its_writer_takes_nothing_more(pg: Home) -> None:
    """Once its own row is gone, the database is not the one that was opened: nothing is sent."""
    with pg.open() as journal:
        journal.begin_run(a_run(), PLAN)
        pg.sql("DELETE FROM writers")
        with pytest.raises(JournalError) as refused:
            intend(journal, "1")
        assert refused.value.code == "JOURNAL_REPLACED"
        assert journal.changes("r1") == {}


def test_a_closed_journal_leaves_nothing_in_the_server(pg: Home) -> None:
    """No writer, no lock, no session stays behind."""
    with pg.open() as journal, journal.locked("nightly"):
        assert pg.sql("SELECT count(*) FROM writers") == [(1,)]
    assert pg.sql("SELECT (SELECT count(*) FROM writers), (SELECT count(*) FROM run_locks)") == [(0, 0)]


def test_no_values_of_rows_in_messages(pg: Home) -> None:
    """The server repeats rows in its details; our error does not, nor does its cause."""
    with pg.open() as journal, pytest.raises(JournalError) as refused:
        journal.put_ledger(ORG, [LedgerEntry("Contact", "canary@x.example\x00", "003A", {}, {})])
    assert "canary" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"


@pytest.mark.parametrize(
    ("url", "place", "sslmode"),
    [
        ("postgresql://u:s3cret@127.0.0.1:5433/db", "postgresql://127.0.0.1:5433/db", None),
        ("postgres://u@localhost/db", "postgresql://localhost/db", None),
        ("postgresql+psycopg:///db?host=/run/pg", "postgresql:///run/pg/db", None),
        ("postgresql://u:s3cret@db.example/db", "postgresql://db.example/db", "require"),
        (
            "postgresql://u@a.example,127.0.0.1/db?sslmode=verify-full",
            "postgresql://a.example,127.0.0.1/db",
            "verify-full",
        ),
    ],
)
def test_an_address_hides_the_password_and_is_encrypted_off_this_machine(
    url: str, place: str, sslmode: str | None
) -> None:
    """What is shown has no secret; what leaves the machine is encrypted unless it already says more."""
    address = read_address(url)
    assert (address.place, address.parameters.get("sslmode")) == (place, sslmode)
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@h.example/db?sslmode=prefer",
        "postgresql://u:s3cret%zz@h/db",
        "postgresql://u:s3cret@h/db?no=1",
    ],
)
def test_an_address_that_is_weak_or_unreadable_is_refused_without_its_secret(url: str) -> None:
    """An unencrypted way to another host and a URL with mistakes are config errors."""
    with pytest.raises(ConfigError) as refused:
        read_address(url)
    assert "s3cret" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
