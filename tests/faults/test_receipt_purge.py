"""Old receipts are purged page by page; those that are young, or that the journal waits for, stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from main_job_bench import ORG_FILE, RECEIPT, Bench
from postgres_cluster import Cluster

from sfsync.app import org_setup
from sfsync.app.org_setup import Receipts, purge_receipts
from sfsync.core.ports import Attempt, RunRecord
from sfsync.core.writes import Route
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.journal import open_journal, state_place

OLD = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The example org with its object for receipts."""
    with running(ORG_FILE) as emulator:
        yield Bench(emulator, tmp_path)


def keep_receipts(bench: Bench, *names: str) -> None:
    """Puts old receipts into the org, two hundred a call."""
    for start in range(0, len(names), 200):
        records = [{"attributes": {"type": RECEIPT}, "Token__c": each} for each in names[start : start + 200]]
        answer = requests.post(
            f"{bench.emulator.instance_url}/services/data/v66.0/composite/sobjects",
            data=json.dumps({"allOrNone": True, "records": records}),
            headers={"Authorization": f"Bearer {bench.token}", "Content-Type": "application/json"},
            timeout=30,
        )
        assert all(each["success"] for each in answer.json()), answer.text
    for each in names:
        age(bench, each)


def age(bench: Bench, token: str) -> None:
    """Makes a receipt one that was kept years ago."""
    bench.emulator.org.storage.connection.execute(
        f"UPDATE {RECEIPT} SET CreatedDate = ? WHERE Token__c = ?", (OLD, token)
    )


def tokens(bench: Bench) -> set[str]:
    """The tokens of the receipts that are in the org."""
    return {str(each["Token__c"]) for each in bench.emulator.org.storage.select(RECEIPT, '"IsDeleted" = 0')}


def wait_for(bench: Bench, *names: str) -> None:
    """Lets the journal wait for an answer behind each of these receipts."""
    org_id = bench.emulator.org.id
    around = bench.around
    with open_journal(state_place(bench.environ), clock=around.clock) as journal:
        run = RunRecord("r-1", "deals", org_id, "digest", "", started_at="2020-01-01T00:00:00+00:00")
        journal.begin_run(run, b"plan")
        changes = tuple(f"c-{each}" for each in names)
        sent = Attempt("a-1", Route.RECEIPT_FENCE, "hash", changes, dict(zip(changes, names, strict=True)))
        journal.intend("r-1", sent, at="2020-01-01T00:00:00+00:00")


def queries(bench: Bench, since: int) -> list[str]:
    """The statements about receipts that the org was asked since that request, in order."""
    asked = [
        parse_qs(urlsplit(each.path).query).get("q", [""])[0]
        for each in bench.emulator.audit.requests
        if each.n > since
    ]
    return [each for each in asked if RECEIPT in each]


def purge(bench: Bench, *, is_dry: bool = False) -> Receipts:
    """Purges what is older than thirty days."""
    return purge_receipts("local", older_than_days=30, is_dry=is_dry, around=bench.around)


def test_the_org_counts_and_filters_by_age(bench: Bench) -> None:
    """Counting reads no receipt; no statement asks for all of them."""
    keep_receipts(bench, "old-1", "old-2", "young")
    bench.emulator.org.storage.connection.execute(
        f"UPDATE {RECEIPT} SET CreatedDate = ? WHERE Token__c = 'young'",
        (bench.around.clock().strftime("%Y-%m-%dT%H:%M:%S.000Z"),),
    )
    since = bench.emulator.audit.requests[-1].n
    found = purge(bench, is_dry=True)
    assert (found.there, found.old, found.kept, found.purged) == (3, 2, 0, 0)
    assert all("COUNT()" in each for each in queries(bench, since))
    assert purge(bench).purged == 2
    assert tokens(bench) == {"young"}
    assert all("COUNT()" in each or "CreatedDate <" in each for each in queries(bench, since))


def test_receipts_come_in_pages_and_those_waited_for_stay(bench: Bench) -> None:
    """Each page begins behind the last id of the one before; what the journal waits for is on none that goes."""
    keep_receipts(bench, *(f"t-{place:04}" for place in range(2_105)))
    wait_for(bench, "t-0000", "t-1000", "t-2104", "not in the org")
    since = bench.emulator.audit.requests[-1].n
    found = purge(bench)
    assert (found.there, found.old, found.kept, found.purged) == (2_105, 2_105, 3, 2_102)
    assert tokens(bench) == {"t-0000", "t-1000", "t-2104"}
    pages = [each for each in queries(bench, since) if "LIMIT" in each]
    assert len(pages) == 2
    assert "Id >" in pages[1]
    assert purge(bench).purged == 0


def test_a_purge_deletes_so_many_and_no_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound counts what goes, so those that the journal waits for never use it up."""
    monkeypatch.setattr(org_setup, "MOST_PURGED", 2)
    keep_receipts(bench, "t-1", "t-2", "t-3", "t-4", "t-5")
    wait_for(bench, "t-1", "t-2")
    assert purge(bench).purged == 2
    assert tokens(bench) == {"t-1", "t-2", "t-5"}
    assert purge(bench).purged == 1


def test_a_journal_in_a_database_is_asked_too(bench: Bench, cluster: Cluster, tmp_path: Path) -> None:
    """What hosts that share a journal wait for stays, wherever the journal is."""
    bench.database = cluster.schema()
    keep_receipts(bench, "t-1", "t-2")
    wait_for(bench, "t-1")
    found = purge(bench)
    assert (found.kept, found.purged) == (1, 1)
    assert tokens(bench) == {"t-1"}
    assert not list(tmp_path.rglob("journal.exists"))


@pytest.mark.parametrize(("phase", "counted"), [(BEFORE_READ, 1), (AFTER_COMMIT, 0)])
def test_n5_a_deletion_whose_answer_is_lost_is_repeated(bench: Bench, phase: str, counted: int) -> None:
    """Deletions go by id, so they are sent again; only what surely went by this purge is counted."""
    keep_receipts(bench, "t-1")
    script = bench.emulator.faults.add(FaultScript(Drop(), phase, path="/composite/graph"))
    assert purge(bench).purged == counted
    assert script.struck
    assert tokens(bench) == set()
