"""A query as text, a URL, and cells on their way: what is refused before a database sees it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import ConfigError
from sfsync.sources.databases.database_address import read_address
from sfsync.sources.databases.database_query import BadQuery, read_query
from sfsync.sources.packed_cells import Spool, packed, unpacked


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select 1;\n-- done\n",
        "-- ;\n/* ; */ SELECT ';', \"a;b\", $$;$$, $x$ $$ ; $x$, E'\\';'",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION (SELECT 2)",
        "VALUES (1)",
        "SELECT '10:30', x::text, ':since' -- :other",
    ],
)
def test_one_statement_that_reads_is_a_query_without_since(text):
    """What stands in quotes and comments is no statement and no parameter."""
    assert not read_query(text).has_since


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no statement"),
        ("-- nothing\n", "no statement"),
        ("DELETE FROM deals", "begins with DELETE"),
        ("EXPLAIN ANALYZE DELETE FROM deals", "begins with EXPLAIN"),
        ("COPY deals TO PROGRAM 'sh'", "begins with COPY"),
        ("SELECT 1; DELETE FROM deals", "more than one statement"),
        ("SELECT ''';' ; SELECT 2", "more than one statement"),
        ("SELECT LIKE'a\\'; DROP TABLE deals --'", "more than one statement"),
        ("SELECT a$b$c FROM d; DELETE FROM d -- $b$", "more than one statement"),
        ("SELECT * FROM deals WHERE id = :id", "parameter :id"),
    ],
)
def test_anything_else_is_refused_by_what_it_is(text, why):
    """Also where a quote only seems to be open."""
    with pytest.raises(BadQuery, match=why):
        read_query(text)


def test_since_is_filled_in_where_it_stands_and_percent_signs_stay():
    """Each driver has its own word for it."""
    query = read_query("SELECT ':since', '5%' WHERE :since::date IS NULL OR a >= :SINCE")
    assert query.named() == "SELECT ':since', '5%' WHERE :since::date IS NULL OR a >= :since"
    assert query.formatted() == "SELECT ':since', '5%%' WHERE %(since)s::date IS NULL OR a >= %(since)s"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("hunter2 no url", "DATABASE_URL"),
        ("mysql://me:hunter2@db/deals", "DATABASE_KIND"),
        ("sqlite://", "DATABASE_URL"),
        ("sqlite:///:memory:", "DATABASE_URL"),
        ("postgresql://me:hunter2@db.example/deals?sslmode=prefer", "DATABASE_NOT_ENCRYPTED"),
        ("postgresql://me:hunter2@/deals?host=/tmp,db.example&sslmode=disable", "DATABASE_NOT_ENCRYPTED"),
    ],
)
def test_a_url_that_is_not_read_is_refused_without_being_shown(url, code):
    """Its password may stand in it."""
    with pytest.raises(ConfigError) as refused:
        read_address(url, folder=Path("/jobs"), key="opportunities.database")
    assert refused.value.code == code
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_an_address_shows_no_more_than_its_place_and_is_encrypted():
    """Also where it is printed whole."""
    address = read_address("postgresql://me:hunter2@db.example:5433/deals", folder=Path(), key="k")
    assert address.place == "postgresql://db.example:5433/deals"
    assert address.url.query["sslmode"] == "require"
    assert "hunter2" not in repr(address) + str(address)
    assert "sslmode" not in read_address("postgresql://localhost/deals", folder=Path(), key="k").url.query


def test_a_relative_sqlite_file_lies_beside_the_job():
    """Wherever the command is typed."""
    assert read_address("sqlite:///crm/deals.db", folder=Path("/jobs"), key="k").place == (
        "sqlite /jobs/crm/deals.db"
    )


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))])),
)


@given(st.dictionaries(st.text(), CELLS))
def test_cells_come_back_from_the_spool_as_they_were(cells):
    """In value and in type."""
    spool = Spool()
    spool.put(packed(cells))
    [entry] = spool.entries()
    back = unpacked(*entry)
    assert back == cells
    assert [type(each) for each in back.values()] == [type(each) for each in cells.values()]


def test_two_readings_of_a_spool_go_on_beside_each_other():
    """Each begins at the first entry, also of a spool that is in a file."""
    spool = Spool()
    for number in range(3):
        spool.put([number, "x" * 4_000_000])
    pairs = zip(spool.entries(), spool.entries(), strict=True)
    assert [(one[0], other[0]) for one, other in pairs] == [(0, 0), (1, 1), (2, 2)]
