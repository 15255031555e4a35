"""The jsforce library: loads and queries by Bulk API 2.0."""

import pytest
from client_programs import Jsforce, JsforceError, calls, effects

from sfsync.emulator.server import RunningEmulator

DEAL = {"Name": "jsforce bulk deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
JOBS = "/services/data/v50.0/jobs"

LOAD = """
    conn.bulk2.pollInterval = 20;
    return await conn.bulk2.loadAndWaitForResults(args.load);
"""


def test_jsforce_inserts_thousands_of_rows(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """An insert of 3,000 rows, of which one is refused with the platform's text."""
    rows = [{"Name": f"Bulk {n:04d}", "Phone": ""} for n in range(2999)] + [{"Name": "", "Phone": "1"}]
    results = jsforce.run(LOAD, load={"object": "Account", "operation": "insert", "input": rows})
    assert len(results["successfulResults"]) == 2999
    [refused] = results["failedResults"]
    assert refused["sf__Error"].startswith(
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    )
    assert results["unprocessedRecords"] == []
    assert {row["sf__Created"] for row in results["successfulResults"]} == {"true"}
    assert effects(emulator, "Account") == ["insert"] * 2999


def test_jsforce_sends_a_job_in_its_order(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """Create, upload, close, poll until done, then the three result files."""
    jsforce.run(LOAD, load={"object": "Account", "operation": "insert", "input": [{"Name": "Ordered"}]})
    sent = calls(emulator)
    assert sent[0] == f"POST {JOBS}/ingest"
    assert sent[1].startswith(f"PUT {JOBS}/ingest/750")
    assert sent[1].endswith("/batches")
    assert sent[2].startswith(f"PATCH {JOBS}/ingest/750")
    files = {call.rpartition("/")[2] for call in sent[-3:]}
    assert files == {"successfulResults", "failedResults", "unprocessedrecords"}
    upload = emulator.audit.requests[1]
    assert "transfer-encoding" in {name.lower() for name in upload.headers}


def test_jsforce_upserts_updates_and_deletes_in_bulk(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """An upsert, to which jsforce adds an empty Id column, creates and then updates; update and delete go by Id."""
    body = """
        conn.bulk2.pollInterval = 20;
        const load = (operation, input, more) =>
          conn.bulk2.loadAndWaitForResults({ object: "Opportunity", operation, input, ...more });
        const key = { externalIdFieldName: "Sfsync_Key__c" };
        const rows = [1, 2, 3].map((n) => ({ ...args.deal, Sfsync_Key__c: `JSBULK-${n}` }));
        const first = await load("upsert", rows, key);
        const again = await load("upsert", rows, key);
        const ids = first.successfulResults.map((row) => row.sf__Id);
        const changed = await load("update", ids.map((Id) => ({ Id, Amount: 7 })));
        const read = await conn.query("SELECT Amount FROM Opportunity WHERE Sfsync_Key__c LIKE 'JSBULK-%'");
        const gone = await load("delete", ids.map((Id) => ({ Id })));
        return { first, again, changed, amounts: read.records.map((row) => row.Amount), gone };
    """
    seen = jsforce.run(body, deal=DEAL)
    made = {"first": "true", "again": "false", "changed": "false", "gone": "false"}
    for step, created in made.items():
        assert [row["sf__Created"] for row in seen[step]["successfulResults"]] == [created] * 3, step
        assert seen[step]["failedResults"] == []
    assert {row["Id"] for row in seen["first"]["successfulResults"]} == {""}
    assert seen["amounts"] == [7, 7, 7]
    written = effects(emulator, "Opportunity")
    assert written == ["insert"] * 3 + ["update"] * 6 + ["delete"] * 3


def test_jsforce_loads_lookups_by_key(jsforce: Jsforce) -> None:
    """A column `Account.Sfsync_Key__c` looks the parent up; one that does not exist fails its row only."""
    rows = [{**DEAL, "Account.Sfsync_Key__c": key} for key in ("ACC-1", "NO-SUCH")]
    results = jsforce.run(LOAD, load={"object": "Opportunity", "operation": "insert", "input": rows})
    assert len(results["successfulResults"]) == 1
    assert [row["Account.Sfsync_Key__c"] for row in results["failedResults"]] == ["NO-SUCH"]


def test_jsforce_ends_a_job_that_it_may_not_create(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A refused job is cleaned up by a DELETE of the job `undefined`, which is not found."""
    with pytest.raises(JsforceError):
        jsforce.run(LOAD, load={"object": "Nonsense__c", "operation": "insert", "input": [{"Name": "x"}]})
    assert calls(emulator)[0] == f"POST {JOBS}/ingest"
    assert emulator.audit.requests[0].status == 400


def test_jsforce_reads_thousands_of_rows_by_a_query_job(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A query job of 4,000 rows streams every row, parents included."""
    body = """
        conn.bulk2.pollInterval = 20;
        await conn.sobject("Contact").create(args.rows, { allowRecursive: true });
        const soql = "SELECT Id, LastName, Account.Name FROM Contact WHERE LastName LIKE 'Job %'";
        const rows = await (await conn.bulk2.query(soql)).toArray();
        return { number: rows.length, names: new Set(rows.map((row) => row.LastName)).size, one: rows[0] };
    """
    seen = jsforce.run(body, rows=[{"LastName": f"Job {n}"} for n in range(4000)])
    assert (seen["number"], seen["names"]) == (4000, 4000)
    assert seen["one"].keys() == {"Id", "LastName", "Account.Name"}
    assert f"POST {JOBS}/query" in calls(emulator)
