"""That look-ups by key stay look-ups: the index is used, and long lists are read in one go."""

import sqlite3
import time
from datetime import UTC, datetime

import pytest
from soql_small_org import NOW, USER, SmallOrg

from sfsync.emulator.soql import run_query

ROWS = 100_000


@pytest.fixture(scope="module")
def crowd():
    """Open a hundred thousand users, indexed as the storage indexes them."""
    opened = sqlite3.connect(":memory:")
    opened.execute(
        'CREATE TABLE "User" ("Id" TEXT PRIMARY KEY, "Name" TEXT, "IsActive" INTEGER, "ManagerId" TEXT)'
    )
    opened.execute('CREATE INDEX by_name ON "User" ("Name" COLLATE NOCASE)')
    opened.execute('CREATE INDEX by_manager ON "User" ("ManagerId")')
    rows = ((f"005{n:012d}AAA", f"User {n}", 1, f"005{n // 10:012d}AAA") for n in range(ROWS))
    opened.executemany('INSERT INTO "User" VALUES (?, ?, ?, ?)', rows)
    yield opened
    opened.close()


def ask(crowd, text):
    """Run SOQL on the crowd."""
    return run_query(text, catalogue=SmallOrg(), connection=crowd, now=NOW, user_id=USER)


@pytest.mark.parametrize(
    ("condition", "size"),
    [
        ("Id = '005000000077777'", 1),
        ("Id IN ('005000000077777', '005000000000001AAA')", 2),
        ("Name = 'USER 77777'", 1),
        ("Name IN ('user 5', 'user 6', 'Üser 7')", 2),
        ("Name = 'Müller'", 0),
        ("ManagerId = '005000000000007AAA'", 10),
        ("Manager.Name = 'user 7'", 10),
        ("Id > '005000000099997AAA' ORDER BY Id LIMIT 5", 2),
    ],
)
def test_a_look_up_by_key_does_not_read_the_table(crowd, condition, size):
    """With 100,000 rows a look-up by an indexed field reads a handful of them."""
    steps = 0

    def count_step():
        nonlocal steps
        steps += 1
        return 0

    crowd.set_progress_handler(count_step, 100)
    try:
        assert ask(crowd, f"SELECT Id, Name FROM User WHERE {condition}").total_size == size
    finally:
        crowd.set_progress_handler(None, 100)
    assert steps < 50, "a scan of the table takes thousands of these"


def test_a_list_of_thousands_is_read_in_a_moment(crowd):
    """Four thousand ids are parsed and looked up far within the time a reader would notice."""
    ids = "','".join(f"005{n:012d}AAA" for n in range(0, 80_000, 20))
    started = time.perf_counter()
    result = ask(crowd, f"SELECT Id FROM User WHERE Id IN ('{ids}')")
    assert result.total_size == 4_000
    assert time.perf_counter() - started < 0.5


def test_pages_cost_only_what_they_show(crowd):
    """A big result is shaped page by page: the first page does not build the other records."""
    built = []

    class CountingOrg(SmallOrg):
        def record_url(self, sobject, record_id, /):
            built.append(record_id)
            return super().record_url(sobject, record_id)

    moment = datetime(2026, 1, 1, tzinfo=UTC)
    result = run_query(
        "SELECT Id FROM User", catalogue=CountingOrg(), connection=crowd, now=moment, user_id=USER
    )
    assert result.total_size == ROWS
    assert len(result.records[:200]) == 200
    assert len(built) == 200
