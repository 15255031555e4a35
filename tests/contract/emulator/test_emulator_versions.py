"""What an API version has that the one before has not."""

from typing import Any

import pytest
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact

from sfsync.emulator.server import running

ROWS = {"records": [{"attributes": {"type": "Opportunity"}, **DEAL}]}
KEYED = {"records": [{"attributes": {"type": "Opportunity"}, **DEAL, "Sfsync_Key__c": "version"}]}
NODE = {
    "method": "POST",
    "url": "/services/data/v66.0/sobjects/Opportunity",
    "referenceId": "a",
    "body": DEAL,
}
GRAPH = {"graphs": [{"graphId": "g", "compositeRequest": [NODE]}]}


@pytest.mark.parametrize(
    ("since", "method", "path", "body", "before"),
    [
        pytest.param(
            36, "GET", "/parameterizedSearch?q=leung&sobject=Contact", None, 404, marks=fact("11-36")
        ),
        pytest.param(37, "POST", "/sobjects/Opportunity/Id", DEAL, 405, marks=fact("11-37", "4.7-post-id")),
        pytest.param(42, "POST", "/composite/sobjects", ROWS, 404, marks=fact("11-42")),
        pytest.param(43, "PATCH", "/composite/sobjects", ROWS, 405, marks=fact("11-42")),
        pytest.param(43, "DELETE", "/composite/sobjects?ids=x", None, 405, marks=fact("11-42")),
        pytest.param(
            46,
            "PATCH",
            "/composite/sobjects/Opportunity/Sfsync_Key__c",
            KEYED,
            404,
            marks=fact("11-46", "4.15-upsert"),
        ),
        pytest.param(50, "POST", "/composite/graph", GRAPH, 404, marks=fact("11-50")),
    ],
)
def test_a_resource_is_not_there_before_its_version(
    org: Client, since: int, method: str, path: str, body: Any, before: int
):
    """The version before a resource came does not know it; from its version on it answers."""
    org.version = f"{since - 1}.0"
    assert org.call(method, path, body).status_code == before
    org.version = f"{since}.0"
    assert org.call(method, path, body).status_code in {200, 201}


@fact("11-52", "4.11-reference-id")
def test_reference_ids_are_strict_since_52(org: Client):
    """Up to 51 a reference id may hold other characters and works; since 52 the whole request is refused."""
    parts = [
        {**NODE, "referenceId": "a-1"},
        {**NODE, "referenceId": "_2", "body": {**DEAL, "NextStep": "@{a-1.id}"}},
    ]
    org.version = "51.0"
    answer = org.call("POST", "/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert [entry["httpStatusCode"] for entry in answer] == [201, 201]
    org.version = "52.0"
    for one in parts:
        assert org.call("POST", "/composite", {"compositeRequest": [one]}).status_code == 400
    assert org.call("POST", "/composite", {"compositeRequest": [NODE]}).status_code == 200


@fact("11-48")
@pytest.mark.parametrize("collate", [True, False, None])
@pytest.mark.parametrize("version", ["47.0", "48.0", "49.0"])
def test_collating_changes_no_answer(org: Client, version: str, collate: bool | None):
    """Parts that refer to each other answer in order, collated or not."""
    org.version = version
    role = {
        "method": "PATCH",
        "url": "/services/data/v66.0/sobjects/Opportunity/@{a.id}",
        "referenceId": "b",
        "body": {"NextStep": "x"},
    }
    body: dict[str, Any] = {"compositeRequest": [NODE, role]}
    if collate is not None:
        body["collateSubrequests"] = collate
    answer = org.call("POST", "/composite", body).json()["compositeResponse"]
    assert [(entry["referenceId"], entry["httpStatusCode"]) for entry in answer] == [("a", 201), ("b", 204)]


@fact("11-newer")
def test_an_org_may_not_have_the_newest_release():
    """An org on an older release neither lists nor serves the newer version."""
    with running({"organization": {"api_version": 67}}) as emulator:
        org = Client(emulator)
        listed = org.call("GET", "/services/data").json()
        org.version = "68.0"
        answer = org.call("GET", "/sobjects")
        org.http.close()
    assert listed[-1]["label"] == "Summer '26"
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@fact("4.3-root")
def test_a_version_names_its_resources(org: Client):
    """The root of a version is an object of names and addresses that answer."""
    root = org.call("GET", "/").json()
    assert {"sobjects", "query", "composite", "limits"} <= set(root)
    for name in ("sobjects", "limits"):
        assert root[name] == f"/services/data/v66.0/{name}"
        assert org.call("GET", root[name]).status_code == 200


@fact("11-labels")
def test_releases_have_their_names(org: Client):
    """Three releases a year; winter bears the number of the next year."""
    labels = {entry["version"]: entry["label"] for entry in org.call("GET", "/services/data").json()}
    shown = {number: labels[f"{number}.0"] for number in (45, 46, 47, 57, 58, 66, 67, 68)}
    assert shown == {
        45: "Spring '19",
        46: "Summer '19",
        47: "Winter '20",
        57: "Spring '23",
        58: "Summer '23",
        66: "Spring '26",
        67: "Summer '26",
        68: "Winter '27",
    }


@fact("4.16-duplicate-header", "11-52", "7.4-alert-and-block", "7.4-body", "7.4-details", "4.2-duplicates")
@pytest.mark.parametrize("action", ["alert", "block"])
def test_duplicate_rules_and_their_header(action: str):
    """Since 52 allowSave passes an alert rule and no block rule; details come on request only."""
    rule = {"object": "Account", "name": "Same name", "fields": ["Name"], "action": action}
    with running({"duplicate_rules": [rule]}) as emulator:
        org = Client(emulator)
        first = org.create("Account", Name="Twin")
        asked = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
        plain = org.call("POST", "/sobjects/Account", {"Name": "twin"})
        org.version = "51.0"
        early = org.call("POST", "/sobjects/Account", {"Name": "twin"}, headers=asked)
        org.version = "52.0"
        detailed = org.call("POST", "/sobjects/Account", {"Name": "twin"}, headers=asked)
        org.http.close()
    (error,) = plain.json()
    assert (plain.status_code, sorted(error)) == (400, ["duplicateResut", "errorCode", "message"])
    found = error["duplicateResut"]
    assert {"allowSave", "duplicateRule", "duplicateRuleEntityType", "errorMessage", "matchResults"} == set(
        found
    )
    assert found["allowSave"] is (action == "alert")
    (match,) = found["matchResults"]
    assert {"entityType", "errors", "matchEngine", "matchRecords", "rule", "size", "success"} == set(match)
    assert (match["size"], match["matchRecords"]) == (1, [])
    assert early.status_code == 400
    if action == "alert":
        assert detailed.status_code == 201
    else:
        (shown,) = detailed.json()[0]["duplicateResut"]["matchResults"][0]["matchRecords"]
        assert set(shown) == {"additionalInformation", "fieldDiffs", "matchConfidence", "record"}
        assert shown["record"]["Id"] == first


@fact("4.3-versions", "4-trailing-slash")
def test_the_version_list_needs_no_session(org: Client):
    """The list answers without a token, with or without a slash, and is not counted."""
    used = org.emulator.org.usage.used
    for path in ("/services/data", "/services/data/"):
        assert org.call("GET", path, headers={"Authorization": ""}).status_code == 200
    assert org.emulator.org.usage.used == used


def test_the_shipped_org_serves_its_newest_version():
    """Without a word in the org file the newest release is there."""
    with running(ORG_FILE) as emulator:
        org = Client(emulator, version="68.0")
        assert org.call("GET", "/sobjects").status_code == 200
        org.http.close()
