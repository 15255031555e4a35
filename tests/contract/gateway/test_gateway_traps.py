"""The traps of the libraries under the door, by their ids: each test shows that the door is safe."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from gateway_making import (
    DEAL_ID,
    SECRET,
    TOKEN,
    Bench,
    client_profile,
    create_call,
    graph_answer,
    token_answer,
    token_profile,
    update_call,
)
from scripted_org import (
    RESET,
    ScriptedOrg,
    Seen,
    page,
    raw_reply,
    records,
    redirect,
    refusal,
    reply,
    scripted_org,
)

from sfsync.core.ports import Lookup
from sfsync.core.writes import CollectionCall, Halted, Node, Refused, Route, Unanswered, Written
from sfsync.errors import AccessError, ConfigError, OrgUnavailable, SyncError
from sfsync.salesforce.retrying import RetryPolicy
from sfsync.salesforce.session import Timeouts

ACCOUNTS = [Lookup("Account", ("Id",))]
UPDATED = [{"id": DEAL_ID, "success": True, "errors": []}]


def test_t1_s1_a_replay_after_a_login_carries_the_same_headers_and_body(org: ScriptedOrg) -> None:
    """After an expired session the same request goes again, with nothing changed but the token."""
    tokens = iter(("first", "second"))

    def respond(seen: Seen) -> bytes:
        if "oauth2" in seen.target:
            return reply(200, token_answer(org.url, next(tokens)))
        expired = seen.headers["Authorization"] == "Bearer first"
        return refusal(401, "INVALID_SESSION_ID") if expired else reply(200, UPDATED)

    org.respond = respond
    answers = Bench(client_profile(org.url)).gateway.write(update_call())
    first, second = org.api_calls()
    assert answers["Opportunity:0"] == Written(DEAL_ID)
    assert first.headers.pop("Authorization") == "Bearer first"
    assert second.headers.pop("Authorization") == "Bearer second"
    assert (first.headers, first.body, first.target) == (second.headers, second.body, second.target)


def test_t2_s2_a_lasting_401_ends_after_few_logins(org: ScriptedOrg) -> None:
    """A session that is never accepted stops the run after at most three logins."""
    org.respond = lambda seen: (
        reply(200, token_answer(org.url)) if "oauth2" in seen.target else refusal(401, "INVALID_SESSION_ID")
    )
    bench = Bench(client_profile(org.url))
    for _ in range(3):
        with pytest.raises(AccessError):
            bench.gateway.fetch(ACCOUNTS)
    assert len(org.logins()) == 3
    assert bench.gateway.usage.logins == 3


def test_t2_a_token_profile_never_logs_in(org: ScriptedOrg) -> None:
    """A token that has ended is an access error with one request and no login."""
    org.answers(refusal(401, "INVALID_SESSION_ID"))
    with pytest.raises(AccessError) as caught:
        Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert caught.value.code == "INVALID_SESSION_ID"
    assert len(org.seen) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 302])
def test_t3_n9_a_page_is_never_a_saved_row(org: ScriptedOrg, status: int) -> None:
    """A page with a good status leaves a write unanswered, and it is sent once."""
    org.answers(page(status))
    answers = Bench(token_profile(org.url)).gateway.write(create_call())
    assert isinstance(answers["Opportunity:DEAL-1"], Unanswered)
    assert len(org.seen) == 1


@pytest.mark.parametrize(
    "body", [{}, [], {"graphs": []}, {"id": DEAL_ID, "success": True}, [{"success": True}]]
)
def test_t3_success_needs_the_proof_of_the_body(org: ScriptedOrg, body: object) -> None:
    """A JSON answer that does not prove the row leaves it unanswered."""
    org.answers(reply(201, body))
    answers = Bench(token_profile(org.url)).gateway.write(create_call())
    assert isinstance(answers["Opportunity:DEAL-1"], Unanswered)


@pytest.mark.parametrize("result", [{"id": DEAL_ID}, {"id": DEAL_ID, "success": "true", "errors": []}])
def test_t3_a_result_that_does_not_say_success_is_none(org: ScriptedOrg, result: dict[str, object]) -> None:
    """An id alone does not prove that the row was saved."""
    org.answers(reply(200, [result]))
    answers = Bench(token_profile(org.url)).gateway.write(update_call())
    assert isinstance(answers["Opportunity:0"], Unanswered)


def test_t4_a_page_with_401_is_no_json_error(org: ScriptedOrg) -> None:
    """A 401 page stops a read as an access error, and leaves a create unanswered, without a login."""
    org.answers(page(401))
    bench = Bench(token_profile(org.url))
    with pytest.raises(AccessError):
        bench.gateway.fetch(ACCOUNTS)
    assert isinstance(bench.gateway.write(create_call())["Opportunity:DEAL-1"], Unanswered)


@pytest.mark.parametrize(
    "key", ["//evil.example/x", "https://evil.example", "../..", "a?b#c", "a b+c", "x' OR Id != '"]
)
def test_t5_a_key_never_changes_host_or_path(org: ScriptedOrg, key: str) -> None:
    """Whatever a key looks like, the request goes to the query resource of the org."""
    org.answers(records())
    Bench(token_profile(org.url)).gateway.fetch([Lookup("Account", ("Id",), "Name", (key,))])
    assert org.seen[0].target.startswith("/services/data/v66.0/query?q=SELECT%20Id%20FROM%20Account%20WHERE")
    assert "#" not in org.seen[0].target
    assert " " not in org.seen[0].target


@pytest.mark.parametrize(
    "following",
    [
        "@evil.example/x",
        "//evil.example/x",
        "https://evil.example/x",
        "services/x",
        "/services/../x",
        "/services/data/v66.0/\\evil",
    ],
)
def test_t6_a_next_page_elsewhere_is_not_asked_for(org: ScriptedOrg, following: str) -> None:
    """A next page that is no path of the same host ends the query, and nothing is sent there."""
    org.answers(records({"Id": "1"}, total=2, following=following))
    with pytest.raises(OrgUnavailable) as caught:
        Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert caught.value.code == "FOREIGN_PAGE"
    assert len(org.seen) == 1


def _drip(data: bytes, pause: threading.Event) -> Iterator[bytes]:
    for place in range(len(data)):
        pause.wait(0.05)
        yield data[place : place + 1]


@pytest.mark.parametrize("size", [10, 4000])
def test_t7_n8_a_drip_ends_at_the_total_deadline(org: ScriptedOrg, size: int) -> None:
    """A reply that comes byte by byte, in its head or its body, is given up at the deadline."""
    org.answers(_drip(reply(200, {"x": "x" * size}), threading.Event()))
    policy = RetryPolicy(deadline_s=0.3, timeouts=Timeouts(connect_s=1.0, read_s=1.0))
    started = time.monotonic()
    answers = Bench(token_profile(org.url), policy).gateway.write(create_call())
    assert isinstance(answers["Opportunity:DEAL-1"], Unanswered)
    assert time.monotonic() - started < 2


def test_t8_n7_a_reply_cut_at_any_byte_proves_nothing(org: ScriptedOrg) -> None:
    """Of all beginnings of a good reply only the whole one counts as saved."""
    whole = reply(201, graph_answer())
    bench = Bench(token_profile(org.url), RetryPolicy(breaker_limit=10_000))
    call = create_call()
    for length in (*range(0, 150, 3), *range(150, len(whole), 17), len(whole) - 1):
        org.answers(whole[:length])
        answer = bench.gateway.write(call)["Opportunity:DEAL-1"]
        assert isinstance(answer, Unanswered), length
    org.answers(whole)
    assert bench.gateway.write(call)["Opportunity:DEAL-1"] == Written(DEAL_ID)


def test_t8_a_half_status_line_proves_nothing(org: ScriptedOrg) -> None:
    """`HTTP/1.1 201 Cre` and an end is an answer that was lost."""
    org.answers(b"HTTP/1.1 201 Cre")
    assert isinstance(
        Bench(token_profile(org.url)).gateway.write(create_call())["Opportunity:DEAL-1"], Unanswered
    )


def test_t9_n5_a_reset_after_the_request_is_ambiguous(org: ScriptedOrg) -> None:
    """A create whose connection was reset is unanswered, and was sent once."""
    org.answers(RESET)
    answers = Bench(token_profile(org.url)).gateway.write(create_call())
    assert isinstance(answers["Opportunity:DEAL-1"], Unanswered)
    assert len(org.seen) == 1


def test_t9_n2_a_refused_connection_surely_sent_nothing() -> None:
    """Where nobody listens, a create is tried again and then is surely not done."""
    with scripted_org() as gone:
        url = gone.url
    bench = Bench(token_profile(url))
    with pytest.raises(OrgUnavailable):
        bench.gateway.write(create_call())
    assert bench.gateway.usage.retries == 4
    assert bench.gateway.usage.writes == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_t10_n13_a_redirect_sends_nothing_anywhere(org: ScriptedOrg, status: int) -> None:
    """A redirect of the login or of the API ends there: the other host sees no byte."""
    with scripted_org() as canary:
        org.answers(redirect(f"{canary.url}/services/x", status))
        with pytest.raises(ConfigError):
            Bench(client_profile(org.url)).gateway.identity()
        with pytest.raises(ConfigError):
            Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
        answers = Bench(token_profile(org.url)).gateway.write(create_call())
        assert isinstance(answers["Opportunity:DEAL-1"], Unanswered)
        assert canary.seen == []


def test_t11_n12_netrc_and_proxy_variables_change_nothing(
    org: ScriptedOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A netrc entry and proxy variables of the environment are not read."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    org.answers(records())
    Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert org.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://org.my.salesforce.com", "ftp://127.0.0.1"])
def test_t12_plain_http_needs_a_loopback_profile(url: str) -> None:
    """Plain http is refused by name before anything is sent, never made https in silence."""
    with pytest.raises(ConfigError) as caught:
        Bench(token_profile(url, loopback=False)).gateway.identity()
    assert caught.value.code == "BAD_ORG_URL"


def test_t12_a_loopback_profile_speaks_plain_http_to_loopback_only() -> None:
    """Even with loopback allowed, another host needs https."""
    with pytest.raises(ConfigError):
        Bench(token_profile("http://192.0.2.1")).gateway.identity()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_t13_no_number_that_is_none_is_sent(org: ScriptedOrg, number: str) -> None:
    """NaN and infinity are refused, row by row, before a byte leaves."""
    node = Node("n", "Opportunity:1", "Opportunity", DEAL_ID, {"Amount": Decimal(number)})
    other = Node("o", "Opportunity:2", "Opportunity", DEAL_ID, {"Amount": Decimal(1)})
    call = CollectionCall(((node, other),), Route.BY_ID)
    answers = Bench(token_profile(org.url)).gateway.write(call)
    assert isinstance(answers["Opportunity:1"], Refused)
    assert answers["Opportunity:2"] == Halted()
    assert org.seen == []


def test_t13_decimals_travel_digit_by_digit(org: ScriptedOrg) -> None:
    """An amount leaves and comes back with exactly its digits."""
    org.answers(reply(200, UPDATED), records({"attributes": {"type": "Opportunity"}, "Amount": 0}))
    node = Node("n", "Opportunity:1", "Opportunity", DEAL_ID, {"Amount": Decimal("12345678901234567.10")})
    gateway = Bench(token_profile(org.url)).gateway
    gateway.write(CollectionCall(((node,),), Route.BY_ID))
    assert b'"Amount":12345678901234567.10}' in org.seen[0].body
    org.answers(
        raw_reply(
            200, b'{"totalSize":1,"done":true,"records":[{"Amount":0.10}]}', Content_Type="application/json"
        )
    )
    [[record]] = gateway.fetch([Lookup("Opportunity", ("Amount",))])
    assert str(record["Amount"]) == "0.10"


@pytest.mark.parametrize(
    "answer",
    [
        page(401),
        refusal(403, "API_DISABLED_FOR_ORG", f"{TOKEN} {SECRET}"),
        RESET,
        b"x",
        refusal(400, "MALFORMED_QUERY", "near 'CANARY-key'"),
        redirect("http://127.0.0.1:1/CANARY-x"),
        refusal(503, "SERVER_UNAVAILABLE"),
    ],
)
def test_t16_t17_errors_and_events_tell_no_secret_and_no_value(
    org: ScriptedOrg, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """No error, cause, event, repr or log line of a failure shows a token, a secret or a record's value."""
    caplog.set_level(logging.DEBUG)
    org.answers(answer)
    bench = Bench(token_profile(org.url))
    with pytest.raises(SyncError) as caught:
        bench.gateway.fetch([Lookup("Account", ("Id",), "Name", ("CANARY-key",))])
    shown = [repr(each) for each in bench.events] + [caplog.text]
    error: BaseException | None = caught.value
    while error is not None:
        shown += [repr(error), str(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    assert "CANARY" not in " ".join(shown)


def test_t16_a_refused_login_tells_no_secret(org: ScriptedOrg) -> None:
    """The error of a refused login names the error and a hint, never what was sent or answered."""
    org.answers(reply(400, {"error": "invalid_client", "error_description": f"bad {SECRET}"}))
    with pytest.raises(AccessError) as caught:
        Bench(client_profile(org.url)).gateway.identity()
    assert caught.value.code == "invalid_client"
    assert "client_secret" in caught.value.hint
    assert "CANARY" not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 409])
def test_t16_a_secret_that_a_server_repeats_is_taken_out(org: ScriptedOrg, status: int) -> None:
    """A refusal that repeats our token or client secret reaches the rows' problems without them."""
    refused = refusal(status, "INVALID_FIELD", f"bad: Bearer {TOKEN} and {SECRET}")
    org.respond = lambda seen: reply(200, token_answer(org.url)) if "oauth2" in seen.target else refused
    answer = Bench(client_profile(org.url)).gateway.write(create_call())["Opportunity:DEAL-1"]
    assert isinstance(answer, Refused)
    assert answer.message == "bad: Bearer (secret) and (secret)"
