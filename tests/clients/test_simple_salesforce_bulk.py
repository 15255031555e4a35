"""The simple-salesforce library over TLS: loads and queries by Bulk API 2.0."""

import csv
from typing import Any

import pytest
from client_programs import calls, effects
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

from sfsync.emulator.server import RunningEmulator

DEAL = {"StageName": "Prospecting", "CloseDate": "2026-12-31"}
NUMBER = 4000


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a result file."""
    return list(csv.DictReader(text.splitlines()))


def keyed(number: int, prefix: str) -> list[dict[str, Any]]:
    """Return so many deals with keys of their own."""
    return [{"Name": f"{prefix} {n}", "Sfsync_Key__c": f"{prefix}-{n}", **DEAL} for n in range(number)]


def test_simple_salesforce_inserts_updates_and_deletes_thousands(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """4,000 deals are inserted, changed and deleted, each step one job."""
    [made] = salesforce.bulk2.Opportunity.insert(records=keyed(NUMBER, "SSB"), wait=0)
    assert (made["numberRecordsProcessed"], made["numberRecordsFailed"]) == (NUMBER, 0)
    ids = [
        row["sf__Id"] for row in rows_of(salesforce.bulk2.Opportunity.get_successful_records(made["job_id"]))
    ]
    assert len(set(ids)) == NUMBER
    [changed] = salesforce.bulk2.Opportunity.update(
        records=[{"Id": each, "Amount": 7} for each in ids], wait=0
    )
    assert changed["numberRecordsFailed"] == 0
    assert salesforce.query("SELECT COUNT() FROM Opportunity WHERE Amount = 7")["totalSize"] == NUMBER
    [gone] = salesforce.bulk2.Opportunity.delete(records=[{"Id": each} for each in ids], wait=0)
    assert gone["numberRecordsFailed"] == 0
    written = effects(tls_emulator, "Opportunity")
    assert written == ["insert"] * NUMBER + ["update"] * NUMBER + ["delete"] * NUMBER


def test_simple_salesforce_sends_a_job_in_its_order(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """Create, upload, close, poll until done, and the job once more; results only when asked for."""
    salesforce.bulk2.Account.insert(records=[{"Name": "Ordered"}], wait=0)
    methods = [call.partition(" ")[0] for call in calls(tls_emulator)]
    assert methods[:3] == ["POST", "PUT", "PATCH"]
    assert set(methods[3:]) == {"GET"}
    assert not any("Results" in call for call in calls(tls_emulator))


def test_simple_salesforce_upserts_in_bulk(salesforce: Salesforce) -> None:
    """The same rows twice create and then update; a bad row is in the failed results alone."""
    rows = [*keyed(3, "SSU"), {"Name": "No stage", "Sfsync_Key__c": "SSU-bad", "CloseDate": "2026-12-31"}]
    jobs = [
        salesforce.bulk2.Opportunity.upsert(records=rows, external_id_field="Sfsync_Key__c", wait=0)[0]
        for _ in range(2)
    ]
    assert [job["numberRecordsFailed"] for job in jobs] == [1, 1]
    first, again = (salesforce.bulk2.Opportunity.get_all_ingest_records(job["job_id"]) for job in jobs)
    assert [row["sf__Created"] for row in first["successfulRecords"]] == ["true"] * 3
    assert [row["sf__Created"] for row in again["successfulRecords"]] == ["false"] * 3
    [refused] = first["failedRecords"]
    assert refused["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert refused["Sfsync_Key__c"] == "SSU-bad"
    assert first["unprocessedRecords"] == []


def test_simple_salesforce_splits_a_load_into_jobs(salesforce: Salesforce) -> None:
    """With a batch size 450 rows become three jobs, run side by side."""
    rows = [{"Name": f"Split {n}"} for n in range(450)]
    jobs = salesforce.bulk2.Account.insert(records=rows, batch_size=200, concurrency=3, wait=0)
    assert sorted(job["numberRecordsProcessed"] for job in jobs) == [50, 200, 200]
    assert salesforce.query("SELECT COUNT() FROM Account WHERE Name LIKE 'Split %'")["totalSize"] == 450


def test_simple_salesforce_reads_a_query_job_in_pages(salesforce: Salesforce) -> None:
    """A query job of 2,500 rows comes in pages of 1,000, each with its own header."""
    salesforce.bulk2.Account.insert(records=[{"Name": f"Read {n:04d}"} for n in range(2500)], wait=0)
    soql = "SELECT Id, Name FROM Account WHERE Name LIKE 'Read %'"
    pages = [rows_of(page) for page in salesforce.bulk2.Account.query(soql, max_records=1000, wait=0)]
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert len({row["Name"] for page in pages for row in page}) == 2500


def test_simple_salesforce_sees_why_a_query_job_is_refused(salesforce: Salesforce) -> None:
    """A query job with a subquery is refused when it is created."""
    soql = "SELECT Id, (SELECT Id FROM Contacts) FROM Account"
    with pytest.raises(SalesforceMalformedRequest):
        list(salesforce.bulk2.Account.query(soql, wait=0))
