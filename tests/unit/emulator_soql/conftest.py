"""The small org of soql_small_org.py on a real SQLite database, and ways to ask it."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from soql_small_org import NOW, ROWS, SQL_TYPES, TABLES, USER, SmallOrg

from sfsync.emulator.soql import QueryResult, SoqlError, run_query


@pytest.fixture(scope="session")
def connection() -> Iterator[sqlite3.Connection]:
    """Open the small org's tables with their rows."""
    opened = sqlite3.connect(":memory:")
    for shape in TABLES:
        columns = ", ".join(
            f'"{each.name}" {SQL_TYPES.get(each.type, "TEXT")}{" PRIMARY KEY" if each.type == "id" else ""}'
            for each in shape.fields.values()
        )
        opened.execute(f'CREATE TABLE "{shape.name}" ({columns})')
        rows = ROWS[shape.name]
        opened.executemany(f'INSERT INTO "{shape.name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
    yield opened
    opened.close()


@pytest.fixture
def query(connection: sqlite3.Connection) -> Callable[..., QueryResult]:
    """Run SOQL on the small org."""

    def run(text: str, *, include_deleted: bool = False, api_version: float = 66.0) -> QueryResult:
        return run_query(
            text,
            catalogue=SmallOrg(api_version),
            connection=connection,
            now=NOW,
            user_id=USER,
            include_deleted=include_deleted,
        )

    return run


@pytest.fixture
def found(query: Callable[..., QueryResult]) -> Callable[[str], list[str]]:
    """Return the last digit of the ids of the opportunities that a condition finds, in id order."""

    def run(condition: str) -> list[int]:
        result = query(f"SELECT Id FROM Opportunity WHERE {condition} ORDER BY Id")
        return [int(record["Id"][14]) for record in result.records]

    return run


@pytest.fixture
def refusal(query: Callable[..., QueryResult]) -> Callable[[str], SoqlError]:
    """Return the error that a statement is refused with."""

    def run(text: str, **options: float) -> SoqlError:
        with pytest.raises(SoqlError) as caught:
            query(text, **options)
        return caught.value

    return run
