"""The worlds of the kill campaign: an org of each kind, a job that goes on from round to round, and its oracle.

A world lives through rounds. The job of a round brings new deals with their roles, and roles of deals that the
round before left without any. `Twin` plays the same rounds without a kill; what its org holds then is what the
world must hold, ids and times left out.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy
from typing import Any

import psycopg
from main_job_bench import ALAN, LEUNG, ORG_FILE, RECEIPT, WRITES, Bench, deal, org_document, role
from postgres_cluster import Cluster

from sfsync.emulator.server import running
from sfsync.errors import OrgUnavailable

PLAIN = ((LEUNG, "Evaluator", ""), (ALAN, "Business User", ""), (LEUNG, "Influencer", ""))
WITH_PRIMARY = ((ALAN, "Decision Maker", "true"), *PLAIN)
ALL_WRITES = WRITES + r"|/jobs/ingest|/services/Soap/u/"
MOST_WAITS = 100
"""This bench does not wait, so it goes on with a run of bulk jobs that often before their worker must be done."""
LATE = ("OpportunityContactRole", "OpportunityContactRole by name")
Picture = dict[str, list[Any]]


@dataclass(frozen=True)
class Kind:
    """A kind of org with what its job can rely on; `at_most_once` are roles of deals that exist there.

    `world` is the class of its worlds, where their job is not the plain one. With `portions` the rows of a round
    are planned and written in about so many, by the `strategy`, and deals of the round before change too.
    """

    name: str
    org: Any
    has_key: bool = True
    roles: tuple[tuple[str, str, str], ...] = WITH_PRIMARY
    at_most_once: bool = False
    portions: int = 0
    strategy: str = "auto"
    world: type[World] | None = None


KINDS = (
    Kind("receipts", ORG_FILE),
    Kind("keys only", org_document(has_receipts=False, has_jobs=False), at_most_once=True),
    Kind("keyless, receipts", ORG_FILE, has_key=False),
    Kind("keyless, bulk jobs", org_document(has_receipts=False, has_jobs=True), has_key=False, roles=PLAIN),
)

BY_STRATEGY = (
    Kind("portions, graphs", ORG_FILE, portions=4, strategy="graphs"),
    Kind("portions, auto", ORG_FILE, portions=3),
    Kind(
        "portions, bulk jobs",
        org_document(has_receipts=False, has_jobs=True),
        roles=PLAIN,
        portions=4,
        strategy="bulk",
    ),
)
"""Jobs in portions: updates of all of them side by side, and bulk jobs that carry the rows of all."""


@dataclass(frozen=True)
class Size:
    """How much a round brings: new deals, how many of them wait for their roles, and roles in all."""

    name: str
    deals: int
    late: int
    roles: int


TINY, SMALL, LARGE = Size("tiny", 2, 1, 4), Size("small", 10, 3, 25), Size("large", 400, 60, 1000)


@dataclass
class World:
    """One org, one state folder, and how far its rounds have come."""

    kind: Kind
    size: Size
    bench: Bench
    round: int = 0
    late_keys: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    planned_deals: Counter[tuple[str, float]] = field(default_factory=Counter)
    planned_roles: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def begin_round(self) -> None:
        """Makes the job of the next round."""
        self.round += 1
        new = [f"R{self.round}-{number}" for number in range(self.size.deals)]
        waits = new[-self.size.late :]
        keys = [*self.late_keys, *new[: -self.size.late]]
        per_deal, more = divmod(self.size.roles, len(keys))
        roles = [
            role(key, contact, name, primary)
            for place, key in enumerate(keys)
            for contact, name, primary in self.kind.roles[: per_deal + (place < more)]
        ]
        deals = [
            deal(
                key,
                account=f"ACC-{1 + int(key.partition('-')[2]) % 2}",
                amount=self._amount(key),
            )
            for key in [*self.late_keys, *new]
        ]
        self.bench.write_job(deals, roles, has_key=self.kind.has_key)
        if self.kind.portions:
            self.bench.portion_rows = (self.size.deals + self.size.roles) // self.kind.portions
            job = Path(self.bench.job)
            job.write_text(f'strategy = "{self.kind.strategy}"\n{job.read_text()}')
        self.late_keys = waits
        self.planned_deals |= Counter((each["deal"], float(each["amount"])) for each in deals)
        self.planned_roles |= Counter(
            (f"Deal {each['deal_id']}", each["contact"], each["role"]) for each in roles
        )

    def _amount(self, key: str) -> str:
        """That of a deal; in a job in portions it is another in the next round, for the deals which come again."""
        cents = self.round if self.kind.portions else 0
        return f"{key.partition('-')[2]}5.{cents:02d}"

    def deals_and_roles(self) -> tuple[Counter[tuple[str, float]], Counter[tuple[str, str, str]]]:
        """The deals that the rounds have brought with their amounts, and the roles on them."""
        storage = self.bench.emulator.org.storage
        deals = storage.select("Opportunity", '"IsDeleted" = 0 AND "Name" LIKE ?', "Deal R%")
        names = {row["Id"]: row["Name"] for row in deals}
        people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
        rows = storage.select("OpportunityContactRole", '"IsDeleted" = 0')
        roles = [
            (names[row["OpportunityId"]], people[row["ContactId"]], row["Role"])
            for row in rows
            if row["OpportunityId"] in names
        ]
        return Counter((row["Name"], row["Amount"]) for row in deals), Counter(roles)

    def picture(self) -> Picture:
        """What the org holds, ids and times left out; roles also by the names of their deals."""
        storage = self.bench.emulator.org.storage
        names = {row["Id"]: row["Name"] for row in storage.select("Opportunity", "1 = 1")}
        people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
        rows = storage.select("OpportunityContactRole", '"IsDeleted" = 0')
        told = [
            (names[row["OpportunityId"]], people[row["ContactId"]], row["Role"], row["IsPrimary"])
            for row in rows
        ]
        return {**self.bench.picture(), "OpportunityContactRole by name": sorted(map(repr, told))}

    def inserted(self) -> Counter[str]:
        """How many records were ever inserted, receipts left out."""
        counted = self.bench.inserted()
        del counted[RECEIPT]
        return counted

    def writes(self) -> list[str]:
        """All write calls that arrived at the org."""
        return [
            f"{each.method} {each.path}"
            for each in self.bench.emulator.audit.requests
            if each.method != "GET" and re.search(ALL_WRITES, each.path)
        ]

    def open_runs(self) -> int:
        """How many runs have begun and not ended."""
        return int(ask_journal(self.bench, "SELECT count(*) FROM runs WHERE exit_code IS NULL") or 0)

    def open_intents(self) -> int:
        """How many changes the journal knows as sent and not answered."""
        query = "SELECT count(*) FROM changes JOIN runs USING (run_id) WHERE state = 'intent' AND exit_code IS NULL"
        return int(ask_journal(self.bench, query) or 0)


def ask_journal(bench: Bench, query: str) -> Any:
    """The first value that a query finds in the tables of a bench's journal; None while it has no tables."""
    if bench.database is None:
        return _ask_file(bench.folder / "state", query)
    with psycopg.connect(bench.database, autocommit=True) as connection:
        try:
            row = connection.execute(query.encode()).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row and row[0]


def _ask_file(state: Path, query: str) -> Any:
    """Asks a copy: looking into the journal itself would take its -wal away."""
    with tempfile.TemporaryDirectory(dir=state.parent) as folder:
        for path in state.glob("journal.sqlite*"):
            if not path.name.endswith("-shm"):
                copy(path, folder)
        with closing(sqlite3.connect(Path(folder) / "journal.sqlite")) as connection:
            try:
                return connection.execute(query).fetchone()[0]
            except sqlite3.OperationalError:
                return None


@contextmanager
def open_world(kind: Kind, size: Size, cluster: Cluster | None = None) -> Iterator[World]:
    """A fresh org of the kind and an empty state folder; a job without a key may begin."""
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster.brief_schema() if cluster else nullcontext() as database,
        running(kind.org) as emulator,
    ):
        world = (kind.world or World)(kind, size, Bench(emulator, Path(folder), database=database))
        if not kind.has_key:
            world.begin_round()
            world.bench.admit()
            world.round, world.late_keys = 0, []
        yield world


@dataclass(frozen=True)
class Uninterrupted:
    """What a round leaves behind without a kill, and what it took."""

    picture: Picture
    inserted: Counter[str]
    requests: int
    commits: int
    writes: int


class Twin:
    """Plays rounds without a kill, each once, and remembers what they leave."""

    def __init__(self, world: World, count_commits: Callable[[], int]) -> None:
        self._world = world
        self._count = count_commits
        self._known: list[Uninterrupted] = []

    def after(self, rounds: int) -> Uninterrupted:
        """What the org holds after so many rounds."""
        while len(self._known) < rounds:
            world = self._world
            world.begin_round()
            audit, commits, writes = world.bench.emulator.audit, self._count(), len(world.writes())
            requests = len(audit.requests)
            ending = world.bench.run()
            for _ in range(MOST_WAITS):
                if ending.exit_code != OrgUnavailable.exit_code:
                    break
                ending = world.bench.resume()
            assert ending.exit_code == 0
            self._known.append(
                Uninterrupted(
                    world.picture(),
                    world.inserted(),
                    len(audit.requests) - requests,
                    self._count() - commits,
                    len(world.writes()) - writes,
                )
            )
        return self._known[rounds - 1]
