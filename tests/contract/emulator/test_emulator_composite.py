"""Composite, batch and graph: references, rollback, halting, limits."""

from typing import Any

from emulator_client import DEAL, Client

BASE = "/services/data/v66.0"


def node(reference: str, url: str, *, method: str = "POST", **body: Any) -> dict[str, Any]:
    """Return a subrequest."""
    return {"method": method, "url": BASE + url, "referenceId": reference, "body": body or None}


def graph_of(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    """Return a graph of nodes."""
    return {"graphId": name, "compositeRequest": list(nodes)}


def deal_graph(name: str, contact: str, key: str, **role: Any) -> dict[str, Any]:
    """Return the graph of a deal with one role."""
    return graph_of(
        name,
        node("opp", "/sobjects/Opportunity", **DEAL, Sfsync_Key__c=key),
        node(
            "role", "/sobjects/OpportunityContactRole", OpportunityId="@{opp.id}", ContactId=contact, **role
        ),
    )


def test_references_carry_ids_from_one_part_to_the_next(org: Client):
    """A later part uses the id and the query rows of earlier ones. Source: facts 4.11 [D], [R]."""
    parts = [
        node("acc", "/sobjects/Account", Name="A"),
        node("con", "/sobjects/Contact", LastName="B", AccountId="@{acc.id}"),
        node("q", "/query/?q=SELECT Id FROM Contact WHERE AccountId = '@{acc.id}'", method="GET"),
        node("up", "/sobjects/Contact/@{q.records[0].Id}", method="PATCH", Title="T"),
    ]
    answer = org.call("POST", "/composite", {"compositeRequest": parts})
    statuses = [part["httpStatusCode"] for part in answer.json()["compositeResponse"]]
    assert (answer.status_code, statuses) == (200, [201, 201, 200, 204])


def test_a_failed_part_halts_its_dependents_only(org: Client):
    """Without allOrNone the dependents of a failed part are halted. Source: facts 4.11 [P]."""
    parts = [
        node("bad", "/sobjects/Account", Site="x"),
        node("dependent", "/sobjects/Contact", LastName="B", AccountId="@{bad.id}"),
        node("free", "/sobjects/Account", Name="Free"),
    ]
    entries = org.call("POST", "/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert [entry["httpStatusCode"] for entry in entries] == [400, 400, 201]
    assert entries[1]["body"] == [
        {
            "errorCode": "PROCESSING_HALTED",
            "message": "Invalid reference specified. No value for bad.id found in bad",
        }
    ]


def test_all_or_none_rolls_back_and_says_so(org: Client):
    """With allOrNone everything else is PROCESSING_HALTED and nothing stays. Source: facts 4.11 [D]."""
    parts = [
        node("one", "/sobjects/Account", Name="Rolled back"),
        node("two", "/sobjects/Account", Site="x"),
        node("three", "/sobjects/Account", Name="Never run"),
    ]
    answer = org.call("POST", "/composite", {"allOrNone": True, "compositeRequest": parts})
    entries = answer.json()["compositeResponse"]
    codes = [entry["body"][0]["errorCode"] for entry in entries]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]
    assert entries[0]["body"][0]["message"] == (
        "The transaction was rolled back since another operation in the same transaction failed."
    )
    assert org.query("SELECT Id FROM Account WHERE Name = 'Rolled back'") == []


def test_outer_all_or_none_overrides_an_inner_collection(org: Client):
    """A failing row of an inner collection rolls the whole composite back. Source: facts 4.11 [D]."""
    records = [{"attributes": {"type": "Account"}, "Name": "Inner"}, {"attributes": {"type": "Account"}}]
    parts = [
        node("acc", "/sobjects/Account", Name="Outer"),
        node("many", "/composite/sobjects", allOrNone=False, records=records),
    ]
    answer = org.call("POST", "/composite", {"allOrNone": True, "compositeRequest": parts})
    assert answer.json()["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.query("SELECT Id FROM Account WHERE Name IN ('Inner', 'Outer')") == []


def test_composite_limits(org: Client):
    """25 parts, 5 of them heavy, unique references, no foreign headers. Source: facts 4.11 [D]."""
    account = node("a", "/sobjects/Account", Name="A")
    many = [{**account, "referenceId": f"r{number}"} for number in range(26)]
    heavy = [node(f"q{number}", "/query?q=SELECT+Id+FROM+Account", method="GET") for number in range(6)]
    named = [{**account, "referenceId": "-x"}]
    headed = [{**account, "httpHeaders": {"Authorization": "x"}}]
    nested = [node("n", "/composite", compositeRequest=[])]
    for parts in (many, heavy, [account, account], named, headed, nested):
        assert org.call("POST", "/composite", {"compositeRequest": parts}).status_code == 400


def test_conditions_inside_a_composite_are_honoured(org: Client):
    """If-Unmodified-Since of a part is honoured. Source: facts 13 [I]."""
    part = node("up", f"/sobjects/Opportunity/{org.deal()}", method="PATCH", Name="x")
    part["httpHeaders"] = {"If-Unmodified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}
    answer = org.call("POST", "/composite", {"compositeRequest": [part]})
    assert answer.json()["compositeResponse"][0]["httpStatusCode"] == 412


def test_batch_halts_on_request(org: Client):
    """A batch commits part by part; haltOnError answers 412 for the rest. Source: facts 4.12 [D]."""
    parts = [
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "Batch"}},
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {}},
        {"method": "GET", "url": "v66.0/limits"},
    ]
    used = org.emulator.org.usage.used
    answer = org.call("POST", "/composite/batch", {"batchRequests": parts, "haltOnError": True}).json()
    assert answer["hasErrors"] is True
    assert [result["statusCode"] for result in answer["results"]] == [201, 400, 412]
    assert org.emulator.org.usage.used == used + 3


def test_graphs_commit_one_by_one(org: Client, contacts: dict[str, str]):
    """A failed graph leaves nothing, its neighbour stays whole. Source: facts 4.14 [D]."""
    graphs = [
        deal_graph("g1", contacts["Leung"], "graph-1", Role="Evaluator"),
        deal_graph("g2", "003000000000001AAA", "graph-2"),
    ]
    good, bad = org.call("POST", "/composite/graph", {"graphs": graphs}).json()["graphs"]
    assert (good["graphId"], good["isSuccessful"], bad["isSuccessful"]) == ("g1", True, False)
    codes = [entry["body"][0]["errorCode"] for entry in bad["graphResponse"]["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "INVALID_CROSS_REFERENCE_KEY"]
    (deal,) = org.query("SELECT Id FROM Opportunity WHERE Sfsync_Key__c IN ('graph-1', 'graph-2')")
    assert [role["Role"] for role in org.roles(deal["Id"])] == ["Evaluator"]


def test_a_replayed_graph_fails_on_its_key_s13(org: Client, contacts: dict[str, str]):
    """The same graph sent again is refused by the unique key and takes its roles down. Facts 4.14 [D]."""
    graphs = [deal_graph("g", contacts["Leung"], "replayed")]
    for succeeded in (True, False):
        answer = org.call("POST", "/composite/graph", {"graphs": graphs}).json()["graphs"][0]
        assert answer["isSuccessful"] is succeeded
    (deal,) = org.query("SELECT Id FROM Opportunity WHERE Sfsync_Key__c = 'replayed'")
    assert len(org.roles(deal["Id"])) == 1


def test_after_14_failed_graphs_the_rest_is_halted(org: Client, contacts: dict[str, str]):
    """Good graphs behind 14 failures are not run. Source: facts 4.14 [D]."""
    graphs = [graph_of(f"g{number}", node("bad", "/sobjects/Account", Site="x")) for number in range(14)]
    graphs.append(deal_graph("last", contacts["Leung"], "never"))
    answer = org.call("POST", "/composite/graph", {"graphs": graphs}).json()["graphs"]
    assert answer[-1]["isSuccessful"] is False
    assert answer[-1]["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.query("SELECT Id FROM Opportunity WHERE Sfsync_Key__c = 'never'") == []


def test_graph_limits(org: Client):
    """500 nodes, 75 graphs, single records only, version 50 or later. Source: facts 4.14 [D]."""
    nodes = [node(f"r{number}", "/sobjects/Account", Name="A") for number in range(501)]
    small = [graph_of(f"g{number}", node("r", "/sobjects/Account", Name="A")) for number in range(76)]
    query = [graph_of("g", node("q", "/query?q=SELECT+Id+FROM+Account", method="GET"))]
    for graphs in ([graph_of("g", *nodes)], small, query, [graph_of("a.b", nodes[0])]):
        assert org.call("POST", "/composite/graph", {"graphs": graphs}).status_code == 400
    org.version = "49.0"
    assert org.call("POST", "/composite/graph", {"graphs": small[:1]}).status_code == 404


def test_trees_are_all_or_nothing(org: Client, contacts: dict[str, str]):
    """A tree answers 201 with every id or 400 with the failing references only. Facts 4.13 [D]."""

    def tree(contact: str) -> dict[str, Any]:
        role = {"attributes": {"type": "OpportunityContactRole", "referenceId": "r2"}, "ContactId": contact}
        deal = {"attributes": {"type": "Opportunity", "referenceId": "r1"}, **DEAL, "Name": "Tree"}
        return {"records": [{**deal, "OpportunityContactRoles": {"records": [role]}}]}

    refused = org.call("POST", "/composite/tree/Opportunity", tree("003000000000001AAA"))
    assert (refused.status_code, [row["referenceId"] for row in refused.json()["results"]]) == (400, ["r2"])
    assert org.query("SELECT Id FROM Opportunity WHERE Name = 'Tree'") == []
    created = org.call("POST", "/composite/tree/Opportunity", tree(contacts["Leung"]))
    ids = {row["referenceId"]: row["id"] for row in created.json()["results"]}
    assert (created.status_code, created.json()["hasErrors"]) == (201, False)
    assert [role["Id"] for role in org.roles(ids["r1"])] == [ids["r2"]]
