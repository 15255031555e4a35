"""Composite, batch and graph: references, rollback, halting, limits."""

from typing import Any

import pytest
from emulator_client import DEAL, Client
from facts import fact

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


@fact("4.11-references", "4.11-raw-spaces")
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


@fact("4.2-composite", "7.3-halted")
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


@fact("4.11-all-or-none")
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


@fact("4.11-reference-id")
@pytest.mark.parametrize("ids", [["a", "a"], ["-x"], ["_x"], ["a b"], [""], ["a.b"], ["a", "A"]])
def test_reference_ids_are_words_of_their_own(org: Client, ids: list[str]):
    """A repeated or odd reference id refuses the whole composite; case makes a difference."""
    parts = [node(name, "/sobjects/Account", Name="Referenced") for name in ids]
    answer = org.call("POST", "/composite", {"compositeRequest": parts})
    assert answer.status_code == (200 if ids == ["a", "A"] else 400)


@fact("4.12-serial", "4.12-halt", "4.12-counts", "8-per-part")
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


@fact("4.14-transaction", "4.14-shape")
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


@fact("4.14-halted")
def test_after_14_failed_graphs_the_rest_is_halted(org: Client, contacts: dict[str, str]):
    """Good graphs behind 14 failures are not run. Source: facts 4.14 [D]."""
    graphs = [graph_of(f"g{number}", node("bad", "/sobjects/Account", Site="x")) for number in range(14)]
    graphs.append(deal_graph("last", contacts["Leung"], "never"))
    answer = org.call("POST", "/composite/graph", {"graphs": graphs}).json()["graphs"]
    assert answer[-1]["isSuccessful"] is False
    assert answer[-1]["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.query("SELECT Id FROM Opportunity WHERE Sfsync_Key__c = 'never'") == []


@fact("4.13-created", "4.13-refused")
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


@fact("4.11-shape")
def test_what_an_entry_of_a_composite_holds(org: Client):
    """Each part is answered by body, headers, status and its reference, in a 200 whatever failed."""
    parts = [node("made", "/sobjects/Account", Name="A"), node("gone", "/sobjects/Nope", method="GET")]
    answer = org.call("POST", "/composite", {"compositeRequest": parts})
    made, gone = answer.json()["compositeResponse"]
    assert answer.status_code == 200
    assert set(made) == set(gone) == {"body", "httpHeaders", "httpStatusCode", "referenceId"}
    assert made["httpHeaders"]["Location"].endswith(made["body"]["id"])
    assert (gone["httpStatusCode"], gone["body"][0]["errorCode"], gone["httpHeaders"]) == (
        404,
        "NOT_FOUND",
        {},
    )
    updated = node("up", f"/sobjects/Account/{made['body']['id']}", method="PATCH", Site="x")
    (entry,) = org.call("POST", "/composite", {"compositeRequest": [updated]}).json()["compositeResponse"]
    assert (entry["body"], entry["httpStatusCode"]) == (None, 204)


@fact("4.11-references-case")
@pytest.mark.parametrize("path", ["@{Acc.id}", "@{acc.Id}", "@{acc.ID}", "@{acc.id.x}", "@{acc.errors[0]}"])
def test_references_are_case_sensitive(org: Client, path: str):
    """A reference in another case, or to what is not there, has no value."""
    parts = [
        node("acc", "/sobjects/Account", Name="A"),
        node("con", "/sobjects/Contact", LastName=path, AccountId=path),
    ]
    _, halted = org.call("POST", "/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert (halted["httpStatusCode"], halted["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")


@fact("4.11-inner-success", "4.11-outer-wins")
@pytest.mark.parametrize("inner", [False, True])
def test_a_collection_claims_success_for_what_was_rolled_back(org: Client, inner: bool):
    """The rows of a collection say success although a later part undid them: only the others tell."""
    records = [{"attributes": {"type": "Account"}, "Name": "Claimed"}]
    parts = [
        node("many", "/composite/sobjects", allOrNone=inner, records=records),
        node("bad", "/sobjects/Account", Site="x"),
    ]
    answer = org.call("POST", "/composite", {"allOrNone": True, "compositeRequest": parts}).json()
    many, bad = answer["compositeResponse"]
    assert (many["httpStatusCode"], [row["success"] for row in many["body"]]) == (200, [True])
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert org.query("SELECT Id FROM Account WHERE Name = 'Claimed'") == []


@fact("4.11-outer-wins", "4.11-inner-success")
def test_a_failing_row_of_a_collection_undoes_the_composite(org: Client):
    """With allOrNone outside, the good rows beside a failing one go too, whatever they say."""
    records = [{"attributes": {"type": "Account"}, "Name": "Beside"}, {"attributes": {"type": "Account"}}]
    part = node("many", "/composite/sobjects", allOrNone=False, records=records)
    answer = org.call("POST", "/composite", {"allOrNone": True, "compositeRequest": [part]}).json()
    assert [row["success"] for row in answer["compositeResponse"][0]["body"]] == [True, False]
    assert org.query("SELECT Id FROM Account WHERE Name = 'Beside'") == []


@fact("4.11-headers")
@pytest.mark.parametrize(
    ("header", "status"),
    [("Accept", 400), ("authorization", 400), ("Content-Type", 400), ("Sforce-Call-Options", 200)],
)
def test_which_headers_a_part_may_carry(org: Client, header: str, status: int):
    """Three headers refuse the whole composite, others are taken."""
    part = {**node("a", "/sobjects/Account", Name="A"), "httpHeaders": {header: "x"}}
    assert org.call("POST", "/composite", {"compositeRequest": [part]}).status_code == status


@fact("4.11-permitted")
@pytest.mark.parametrize(
    "path", ["/composite", "/composite/batch", "/composite/tree/Account", "/composite/graph", "/jobs/ingest"]
)
def test_what_no_part_may_be(org: Client, path: str):
    """Composites, batches, trees, graphs and Bulk jobs are no parts of a composite or of a batch."""
    assert org.call("POST", "/composite", {"compositeRequest": [node("n", path)]}).status_code == 400
    part = {"method": "POST", "url": f"v66.0{path}", "richInput": {}}
    answer = org.call("POST", "/composite/batch", {"batchRequests": [part]}).json()
    assert (answer["hasErrors"], answer["results"][0]["statusCode"]) == (True, 400)


@fact("4.12-shape", "4.2-batch", "4.12-serial")
def test_what_a_batch_answers(org: Client):
    """Each part has its status and its result; a failure leaves the others saved and references stay text."""
    deal = org.deal()
    parts = [
        {
            "method": "PATCH",
            "url": f"v66.0/sobjects/Opportunity/{deal}",
            "richInput": {"NextStep": "@{a.id}"},
        },
        {"method": "GET", "url": "v66.0/sobjects/Nope"},
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "After"}},
    ]
    answer = org.call("POST", "/composite/batch", {"batchRequests": parts}).json()
    changed, gone, made = answer["results"]
    assert (set(answer), answer["hasErrors"]) == ({"hasErrors", "results"}, True)
    assert changed == {"statusCode": 204, "result": None}
    assert (gone["statusCode"], gone["result"][0]["errorCode"]) == (404, "NOT_FOUND")
    assert made["statusCode"] == 201
    assert org.get("Opportunity", deal)["NextStep"] == "@{a.id}"


@fact("4.14-node-keys")
def test_nodes_carry_no_headers(org: Client):
    """A header on a node refuses the whole payload."""
    headed = {**node("a", "/sobjects/Account", Name="A"), "httpHeaders": {"If-Match": "x"}}
    assert org.call("POST", "/composite/graph", {"graphs": [graph_of("g", headed)]}).status_code == 400


@fact("4.14-rows-only")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/query?q=SELECT+Id+FROM+Account"),
        ("POST", "/composite/sobjects"),
        ("GET", "/sobjects/Account/describe"),
        ("GET", "/sobjects/Account"),
        ("GET", "/limits"),
    ],
)
def test_nodes_are_records(org: Client, method: str, path: str):
    """Queries, collections and describes are no nodes."""
    graph = graph_of("g", node("a", path, method=method))
    assert org.call("POST", "/composite/graph", {"graphs": [graph]}).status_code == 400


@fact("4.14-shape", "4.14-transaction")
def test_a_graph_may_read_change_and_delete(org: Client):
    """Nodes of all methods run in one transaction, by id and by key."""
    deal = org.deal(Sfsync_Key__c="graph-crud")
    nodes = [
        node("read", f"/sobjects/Opportunity/{deal}", method="GET"),
        node("up", "/sobjects/Opportunity/Sfsync_Key__c/graph-crud", method="PATCH", NextStep="@{read.Name}"),
        node("del", f"/sobjects/Opportunity/{deal}", method="DELETE"),
    ]
    (graph,) = org.call("POST", "/composite/graph", {"graphs": [graph_of("g", *nodes)]}).json()["graphs"]
    assert set(graph) == {"graphId", "graphResponse", "isSuccessful"}
    statuses = [entry["httpStatusCode"] for entry in graph["graphResponse"]["compositeResponse"]]
    assert (statuses, graph["isSuccessful"]) == ([200, 200, 204], True)
    assert org.call("GET", f"/sobjects/Opportunity/{deal}").status_code == 404


@fact("4.13-refused", "4.2-rows")
def test_a_refused_tree_lists_only_what_failed(org: Client):
    """Two culprits of three are listed by their references, in row form, and nothing is saved."""

    def leaf(reference: str, **values: Any) -> dict[str, Any]:
        return {"attributes": {"type": "Account", "referenceId": reference}, **values}

    records = [leaf("good", Name="Tree"), leaf("bad1"), leaf("bad2", Name="x" * 300)]
    answer = org.call("POST", "/composite/tree/Account", {"records": records})
    results = {result["referenceId"]: result["errors"] for result in answer.json()["results"]}
    assert (answer.status_code, answer.json()["hasErrors"], list(results)) == (400, True, ["bad1", "bad2"])
    assert {tuple(sorted(error)) for errors in results.values() for error in errors} == {
        ("fields", "message", "statusCode")
    }
    assert org.query("SELECT Id FROM Account WHERE Name = 'Tree'") == []
