"""One gateway and several threads: one login, one pool of connections, reads side by side, exact counts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_making import (
    NOW,
    QUICK,
    Bench,
    client_profile,
    create_call,
    graph_answer,
    token_answer,
    token_profile,
)
from pydantic import SecretStr
from scripted_org import ScriptedOrg, Seen, raw_reply, refusal, reply
from test_gateway_on_emulator import ORG_FILE

from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.ports import Lookup
from sfsync.core.writes import Answers, CollectionCall, Node, Refused, Route, Unanswered, Written
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript
from sfsync.emulator.server import EmulatorServer, running
from sfsync.emulator.wire.messages import Request
from sfsync.errors import OrgUnavailable
from sfsync.salesforce.retrying import RetryPolicy
from sfsync.salesforce.usage import Meter

WORKERS = 8


def at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """What the tasks return, each in a thread of its own; an error in place of a result."""
    results: list[Any] = [None] * len(tasks)

    def work(place: int) -> None:
        try:
            results[place] = tasks[place]()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[place] = error

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(tasks))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    return results


def test_S1_eight_writes_that_meet_an_expired_session_share_one_login_and_go_again_as_they_were(
    org: ScriptedOrg,
) -> None:
    """Each is sent twice with the same bytes and headers, but for the token; no write is lost and none doubled."""
    tokens = iter(("first", "second", "third"))
    gate = threading.Barrier(WORKERS)

    def respond(seen: Seen) -> bytes:
        if "oauth2" in seen.target:
            return reply(200, token_answer(org.url, next(tokens)))
        if seen.headers["Authorization"] == "Bearer first":
            gate.wait(10)
            return refusal(401, "INVALID_SESSION_ID")
        return reply(200, graph_answer())

    org.respond = respond
    gateway = Bench(client_profile(org.url)).gateway
    results = at_once(*[lambda: gateway.write(create_call())] * WORKERS)
    assert all(isinstance(each, Written) for answers in results for each in answers.values())
    assert gateway.usage.logins == 2
    sent = [
        (
            each.target,
            each.body,
            tuple(sorted(item for item in each.headers.items() if item[0] != "Authorization")),
        )
        for each in org.api_calls()
    ]
    assert len(sent) == 2 * WORKERS
    assert len(set(sent)) == 1
    counted = Counter(each.headers["Authorization"] for each in org.api_calls())
    assert counted == {"Bearer first": WORKERS, "Bearer second": WORKERS}


def test_reads_that_do_not_depend_on_each_other_go_side_by_side(org: ScriptedOrg) -> None:
    """Four composite calls of five queries meet in the org, and the records come in the order asked."""
    gate = threading.Barrier(4)

    def respond(seen: Seen) -> bytes:
        gate.wait(10)
        answers = [
            {
                "body": {
                    "totalSize": 1,
                    "done": True,
                    "records": [{"Id": each["url"].rpartition("%27")[0][-2:]}],
                },
                "httpHeaders": {},
                "httpStatusCode": 200,
                "referenceId": each["referenceId"],
            }
            for each in seen.json["compositeRequest"]
        ]
        return reply(200, {"compositeResponse": answers})

    org.respond = respond
    gateway = Bench(token_profile(org.url), threads=4).gateway
    lookups = [Lookup("Account", ("Id",), "Name", (f"{number:02d}",)) for number in range(20)]
    found = gateway.fetch(lookups)
    assert [records[0]["Id"] for records in found] == [f"{number:02d}" for number in range(20)]
    assert len(org.seen) == 4


def test_a_read_that_fails_beside_others_fails_them_all(org: ScriptedOrg) -> None:
    """No look-up is answered in part: the first error comes out."""
    org.respond = lambda _: refusal(400, "INVALID_FIELD", "No such column 'X__c' on entity 'Account'.")
    gateway = Bench(token_profile(org.url), threads=4).gateway
    lookups = [Lookup("Account", ("Id",), "Name", (str(number),)) for number in range(20)]
    with pytest.raises(Exception, match="no field X__c on Account"):
        gateway.fetch(lookups)


def test_the_breaker_counts_the_outages_of_all_threads(org: ScriptedOrg) -> None:
    """Five lost answers open it, whichever threads met them; then nothing leaves any more."""
    org.respond = lambda _: refusal(503, "SERVER_UNAVAILABLE")
    one_try = RetryPolicy(max_tries=1, first_wait_s=0.0, max_wait_s=0.0)
    gateway = Bench(token_profile(org.url), one_try).gateway
    results = at_once(*[lambda: gateway.fetch([Lookup("Account", ("Id",))])] * 5)
    assert all(isinstance(each, OrgUnavailable) for each in results)
    with pytest.raises(OrgUnavailable, match="too many times in a row"):
        gateway.write(create_call())
    assert len(org.seen) == 5


def account_call(number: int, rows: int = 3) -> CollectionCall:
    """A call that creates accounts."""
    nodes = tuple(
        Node(
            f"n{row}",
            f"a{number}-{row}",
            "Account",
            None,
            {"Name": f"Pool {number} {row}", "Description": "x" * 2000},
        )
        for row in range(rows)
    )
    return CollectionCall((nodes,), Route.AT_MOST_ONCE)


def test_eight_threads_keep_to_eight_connections_and_count_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighty calls of eight threads go over one pool that is kept alive, and each is counted once."""
    accepted: list[object] = []
    accept = EmulatorServer.get_request

    def counted(server: EmulatorServer) -> tuple[Any, Any]:
        accepted.append(None)
        return accept(server)

    with running(ORG_FILE) as emulator:
        gateway = Bench(
            token_profile(emulator.instance_url, access_token=SecretStr(emulator.access_token))
        ).gateway
        gateway.identity()
        monkeypatch.setattr(EmulatorServer, "get_request", counted)
        before = gateway.usage.writes
        results = at_once(
            *[
                lambda start=start: [gateway.write(account_call(start + each)) for each in range(10)]  # type: ignore[misc]
                for start in range(0, 80, 10)
            ]
        )
        written = [answer for each in results for answers in each for answer in answers.values()]
        assert (len(written), {type(each) for each in written}) == (240, {Written})
        assert gateway.usage.writes - before == 80
        assert len(accepted) < WORKERS
        names = Counter(
            each["Name"] for each in emulator.org.storage.select("Account", '"Name" LIKE ?', "Pool %")
        )
        assert (len(names), set(names.values())) == (240, {1})
        gateway.close()


def test_n5_an_answer_that_one_thread_loses_is_lost_for_it_alone() -> None:
    """The connection that ends takes nothing else along, and the pool goes on."""
    with running(ORG_FILE) as emulator:
        gateway = Bench(
            token_profile(emulator.instance_url, access_token=SecretStr(emulator.access_token))
        ).gateway
        gateway.identity()
        emulator.faults.add(FaultScript(Drop(), AFTER_COMMIT, path="/composite/sobjects", nth=3))
        results = at_once(*[lambda number=number: gateway.write(account_call(number)) for number in range(8)])  # type: ignore[misc]
        kinds = Counter(type(next(iter(each.values()))) for each in results)
        assert kinds == {Written: 7, Unanswered: 1}
        again: Answers = gateway.write(account_call(9))
        assert {type(each) for each in again.values()} == {Written}
        gateway.close()


class Encodings(FaultScript):
    """No fault: notes how the bodies of calls were encoded."""

    def matches(self, request: Request) -> bool:
        """Notes the headers; no call is meant."""
        NOTED.append((request.headers.get("content-encoding"), request.headers.get("accept-encoding")))
        return False


NOTED: list[tuple[str | None, str | None]] = []


@pytest.mark.parametrize(("tls", "encoding"), [(True, "gzip"), (False, None)])
def test_an_org_reads_what_was_compressed_on_its_way(tls: bool, encoding: str | None) -> None:
    """Over TLS a call of rows goes as gzip and the rows are whole; plain http on loopback has nothing to gain."""
    NOTED.clear()
    with running(ORG_FILE, tls=tls) as emulator:
        profile = OrgProfile(
            "emulator",
            Login.TOKEN,
            instance_url=emulator.instance_url,
            access_token=SecretStr(emulator.access_token),
            loopback=True,
            ca_file=Path(emulator.ca_file) if emulator.ca_file else None,
        )
        gateway = Bench(profile, QUICK).gateway
        emulator.faults.add(Encodings(Drop()))
        answers = gateway.write(account_call(1, rows=50))
        assert {type(each) for each in answers.values()} == {Written}
        assert [(encoding, "gzip")] == NOTED
        kept = emulator.org.storage.select("Account", '"Name" LIKE ?', "Pool %")
        assert {each["Description"] for each in kept} == {"x" * 2000}
        gateway.close()


def test_an_answer_that_was_overtaken_does_not_set_the_clock_back() -> None:
    """Two answers may swap on their way; a clock of the org that really goes back goes further."""
    meter = Meter()
    meter.note_date("Tue, 01 Sep 2026 12:00:05 GMT")
    meter.note_date("Tue, 01 Sep 2026 12:00:03 GMT")
    assert meter.server_time == NOW + timedelta(seconds=5)
    meter.note_date("nothing")
    assert meter.server_time == NOW + timedelta(seconds=5)
    meter.note_date("Tue, 01 Sep 2026 11:30:00 GMT")
    assert meter.server_time == NOW - timedelta(minutes=30)


def test_the_slowest_answer_is_known(org: ScriptedOrg) -> None:
    """By it a run decides whether its first calls are full."""
    gateway = Bench(token_profile(org.url)).gateway
    assert gateway.slowest_s == 0.0
    org.answers(reply(200, {"totalSize": 0, "done": True, "records": []}))
    gateway.fetch([Lookup("Account", ("Id",))])
    assert 0.0 < gateway.slowest_s < 10.0


@pytest.mark.parametrize("message", ["half \\ud83d of a pair", "a fraction 1.5 and more"])
def test_the_answer_of_a_write_is_read_whatever_its_messages_hold(org: ScriptedOrg, message: str) -> None:
    """A row that is refused in odd words is refused, not in doubt."""
    call = account_call(1, rows=1)
    error = f'{{"statusCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","message":"{message}","fields":[],"x":1.50}}'
    body = f'[{{"success":false,"errors":[{error}]}}]'.encode()
    org.answers(raw_reply(200, body, Content_Type="application/json;charset=UTF-8"))
    [answer] = Bench(token_profile(org.url)).gateway.write(call).values()
    assert isinstance(answer, Refused)
    assert answer.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
