"""Answers of the org and what they prove: graphs, collections and queries, whole or misshapen."""

from __future__ import annotations

import gzip
import json

import pytest
from gateway_making import (
    CONTACT_ID,
    DEAL_ID,
    ROLE_ID,
    Bench,
    create_call,
    deal_graph,
    graph_answer,
    token_profile,
    update_call,
)
from scripted_org import ScriptedOrg, Seen, raw_reply, records, refusal, reply

from sfsync.core.ports import Lookup
from sfsync.core.writes import CollectionCall, GraphCall, Halted, Node, Refused, Route, Unanswered, Written
from sfsync.errors import ConfigError, OrgUnavailable
from sfsync.salesforce import session

ACCOUNTS = [Lookup("Account", ("Id",))]
CREATED = "Opportunity:DEAL-1"
UPDATED = [{"id": DEAL_ID, "success": True, "errors": []}]
BUSY = refusal(503, "SERVER_UNAVAILABLE")


def _rows(*ids: str) -> list[dict[str, object]]:
    return [{"id": each, "success": True, "errors": []} for each in ids]


SECOND_ID = "006000000000002AAA"


@pytest.mark.parametrize(
    "document",
    [
        _rows(DEAL_ID),
        _rows(DEAL_ID, SECOND_ID, DEAL_ID),
        _rows(SECOND_ID, DEAL_ID),
        _rows(DEAL_ID, CONTACT_ID),
        _rows(DEAL_ID, "006000000000002AAB"),
        [{"success": True, "errors": []}, {"id": SECOND_ID, "success": True, "errors": []}],
        [{"success": False, "errors": []}, {"id": SECOND_ID, "success": True, "errors": []}],
        [{"id": DEAL_ID, "success": "true", "errors": []}, {"id": SECOND_ID, "errors": []}],
        {"hasErrors": False},
        [None, None],
    ],
)
def test_n10_results_that_do_not_fit_prove_nothing(org: ScriptedOrg, document: object) -> None:
    """Fewer, more, shuffled or misshapen results leave every row of the batch unanswered."""
    org.answers(reply(200, document))
    answers = Bench(token_profile(org.url)).gateway.write(update_call(DEAL_ID, SECOND_ID))
    assert all(isinstance(each, Unanswered) for each in answers.values())
    assert len(answers) == 2


@pytest.mark.parametrize(
    "answer",
    [
        raw_reply(200, b"{" * 100_000, Content_Type="application/json"),
        raw_reply(200, b'{"a": NaN}', Content_Type="application/json"),
        raw_reply(200, b"\xff", Content_Type="application/json"),
        raw_reply(200, b"no gzip", Content_Type="application/json", Content_Encoding="gzip"),
        raw_reply(
            200, gzip.compress(b"{}" * 99)[:-12], Content_Type="application/json", Content_Encoding="gzip"
        ),
        raw_reply(201, b"", Content_Type="application/json"),
        raw_reply(200, b"true", Content_Type="application/json"),
    ],
)
def test_n10_unreadable_answers_are_lost_answers(org: ScriptedOrg, answer: bytes) -> None:
    """Bad gzip and bad JSON leave a create unanswered, and a read is asked again."""
    org.answers(answer)
    gateway = Bench(token_profile(org.url)).gateway
    assert isinstance(gateway.write(create_call())[CREATED], Unanswered)
    org.answers(answer, records({"Id": "1"}))
    assert gateway.fetch(ACCOUNTS) == [[{"Id": "1"}]]


@pytest.mark.parametrize("tail", [b"", b"zz\r\n"])
def test_n7_chunks_without_their_end_are_a_lost_answer(org: ScriptedOrg, tail: bytes) -> None:
    """A chunked answer counts only with its last chunk, even when the JSON before it looks whole."""
    body = json.dumps(graph_answer()).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    gateway = Bench(token_profile(org.url)).gateway
    org.answers(head + chunk[: len(chunk) // 2])
    assert isinstance(gateway.write(create_call())[CREATED], Unanswered)
    org.answers(head + chunk + tail)
    assert isinstance(gateway.write(create_call())[CREATED], Unanswered)
    org.answers(head + chunk + b"0\r\n\r\n")
    assert gateway.write(create_call())[CREATED] == Written(DEAL_ID)


def test_an_answer_beyond_the_ceiling_is_given_up(org: ScriptedOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that never ends is not kept in memory: it counts as a lost answer."""
    monkeypatch.setattr(session, "_MAX_BODY_BYTES", 1000)
    org.answers(reply(200, {"x": "x" * 2000}))
    answers = Bench(token_profile(org.url)).gateway.write(create_call())
    assert isinstance(answers[CREATED], Unanswered)


def test_cookies_are_neither_kept_nor_sent(org: ScriptedOrg) -> None:
    """What an answer wants to set is ignored. Source: real answers set BrowserId cookies."""
    org.answers(reply(200, UPDATED, Set_Cookie="BrowserId=x; Path=/"))
    gateway = Bench(token_profile(org.url)).gateway
    gateway.write(update_call())
    gateway.write(update_call())
    assert all("Cookie" not in each.headers for each in org.seen)


def test_n10_graphs_are_matched_by_their_ids(org: ScriptedOrg) -> None:
    """A graph in the answer that was not sent makes the whole call unanswered; another order does not."""
    gateway = Bench(token_profile(org.url)).gateway
    org.answers(reply(200, graph_answer(graph_id="g_OTHER")))
    assert isinstance(gateway.write(create_call())[CREATED], Unanswered)
    first, second = graph_answer(), graph_answer(graph_id="g_DEAL_2", record_id=SECOND_ID)
    org.answers(reply(200, {"graphs": [second["graphs"][0], first["graphs"][0]]}))
    answers = gateway.write(GraphCall((deal_graph(), deal_graph("DEAL-2")), Route.KEY_FENCE))
    assert answers == {CREATED: Written(DEAL_ID), "Opportunity:DEAL-2": Written(SECOND_ID)}


def _node(reference: str, status: int, body: object) -> dict[str, object]:
    return {"referenceId": reference, "httpStatusCode": status, "httpHeaders": {}, "body": body}


def _graph_of(*nodes: dict[str, object], successful: object) -> bytes:
    graph = {
        "graphId": "g_DEAL_1",
        "graphResponse": {"compositeResponse": list(nodes)},
        "isSuccessful": successful,
    }
    return reply(200, {"graphs": [graph]})


def test_s10_the_culprit_of_a_graph_is_refused_and_its_sibling_halted(org: ScriptedOrg) -> None:
    """Of a graph that was rolled back only the node with an error of its own is to blame."""
    halted = [{"errorCode": "PROCESSING_HALTED", "message": "The transaction was rolled back"}]
    culprit = [
        {
            "errorCode": "DUPLICATES_DETECTED",
            "message": "Use one?",
            "fields": ["Name"],
            "duplicateResut": {"matchResults": [{"matchRecords": [{"record": {"Id": DEAL_ID}}]}]},
        }
    ]
    org.answers(_graph_of(_node("role", 400, halted), _node("deal", 400, culprit), successful=False))
    call = GraphCall((deal_graph(with_role=True),), Route.KEY_FENCE)
    answers = Bench(token_profile(org.url)).gateway.write(call)
    assert answers[CREATED] == Refused("DUPLICATES_DETECTED", "Use one?", ("Name",), (DEAL_ID,))
    assert answers["OpportunityContactRole:DEAL-1"] == Halted()


def test_n10_a_graph_counts_only_when_each_of_its_nodes_proves_itself(org: ScriptedOrg) -> None:
    """One node without a valid id, or a missing word about success, leaves the whole graph unanswered."""
    good = _node("deal", 201, {"id": DEAL_ID, "success": True, "errors": []})
    role = _node("role", 201, {"id": ROLE_ID, "success": True, "errors": []})
    wrong = _node("role", 201, {"id": CONTACT_ID, "success": True, "errors": []})
    call = GraphCall((deal_graph(with_role=True),), Route.KEY_FENCE)
    gateway = Bench(token_profile(org.url)).gateway
    for nodes, successful in [
        ((good, wrong), True),
        ((good,), True),
        ((good, role), None),
        ((good, good), True),
    ]:
        org.answers(_graph_of(*nodes, successful=successful))
        assert all(isinstance(each, Unanswered) for each in gateway.write(call).values())
    org.answers(_graph_of(good, role, successful=True))
    assert all(isinstance(each, Written) for each in gateway.write(call).values())


def test_a_request_refused_whole_refuses_every_row(org: ScriptedOrg) -> None:
    """A body that the parser refuses was not carried out: each row is refused with the code."""
    org.answers(refusal(400, "JSON_PARSER_ERROR", "at [line:1, column:55]"))
    answers = Bench(token_profile(org.url)).gateway.write(update_call(DEAL_ID, SECOND_ID))
    assert [each.code for each in answers.values() if isinstance(each, Refused)] == ["JSON_PARSER_ERROR"] * 2


def test_each_collection_of_a_composite_is_judged_by_its_own_status(org: ScriptedOrg) -> None:
    """One collection saved, one refused, one in doubt: three different ends in one answer."""
    rows = [Node(f"n{each}", f"Account:{each}", "Account", None, {"Name": each}) for each in "abc"]
    subanswers = [
        _node("c2", 500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": ""}]),
        _node("c0", 200, _rows("001000000000001AAA")),
        _node("c1", 403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": ""}]),
    ]
    org.answers(reply(200, {"compositeResponse": subanswers}))
    call = CollectionCall(tuple((row,) for row in rows), Route.AT_MOST_ONCE)
    answers = Bench(token_profile(org.url)).gateway.write(call)
    assert answers["Account:a"] == Written("001000000000001AAA")
    assert answers["Account:b"] == Refused("REQUEST_LIMIT_EXCEEDED", "")
    assert isinstance(answers["Account:c"], Unanswered)


def test_a_text_that_looks_like_a_reference_is_held_back(org: ScriptedOrg) -> None:
    """A composite would replace `@{...}` in a text, so its row is refused before anything is sent."""
    node = Node("n", "Opportunity:1", "Opportunity", None, {"Name": "see @{deal.id}"})
    answers = Bench(token_profile(org.url)).gateway.write(
        GraphCall((deal_graph(), type(deal_graph())("g2", (node,))), Route.KEY_FENCE)
    )
    assert isinstance(answers["Opportunity:1"], Refused)
    assert answers[CREATED] == Halted()
    assert org.seen == []


def test_s22_an_expired_cursor_starts_the_query_again(org: ScriptedOrg) -> None:
    """A cursor that ended, or pages that do not add up, make the query start anew."""
    first = records({"Id": "1"}, total=2, following="/services/data/v66.0/query/0r8-1")
    gone = refusal(400, "INVALID_QUERY_LOCATOR")
    org.answers(first, gone, first, records({"Id": "2"}, total=2))
    assert Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS) == [[{"Id": "1"}, {"Id": "2"}]]
    org.answers(records({"Id": "1"}, total=3))
    with pytest.raises(OrgUnavailable) as caught:
        Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert caught.value.code == "INCOMPLETE_QUERY"


def test_many_lookups_share_composite_calls(org: ScriptedOrg) -> None:
    """Seven look-ups take two calls, and each gets its own records whatever the order of the answers."""

    def respond(seen: Seen) -> bytes:
        asked = seen.json["compositeRequest"]
        found = [
            _node(
                each["referenceId"],
                200,
                {"totalSize": 1, "done": True, "records": [{"Name": each["url"].split("%27")[1]}]},
            )
            for each in asked
        ]
        return reply(200, {"compositeResponse": found[::-1]})

    org.respond = respond
    lookups = [Lookup("Account", ("Name",), "Name", (f"k{place}",)) for place in range(7)]
    found = Bench(token_profile(org.url)).gateway.fetch(lookups)
    assert found == [[{"Name": f"k{place}"}] for place in range(7)]
    assert len(org.seen) == 2
    assert [each.target for each in org.seen] == ["/services/data/v66.0/composite"] * 2


def test_a_refused_query_among_others_stops_with_its_name(org: ScriptedOrg) -> None:
    """An unknown field in one of several queries is a config error that names the field."""
    message = (
        "\nSELECT Foo FROM Account\n ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Account'."
    )
    body = [{"errorCode": "INVALID_FIELD", "message": message}]
    org.answers(reply(200, {"compositeResponse": [_node("q0", 400, body), _node("q1", 400, body)]}))
    with pytest.raises(ConfigError) as caught:
        Bench(token_profile(org.url)).gateway.fetch([Lookup("Account", ("Foo",)), Lookup("Contact", ("Id",))])
    assert "no field Foo on Account" in caught.value.message
