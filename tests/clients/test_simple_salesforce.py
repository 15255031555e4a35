"""The simple-salesforce library over TLS: object helpers, queries, search, limits and free REST calls."""

from datetime import UTC, datetime, timedelta

import pytest
from client_programs import calls, effects
from simple_salesforce import Salesforce, format_soql
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from sfsync.emulator.server import RunningEmulator

DEAL_AND_ROLE = ("Opportunity", "OpportunityContactRole")
DEAL = {"Name": "simple deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}


def test_simple_salesforce_creates_gets_updates_and_deletes(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """A deal goes through its whole life; the create ends in a slash, updates answer 204."""
    created = salesforce.Opportunity.create(DEAL)
    assert (created["success"], created["errors"]) == (True, [])
    assert calls(tls_emulator) == ["POST /services/data/v59.0/sobjects/Opportunity/"]
    assert salesforce.Opportunity.get(created["id"])["Name"] == "simple deal"
    assert salesforce.Opportunity.update(created["id"], {"Amount": 12.5}) == 204
    assert salesforce.Opportunity.get(created["id"])["Amount"] == 12.5
    assert salesforce.Opportunity.delete(created["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as missing:
        salesforce.Opportunity.get(created["id"])
    assert missing.value.content[0]["errorCode"] == "NOT_FOUND"


def test_simple_salesforce_upserts_and_gets_by_key(salesforce: Salesforce) -> None:
    """An upsert answers 201 for a new record and 200 for one that exists; the key finds it."""
    assert salesforce.Opportunity.upsert("Sfsync_Key__c/SIMPLE-1", DEAL) == 201
    assert salesforce.Opportunity.upsert("Sfsync_Key__c/SIMPLE-1", {"Amount": 3}) == 200
    found = salesforce.Opportunity.get_by_custom_id("Sfsync_Key__c", "SIMPLE-1")
    assert (found["Amount"], found["Sfsync_Key__c"]) == (3.0, "SIMPLE-1")
    raw = salesforce.Opportunity.upsert("Sfsync_Key__c/SIMPLE-1", {"Amount": 4}, raw_response=True)
    assert raw.json()["created"] is False


def test_simple_salesforce_tells_refusals_apart(salesforce: Salesforce) -> None:
    """A missing field is a malformed request, two hits of a key more than one record."""
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Opportunity.create({"Name": "No stage"})
    assert refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    for _ in range(2):
        salesforce.Opportunity.create({**DEAL, "Legacy_Id__c": "TWIN"})
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        salesforce.Opportunity.upsert("Legacy_Id__c/TWIN", DEAL)
    assert len(several.value.content) == 2


def test_simple_salesforce_describes(salesforce: Salesforce) -> None:
    """The objects of the org, one object and its fields."""
    assert "Opportunity" in {each["name"] for each in salesforce.describe()["sobjects"]}
    fields = {field["name"] for field in salesforce.Opportunity.describe()["fields"]}
    assert {"StageName", "Sfsync_Key__c"} <= fields
    assert salesforce.Opportunity.metadata()["objectDescribe"]["keyPrefix"] == "006"


def test_simple_salesforce_knows_the_organization(salesforce: Salesforce) -> None:
    """Whether the org is a sandbox is read from its Organization row."""
    assert salesforce.is_sandbox() is True


def test_simple_salesforce_asks_what_changed(salesforce: Salesforce) -> None:
    """Updated and deleted records of a span of time are listed; the span's times carry an offset."""
    kept, gone = (salesforce.Account.create({"Name": name})["id"] for name in ("Kept", "Gone"))
    salesforce.Account.delete(gone)
    span = (datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1))
    assert kept in salesforce.Account.updated(*span)["ids"]
    assert gone in {row["id"] for row in salesforce.Account.deleted(*span)["deletedRecords"]}


def test_simple_salesforce_queries(salesforce: Salesforce) -> None:
    """A query with quotes, parents and children; deleted rows only when asked for."""
    salesforce.Account.delete(salesforce.Account.create({"Name": "O'Neil \\ Söhne"})["id"])
    soql = format_soql("SELECT Name FROM Account WHERE Name = {}", "O'Neil \\ Söhne")
    assert salesforce.query(soql)["totalSize"] == 0
    assert salesforce.query(soql, include_deleted=True)["records"][0]["Name"] == "O'Neil \\ Söhne"
    soql = (
        "SELECT Account.Name, (SELECT Role FROM OpportunityContactRoles) FROM Opportunity WHERE Amount = 1780"
    )
    [deal] = salesforce.query(soql)["records"]
    assert deal["Account"]["Name"] == "Get Cloudy Consulting"
    assert deal["OpportunityContactRoles"]["records"][0]["Role"] == "Evaluator"


def test_simple_salesforce_follows_the_pages_of_a_query(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """5,000 rows come in pages of 2,000, as an iterator and as a list."""
    rows = [{"attributes": {"type": "Account"}, "Name": f"Page {n:04d}"} for n in range(5000)]
    for start in range(0, len(rows), 200):
        body = {"allOrNone": True, "records": rows[start : start + 200]}
        results = salesforce.restful("composite/sobjects", method="POST", json=body)
        assert all(result["success"] for result in results)
    tls_emulator.audit.clear()
    soql = "SELECT Name FROM Account WHERE Name LIKE 'Page %' ORDER BY Name"
    assert [row["Name"] for row in salesforce.query_all_iter(soql)] == [row["Name"] for row in rows]
    assert salesforce.query_all(soql)["totalSize"] == 5000
    assert len(tls_emulator.audit.requests) == 6


def test_simple_salesforce_searches(salesforce: Salesforce) -> None:
    """SOSL and its short form answer the records with their types."""
    found = salesforce.search("FIND {Cloudy} IN NAME FIELDS RETURNING Account(Id, Name), Opportunity(Name)")
    assert {record["attributes"]["type"] for record in found["searchRecords"]} == {"Account", "Opportunity"}
    assert "Contact" in {
        each["attributes"]["type"] for each in salesforce.quick_search("Leung")["searchRecords"]
    }


def test_simple_salesforce_reads_limits(salesforce: Salesforce) -> None:
    """The limits come as a resource, the usage with every answer."""
    assert salesforce.limits()["DailyApiRequests"]["Max"] == 15000
    assert salesforce.api_usage["api-usage"].total == 15000


def test_simple_salesforce_posts_a_composite(salesforce: Salesforce, tls_emulator: RunningEmulator) -> None:
    """A composite by restful creates a deal and its role in one transaction."""
    [contact] = salesforce.query("SELECT Id FROM Contact WHERE FirstName = 'Alan'")["records"]
    base = "/services/data/v59.0/sobjects"
    steps = [
        {"method": "POST", "url": f"{base}/Opportunity", "referenceId": "deal", "body": DEAL},
        {
            "method": "POST",
            "url": f"{base}/OpportunityContactRole",
            "referenceId": "role",
            "body": {"OpportunityId": "@{deal.id}", "ContactId": contact["Id"], "Role": "Evaluator"},
        },
    ]
    answer = salesforce.restful(
        "composite", method="POST", json={"allOrNone": True, "compositeRequest": steps}
    )
    assert [step["httpStatusCode"] for step in answer["compositeResponse"]] == [201, 201]
    assert [effects(tls_emulator, sobject) for sobject in DEAL_AND_ROLE] == [["insert"]] * 2


def test_simple_salesforce_writes_collections(salesforce: Salesforce) -> None:
    """Create, upsert and delete of several records by restful, with results in the order of the rows."""
    rows = [
        {"attributes": {"type": "Opportunity"}, **DEAL},
        {"attributes": {"type": "Opportunity"}, "Name": "No stage"},
    ]
    good, bad = salesforce.restful("composite/sobjects", method="POST", json={"records": rows})
    assert (good["success"], bad["success"], "id" in bad) == (True, False, False)
    keyed = [{"attributes": {"type": "Opportunity"}, **DEAL, "Sfsync_Key__c": f"COLL-{n}"} for n in range(2)]
    path = "composite/sobjects/Opportunity/Sfsync_Key__c"
    made = salesforce.restful(path, method="PATCH", json={"records": keyed})
    again = salesforce.restful(path, method="PATCH", json={"records": keyed})
    assert [row["created"] for row in made + again] == [True, True, False, False]
    ids = {"ids": ",".join(row["id"] for row in made)}
    assert [
        row["success"] for row in salesforce.restful("composite/sobjects", params=ids, method="DELETE")
    ] == [True] * 2
