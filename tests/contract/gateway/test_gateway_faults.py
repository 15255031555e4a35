"""Faults of the network and of the platform, by their ids: what each means for reads, updates and creates."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import ssl
import threading
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gateway_making import (
    DEAL_ID,
    NOW,
    Bench,
    client_profile,
    create_call,
    graph_answer,
    token_answer,
    token_profile,
    update_call,
)
from scripted_org import RESET, ScriptedOrg, Seen, page, raw_reply, records, refusal, reply, scripted_org

from sfsync.core.events import CallRetried, Noticed
from sfsync.core.ports import Lookup
from sfsync.core.writes import CollectionCall, GraphCall, Node, Route, Unanswered, WriteCall, Written
from sfsync.errors import AccessError, ConfigError, Interrupted, LimitReached, OrgUnavailable
from sfsync.salesforce.retrying import RetryPolicy

ACCOUNTS = [Lookup("Account", ("Id",))]
CREATED = "Opportunity:DEAL-1"
UPDATED = [{"id": DEAL_ID, "success": True, "errors": []}]
BUSY = refusal(503, "SERVER_UNAVAILABLE")


def test_s1_threads_that_meet_an_expired_session_share_one_login(org: ScriptedOrg) -> None:
    """Eight workers whose session ends at once make one login, and every request is answered."""
    tokens = iter(("first", "second", "third"))
    gate = threading.Barrier(8)

    def respond(seen: Seen) -> bytes:
        if "oauth2" in seen.target:
            return reply(200, token_answer(org.url, next(tokens)))
        if seen.headers["Authorization"] == "Bearer first":
            gate.wait(5)
            return refusal(401, "INVALID_SESSION_ID")
        return records({"Id": "1"})

    org.respond = respond
    gateway = Bench(client_profile(org.url)).gateway
    results: list[int] = []
    workers = [
        threading.Thread(target=lambda: results.append(len(gateway.fetch(ACCOUNTS)[0]))) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    assert results == [1] * 8
    assert gateway.usage.logins == 2


@pytest.mark.parametrize("call", [create_call(), create_call(Route.AT_MOST_ONCE), update_call()])
def test_s3_the_daily_limit_stops_every_write_at_once(org: ScriptedOrg, call: GraphCall) -> None:
    """A used-up limit is its own error after one request, because nothing was done."""
    org.answers(refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    with pytest.raises(LimitReached):
        Bench(token_profile(org.url)).gateway.write(call)
    assert len(org.seen) == 1


def test_s3_too_many_requests_at_once_are_tried_again(org: ScriptedOrg) -> None:
    """The concurrent limit is a matter of waiting, also for a create that nothing fences."""
    limit = refusal(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
    org.answers(limit, reply(200, graph_answer()))
    answers = Bench(token_profile(org.url)).gateway.write(create_call(Route.AT_MOST_ONCE))
    assert answers[CREATED] == Written(DEAL_ID)


def test_s3_the_limit_header_is_the_orgs_estimate(org: ScriptedOrg) -> None:
    """The usage shows what the org last said of its limit."""
    org.answers(
        reply(200, UPDATED, Sforce_Limit_Info="api-usage=695/15000; per-app-api-usage=17/250(appName=x)")
    )
    gateway = Bench(token_profile(org.url)).gateway
    gateway.write(update_call())
    assert (gateway.usage.limit_used, gateway.usage.limit_max) == (695, 15000)


def test_s5_a_clean_503_is_tried_again_for_a_fenced_create(org: ScriptedOrg) -> None:
    """The platform's own error body makes a fenced create safe to send again."""
    org.answers(BUSY, BUSY, reply(200, graph_answer()))
    bench = Bench(token_profile(org.url))
    assert bench.gateway.write(create_call())[CREATED] == Written(DEAL_ID)
    assert [each.attempt for each in bench.events if isinstance(each, CallRetried)] == [1, 2]
    assert (bench.gateway.usage.writes, bench.gateway.usage.retries) == (3, 2)


@pytest.mark.parametrize(
    ("answer", "route"),
    [
        (BUSY, Route.AT_MOST_ONCE),
        (refusal(500, "UNKNOWN_EXCEPTION"), Route.AT_MOST_ONCE),
        (page(503), Route.KEY_FENCE),
        (page(502), Route.KEY_FENCE),
        (raw_reply(504, b""), Route.KEY_FENCE),
        (raw_reply(429, b""), Route.KEY_FENCE),
        (raw_reply(503, b"not json", Content_Type="application/json"), Route.KEY_FENCE),
        (RESET, Route.AT_MOST_ONCE),
    ],
)
def test_s5_s6_n11_a_create_in_doubt_is_never_sent_again(
    org: ScriptedOrg, answer: bytes, route: Route
) -> None:
    """What may come from something between, or after a commit, leaves a create unanswered."""
    org.answers(answer)
    assert isinstance(Bench(token_profile(org.url)).gateway.write(create_call(route))[CREATED], Unanswered)
    assert len(org.seen) == 1


def test_n14_a_connection_that_the_org_has_closed_is_not_used_again(org: ScriptedOrg) -> None:
    """A server that closes idle connections without a word costs no create its answer."""
    whole = reply(200, graph_answer()).replace(b"Connection: close\r\n", b"")
    org.answers(whole)
    gateway = Bench(token_profile(org.url)).gateway
    for _ in range(3):
        assert gateway.write(create_call())[CREATED] == Written(DEAL_ID)
        assert org.closed.wait(5)
        org.closed.clear()


@pytest.mark.parametrize(
    "answer", [RESET, page(502), BUSY, refusal(500, "UNKNOWN_EXCEPTION"), b"HTTP/1.1 200"]
)
def test_n5_an_update_in_doubt_is_sent_again(org: ScriptedOrg, answer: bytes) -> None:
    """An update by id may be repeated, so one lost answer does not show."""
    org.answers(answer, reply(200, UPDATED))
    assert Bench(token_profile(org.url)).gateway.write(update_call())["Opportunity:0"] == Written(DEAL_ID)


def test_n5_an_update_that_stays_in_doubt_is_unanswered(org: ScriptedOrg) -> None:
    """After all tries an update is unanswered, never reported as not done."""
    org.answers(RESET)
    answers = Bench(token_profile(org.url)).gateway.write(update_call())
    assert isinstance(answers["Opportunity:0"], Unanswered)
    assert len(org.seen) == 5


def test_an_error_after_a_try_in_doubt_does_not_hide_it(org: ScriptedOrg) -> None:
    """A limit that is reached on the second try says nothing about the first: the row is unanswered."""
    org.answers(RESET, refusal(403, "REQUEST_LIMIT_EXCEEDED"))
    answers = Bench(token_profile(org.url)).gateway.write(update_call())
    assert isinstance(answers["Opportunity:0"], Unanswered)


def test_a_login_that_fails_after_a_try_in_doubt_does_not_hide_it(org: ScriptedOrg) -> None:
    """When the session ends after a lost answer and no login is possible, the row is unanswered."""
    logins = iter([reply(200, token_answer(org.url)), reply(400, {"error": "invalid_grant"})])
    calls = iter([RESET, refusal(401, "INVALID_SESSION_ID")])
    org.respond = lambda seen: next(logins if "oauth2" in seen.target else calls)
    answers = Bench(client_profile(org.url)).gateway.write(update_call())
    assert isinstance(answers["Opportunity:0"], Unanswered)


@pytest.mark.parametrize(
    ("header", "waits"),
    [
        ("2", [2.0]),
        (" 300 ", [300.0]),
        (format_datetime(NOW + dt.timedelta(seconds=60), usegmt=True), [60.0]),
        (format_datetime(NOW - dt.timedelta(seconds=60), usegmt=True), [0.0]),
        ("soon", [0.0]),
        ("-5", [0.0]),
        ("1e9", [0.0]),
        ("٣", [0.0]),
    ],
)
def test_s5_retry_after_wins_when_it_makes_sense(org: ScriptedOrg, header: str, waits: list[float]) -> None:
    """Seconds and HTTP dates are waited for; what makes no sense is not."""
    encoded = header.encode("utf-8").decode("latin-1")
    org.answers(refusal(503, "SERVER_UNAVAILABLE", Retry_After=encoded), records())
    bench = Bench(token_profile(org.url))
    bench.gateway.fetch(ACCOUNTS)
    assert bench.stop.waits == waits


@pytest.mark.parametrize("off", [dt.timedelta(days=1), dt.timedelta(days=-1)])
def test_P8_s5_a_date_to_retry_after_is_held_against_the_orgs_clock(
    org: ScriptedOrg, off: dt.timedelta
) -> None:
    """With a clock that is a day off, the wait is still what the org meant."""
    there = NOW + off
    dates = {
        "Retry_After": format_datetime(there + dt.timedelta(seconds=60), usegmt=True),
        "Date": format_datetime(there, usegmt=True),
    }
    org.answers(refusal(503, "SERVER_UNAVAILABLE", **dates), records())
    bench = Bench(token_profile(org.url))
    bench.gateway.fetch(ACCOUNTS)
    assert bench.stop.waits == [60.0]


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "x", "", "Mon"])
def test_P8_a_date_that_is_none_stops_nothing(org: ScriptedOrg, date: str) -> None:
    """Whatever stands in Date and Retry-After, the call goes on."""
    org.answers(refusal(503, "SERVER_UNAVAILABLE", Retry_After=date, Date=date), records({"Id": "1"}))
    assert Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS) == [[{"Id": "1"}]]


IDENTITY = {"Id": "00D000000000001EAA", "Name": "Acme", "IsSandbox": False, "InstanceName": "X"}


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (dt.timedelta(days=1), "24 h 0 min behind"),
        (dt.timedelta(days=-1), "24 h 0 min ahead"),
        (dt.timedelta(seconds=30), ""),
    ],
)
def test_P8_a_wrong_clock_is_named(org: ScriptedOrg, off: dt.timedelta, words: str) -> None:
    """A clock that is a day off is told once, from the Date of the org's answer; the run goes on."""
    document = {"totalSize": 1, "done": True, "records": [IDENTITY]}
    org.answers(reply(200, document, Date=format_datetime(NOW + off, usegmt=True)))
    bench = Bench(token_profile(org.url))
    bench.gateway.identity()
    bench.gateway.identity()
    told = [each.message for each in bench.events if isinstance(each, Noticed)]
    assert [words in each for each in told] == ([True] if words else [])


def test_P8_a_refused_login_names_the_wrong_clock(org: ScriptedOrg) -> None:
    """An assertion that is out of its time is refused, and the hint says by how much the clock is wrong."""
    date = format_datetime(NOW + dt.timedelta(hours=3), usegmt=True)
    org.answers(reply(400, {"error": "invalid_grant", "error_description": "invalid assertion"}, Date=date))
    with pytest.raises(AccessError) as caught:
        Bench(client_profile(org.url)).gateway.identity()
    assert "clock is 3 h 0 min behind" in caught.value.hint


def test_s5_a_retry_after_of_hours_stops(org: ScriptedOrg) -> None:
    """A server that asks for more than five minutes is not waited for."""
    org.answers(refusal(503, "SERVER_UNAVAILABLE", Retry_After="3600"))
    bench = Bench(token_profile(org.url))
    with pytest.raises(OrgUnavailable):
        bench.gateway.fetch(ACCOUNTS)
    assert bench.stop.waits == []


def test_the_breaker_opens_after_five_outages(org: ScriptedOrg) -> None:
    """After five outages in a row nothing more is sent."""
    org.answers(BUSY)
    gateway = Bench(token_profile(org.url)).gateway
    with pytest.raises(OrgUnavailable):
        gateway.fetch(ACCOUNTS)
    with pytest.raises(OrgUnavailable) as caught:
        gateway.write(create_call())
    assert caught.value.code == "BREAKER_OPEN"
    assert len(org.seen) == 5


def test_the_breaker_counts_creates_that_stay_unanswered(org: ScriptedOrg) -> None:
    """Creates are not sent one after the other into an org that loses every answer."""
    org.answers(RESET)
    gateway = Bench(token_profile(org.url)).gateway
    for _ in range(5):
        assert isinstance(gateway.write(create_call())[CREATED], Unanswered)
    with pytest.raises(OrgUnavailable) as caught:
        gateway.write(create_call())
    assert caught.value.code == "BREAKER_OPEN"
    assert len(org.seen) == 5


def test_P2_a_stop_ends_the_wait_and_sends_nothing_more(org: ScriptedOrg) -> None:
    """A signal during a wait ends the call without another try, as interrupted."""
    org.answers(BUSY)
    bench = Bench(token_profile(org.url))
    bench.stop.sets_at_wait = 1
    with pytest.raises(Interrupted):
        bench.gateway.fetch(ACCOUNTS)
    assert len(org.seen) == 1


@pytest.mark.parametrize("call", [create_call(), create_call(Route.AT_MOST_ONCE), update_call()])
def test_P2_after_a_stop_no_call_begins(org: ScriptedOrg, call: WriteCall) -> None:
    """Neither a read nor a write nor a login leaves once a stop was asked for."""
    bench = Bench(client_profile(org.url))
    bench.stop.set()
    with pytest.raises(Interrupted):
        bench.gateway.fetch(ACCOUNTS)
    with pytest.raises(Interrupted):
        bench.gateway.write(call)
    assert org.seen == []


def test_P2_a_stop_ends_the_wait_for_a_login(org: ScriptedOrg) -> None:
    """A login whose answer was lost is not tried again after a stop, and the run counts as interrupted."""
    org.answers(RESET)
    bench = Bench(client_profile(org.url))
    bench.stop.sets_at_wait = 1
    with pytest.raises(Interrupted):
        bench.gateway.fetch(ACCOUNTS)
    assert len(org.seen) == 1


def test_P2_a_write_in_doubt_stays_in_doubt_when_stopped(org: ScriptedOrg) -> None:
    """A stop between two tries of an update whose answer was lost leaves it unanswered."""
    org.answers(RESET)
    bench = Bench(token_profile(org.url))
    bench.stop.sets_at_wait = 1
    assert isinstance(bench.gateway.write(update_call())["Opportunity:0"], Unanswered)


def test_P2_a_stop_during_a_wait_sends_nothing_more(org: ScriptedOrg) -> None:
    """The signal comes while a call waits for its next try: the wait ends, and so does the call."""
    org.answers(refusal(503, "SERVER_UNAVAILABLE"))
    bench = Bench(token_profile(org.url))
    bench.stop.sets_at_wait = 1
    with pytest.raises(Interrupted):
        bench.gateway.fetch(ACCOUNTS)
    assert len(org.seen) == 1


def test_S6_a_call_is_tried_five_times_at_most(org: ScriptedOrg) -> None:
    """An error that is this request's own and no outage does not open the breaker, and ends all the same."""
    org.answers(refusal(500, "UNKNOWN_EXCEPTION"))
    with pytest.raises(OrgUnavailable):
        Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert len(org.seen) == 5


def test_the_retries_of_a_run_are_bounded(org: ScriptedOrg) -> None:
    """When the run's bound on retries is used up, a fault is final."""
    org.answers(refusal(500, "UNKNOWN_EXCEPTION"))
    policy = RetryPolicy(first_wait_s=0.0, max_wait_s=0.0, min_retries_per_run=6)
    gateway = Bench(token_profile(org.url), policy).gateway
    for _ in range(4):
        with pytest.raises(OrgUnavailable):
            gateway.fetch(ACCOUNTS)
    assert gateway.usage.retries == 6
    assert gateway.usage.reads == 4 + 6


@pytest.mark.parametrize("status", [200, 302])
def test_n9_a_page_stops_a_read(org: ScriptedOrg, status: int) -> None:
    """A page instead of records ends the run before it decides anything by it."""
    org.answers(page(status))
    with pytest.raises((OrgUnavailable, ConfigError)):
        Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
    assert len(org.seen) == 1


def test_n3_a_self_signed_certificate_stops_at_once(tmp_path: Path) -> None:
    """A certificate that nobody vouches for is refused before the token is sent, unless ca_file names it."""
    files = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    with scripted_org(context) as org:
        org.answers(records({"Id": "1"}))
        with pytest.raises(ConfigError) as caught:
            Bench(token_profile(org.url)).gateway.fetch(ACCOUNTS)
        assert caught.value.code == "CERTIFICATE"
        assert org.seen == []
        trusting = Bench(token_profile(org.url, ca_file=files[0])).gateway
        assert trusting.fetch(ACCOUNTS) == [[{"Id": "1"}]]


def test_large_bodies_are_compressed_on_the_way_to_a_real_org(tmp_path: Path) -> None:
    """Over TLS a body above a kilobyte goes compressed, and says so."""
    files = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    node = Node("n", "Opportunity:1", "Opportunity", DEAL_ID, {"Description": "x" * 5000})
    with scripted_org(context) as org:
        org.answers(reply(200, UPDATED))
        Bench(token_profile(org.url, ca_file=files[0])).gateway.write(CollectionCall(((node,),), Route.BY_ID))
        assert org.seen[0].headers["Content-Encoding"] == "gzip"
        assert len(org.seen[0].body) < 500
        assert b"xxxx" in gzip.decompress(org.seen[0].body)
        assert "X-PrettyPrint" not in org.seen[0].headers


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


def test_the_org_that_answers_must_be_the_tokens_own(org: ScriptedOrg) -> None:
    """A token of one org at the address of another is refused."""
    org.answers(
        records({"Id": "00D000000000009EAA", "Name": "Other", "IsSandbox": False, "InstanceName": "X"})
    )
    with pytest.raises(AccessError) as caught:
        Bench(token_profile(org.url)).gateway.identity()
    assert caught.value.code == "WRONG_ORG"
