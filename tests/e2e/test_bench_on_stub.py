"""The benchmark's stub answers everything that the command line asks for: it stays in step with the product."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from measured_processes import Stub, served_stub
from sfsync_cases import Desk, document


@pytest.fixture(scope="module")
def served() -> Iterator[Stub]:
    """One stub for all tests."""
    with served_stub() as serving:
        yield serving


@pytest.fixture
def stub(served: Stub) -> Stub:
    """The stub with an empty org."""
    served.reset(store=True)
    return served


def test_a_hundred_deals_are_loaded_and_found_again(stub: Stub, tmp_path: Path):
    """A first load creates all rows, a run after it none, and ten changed deals are ten updates."""
    desk = Desk(stub, tmp_path / "job", 100)
    found = {}
    for what, changed in (("load", 0), ("again", 0), ("changed", 10)):
        desk.changed(changed)
        stub.reset()
        taken = desk.taken("run")
        assert taken.exit_code == 0, taken.err
        counts = stub.counts()
        assert counts["refused"] == []
        found[what] = (document(taken.out)["counts"], counts)
    loaded, counts = found["load"]
    assert (loaded["Opportunity"]["created"], loaded["OpportunityContactRole"]["created"]) == (100, 200)
    assert counts["written"] == {"create Opportunity": 100, "create OpportunityContactRole": 200}
    assert counts["calls"]["login"] == 1
    assert found["again"][1]["written"] == {}
    assert found["changed"][0]["Opportunity"]["updated"] == 10
    assert found["changed"][1]["written"] == {"update Opportunity": 10}
    assert counts["repeated_creates"] == 0


def test_jobs_take_rows_and_tell_of_them(stub: Stub):
    """An ingest job saves rows with quoted newlines and refuses a key that comes twice; a query job finds them."""
    http = requests.Session()
    root = f"{stub.url}/services/data/v66.0/jobs"

    def ended(address: str) -> dict[str, Any]:
        while (info := http.get(address).json())["state"] not in ("JobComplete", "Failed"):
            pass
        return dict(info)

    job = http.post(f"{root}/ingest", json={"object": "Opportunity", "operation": "insert"}).json()["id"]
    rows = 'Name,StageName,CloseDate,Amount,Sfsync_Key__c\n"two\nlines",Prospecting,2027-01-01,1.5,K\n'
    content = rows + "again,Prospecting,2027-01-01,,K\n"
    http.put(f"{root}/ingest/{job}/batches", data=content, headers={"Content-Type": "text/csv"})
    http.patch(f"{root}/ingest/{job}", json={"state": "UploadComplete"})
    info = ended(f"{root}/ingest/{job}")
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (2, 1)
    [saved] = csv.DictReader(io.StringIO(http.get(f"{root}/ingest/{job}/successfulResults").text, newline=""))
    assert (saved["Name"], saved["sf__Created"]) == ("two\nlines", "true")
    assert "DUPLICATE_VALUE" in http.get(f"{root}/ingest/{job}/failedResults").text
    asked = {"operation": "query", "query": "SELECT Id, Name, Amount FROM Opportunity"}
    query = http.post(f"{root}/query", json=asked).json()["id"]
    assert ended(f"{root}/query/{query}")["numberRecordsProcessed"] == 1
    answer = http.get(f"{root}/query/{query}/results?maxRecords=100")
    assert answer.headers["Sforce-Locator"] == "null"
    assert answer.text == f'"Id","Name","Amount"\n"{saved["sf__Id"]}","two\nlines","1.5"\n'
    http.close()
