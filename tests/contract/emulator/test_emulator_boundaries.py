"""The sizes a request may have: at its limit each resource answers, one more is refused as a whole."""

from typing import Any

import pytest
from emulator_client import Client
from facts import fact

from sfsync.emulator.server import running

BASE = "/services/data/v66.0"
ACCOUNT = {"Name": "Boundary"}
Body = dict[str, Any]


def part(
    reference: str, url: str = "/sobjects/Account", *, method: str = "POST", body: Any = ACCOUNT
) -> Body:
    """Return a part of a composite."""
    return {"method": method, "url": BASE + url, "referenceId": reference, "body": body}


def rows(*types: str) -> list[Body]:
    """Return records of these objects, too poor to be saved."""
    return [{"attributes": {"type": name}} for name in types]


def composite(number: int) -> Body:
    """Return a composite of so many reads."""
    return {"compositeRequest": [part(f"r{each}", "/limits", method="GET") for each in range(number)]}


def heavy(number: int) -> Body:
    """Return a composite of so many queries and collections."""
    soql = "/query?q=SELECT+Id+FROM+Account"
    parts = [part(f"q{each}", soql, method="GET") for each in range(number - 1)]
    return {
        "compositeRequest": [*parts, part("many", "/composite/sobjects", body={"records": rows("Account")})]
    }


def batch(number: int) -> Body:
    """Return a batch of so many reads."""
    return {"batchRequests": [{"method": "GET", "url": "v66.0/limits"}] * number}


def mixed(chunks: int) -> Body:
    """Return a collection of so many chunks."""
    return {"records": rows(*["Account", "Contact"] * (chunks // 2), *["Account"] * (chunks % 2))}


def graphs(*sizes: int) -> Body:
    """Return graphs with so many nodes each, that fail fast."""
    return {
        "graphs": [
            {"graphId": f"g{number}", "compositeRequest": [part(f"r{each}", body={}) for each in range(size)]}
            for number, size in enumerate(sizes)
        ]
    }


def deep(levels: int) -> Body:
    """Return a graph whose nodes hang on one another."""
    nodes = [part("r0")]
    for level in range(1, levels):
        body = {"Name": "Deep", "ParentId": f"@{{r{level - 1}.id}}"}
        nodes.append(part(f"r{level}", body=body))
    return {"graphs": [{"graphId": "deep", "compositeRequest": nodes}]}


def kinds(number: int) -> Body:
    """Return a graph of so many kinds of nodes."""
    names = ["Account", "Contact", "Opportunity", "Lead", "Campaign", "Pricebook2", "Shoe_Model__c", "User"]
    pairs = [(method, name) for method in ("POST", "PATCH") for name in names][:number]
    nodes = [
        part(
            f"r{each}",
            f"/sobjects/{name}" + ("" if method == "POST" else "/001000000000001AAA"),
            method=method,
        )
        for each, (method, name) in enumerate(pairs)
    ]
    return {"graphs": [{"graphId": "kinds", "compositeRequest": nodes}]}


def named_graph(name: str) -> Body:
    """Return a graph of this name."""
    return {"graphs": [{"graphId": name, "compositeRequest": [part("r")]}]}


def tree(number: int) -> Body:
    """Return a tree with so many records on two levels."""
    children = [leaf("Contact", f"c{each}", LastName="Leaf") for each in range(number - 1)]
    return {"records": [{**leaf("Account", "a", Name="Tree"), "Contacts": {"records": children}}]}


def leaf(sobject: str, reference: str, **values: Any) -> Body:
    """Return a record of a tree."""
    return {"attributes": {"type": sobject, "referenceId": reference}, **values}


def levels(number: int) -> Body:
    """Return a tree of accounts below accounts."""
    below: Body = {}
    for level in range(number, 0, -1):
        below = {
            "records": [
                {**leaf("Account", f"l{level}", Name="Level"), **({"ChildAccounts": below} if below else {})}
            ]
        }
    return below


CASES = [
    pytest.param("/composite", composite(25), composite(26), marks=fact("4.11-most", "8-composite")),
    pytest.param("/composite", heavy(5), heavy(6), marks=fact("4.11-heavy")),
    pytest.param("/composite/batch", batch(25), batch(26), marks=fact("4.12-most", "8-batch")),
    pytest.param(
        "/composite/sobjects",
        {"records": rows(*["Account"] * 200)},
        {"records": rows(*["Account"] * 201)},
        marks=fact("4.15-most", "8-collections"),
    ),
    pytest.param("/composite/sobjects", mixed(10), mixed(11), marks=fact("4.15-chunks")),
    pytest.param("/composite/graph", graphs(*[1] * 75), graphs(*[1] * 76), marks=fact("4.14-graphs")),
    pytest.param("/composite/graph", graphs(500), graphs(501), marks=fact("4.14-nodes", "8-graph")),
    pytest.param("/composite/graph", graphs(250, 250), graphs(250, 251), marks=fact("4.14-nodes")),
    pytest.param("/composite/graph", deep(15), deep(16), marks=fact("4.14-depth")),
    pytest.param("/composite/graph", kinds(15), kinds(16), marks=fact("4.14-kinds")),
    pytest.param(
        "/composite/graph", named_graph("9" * 39), named_graph("9" * 40), marks=fact("4.14-graph-id")
    ),
    pytest.param("/composite/graph", named_graph("a-b_c d"), named_graph("a.b"), marks=fact("4.14-graph-id")),
    pytest.param("/composite/graph", named_graph("1"), named_graph("_1"), marks=fact("4.14-graph-id")),
    pytest.param("/composite/tree/Account", tree(200), tree(201), marks=fact("4.13-limits", "8-collections")),
    pytest.param("/composite/tree/Account", levels(5), levels(6), marks=fact("4.13-limits")),
]


@fact("7.3-too-big")
@pytest.mark.parametrize(("path", "fits", "exceeds"), CASES)
def test_a_request_fits_or_is_refused_as_a_whole(org: Client, path: str, fits: Body, exceeds: Body):
    """The largest request is answered part by part; one part more is a 400 that saves nothing."""
    assert org.call("POST", path, fits).status_code in {200, 201}
    commits = len(org.emulator.audit.commits)
    refused = org.call("POST", path, exceeds)
    assert refused.status_code == 400
    assert [sorted(error) for error in refused.json()] == [["errorCode", "message"]]
    assert len(org.emulator.audit.commits) == commits


@fact("4.13-limits")
@pytest.mark.parametrize(("number", "status"), [(5, 201), (6, 400)])
def test_a_tree_spans_five_objects(number: int, status: int):
    """Records of five objects make a tree, records of six do not, even on two levels."""
    names = [f"Child{each}__c" for each in range(number - 1)]
    objects = [{"name": name, "label": name, "key_prefix": f"a0{each}"} for each, name in enumerate(names)]
    fields = [
        {
            "object": name,
            "name": "Account__c",
            "type": "Lookup",
            "reference_to": "Account",
            "relationship_name": "Account__r",
            "child_relationship": name.replace("__c", "__r"),
        }
        for name in names
    ]
    children = {name.replace("__c", "__r"): {"records": [leaf(name, name)]} for name in names}
    with running({"objects": objects, "fields": fields}) as emulator:
        org = Client(emulator)
        body = {"records": [{**leaf("Account", "a", Name="A"), **children}]}
        assert org.call("POST", "/composite/tree/Account", body).status_code == status
        org.http.close()


@fact("4.1-414", "4.1-431", "8-address")
@pytest.mark.parametrize(
    ("address", "header", "status"), [(15_000, 100, 400), (16_400, 10, 414), (9_000, 9_000, 431)]
)
def test_address_and_headers_have_a_common_limit(org: Client, address: int, header: int, status: int):
    """An address is read up to 16,384 bytes, its headers counted in; beyond it is a 414 or a 431."""
    answer = org.call("GET", "/query?q=" + "x" * address, headers={"X-Long": "x" * header})
    assert answer.status_code == status


@fact("4.15-retrieve", "8-address")
def test_ids_in_an_address_are_limited_by_its_length(org: Client):
    """Some 800 ids fit into an address; more is a 414, and the body takes them."""
    ids = [org.deal()] * 2_000
    answer = org.call("GET", f"/composite/sobjects/Opportunity?ids={','.join(ids[:800])}&fields=Id")
    assert (answer.status_code, len(answer.json())) == (200, 800)
    assert (
        org.call("GET", f"/composite/sobjects/Opportunity?ids={','.join(ids)}&fields=Id").status_code == 414
    )
    posted = org.call("POST", "/composite/sobjects/Opportunity", {"ids": ids, "fields": ["Id"]})
    assert len(posted.json()) == 2_000


@fact("4.15-delete", "4.15-most")
def test_a_collection_delete_takes_200_ids(org: Client):
    """201 ids in one delete are refused."""
    ids = ["006000000000001AAA"] * 201
    assert len(org.call("DELETE", f"/composite/sobjects?ids={','.join(ids[:200])}").json()) == 200
    assert org.call("DELETE", f"/composite/sobjects?ids={','.join(ids)}").status_code == 400
