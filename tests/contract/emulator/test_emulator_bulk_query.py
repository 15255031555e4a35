"""Query jobs of Bulk API 2.0: created, polled, read set by set, refused, aborted, deleted."""

from collections.abc import Iterator
from typing import Any

import pytest
from bulk_client import Bulk, bulk_org, deals
from facts import fact

COUNT = 12


@pytest.fixture(scope="module")
def org() -> Iterator[Bulk]:
    """Run one org with a dozen deals for the module."""
    with bulk_org({"bulk_result_page_rows": 2}) as client:
        client.load(deals(0, COUNT, "query"))
        yield client


SOQL = "SELECT Id, Sfsync_Key__c FROM Opportunity WHERE Sfsync_Key__c LIKE 'query-%' ORDER BY Sfsync_Key__c"


def ask(org: Bulk, soql: str = SOQL, **keys: Any) -> str:
    """Create a query job and return its id."""
    answer = org.call("POST", "/jobs/query", {"operation": "query", "query": soql, **keys})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


@fact("5.4-create", "5.4-since")
@fact("11-41")
def test_the_life_of_a_query_job(org: Bulk):
    """A query job is queued at once and polled like any other; query jobs exist since 47."""
    body = {"operation": "query", "query": SOQL, "contentType": "CSV", "lineEnding": "LF"}
    answer = org.call("POST", "/jobs/query", body)
    info = answer.json()
    assert (answer.status_code, info["state"], info["object"]) == (200, "UploadComplete", "Opportunity")
    assert {"id", "operation", "createdById", "createdDate", "systemModstamp", "concurrencyMode"} <= set(info)
    assert (info["apiVersion"], info["columnDelimiter"], "contentUrl" in info) == (66.0, "COMMA", False)
    polled = org.info(info["id"], "query")
    assert (polled["state"], polled["jobType"], polled["numberRecordsProcessed"]) == (
        "JobComplete",
        "V2Query",
        COUNT,
    )
    assert org.call("POST", "/services/data/v46.0/jobs/query", body).status_code == 404
    listed = org.call("GET", "/jobs/query?jobType=V2Query").json()["records"]
    assert info["id"] in [job["id"] for job in listed]


@fact("5.4-results")
def test_results_set_by_set():
    """Each set has a header and as many rows as asked for; the locator of the last set is the text null."""
    with bulk_org() as org:
        org.load(deals(0, COUNT, "query"))
        job = ask(org)
        path, keys, locators = f"/jobs/query/{job}/results", [], []
        locator: str | None = None
        while locator != "null":
            parameters = {"maxRecords": 5, **({"locator": locator} if locator else {})}
            answer = org.call("GET", path, params=parameters, headers={"Accept": "text/csv"})
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv")
            header, *rows = answer.text.splitlines()
            assert header == '"Id","Sfsync_Key__c"'
            assert answer.headers["Sforce-NumberOfRecords"] == str(len(rows))
            keys += [row.split(",")[1].strip('"') for row in rows]
            locator = answer.headers["Sforce-Locator"]
            locators.append(locator)
        assert keys == sorted(f"query-{n}" for n in range(COUNT))
        assert (len(set(locators)), locators[-1]) == (3, "null")
        whole = org.call("GET", path)
        assert whole.headers["Sforce-NumberOfRecords"] == str(COUNT)
        assert org.call("GET", path, params={"locator": "!"}).status_code == 400
        assert org.call("GET", path, params={"maxRecords": 0}).status_code == 400


@fact("5.4-result-pages")
@fact("11-58")
def test_result_pages_to_read_in_parallel(org: Bulk):
    """From 58 on five addresses at a time lead to all rows, each once."""
    job = ask(org)
    first = org.call("GET", f"/jobs/query/{job}/resultPages").json()
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    last = org.call("GET", first["nextRecordsUrl"]).json()
    assert (len(last["resultPages"]), last["done"]) == (1, True)
    rows = [
        row
        for page in first["resultPages"] + last["resultPages"]
        for row in org.call("GET", page["resultUrl"]).text.splitlines()[1:]
    ]
    assert len(rows) == len(set(rows)) == COUNT
    old = org.call("POST", "/services/data/v57.0/jobs/query", {"operation": "query", "query": SOQL}).json()[
        "id"
    ]
    assert org.call("GET", f"/services/data/v57.0/jobs/query/{old}/resultPages").status_code == 404


@fact("5.4-version")
def test_another_version_is_a_conflict(org: Bulk):
    """A query job is read with the version that made it, else 409."""
    job = ask(org)
    for method, rest in [("GET", ""), ("GET", "/results"), ("GET", "/resultPages"), ("DELETE", "")]:
        assert org.call(method, f"/services/data/v65.0/jobs/query/{job}{rest}").status_code == 409
    body = {"state": "Aborted"}
    assert org.call("PATCH", f"/services/data/v65.0/jobs/query/{job}", body).status_code == 409


@fact("5.4-refused")
@pytest.mark.parametrize(
    "soql",
    [
        "SELECT StageName, COUNT(Id) FROM Opportunity GROUP BY StageName",
        "SELECT StageName FROM Opportunity GROUP BY StageName",
        "SELECT Id FROM Opportunity LIMIT 1 OFFSET 1",
        "SELECT COUNT() FROM Opportunity",
        "SELECT MAX(Amount) FROM Opportunity",
        "SELECT TYPEOF Owner WHEN User THEN Name END FROM Opportunity",
        "SELECT Id, (SELECT Id FROM OpportunityContactRoles) FROM Opportunity",
        "SELECT Nope FROM Opportunity",
        "SELECT Id FROM Nope",
        "SELECT Id FORM Opportunity",
        "",
    ],
)
def test_queries_that_bulk_does_not_take(org: Bulk, soql: str):
    """Groups, offsets, aggregates, TYPEOF and child subqueries are refused, as is what no query may say."""
    answer = org.call("POST", "/jobs/query", {"operation": "query", "query": soql})
    assert answer.status_code == 400


def test_a_word_in_quotes_is_no_construct(org: Bulk):
    """Only keywords are refused, not text that reads like one."""
    job = ask(org, "SELECT Id FROM Opportunity WHERE Name = 'TYPEOF (SELECT'")
    assert org.info(job, "query")["numberRecordsProcessed"] == 0


@fact("5.2-scientific")
def test_cells_by_type(org: Bulk):
    """Numbers from ten millions on are powers of ten, datetimes end in Z, null is empty, parents have paths."""
    deal = org.deal(Amount=912260031, IsPrivate=True, NextStep='a "b"\nc', Legacy_Id__c="cells")
    fields = "Amount, IsPrivate, NextStep, CreatedDate, Account.Name, Probability"
    soql = f"SELECT {fields} FROM Opportunity WHERE Id = '{deal}'"
    answer = org.call(
        "GET", f"/jobs/query/{ask(org, soql, columnDelimiter='PIPE', lineEnding='CRLF')}/results"
    )
    header, row = answer.content.decode().split("\r\n")[:2]
    assert header == '"Amount"|"IsPrivate"|"NextStep"|"CreatedDate"|"Account.Name"|"Probability"'
    assert row == '"9.12260031E8"|"true"|"a ""b""\nc"|"2026-05-01T00:00:00.000Z"|""|"10.0"'


def test_deleted_records_by_query_all(org: Bulk):
    """QueryAll sees the recycle bin, query does not."""
    deal = org.deal()
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    soql = f"SELECT Id FROM Opportunity WHERE Id = '{deal}'"
    found = [
        org.info(ask(org, soql, operation=name), "query")["numberRecordsProcessed"]
        for name in ("query", "queryAll")
    ]
    assert found == [0, 1]


@fact("5.4-delete-running")
def test_abort_and_delete(org: Bulk):
    """A running query job is aborted, not deleted; without results it has none to read."""
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    delay = {"action": "delay", "seconds": 60, "method": "JOB", "path": "jobs/query"}
    org.call("POST", "/_emulator/faults", delay, headers=control)
    job = ask(org)
    refused = org.call("DELETE", f"/jobs/query/{job}")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "API_ERROR")
    assert org.call("GET", f"/jobs/query/{job}/results").status_code == 400
    assert org.set_state(job, "UploadComplete", "query").status_code == 400
    aborted = org.set_state(job, "Aborted", "query")
    assert (aborted.status_code, aborted.json()["state"]) == (200, "Aborted")
    org.advance(120)
    assert org.info(job, "query")["state"] == "Aborted"
    assert org.call("DELETE", f"/jobs/query/{job}").status_code == 204
    assert org.call("GET", f"/jobs/query/{job}").status_code == 404
    org.emulator.faults.clear()


@fact("5.4-daily-jobs")
def test_query_jobs_are_counted():
    """A query job costs one of the day's; without any left it is refused."""
    with bulk_org({"daily_bulk_query_jobs": 1}) as org:
        ask(org)
        assert org.call("GET", "/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 1, "Remaining": 0}
        again = org.call("POST", "/jobs/query", {"operation": "query", "query": SOQL})
        assert (again.status_code, again.json()[0]["errorCode"]) == (400, "EXCEEDEDQUOTA")


@pytest.mark.parametrize("query", ["SELECT Id FROM Nope", "SELECT Foo FROM Account WHERE Name = 'x'"])
def test_a_refused_query_is_shown_as_it_was_sent(org: Bulk, query: str):
    """The message quotes the client's own text and nothing that the emulator added to it."""
    job = org.call("POST", "/jobs/query", {"operation": "query", "query": query})
    plain = org.call("GET", "/query", params={"q": query})
    assert (job.status_code, job.json()[0]["message"]) == (400, plain.json()[0]["message"])
