"""Many records are read back by a query job; whatever goes wrong with it, they are read by their ids as before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import Bench, deal, org_document, role

from sfsync.app.workplace import opened
from sfsync.core.sending import read_back
from sfsync.emulator.fault_actions import Drop, FailJob, Page, Refuse, Truncate
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.jobs import load_job

KEYS = tuple(f"D-{number}" for number in range(1, 31))
JOBS = "/jobs/query"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """An org with receipts and jobs, a job of thirty deals, and a reading by ids that brings two rows a call."""
    monkeypatch.setattr(read_back, "ROWS_PER_CALL", 2)
    document = org_document(has_receipts=True, has_jobs=True)
    document.setdefault("limits", {})["bulk_result_page_rows"] = 7
    with running(document) as emulator:
        made = Bench(emulator, tmp_path)
        ask(made)
        yield made


def ask(bench: Bench, **values: str) -> None:
    """Makes the bench's job ask for the deals."""
    rows = [
        deal(key, amount=f"{place}12345678.25", next_step=" call ") | values for place, key in enumerate(KEYS)
    ]
    bench.write_job(rows, [role("D-1")])


def reads(bench: Bench, text: str) -> int:
    """How many calls with that text in their address or body have come."""
    return sum(1 for each in bench.emulator.audit.requests if text in each.path)


def picture(bench: Bench) -> list[Any]:
    """What the journal remembers of the deals."""
    with opened(load_job(bench.job, environ=bench.environ), bench.around) as place:
        org_id = place.journal.org_ids("deals")[0]
        entries = place.journal.ledger(org_id, "Opportunity", KEYS)
    assert len(entries) == len(KEYS)
    return [(each.key, dict(each.sent), dict(each.seen)) for _, each in sorted(entries.items())]


def test_what_was_written_is_read_back_by_a_query_job(bench: Bench, tmp_path: Path) -> None:
    """Page by page; the journal then remembers exactly what it remembers of records that were read by ids."""
    assert bench.run().exit_code == 0
    assert (reads(bench, JOBS + "?"), reads(bench, "/results?")) == (0, -(-len(KEYS) // 7))
    by_job = picture(bench)
    writes = bench.write_count()
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["unchanged"]) == (0, len(KEYS))
    assert bench.write_count() == writes
    other = tmp_path / "by ids"
    other.mkdir()
    with running(org_document(has_receipts=True, has_jobs=False)) as emulator:
        twin = Bench(emulator, other)
        ask(twin)
        assert twin.run().exit_code == 0
        by_ids = picture(twin)
    names = {"AccountId"}
    assert [without(each, names) for each in by_job] == [without(each, names) for each in by_ids]


def without(entry: tuple[str, dict[str, Any], dict[str, Any]], names: set[str]) -> tuple[Any, ...]:
    """An entry without the ids that differ from org to org."""
    key, sent, seen = entry
    return key, *({n: v for n, v in each.items() if n not in names} for each in (sent, seen))


def test_updates_are_read_back_by_a_query_job(bench: Bench) -> None:
    """Records that the run changed are found by when they were modified."""
    assert bench.run().exit_code == 0
    before = reads(bench, "/results?")
    ask(bench, stage="Qualification")
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["updated"]) == (0, len(KEYS))
    assert reads(bench, "/results?") > before
    assert bench.run().counts["Opportunity"]["unchanged"] == len(KEYS)


LIMIT = Refuse(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "no"}])
WAYS = {
    "the job is refused": ("POST", JOBS + "$", LIMIT),
    "its creation is answered by a page": ("POST", JOBS + "$", Page()),
    "the job fails": ("JOB", JOBS, FailJob()),
    "the job is forgotten": (
        "GET",
        JOBS + r"/\w+$",
        Refuse(404, [{"errorCode": "NOT_FOUND", "message": "x"}]),
    ),
    "a page is lost for good": ("GET", "/results", Page()),
    "a page is cut": ("GET", "/results", Truncate()),
    "a page is lost once": ("GET", "/results", Drop()),
    "a page is another": ("GET", "/results", Refuse(200, "Id\n006\n", content_type="text/csv")),
}


@pytest.mark.parametrize("way", WAYS)
def test_n10_a_query_job_in_trouble_leaves_the_reading_to_the_ids(bench: Bench, way: str) -> None:
    """Every record is read back one way or the other, so that the next run has nothing to do."""
    method, path, action = WAYS[way]
    count = 1 if way in ("a page is cut", "a page is lost once", "the job fails") else None
    script = bench.emulator.faults.add(FaultScript(action, method=method, path=path, count=count))
    ending = bench.run()
    assert script.struck
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, len(KEYS))
    bench.emulator.faults.clear()
    writes = bench.write_count()
    assert bench.run().counts["Opportunity"]["unchanged"] == len(KEYS)
    assert bench.write_count() == writes
    assert len(picture(bench)) == len(KEYS)
