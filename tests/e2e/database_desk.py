"""A job whose deals come out of a database: SQLite in a file, or a schema of a real PostgreSQL server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from command_line import Done, warm_sfsync
from main_job_bench import ORG_FILE, Bench
from postgres_cluster import Cluster

from sfsync.emulator.server import running

TABLES = {
    "sqlite": "CREATE TABLE deals (id TEXT, name TEXT, stage TEXT, close TEXT, amount NUMERIC, updated_at TEXT)",
    "postgres": "CREATE TABLE deals (id text, name text, stage text, close date, amount numeric(18,2), "
    "updated_at timestamptz)",
}
QUERY = "SELECT id, name, stage, close, amount FROM deals ORDER BY id"
SINCE = {
    "sqlite": "SELECT * FROM deals WHERE :since IS NULL OR updated_at >= :since ORDER BY id",
    "postgres": "SELECT * FROM deals\nWHERE CAST(:since AS timestamptz) IS NULL OR updated_at >= :since "
    "ORDER BY id",
}
JOB = """
org = "local"
[opportunities]
database = "${{DEALS_DB}}"
query = "deals.sql"
key = "Sfsync_Key__c"
{options}
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
Amount = "amount"
"""


@dataclass
class DatabaseDesk(Bench):
    """A bench whose deals are rows of a table; `kind` is the database's, `url` leads to it."""

    kind: str = "sqlite"
    url: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The environment that leads to the org and to the database."""
        return {**Bench.environ.fget(self), "DEALS_DB": self.url, **self.more}  # type: ignore[attr-defined]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Does something in the database as its owner."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.folder / "crm.db")) as connection, connection:
                return connection.execute(statement, values).fetchall()
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.replace("?", "%s"), values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def deal(self, key: str, name: str = "Sneakers", **values: str) -> None:
        """Adds a deal, or puts another one in its place."""
        row = {
            "stage": "Prospecting",
            "close": "2027-01-31",
            "amount": "100.10",
            "updated_at": "2026-09-01 10:00:00+00:00",
        } | values
        self.sql("DELETE FROM deals WHERE id = ?", key)
        self.sql("INSERT INTO deals VALUES (?, ?, ?, ?, ?, ?)", key, name, *row.values())

    def write(self, query: str | None = None, options: str = "") -> None:
        """Makes the job of that query."""
        (self.folder / "deals.sql").write_text(query or QUERY)
        (self.folder / "deals.toml").write_text(JOB.format(options=options))
        self.job = str(self.folder / "deals.toml")

    def watch(self, options: str = "") -> None:
        """Makes the job one that reads on from its watermark."""
        self.write(SINCE[self.kind], f'watermark = "updated_at"\nignore = ["updated_at"]\n{options}')

    def type(self, *words: str) -> Done:
        """What a command does."""
        return warm_sfsync(*words, environ=self.environ, cwd=self.folder)

    def held(self, key: str) -> dict[str, Any]:
        """The deal as the org has it."""
        [found] = self.emulator.org.storage.select("Opportunity", '"Sfsync_Key__c" = ?', key)
        return found

    def read_keys(self) -> list[str]:
        """The keys of the rows that a plan made now is about."""
        return [each.key for each in self.plan().changes]


@contextmanager
def database_desk(folder: Path, kind: str, cluster: Cluster | None) -> Iterator[DatabaseDesk]:
    """A desk on a fresh org and an empty table."""
    url = "sqlite:///crm.db" if cluster is None else cluster.schema()
    with running(ORG_FILE) as emulator:
        desk = DatabaseDesk(emulator, folder, kind=kind, url=url)
        desk.sql(TABLES[kind])
        desk.write()
        yield desk
