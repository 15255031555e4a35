"""The sf command line: loads and exports by Bulk API 2.0."""

import csv
import re
from pathlib import Path
from typing import Any

from client_programs import SfCli, calls, effects

from sfsync.emulator.server import RunningEmulator

DEAL = {"StageName": "Prospecting", "CloseDate": "2026-12-31"}


def table(file: Path, rows: list[dict[str, Any]]) -> str:
    """Write rows to a CSV file and return its name."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return str(file)


def rows_of(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def steps(emulator: RunningEmulator) -> list[str]:
    """Return what arrived about jobs, with the job's id left out."""
    jobs = [call for call in calls(emulator) if "/jobs/" in call]
    return [re.sub(r"/services/data/v68.0/jobs/|/750\w{15}", "", call) for call in jobs]


def ids(sf: SfCli, where: str) -> list[str]:
    """Return the ids of the deals that fulfil a condition."""
    soql = f"SELECT Id FROM Opportunity WHERE {where} ORDER BY Name"
    return [row["Id"] for row in sf.result("data", "query", "--query", soql)["records"]]


def test_sf_imports_thousands_of_rows(sf: SfCli, emulator: RunningEmulator, tmp_path: Path) -> None:
    """An import of 3,000 deals ends well, in the order of calls that the command is known for."""
    rows = [{"Name": f"sf import {n:04d}", **DEAL} for n in range(3000)]
    file = table(tmp_path / "deals.csv", rows)
    result = sf.result("data", "import", "bulk", "--sobject", "Opportunity", "--file", file, "--wait", "2")
    assert (result["processedRecords"], result["failedRecords"]) == (3000, 0)
    assert effects(emulator, "Opportunity") == ["insert"] * 3000
    sent = steps(emulator)
    assert sent[:3] == ["POST ingest", "PUT ingest/batches", "PATCH ingest"]
    assert set(sent[3:]) == {"GET ingest"}


def test_sf_shows_the_rows_of_an_import_that_failed(
    sf: SfCli, emulator: RunningEmulator, tmp_path: Path
) -> None:
    """A bad row makes the command fail; `data bulk results` fetches good and bad rows."""
    file = table(tmp_path / "deals.csv", [{"Name": "sf mixed", **DEAL}, {"Name": "", **DEAL}])
    ending = sf.run(
        "data", "import", "bulk", "--sobject", "Opportunity", "--file", file, "--wait", "2", "--json"
    )
    assert ending.exit_code == 1
    job = ending.document["data"]["jobId"]
    result = sf.result("data", "bulk", "results", "--job-id", job)
    assert (result["processedRecords"], result["successfulRecords"], result["failedRecords"]) == (2, 1, 1)
    [refused] = rows_of(sf.home / result["failedFilePath"])
    assert refused["sf__Error"].startswith(
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    )


def test_sf_upserts_by_key_in_bulk(sf: SfCli, emulator: RunningEmulator, tmp_path: Path) -> None:
    """The same file twice creates once and updates once; the results come in three files."""
    rows = [{"Name": f"sf upsert {n}", **DEAL, "Sfsync_Key__c": f"SFB-{n}"} for n in range(3)]
    file = table(tmp_path / "deals.csv", rows)
    words = (
        "data",
        "upsert",
        "bulk",
        "--sobject",
        "Opportunity",
        "--external-id",
        "Sfsync_Key__c",
        "--wait",
        "2",
    )
    first = sf.result(*words, "--file", file)
    again = sf.result(*words, "--file", file)
    assert [row["sf__Created"] for row in first["records"]["successfulResults"]] == ["true"] * 3
    assert [row["sf__Created"] for row in again["records"]["successfulResults"]] == ["false"] * 3
    sent = steps(emulator)[: len(steps(emulator)) // 2]
    assert sent[:3] == ["POST ingest", "PUT ingest/batches", "PATCH ingest"]
    assert set(sent[-3:]) == {
        f"GET ingest/{name}" for name in ("successfulResults", "failedResults", "unprocessedrecords")
    }


def test_sf_updates_and_deletes_in_bulk(sf: SfCli, emulator: RunningEmulator, tmp_path: Path) -> None:
    """Updates and deletes go by Id."""
    rows = [{"Name": f"sf short {n}", **DEAL} for n in range(3)]
    file = table(tmp_path / "new.csv", rows)
    sf.result("data", "import", "bulk", "--sobject", "Opportunity", "--file", file, "--wait", "2")
    found = ids(sf, "Name LIKE 'sf short%'")
    file = table(tmp_path / "changed.csv", [{"Id": each, "Amount": "7"} for each in found])
    changed = sf.result("data", "update", "bulk", "--sobject", "Opportunity", "--file", file, "--wait", "2")
    assert (changed["processedRecords"], changed["failedRecords"]) == (3, 0)
    assert ids(sf, "Name LIKE 'sf short%' AND Amount = 7") == found
    file = table(tmp_path / "gone.csv", [{"Id": each} for each in found])
    gone = sf.result("data", "delete", "bulk", "--sobject", "Opportunity", "--file", file, "--wait", "2")
    assert gone["jobInfo"]["numberRecordsProcessed"] == 3
    assert ids(sf, "Name LIKE 'sf short%'") == []
    assert effects(emulator, "Opportunity") == ["insert"] * 3 + ["update"] * 3 + ["delete"] * 3


def test_sf_resumes_a_job_that_it_did_not_wait_for(
    sf: SfCli, emulator: RunningEmulator, tmp_path: Path
) -> None:
    """An import without waiting leaves a job whose end a second command shows."""
    file = table(tmp_path / "deals.csv", [{"Name": "sf later", **DEAL}])
    job = sf.result("data", "import", "bulk", "--sobject", "Opportunity", "--file", file, "--wait", "0")[
        "jobId"
    ]
    assert job.startswith("750")
    done = sf.result("data", "import", "resume", "--job-id", job, "--wait", "2")
    assert done["processedRecords"] == 1


def test_sf_exports_by_a_query_job(sf: SfCli, emulator: RunningEmulator, tmp_path: Path) -> None:
    """An export writes every row of a query job into a file, parents as columns."""
    file = tmp_path / "contacts.csv"
    soql = "SELECT Email, Account.Name FROM Contact WHERE Email != null"
    words = ("data", "export", "bulk", "--query", soql, "--output-file", str(file), "--wait", "2")
    result = sf.result(*words, "--result-format", "csv")
    assert result["totalSize"] == 2
    rows = rows_of(file)
    assert {row["Email"] for row in rows} == {
        "leung.chan@getcloudy.example",
        "alan.johnson@getcloudy.example",
    }
    assert {row["Account.Name"] for row in rows} == {"Get Cloudy Consulting"}
    assert steps(emulator)[0] == "POST query"
